"""The whole audit of a dataset with planted copies, wrong labels and damaged files; what it writes, and what it never touches."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from benchmarks.planted_copies import Planted, audited, plant, recall
from tests.conftest import att
from tests.dataset.conftest import put, several, tree
from yolo_koin import audit
from yolo_koin.cli import main
from yolo_koin.dataset.findings import Finding
from yolo_koin.errors import RunError, UsageError
from yolo_koin.runs import AuditRun
from yolo_koin.verbs.audit import AuditResult

EACH = {"exact": 6, "recompressed": 8, "mirrored": 5, "cut": 5, "swapped": 5, "unreadable": 4}  # benchmarks/planted_copies.py has all
PEOPLE = 10


@dataclass(frozen=True)
class Home:
    folder: Path
    root: Path
    planted: list[Planted]
    result: AuditResult
    findings: list[Finding]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """People whom no threshold was chosen on: their test photographs are in both splits."""
    folder = tmp_path_factory.mktemp("home")
    root = folder / "KoIn"
    for person in range(1, PEOPLE + 1):
        for photo in range(1, 11):
            path = root / f"normal_cases/{'train' if photo < 6 else 'test'}/s{person}/{photo}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            att(person, photo).save(path)
    planted = plant(root, EACH, seed=1)
    before = tree(root)
    result = audit(data=str(root), workspace=folder, write_exclude=folder / "proposal.txt")
    assert tree(root) == before, "photos are only read"
    return Home(folder, root, planted, result, audited(root, folder))


def test_planted_copies_labels_and_damage_are_found(home: Home) -> None:
    told = recall(home.root, home.planted, home.findings)
    share = {kind: found / n for kind, (found, n) in told.found.items()}
    assert min(share[kind] for kind in ("exact", "recompressed", "unreadable", "swapped")) >= 0.95
    assert (told.found["mirrored"][0] + told.found["cut"][0]) / (EACH["mirrored"] + EACH["cut"]) >= 0.7
    assert len(told.false) < 0.01 * told.untouched


def test_the_run_tells_what_was_found(home: Home) -> None:
    run = AuditRun.read(home.result.run)
    assert run is not None
    assert (run.status, run.findings) == ("finished", home.result.findings)
    assert sum(home.result.findings.values()) == len(home.findings)
    assert home.result.wrong == sum(home.result.findings[kind] for kind in ("leak", "label-conflict", "unreadable"))
    assert set(home.result.two_labels) == {(one.image, one.other) for one in home.findings if one.kind == "label-conflict"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def test_the_page_shows_pairs_and_loads_nothing(home: Home) -> None:
    page = Page((home.result.run / "index.html").read_text(encoding="utf-8"))
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    pairs = [one for one in home.findings if one.other]
    assert len(sources) >= 2 * len(pairs) > 0
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if re.match("https?:", attributes.get("href") or "#")]
    assert {image for one in pairs for image in (one.image, one.other)} <= {attributes.get("title") for _, attributes in page.tags}


def test_a_name_of_a_file_is_never_markup(tmp_path: Path) -> None:
    root = put(tmp_path / "KoIn", *several("normal_cases/train", "ab", 1), *several("normal_cases/test", "ab", 1))
    name = "<img src=x onerror=alert(1)>.png"
    (root / f"normal_cases/test/a/{name}").write_text("no photo")
    result = audit(data=str(root), workspace=tmp_path)
    page = Page((result.run / "index.html").read_text(encoding="utf-8"))
    assert f"normal_cases/test/a/{name}" in [attributes.get("title") for _, attributes in page.tags]
    assert name in page.words
    assert "onerror" not in {key for _, attributes in page.tags for key in attributes}


def test_a_proposal_leaves_nothing_wrong_and_replaces_only_its_like(home: Home, tmp_path: Path) -> None:
    assert "# leak: " in (home.folder / "proposal.txt").read_text(encoding="utf-8")
    for bad in (home.root / "exclude.txt", home.root / "new.txt", home.folder / "mine.txt"):
        (home.folder / "mine.txt").write_text("mine")
        with pytest.raises(UsageError, match="write_exclude"):
            audit(data=str(home.root), workspace=home.folder, write_exclude=bad)
    assert not (home.root / "exclude.txt").exists()
    (home.root / "exclude.txt").write_bytes((home.folder / "proposal.txt").read_bytes())
    try:
        left = audit(data=str(home.root), workspace=home.folder, write_exclude=home.folder / "proposal.txt", name="left")
    finally:
        (home.root / "exclude.txt").unlink()
    assert {kind for kind in left.findings if kind in {"leak", "label-conflict", "unreadable"}} == set()


def test_the_same_audit_once_more_replaces_the_last_one_when_it_is_whole(tmp_path: Path) -> None:
    """Other files in the folder stay; one with other options, and one with a name, is a run of its own."""
    root = put(tmp_path / "KoIn", *several("normal_cases/train", "ab", 2), *several("normal_cases/test", "ab", 1))
    about: dict[str, Any] = {"data": str(root), "workspace": tmp_path, "write_exclude": tmp_path / "out/proposal.txt"}
    first = audit(**about)
    (first.run / "exclude.txt").write_text("mine")
    (tmp_path / "out/proposal.txt").unlink()
    (tmp_path / "out").rmdir()
    (tmp_path / "out").touch()  # so that the next audit fails when it has looked through all
    before = AuditRun.read(first.run)
    assert before is not None
    with pytest.raises(RunError, match="cannot write"):
        audit(**about)
    assert AuditRun.read(first.run) == before
    (tmp_path / "out").unlink()
    put(root, "normal_cases/test/a/9.png")
    (root / "normal_cases/test/a/broken.png").write_text("no photo")
    again, after = audit(**about), AuditRun.read(first.run)
    assert after is not None
    assert (again.run, after.status, after.findings["unreadable"]) == (first.run, "finished", 1)
    assert {path.name for path in first.run.iterdir()} == {"exclude.txt", "findings.csv", "index.html", "manifest.json"}
    assert audit(**about, strict=True).run != first.run
    audit(**about, name="mine")
    with pytest.raises(RunError, match="exists already"):
        audit(**about, name="mine")


def test_strict_is_for_machines(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clean = put(tmp_path / "clean", *several("normal_cases/train", "ab", 2), *several("normal_cases/test", "ab", 1))
    for root, options, code in ((home.root, ["--strict", "--json"], 1), (home.root, [], 0), (clean, ["--strict"], 0)):
        monkeypatch.setattr(sys, "argv", ["yolo_koin", "audit", str(root), "--workspace", str(home.folder), *options])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == code
        printed = capsys.readouterr().out
        if "--json" in options:
            assert json.loads(printed)["findings"] == home.result.findings


def test_faces_that_were_found_before_are_looked_up(tmp_path: Path) -> None:
    root = put(tmp_path / "KoIn", *several("normal_cases/train", "ab", 1), *several("normal_cases/test", "b", 1))
    att(1, 1).save(root / "normal_cases/train/a/face.png")
    assert "no-face" not in audit(data=str(root), workspace=tmp_path).findings, "nobody has looked"
    looked = audit(data=str(root), workspace=tmp_path, faces=True)
    assert looked.findings["no-face"] == 3
    assert audit(data=str(root), workspace=tmp_path).findings == looked.findings
