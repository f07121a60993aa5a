"""What of copies is a leak, a wrong label, or of no concern; what is proposed to be left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import att
from tests.dataset.conftest import put, several
from yolo_koin.dataset.findings import KINDS, Finding, in_order, of_classes, of_copies, read_leaks, write, write_exclude
from yolo_koin.dataset.koin import scan
from yolo_koin.dataset.looks import look_at_all
from yolo_koin.errors import DatasetError

TRAIN, TEST, HARD, GROUP = "normal_cases/train", "normal_cases/test", "hard_cases/test", "group_cases/test"


def copies(root: Path) -> list[tuple[str, str, str]]:
    """Kind and photos of what is found."""
    dataset = scan(root)
    return [(one.kind, one.image, one.other) for one in in_order(of_copies(dataset, look_at_all(dataset.samples)))]


def twins(root: Path, one: str, other: str, exact: bool = False) -> tuple[str, str]:
    """The same photograph at two places, in the second half as large."""
    for image in (one, other):
        (root / image).parent.mkdir(parents=True, exist_ok=True)
    photo = att(5, 1).convert("RGB").resize((368, 448))
    photo.save(root / one)
    (photo if exact else photo.resize((184, 224))).save(root / other)
    return one, other


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (f"{TEST}/a/x.png", f"{TRAIN}/a/y.png", "leak"),
        (f"{HARD}/a/x.png", f"{TRAIN}/a/y.png", "leak"),
        (f"{TRAIN}/a/x.png", f"{TRAIN}/a/y.png", "copy"),
        (f"{HARD}/a/x.png", f"{TEST}/a/y.png", "copy"),
        (f"{TRAIN}/a/x.png", f"{TRAIN}/b/y.png", "label-conflict"),
        (f"{TEST}/a/x.png", f"{TRAIN}/b/y.png", "label-conflict"),
        (f"{GROUP}/a/x.png", f"{GROUP}/b/y.png", ""),
        (f"{GROUP}/a/x.png", f"{TEST}/b/y.png", ""),
        (f"{GROUP}/a/x.png", f"{TRAIN}/b/y.png", "leak"),
    ],
)
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "near"])
def test_where_two_copies_stand_says_what_they_are(root: Path, one: str, other: str, kind: str, exact: bool) -> None:
    put(root, *several(TRAIN, "ab", 2), *several(TEST, "ab", 1))
    twins(root, one, other, exact)
    kind = f"{'exact' if exact else 'near'}-copy" if kind == "copy" else kind
    first, second = sorted((one, other)) if kind not in {"leak"} else (one, other)
    assert copies(root) == ([(kind, first, second)] if kind else [])


def test_photos_that_groups_csv_puts_together_are_reported_across_the_line_only(root: Path) -> None:
    put(root, *several(TRAIN, "ab", 2), *several(TEST, "ab", 1))
    one, other = twins(root, f"{TRAIN}/a/x.png", f"{TRAIN}/a/y.png")
    (root / "groups.csv").write_text(f"image,group\n{one},shoot\n{other},shoot\n")
    assert copies(root) == []
    twins(root, one, f"{TEST}/a/z.png")
    (root / "groups.csv").write_text(f"image,group\n{one},shoot\n{TEST}/a/z.png,shoot\n{other},shoot\n")
    assert [kind for kind, *_ in copies(root)] == ["leak", "leak"]


def test_a_dataset_of_one_photo_is_told_in_few_rows(root: Path) -> None:
    for split, count in ((TRAIN, 30), (TEST, 10)):
        for label in "abc":
            (root / split / label).mkdir(parents=True)
            for i in range(count):
                att(1, 1).save(root / split / label / f"{i}.png")
    found = copies(root)
    assert {kind for kind, *_ in found} == {"leak", "label-conflict", "exact-copy"}
    assert len(found) <= 3 * 120
    assert {image for kind, image, _ in found if kind == "leak"} == {f"{TEST}/{label}/{i}.png" for label in "abc" for i in range(10)}


def test_people_and_folders_that_cannot_be_learnt(root: Path) -> None:
    put(root, *several(TRAIN, "a", 2), *several(TEST, "a", 1), f"{TEST}/c/1.png")
    (root / TRAIN / "b").mkdir()
    found = {(one.kind, one.image) for one in of_classes(scan(root))}
    assert found == {("untrained-class", "c"), ("empty-class", f"{TRAIN}/b"), ("lacking-class", TRAIN)}
    for path in (root / TEST / "c").iterdir():
        path.unlink()
    assert ("one-class", "a") in {(one.kind, one.image) for one in of_classes(scan(root))}


def test_a_proposal_names_training_photos_of_leaks_and_scan_takes_it(root: Path, tmp_path: Path) -> None:
    put(root, *several(TRAIN, "ab", 2), *several(TEST, "ab", 1))
    twins(root, f"{TEST}/a/x.png", f"{TRAIN}/a/y.png")
    dataset = scan(root)
    findings = in_order(of_copies(dataset, look_at_all(dataset.samples)))
    assert write_exclude(tmp_path / "proposal.txt", findings) == 1
    (tmp_path / "proposal.txt").replace(root / "exclude.txt")
    assert scan(root).excluded == (f"{TRAIN}/a/y.png",)
    assert scan(root).notes == ()
    assert copies(root) == []


def test_leaks_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "findings.csv"
    write(path, [Finding("leak", "가, 나.jpg", "b.jpg", 0.98, "mirrored"), Finding("tiny", "c.jpg")])
    assert read_leaks(path) == {"가, 나.jpg"}
    write(path, [])
    assert read_leaks(path) == frozenset()
    with pytest.raises(DatasetError):
        read_leaks(tmp_path / "none.csv")


def test_every_kind_that_is_found_is_explained() -> None:
    assert all(meaning.endswith((".", "?")) for meaning in KINDS.values())
