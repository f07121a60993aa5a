"""Synthetic hard cases: what changes, by how much, and where."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from yolo_koin.errors import DatasetError, KoinError, UsageError
from yolo_koin.geometry import Box
from yolo_koin.parallel import Step
from yolo_koin.specs import HardcasesSpec
from yolo_koin.synthetic.att import USUAL, find_photographs
from yolo_koin.synthetic.hardcases import KINDS, apply
from yolo_koin.synthetic.placement import CANONICAL, place
from yolo_koin.verbs.hardcases import hardcases

LANDMARKS, BOX = USUAL
PEOPLE = (8, 22, 33)


def photo(person: int = 8) -> NDArray[np.uint8]:
    with Image.open(find_photographs() / f"s{person}" / "1.pgm") as image:
        return np.asarray(image.convert("RGB"))


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box) -> float:
    """Share of the face's box that changed by more than grain does."""
    x, y, width, height = (int(side) for side in box)
    difference = np.abs(before.astype(int) - after).max(axis=2)[y : y + height, x : x + width]
    return float((difference > 14).mean())


def strength(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Mean colourfulness: how far red, green and blue are apart."""
    return float(np.ptp(after.astype(int), axis=2).mean() - np.ptp(before.astype(int), axis=2).mean())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "light"])
def test_covered_share_grows_with_severity(kind: str, seed: int) -> None:
    shares = []
    for severity in range(1, 6):
        each = [
            changed(photo(person), apply(photo(person), LANDMARKS, BOX, kind, severity, np.random.default_rng(seed)), BOX)
            for person in PEOPLE
        ]
        shares.append(float(np.mean(each)))
    assert (np.diff(shares) > 0).all(), shares
    assert shares[-1] > shares[0] + 0.1
    assert shares[-1] < 0.8, "a face of which nothing is seen is no hard case"


def test_light_grows_stronger_with_severity() -> None:
    for seed in range(4):
        values = [strength(photo(), apply(photo(), LANDMARKS, BOX, "light", s, np.random.default_rng(seed))) for s in range(1, 6)]
        assert (np.diff(values) > 0).all(), values


@pytest.mark.parametrize(
    ("kind", "row", "rest"),
    [("mask", 80, 40), ("sunglasses", 49, 90), ("hat", 10, 90)],
    ids=["covers the mouth, not the brows", "covers the eyes, not the chin", "covers the hair, not the mouth"],
)
def test_it_sits_where_it_belongs(kind: str, row: int, rest: int) -> None:
    before = photo(13)  # no hair on the forehead, no beard
    after = apply(before, LANDMARKS, BOX, kind, 3, np.random.default_rng(1))
    difference = np.abs(before.astype(int) - after).max(axis=2)[:, 24:70]
    assert difference[row - 2 : row + 3].mean() > 20
    assert difference[rest - 2 : rest + 3].mean() < 6


@pytest.mark.parametrize("kind", KINDS)
def test_pure_and_deterministic(kind: str) -> None:
    before = photo()
    kept = before.copy()
    first, again = (apply(before, LANDMARKS, BOX, kind, 3, np.random.default_rng(5)) for _ in range(2))
    other = apply(before, LANDMARKS, BOX, kind, 3, np.random.default_rng(6))
    assert np.array_equal(before, kept)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == before.shape
    assert first.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
def test_a_grey_photo_stays_grey_unless_the_light_is_coloured(kind: str) -> None:
    after = apply(photo(), LANDMARKS, BOX, kind, 4, np.random.default_rng(0))
    assert (np.ptp(after.astype(int), axis=2).max() > 20) == (kind == "light")


def test_a_colour_photo_gets_a_coloured_mask() -> None:
    warm = np.clip(photo() * np.array([1.0, 0.8, 0.65]), 0, 255).astype(np.uint8)
    after = apply(warm, LANDMARKS, BOX, "mask", 3, np.random.default_rng(0))
    patch = after[78:84, 40:52].reshape(-1, 3).mean(axis=0)
    assert patch[2] > patch[0], "surgical cloth is bluish, greenish or white, never of the skin's colour"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.15, 6.0], ids=["a face of 10 px", "a face of 400 px"])
def test_any_size_of_face(kind: str, scale: float) -> None:
    pixels = np.asarray(cv2.resize(photo(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    x, y, width, height = (side * scale for side in BOX)
    after = apply(pixels, LANDMARKS * scale, (x, y, width, height), kind, 5, np.random.default_rng(0))
    assert after.shape == pixels.shape
    assert not np.array_equal(after, pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [(-60.0, -70.0), (500.0, 500.0)], ids=["half outside of the photo", "wholly outside"])
def test_faces_that_leave_the_photo_break_nothing(kind: str, shift: tuple[float, float]) -> None:
    box = (BOX[0] + shift[0], BOX[1] + shift[1], BOX[2], BOX[3])
    assert apply(photo(), LANDMARKS + shift, box, kind, 3, np.random.default_rng(0)).shape == (112, 92, 3)


def test_placement_recovers_a_known_transform() -> None:
    turn, origin = 40 * np.exp(0.3j), 200 + 150j
    eyes_and_mouth = origin + turn * CANONICAL
    points = np.insert(eyes_and_mouth, 2, origin + turn * (0.1 + 0.56j))
    placement = place(np.stack([points.real, points.imag], axis=1), (150.0, 100.0, 90.0, 110.0))
    assert placement.turn == pytest.approx(turn)
    assert placement.origin == pytest.approx(origin)
    assert placement.nose == pytest.approx(0.1)


@pytest.mark.parametrize(("kind", "severity"), [("beard", 3), ("mask", 0), ("mask", 6)])
def test_unknown_kind_or_severity(kind: str, severity: int) -> None:
    with pytest.raises(UsageError, match="Choose"):
        apply(photo(), LANDMARKS, BOX, kind, severity, np.random.default_rng(0))


# ------------------------------------------------------------------------------------------------------------ the verb
@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos in folders, one of them in Hangul; a photo without a face; a broken one; a file that is none."""
    root = tmp_path_factory.mktemp("photos")
    for name, person in (("a/1.jpg", 5), ("a/deep/2.PNG", 8), ("김연아/3.png", 22)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(person)).save(root / name)
    Image.new("RGB", (100, 100), "grey").save(root / "a/wall.jpg")
    (root / "a/broken.jpg").write_bytes(b"\xff\xd8 nothing")
    (root / "a/notes.txt").write_text("no photo")
    return root


def test_folder_of_photos(source: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    steps: list[Step] = []
    out = tmp_path / "out"
    result = hardcases(HardcasesSpec(source=source, destination=out, kinds=("mask", "hat"), severity=4, seed=3), steps.append)
    assert result.written == 6
    assert result.no_face == ["a/wall.jpg"]
    assert [photo for photo, _ in result.unreadable] == ["a/broken.jpg"]
    assert steps == [Step("drawing", i, 5) for i in range(1, 6)]
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.jpg")}
    assert {"a/1_mask.jpg", "a/deep/2_hat.jpg", "김연아/3_mask.jpg"} <= written
    table = pd.read_csv(result.table)
    assert set(table["image"]) == written
    assert table["source"].nunique() == 3
    assert set(table["severity"]) == {4}
    assert [len(cell.split()) for cell in table["landmarks"]] == [10] * 6
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before


def test_neither_workers_nor_neighbours_change_a_photo(source: Path, tmp_path: Path) -> None:
    hardcases(HardcasesSpec(source=source, destination=tmp_path / "one", kinds=("hand",), workers=1))
    hardcases(HardcasesSpec(source=source, destination=tmp_path / "four", kinds=("light", "hand"), workers=4))
    shutil.copytree(source / "김연아", tmp_path / "alone" / "김연아")
    hardcases(HardcasesSpec(source=tmp_path / "alone", destination=tmp_path / "few", kinds=("hand",)))
    for other in ("four", "few"):
        assert (tmp_path / other / "김연아/3_hand.jpg").read_bytes() == (tmp_path / "one" / "김연아/3_hand.jpg").read_bytes()


def test_a_second_call_renews_its_own_files_and_keeps_the_table_of_the_first(source: Path, tmp_path: Path) -> None:
    hardcases(HardcasesSpec(source=source, destination=tmp_path / "out", kinds=("mask",)))
    again = hardcases(HardcasesSpec(source=source, destination=tmp_path / "out", kinds=("mask", "hat")))
    table = pd.read_csv(again.table)
    assert len(table) == 6
    assert not table["image"].duplicated().any()


def test_files_of_others_are_never_written_over(source: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1_mask.jpg").write_bytes(b"precious")
    with pytest.raises(DatasetError, match="not ours"):
        hardcases(HardcasesSpec(source=source, destination=tmp_path, kinds=("mask",)))
    assert (tmp_path / "a/1_mask.jpg").read_bytes() == b"precious"
    assert len(list(tmp_path.rglob("*.*"))) == 1


def test_files_of_a_call_that_was_killed_are_ours(source: Path, tmp_path: Path) -> None:
    """It writes the table every hundred photos only; before the first file it writes down which files will be its."""
    out = tmp_path / "out"
    spec = HardcasesSpec(source=source, destination=out, kinds=("mask",))
    with pytest.raises(KeyboardInterrupt):
        hardcases(spec, _interrupt)
    (out / "hardcases.csv").unlink(missing_ok=True)  # as after a kill
    assert sorted(out.rglob("*_mask.jpg"))
    (out / "a/1_hat.jpg").write_bytes(b"precious")
    with pytest.raises(DatasetError, match="not ours"):
        hardcases(HardcasesSpec(source=source, destination=out, kinds=("hat",)))
    hardcases(HardcasesSpec(source=source, destination=out, kinds=("hand",)))
    assert hardcases(spec).written == 3
    assert set(pd.read_csv(out / "hardcases.csv")["kind"]) == {"mask", "hand"}
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == [], "every file is in the table"


def _interrupt(step: Step) -> None:
    if step.done == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("inside", ["", "a", "new/folder"], ids=["the source itself", "a folder in it", "a new folder in it"])
def test_destination_in_the_source_is_refused(source: Path, inside: str) -> None:
    with pytest.raises(DatasetError, match="outside of the source"):
        hardcases(HardcasesSpec(source=source, destination=source / inside, kinds=("mask",)))


def test_mistakes_are_named_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "twins").mkdir()
    for name in ("1.jpg", "1.png"):
        Image.fromarray(photo()).save(tmp_path / "twins" / name)
    (tmp_path / "file").write_text("")
    wrong = [
        (HardcasesSpec(source=tmp_path / "nowhere", destination=tmp_path / "out"), "no such folder"),
        (HardcasesSpec(source=tmp_path / "empty", destination=tmp_path / "out"), "no photo"),
        (HardcasesSpec(source=tmp_path / "twins", destination=tmp_path / "out"), "ending only"),
        (HardcasesSpec(source=source, destination=tmp_path / "file"), "not a folder"),
    ]
    for spec, message in wrong:
        with pytest.raises(KoinError, match=message):
            hardcases(spec)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_mask_on_a_photo_that_lies_on_its_side_lies_on_its_face(tmp_path: Path, quarters: int) -> None:
    """Without an EXIF tag nothing says so; the mask used to lie on the forehead of 20 of 24 such photos."""
    for folder, turn in (("up", 0), ("turned", quarters)):
        (tmp_path / folder).mkdir()
        for person in PEOPLE:
            pixels = np.ascontiguousarray(np.rot90(photo(person), turn))
            Image.fromarray(pixels).resize((pixels.shape[1] * 2, pixels.shape[0] * 2)).save(tmp_path / folder / f"{person}.png")
        result = hardcases(HardcasesSpec(source=tmp_path / folder, destination=tmp_path / f"{folder}-hard", kinds=("mask",)))
        assert (result.written, result.turned, result.implausible) == (3, 3 if turn else 0, ())

    def masked(folder: str, person: int, turn: int) -> NDArray[np.bool_]:
        with Image.open(tmp_path / folder / f"{person}.png") as before, Image.open(tmp_path / f"{folder}-hard/{person}_mask.jpg") as after:
            difference = np.abs(np.asarray(before, dtype=int) - np.asarray(after)).max(axis=2) > 25
        return np.rot90(difference, -turn)

    for person in PEOPLE:
        one, other = masked("up", person, 0), masked("turned", person, quarters)
        assert (one & other).sum() / (one | other).sum() > 0.6


def test_what_is_no_photo_is_counted_and_links_to_nowhere_are_unreadable(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(source, folder)
    (folder / "a.mov").touch()
    (folder / "b.jpg").symlink_to("/mnt/nowhere/b.jpg")
    (folder / "up").symlink_to(folder)
    result = hardcases(HardcasesSpec(source=folder, destination=tmp_path / "out", kinds=("light",)))
    assert result.notes == (f"{folder}: 1 file not read as a photo, by its ending (.mov)",)
    assert ("b.jpg", "cannot read (No such file or directory)") in result.unreadable
