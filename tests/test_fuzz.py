"""A part of ``make fuzz``: nearly right files end with a result or one line, soon, and no photo is lost."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path

import pytest

from tests.fuzz import fuzz


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms here")
@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="no pillow-heif to make HEIC with")
@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")  # as the package has it
@pytest.mark.parametrize(("photos", "files"), [(100, 0), (0, 36)], ids=["photos", "other files"])
def test_nearly_right_files(tmp_path: Path, photos: int, files: int) -> None:
    tally = fuzz(tmp_path, photos, files, seed=7, limit=60)
    assert (tally.photos, tally.files) == (photos, files)
    assert tally.failures == [], "\n".join(tally.failures)
    assert {what.rpartition(" ")[2] for what in tally.ended} == ({"result"} if photos else {"result", "error"})
