from __future__ import annotations

import numpy as np
import pytest

from yolo_koin.evaluation import published
from yolo_koin.splits import GROUP, HARD, NORMAL


@pytest.mark.parametrize(("split", "half"), [(HARD, 0.036), (GROUP, 0.045)])
def test_published_shares_are_of_the_inferred_numbers_of_photos(split: object, half: float) -> None:
    """Each percentage is a whole number of photos, to its two digits; a mistyped one is most likely not."""
    table = published.table()
    rows = table[table["split"] == str(split)]
    photos = rows["value"] * rows["n"]
    assert len(rows) == 15
    assert (np.abs(photos - photos.round()) < 0.0001 * rows["n"] + 1e-9).all()
    cnns = rows[(rows["metric"] == "top1") & rows["run"].str.contains("fine-tuned")]
    assert ((cnns["high"] - cnns["low"]) / 2).tolist() == pytest.approx([half] * 3, abs=0.002)


def test_those_of_clip_on_normal_photos_are_of_5000() -> None:
    table = published.table()
    rows = table[(table["split"] == str(NORMAL)) & table["run"].str.startswith("CLIP")]
    assert (len(rows), set(rows["n"])) == (15, {5000})
    assert (rows["value"] * 5000).tolist() == pytest.approx((rows["value"] * 5000).round().tolist(), abs=1e-6)


def test_every_row_has_its_interval() -> None:
    table = published.table()
    assert not table.duplicated(["run", "split", "metric"]).any()
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()
