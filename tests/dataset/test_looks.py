"""A look tells what is to be known of a photo, and is taken once."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter

from tests.conftest import att
from tests.dataset.conftest import picture, put, several
from yolo_koin.dataset import looks
from yolo_koin.dataset.findings import Finding, of_photos
from yolo_koin.dataset.koin import scan
from yolo_koin.dataset.looks import look_at, look_at_all
from yolo_koin.dataset.metadata import Metadata, metadata_of
from yolo_koin.errors import RunError


def kinds(root: Path, image: str) -> set[str]:
    """What is found of one photo."""
    dataset = scan(root)
    return {one.kind for one in of_photos(dataset, look_at_all(dataset.samples)) if one.image == image}


@pytest.mark.parametrize(
    ("name", "photo", "wanted"),
    [
        ("plain.png", att(1, 1), set()),
        ("soft.png", att(1, 1).resize((920, 1120)).filter(ImageFilter.GaussianBlur(30)), {"blurred"}),
        ("dark.png", att(1, 1).point(lambda value: value // 12), {"dark"}),
        ("bright.png", att(1, 1).point(lambda value: 230 + value // 12), {"bright"}),
        ("tiny.png", att(1, 1).resize((40, 48)), {"tiny"}),
        ("speck.png", Image.new("L", (1, 1), 128), {"tiny", "blurred"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_photo_that_nobody_can_use_is_named(root: Path, name: str, photo: Image.Image, wanted: set[str]) -> None:
    put(root, *several("normal_cases/train", "ab", 1))
    photo.save(root / f"normal_cases/train/a/{name}")
    assert kinds(root, f"normal_cases/train/a/{name}") == wanted


@pytest.mark.parametrize("ending", ["webp", "png", "tif"])
def test_animated_files_and_files_of_pages_are_named(root: Path, ending: str) -> None:
    put(root, *several("normal_cases/train", "ab", 1))
    first, *others = (att(1, photo) for photo in (1, 2, 3))
    first.save(root / f"normal_cases/train/a/several.{ending}", save_all=True, append_images=others)
    assert kinds(root, f"normal_cases/train/a/several.{ending}") == {"animated"}


@pytest.mark.parametrize("ending", ["jpg", "webp", "png"])
def test_private_data_are_named_and_not_told(root: Path, ending: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "of no meaning"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (37.0, 33.0, 58.0)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = "SN4711"
    put(root, *several("normal_cases/train", "ab", 1))
    path = root / f"normal_cases/train/a/mine.{ending}"
    att(1, 1).convert("RGB").save(path, exif=exif)
    look = look_at(path)
    assert look.private == "the camera's serial number, the place"
    assert Finding("private-data", f"normal_cases/train/a/mine.{ending}", detail=look.private) in of_photos(
        scan(root), look_at_all(scan(root).samples)
    )


def test_damaged_metadata_tell_nothing() -> None:
    assert metadata_of(b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00spoilt") == metadata_of(b"") == metadata_of(b"text") == Metadata()


# ------------------------------------------------------------------------------------------------------------------- cache
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are looked at from now on."""
    seen: list[str] = []

    def look(path: Path) -> looks.Look:
        seen.append(path.name)
        return look_at(path)

    monkeypatch.setattr(looks, "look_at", look)
    return seen


def test_no_photo_is_decoded_twice_unless_it_changed(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, *several("normal_cases/train", "ab", 3))
    (root / "normal_cases/train/a/text.jpg").write_text("no photo")
    cache, samples = tmp_path / "data/looks.sqlite", scan(root).samples
    first = look_at_all(samples, cache, workers=2)
    seen = watched(monkeypatch)
    assert look_at_all(samples, cache) == first
    assert seen == []
    stat = (root / "normal_cases/train/b/1.png").stat()
    picture(99).save(root / "normal_cases/train/b/new.png")
    (root / "normal_cases/train/b/new.png").replace(root / "normal_cases/train/b/1.png")
    os.utime(root / "normal_cases/train/b/1.png", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = look_at_all(samples, cache)
    assert seen == ["1.png"]
    assert [image for image in first if first[image] != again[image]] == ["normal_cases/train/b/1.png"]


def test_what_was_seen_before_it_was_stopped_is_kept(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, *several("normal_cases/train", "ab", 20))
    cache, samples = tmp_path / "looks.sqlite", scan(root).samples

    def stop(step: object) -> None:
        if getattr(step, "done", 0) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_at_all(samples, cache, workers=1, progress=stop)
    seen = watched(monkeypatch)
    assert len(look_at_all(samples, cache)) == 40
    assert len(seen) == 35


def test_a_damaged_cache_is_one_line(root: Path, tmp_path: Path) -> None:
    put(root, *several("normal_cases/train", "ab", 1))
    (tmp_path / "looks.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(RunError, match="Remove it"):
        look_at_all(scan(root).samples, tmp_path / "looks.sqlite")


def test_sharpness_is_of_the_photo_not_of_its_size() -> None:
    large = att(3, 1).resize((920, 1120), Image.Resampling.LANCZOS)
    half = np.asarray(large.resize((460, 560), Image.Resampling.BOX))
    assert looks._sharpness(half) == pytest.approx(looks._sharpness(np.asarray(large)), rel=0.05)
