"""The command line as a user meets it: what is printed where, and how mistakes are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PEOPLE, make_koin
from tests.test_architecture import HEAVY
from tests.test_runs import training


def yolo_koin(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    words, env = [sys.executable, "-m", "yolo_koin", *arguments], {**os.environ, **environment}
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False, env=env)


MISTAKES = [
    pytest.param(["audit"], "--data sample", id="no dataset: both ways out are named"),
    pytest.param(["audit", "empty"], "normal_cases/", id="a folder that is no dataset"),
    pytest.param(["audit", "file.txt"], "a file, not a folder", id="a file instead of a folder"),
    pytest.param(["train", "--data", "KoIn", "--size", "z"], "n, s, m, l, x", id="a size that does not exist"),
    pytest.param(["train", "--data", "KoIn", "--weights", "none.pt"], "no such weights file", id="weights that are not there"),
    pytest.param(["train", "--data", "KoIn", "--weights", "KoIn"], "a folder", id="a folder for weights"),
    pytest.param(["train", "--data", "KoIn", "--weights", "file.txt"], "end in .pt", id="weights that are no .pt"),
    pytest.param(["train", "--data", "KoIn", "--weights", "broken.pt"], "not a YOLO checkpoint", id="stock Ultralytics says nothing"),
    pytest.param(["train", "--data", "KoIn", "--weights", "scratch", "--device", "7"], "no such device", id="a GPU that is not there"),
    pytest.param(
        ["train", "--data", "normal_only", "--weights", "scratch", "--train-on", "hard"], "hard_cases/train", id="a missing split"
    ),
    pytest.param(["train", "--data", "one", "--weights", "scratch"], "fewer than two classes", id="one class only"),
    pytest.param(["train", "--resume"], "no interrupted", id="nothing to resume"),
    pytest.param(["train", "--resume", "--epochs", "9"], "--epochs", id="an option that resuming would pass over"),
    pytest.param(["train", "--data", "KoIn", "--weights", "scratch", "--device", "0,1"], "one device", id="several devices"),
    pytest.param(["benchmark", "--data", "KoIn", "--weights", "scratch", "--name", "../x"], "one folder name", id="a path for a name"),
    pytest.param(["convert", "classify", "--data", "KoIn", "--out", "KoIn/x"], "another --out", id="writing into the dataset"),
    pytest.param(["convert", "classify", "--data", "KoIn", "--out", "other"], "something else", id="a folder that is somebody's"),
    pytest.param(["evaluate"], "yolo_koin train", id="no training run"),
    pytest.param(["predict", "hard_cases/test"], "yolo_koin train", id="no weights to predict with"),
    pytest.param(["report", "nothing"], "no such scored run", id="no such run"),
    pytest.param(["benchmark", "--data", "KoIn", "--seeds", "a"], "--seeds a", id="a seed that is no number"),
    pytest.param(["hardcases", "nowhere", "out"], "nowhere", id="no such source"),
    pytest.param(["train", "--epoch", "3"], "--epoch. Did you mean --epochs?", id="an option with a typing mistake"),
    pytest.param(["train", "-epochs", "3"], "-epochs. Did you mean --epochs?", id="one dash"),
    pytest.param(["train", "--train_on", "hard"], "Did you mean --train-on?", id="an option spelt as in Python"),
    pytest.param(["train", "--zzz"], "no such option: --zzz. See yolo_koin train --help.", id="an option like no other"),
    pytest.param(["--size", "n", "train"], "Options go behind a command", id="an option before the command"),
    pytest.param(["trian"], "no such command: trian. Did you mean train?", id="a command with a typing mistake"),
    pytest.param(["frobnicate"], "Choose from sample, split", id="a command like no other"),
    pytest.param(["convert", "klassify"], "Did you mean classify?", id="a command below another"),
    pytest.param(["train", "--size"], "a value is missing: --size. See yolo_koin train --help.", id="no value"),
    pytest.param(["predict", "x", "--faces=2"], "takes no value: --faces", id="a value of a switch"),
    pytest.param(["predict"], "predict needs SOURCE", id="no source"),
    pytest.param(["hardcases", "a", "b", "c"], "more words than this command takes: c", id="a word too many"),
    pytest.param(["evaluate", "data=sample"], "Say --data sample", id="the spelling of stock Ultralytics"),
    pytest.param(["train"], "data/KoIn. Put KoIn there or name its folder with --data; --data sample", id="no KoIn: both ways out"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    make_koin(folder / "KoIn", PEOPLE[:2])
    for name, people in (("normal_only", PEOPLE[:2]), ("one", PEOPLE[:1])):
        make_koin(folder / name, people)
    (folder / "normal_only/hard_cases").rename(folder / "normal_only/unused")
    (folder / "empty").mkdir()
    (folder / "other").mkdir()
    (folder / "other/notes.txt").write_text("mine")
    (folder / "file.txt").write_text("text")
    (folder / "broken.pt").write_bytes(b"text")
    return folder


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_line_with_the_remedy(desk: Path, arguments: list[str], words: str) -> None:
    done = yolo_koin(*arguments, cwd=desk)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("yolo_koin: ")
    assert words in line
    assert (desk / "other/notes.txt").read_text() == "mine"


def test_audit_tells_counts_and_faults(tmp_path: Path) -> None:
    root = make_koin(tmp_path / "KoIn")
    (root / "normal_cases/train/nobody").mkdir()
    (root / "normal_cases/train" / PEOPLE[0] / "notes.txt").write_text("x")
    (root / "normal_cases/train" / PEOPLE[0] / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    done = yolo_koin("audit", "KoIn", cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["split", "classes", "photos"]
    assert any(line.split()[:4] == ["normal_cases/train", "4", "21", "5"] for line in lines)
    assert any("cut.jpg" in line for line in lines)
    assert "normal_cases/train/nobody: an empty class" in lines


def test_a_typing_mistake_in_exclude_is_told(tmp_path: Path) -> None:
    """Somebody who asked to be taken out would otherwise stay in unnoticed."""
    root = make_koin(tmp_path / "KoIn", PEOPLE[:2])
    (root / "exclude.txt").write_text(f"{PEOPLE[1]}\n이서영\n", encoding="utf-8")
    lines = yolo_koin("audit", "KoIn", cwd=tmp_path).stdout.splitlines()
    assert "exclude.txt took 14 photos out" in lines
    assert "exclude.txt: '이서영' is no image id, label or sha256 of this dataset, so nothing is left out for it" in lines


def test_json_is_the_whole_of_stdout(tmp_path: Path) -> None:
    make_koin(tmp_path / "data/KoIn")
    done = yolo_koin("convert", "classify", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert result["root"] == "data/koin-cls"
    assert result["counts"]["test"] == 8
    assert yolo_koin("audit", "--json", cwd=tmp_path).stdout.startswith("{")


def test_the_version_of_python_m_and_of_the_script_are_one() -> None:
    script = Path(sys.executable).parent / "yolo_koin"
    by_script = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    by_module = subprocess.run([sys.executable, "-m", "yolo_koin", "--help"], capture_output=True, text=True, check=True).stdout
    assert by_script == by_module


# --------------------------------------------------------------------------------------------------- before torch is loaded
AT_ONCE = [
    *(["train", "--data", "nowhere"], ["train", "--data", "KoIn", "--weights", "none.pt"], ["train", "--resume"], ["benchmark"]),
    *(["evaluate"], ["evaluate", "--weights", "file.pt"], ["evaluate", "--weights", "file.pt", "--data", "nowhere"]),
    *(["predict", "hard_cases/test"], ["predict", "x", "--weights", "none.pt"], ["demo"], ["report", "nothing"], ["audit", "nowhere"]),
    *(["convert", "classify", "--data", "nowhere"], ["convert", "detect", "--data", "nowhere"], ["runs"]),
]


@pytest.mark.parametrize("arguments", AT_ONCE, ids=" ".join)
def test_what_is_not_there_is_told_before_anything_heavy_is_imported(desk: Path, arguments: list[str]) -> None:
    (desk / "file.pt").touch()
    code = f"import sys; sys.argv = ['yolo_koin', *{arguments!r}]\nfrom yolo_koin.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
    assert done.stderr.startswith("yolo_koin: ") or arguments == ["runs"]


def test_a_source_that_is_not_there_is_told_before_torch_is_imported(desk: Path) -> None:
    (desk / "file.pt").touch()
    code = "import sys; sys.argv = ['yolo_koin', 'predict', 'nowhere.jpg', '--weights', 'file.pt']\n"
    code += "from yolo_koin.cli import main\ntry: main()\nexcept SystemExit: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert "nowhere.jpg" in done.stderr


# ------------------------------------------------------------------------------------------------------------------ output
@pytest.fixture
def names_of_the_world(tmp_path: Path) -> Path:
    root = make_koin(tmp_path / "KoIn", ("아이유", "ルフィ", "Zoë"))
    (root / "classes.csv").write_text("folder,name\n아이유,IU 😀\n", encoding="utf-8")
    (root / "normal_cases/train/아이유/x.jpg").write_bytes(b"no photo")
    return tmp_path


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "cp1252", "latin-1", "utf-8"])
def test_text_survives_any_encoding_of_the_console(names_of_the_world: Path, encoding: str) -> None:
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    words = [sys.executable, "-m", "yolo_koin", "audit", "KoIn"]
    done = subprocess.run(words, cwd=names_of_the_world, capture_output=True, check=True, env=env)
    assert "normal_cases/train/아이유/x.jpg".encode(encoding, "backslashreplace") in done.stdout
    assert b"Error" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp949"])
def test_json_is_utf8_whatever_the_console_is(names_of_the_world: Path, encoding: str) -> None:
    done = yolo_koin("audit", "KoIn", "--json", cwd=names_of_the_world, PYTHONIOENCODING=encoding)
    assert "아이유" in done.stdout
    json.loads(done.stdout)


FULL = Path("/dev/full")
PRINTING = [["--help"], ["train", "--help"], ["--version"], ["runs"], ["audit", "KoIn", "--json"]]


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_full_disk_is_one_line(desk: Path, arguments: list[str], unbuffered: str) -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with FULL.open("w") as full:
        words = [sys.executable, "-m", "yolo_koin", *arguments]
        done = subprocess.run(words, cwd=desk, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=env)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("yolo_koin: cannot print the result (No space left on device)")


@pytest.mark.skipif(os.name == "nt", reason="pipes of a Unix")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_pipe_that_nobody_reads_is_silence(desk: Path, arguments: list[str], unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    words = [sys.executable, "-m", "yolo_koin", *arguments]
    done = subprocess.run(words, cwd=desk, stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=env)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(os.name == "nt", reason="a shell")
@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
def test_closed_streams_are_silence(desk: Path, closed: str, code: int) -> None:
    done = subprocess.run(f"{sys.executable} -m yolo_koin runs {closed}", shell=True, cwd=desk, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


def test_a_defect_is_a_plain_traceback(desk: Path) -> None:
    code = "import sys; from yolo_koin import showing, cli\nsys.argv = ['yolo_koin', 'runs']\n"
    code += "from yolo_koin.verbs import runs\nruns.list_runs = lambda *_: 1 / 0\ncli.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "│" not in done.stderr


# -------------------------------------------------------------------------------------------------------------- completion
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("yolo_koin tr", ["train"]),
        ("yolo_koin convert d", ["detect"]),
        ("yolo_koin train --ep", ["--epochs"]),
        ("yolo_koin train --size ", ["n", "s", "m", "l", "x"]),
    ],
)
def test_completion_knows_commands_options_and_choices(tmp_path: Path, words: str, expected: list[str]) -> None:
    at = len(words.split()) - (not words.endswith(" "))
    asked = {"_YOLO_KOIN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    done = yolo_koin(cwd=tmp_path, **asked)
    assert done.stdout.split() == expected


def test_completion_is_installed_for_the_shell(tmp_path: Path) -> None:
    done = yolo_koin("--install-completion", "bash", cwd=tmp_path, HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0
    assert "_YOLO_KOIN_COMPLETE" in (tmp_path / ".bash_completions/yolo_koin.sh").read_text()


def test_runs_are_a_table(tmp_path: Path) -> None:
    training(tmp_path, "mine").written(status="finished", val=0.5, metric="top1")
    training(tmp_path, "other").written(status="interrupted")
    head, *rows = yolo_koin("runs", cwd=tmp_path).stdout.splitlines()
    assert head.split() == ["kind", "name", "status", "figure", "updated", "(UTC)"]
    assert [row.split()[:3] for row in rows] == [["train", "mine", "finished"], ["train", "other", "interrupted"]]
    assert "val top-1 50.0 %" in rows[0]
    (tmp_path / "elsewhere").mkdir()
    assert yolo_koin("runs", cwd=tmp_path / "elsewhere").stdout.splitlines() == ["no run yet; yolo_koin train begins one"]
    assert yolo_koin("runs", "--kind", "trian", cwd=tmp_path).stderr.startswith("yolo_koin: no such choice: --kind trian.")
