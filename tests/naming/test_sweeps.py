"""Photos that are changed on purpose: the same in any order, each decoded once, and what is recorded of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import att
from tests.naming.fakes import ColourClassifier, painted
from yolo_koin.dataset import images
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces import Face
from yolo_koin.faces.protocol import face_of
from yolo_koin.models.protocol import Preparation
from yolo_koin.naming import Reader, whole
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.sweeps import ERASED, Erasure, Located, Sweep, samples_of, scenes_for
from yolo_koin.splits import GROUP, NORMAL
from yolo_koin.synthetic.att import USUAL
from yolo_koin.synthetic.variants import KINDS, OF_FACES, variants_of

LANDMARKS, BOX = USUAL
FACE: Face = face_of(BOX, 0.9, LANDMARKS)
ALL = [str(variant) for variant in variants_of(KINDS, (1, 2, 3, 4, 5))]
NEED = [str(variant) for variant in variants_of(OF_FACES, (1, 2, 3, 4, 5))]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder, samples = tmp_path_factory.mktemp("photos"), []
    for person in (1, 2, 3):
        path = folder / f"{person}.png"
        att(person, 1).convert("RGB").save(path)
        samples.append(Sample(path.name, NORMAL, f"s{person}", path))
    return samples


def sweep_of(photos: list[Sample], seed: int = 0) -> Sweep:
    return Sweep({sample.image: Located(FACE, (92, 112)) for sample in photos[:2]}, seed)  # the last one has no face


def changed(sweep: Sweep, samples: list[Sample]) -> dict[tuple[str, str], bytes]:
    return {(s.image, s.split.variant): sweep(s, Image.open(s.path).convert("RGB")).tobytes() for s in samples}


def test_a_photo_without_a_face_has_the_variants_that_need_none(photos: list[Sample]) -> None:
    samples = samples_of(photos, ALL, sweep_of(photos).faces, NEED)
    of = {image: [s.split.variant for s in samples if s.image == image] for image in ("1.png", "3.png")}
    assert of["1.png"] == ["", *ALL]
    assert of["3.png"] == ["", *(variant for variant in ALL if variant not in NEED)]
    assert len(ALL) == 13 * 5 + 4 * 5  # each thing that covers is also drawn elsewhere


def test_what_is_drawn_hangs_on_image_kind_severity_and_seed_alone(photos: list[Sample]) -> None:
    samples = samples_of(photos[:2], ALL, sweep_of(photos).faces, NEED)
    first, other = sweep_of(photos), sweep_of(photos)
    pixels = changed(first, samples)
    assert changed(other, samples[::-1]) == pixels
    assert first.covered == other.covered
    assert len({bytes_ for (image, _), bytes_ in pixels.items() if image == "1.png"}) == 1 + len(ALL)
    again = changed(sweep_of(photos, seed=1), [s for s in samples if s.split.variant == "noise-3"])
    assert all(again[key] != pixels[key] for key in again)


def test_the_covered_share_is_recorded_of_what_is_drawn(photos: list[Sample]) -> None:
    sweep = sweep_of(photos)
    changed(sweep, samples_of(photos, ALL, sweep.faces, NEED))
    assert set(sweep.covered) == {(image, variant) for image in ("1.png", "2.png") for variant in NEED}
    assert sweep.covered["1.png", "light-5"] == 0
    assert 0 < sweep.covered["1.png", "mask-1"] < sweep.covered["1.png", "mask-5"] < 0.7


def test_a_photo_is_decoded_once_for_all_of_its_variants(photos: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path | bytes] = []
    real = images.open_for

    def noted(photo: Path | bytes, *more: Any) -> images.Opened:
        opened.append(photo)
        return real(photo, *more)

    monkeypatch.setattr(whole, "open_for", noted)
    sweep = sweep_of(photos)
    samples = samples_of(photos, ALL, sweep.faces, NEED)
    frame = table_of(whole.WholePhoto(ColourClassifier(), Reader(transform=sweep)), samples)
    assert list(zip(frame["split"], frame["image"], strict=True)) == [(str(s.split), s.image) for s in samples]
    assert sorted(map(str, opened)) == sorted(str(s.path) for s in photos)


def test_an_unreadable_photo_is_an_error_in_each_variant(photos: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("text")
    bad = replace(photos[0], image="bad.png", path=tmp_path / "bad.png")
    sweep = sweep_of(photos)
    frame = table_of(whole.WholePhoto(ColourClassifier(), Reader(transform=sweep)), samples_of([bad], ALL, sweep.faces, NEED))
    assert set(frame["error"]) == {"not an image"}
    assert len(frame) == 1 + 8 * 5


def test_a_classifier_of_faces_is_shown_the_face_of_the_photo_as_it_was(photos: list[Sample]) -> None:
    """Where the face is cut does not depend on what is done to the photo."""
    looked: list[object] = []

    class Finder:
        def dominant(self, photo: object) -> tuple[float, float, float, float]:
            looked.append(photo)
            return BOX

    classifier = ColourClassifier(preparation=Preparation(fit="face", side=64))
    sweep = sweep_of(photos)
    samples = samples_of(photos[:1], ["contrast-5", "mask-5"], sweep.faces, ["mask-5"])
    table_of(whole.WholePhoto(classifier, Reader(transform=sweep), Finder()), samples)  # type: ignore[arg-type]
    assert len(looked) == 1
    assert len(classifier.shown) == 3


def test_the_control_erases_the_face_keeps_it_alone_and_sets_it_elsewhere(tmp_path: Path) -> None:
    one = painted(tmp_path / "one.png", {"red": (20, 20, 30, 30)})
    other = painted(tmp_path / "other.png", {"green": (40, 30, 20, 20)}, size=(120, 100))
    boxes = {"one.png": ((20.0, 20.0, 30.0, 30.0), (96, 80)), "other.png": ((40.0, 30.0, 20.0, 20.0), (120, 100))}
    scenes = scenes_for([one, other], boxes)
    assert {image: scene.image for image, scene in scenes.items()} == {"one.png": "other.png", "other.png": "one.png"}
    erasure, image = Erasure(boxes, scenes), Image.open(one.path)
    results = {variant: np.asarray(erasure(replace(one, split=replace(one.split, variant=variant)), image)) for variant in ("", *ERASED)}
    assert {result.shape for result in results.values()} == {(80, 96, 3)}
    assert results["no-face"][35, 35].tolist() == [114] * 3
    assert results["no-face"][5, 5].tolist() == [128] * 3
    assert results["face-only"][35, 35].tolist() == results[""][35, 35].tolist() == results["other-scene"][35, 35].tolist()
    assert results["face-only"][5, 5].tolist() == [114] * 3
    assert not ((results["other-scene"] - np.array([40, 200, 40])) == 0).all(axis=2).any()  # nothing of the other's face is left


def test_a_scene_is_of_another_person_of_the_same_split(photos: list[Sample]) -> None:
    group = [replace(sample, image=f"group-{sample.image}", split=GROUP, label="s1") for sample in photos]
    boxes = dict.fromkeys([s.image for s in (*photos, *group)])
    scenes = scenes_for([*photos, *group], boxes)
    assert set(scenes) == {s.image for s in photos}  # the group photos are all of one person
    assert all(scenes[s.image].label != s.label and scenes[s.image].split == s.split for s in photos)
    assert scenes_for(photos, {}) == {}
