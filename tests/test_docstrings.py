"""Examples in docstrings run, and say what happens."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import yolo_koin

PACKAGE = Path(yolo_koin.__file__).parent
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_examples_run(path: Path) -> None:
    module = import_module(".".join(["yolo_koin", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__"))
    done = doctest.testmod(module)
    assert done.attempted > 0
    assert done.failed == 0
