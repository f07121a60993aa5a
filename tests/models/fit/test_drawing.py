"""Hard cases on training photos: as often as asked, of the kinds asked, others each time, and the same again for the same state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import att
from tests.models.conftest import Squares
from yolo_koin.dataset.images import pad
from yolo_koin.faces import Face
from yolo_koin.faces.protocol import face_of
from yolo_koin.models import registry
from yolo_koin.models.fit.drawing import Drawing
from yolo_koin.models.fit.photos import Photos
from yolo_koin.models.protocol import TrainJob
from yolo_koin.parallel import silent
from yolo_koin.synthetic.att import USUAL
from yolo_koin.synthetic.hardcases import KINDS, apply
from yolo_koin.verbs.recipes import with_faces

SIDE = 64
LANDMARKS, BOX = USUAL
SCALE = SIDE / 112  # of an AT&T photograph on its square
FACE: Face = face_of(
    ((BOX[0] + 10) * SCALE, BOX[1] * SCALE, BOX[2] * SCALE, BOX[3] * SCALE), 0.9, (LANDMARKS + np.array([10.0, 0.0])) * SCALE
)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return torch.from_numpy(np.array(pad(att(3, 1).convert("RGB"), SIDE)))


def test_as_many_photos_as_asked_are_drawn_on_and_the_originals_stay(photo: Tensor) -> None:
    before = photo.clone()
    torch.manual_seed(0)
    drawn = Drawing(0.3, ("sunglasses", "mask"), (2, 3)).on_batch([photo] * 200, [FACE] * 200)
    changed = sum(not torch.equal(one, photo) for one in drawn)
    assert 40 <= changed <= 80  # 60 ± 3 standard deviations
    assert torch.equal(photo, before)


def test_only_the_kinds_and_severities_that_are_asked_for_are_drawn(photo: Tensor) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    seeds = torch.randint(2**62, (40,)).tolist()
    torch.set_rng_state(state)
    drawn = Drawing(1.0, ("hat",), (4,)).on_batch([photo] * 40, [FACE] * 40)
    for seed, one in zip(seeds, drawn, strict=True):
        rng = np.random.default_rng(seed)
        rng.random(), rng.choice(("hat",)), rng.choice((4,))
        assert np.array_equal(one.numpy(), apply(photo.numpy(), FACE.points(), FACE.box, "hat", 4, rng))


def test_photos_without_a_face_stay_as_they_are(photo: Tensor) -> None:
    assert torch.equal(Drawing(1.0, KINDS, (5,)).on_batch([photo], [None])[0], photo)


def test_the_same_state_draws_the_same_and_the_next_batch_others(photo: Tensor) -> None:
    drawing = Drawing(1.0, KINDS, (1, 2, 3, 4, 5))
    torch.manual_seed(5)
    first, second = (drawing.on_batch([photo] * 8, [FACE] * 8) for _ in range(2))
    torch.manual_seed(5)
    again = drawing.on_batch([photo] * 8, [FACE] * 8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_faces_are_found_on_prepared_photos_and_kept(squares: Squares, tmp_path: Path) -> None:
    train = with_faces(squares[0], tmp_path, silent)
    found = [photo.face for photo in train if photo.face]
    assert len(found) > len(train) * 0.7  # of 64 pixels
    assert all(0 < x < 1 and 0 < y < 1 for face in found for x, y in face.points())
    assert (tmp_path / "data/.faces.sqlite").is_file()
    assert [replace(photo, face=None) for photo in train] == list(squares[0])
    photos = Photos(train, sorted({photo.label for photo in train}), 32, drawing=Drawing(1.0, ("sunglasses",), (3,)))
    plain = Photos(squares[0], sorted({photo.label for photo in train}), 32)
    drawn, left = photos.batch(range(len(train)))["img"], plain.batch(range(len(train)))["img"]
    changed = (drawn != left).flatten(1).any(dim=1).tolist()
    assert changed == [photo.face is not None for photo in train]


@pytest.mark.slow
def test_a_training_with_drawn_photos_that_was_cut_short_ends_as_one_that_was_not(
    squares: Squares, job: Callable[..., TrainJob], tmp_path: Path
) -> None:
    train = with_faces(squares[0], None, silent)
    drawn = {"train": train, "hardcases": 0.5, "hardcase_kinds": KINDS, "hardcase_severities": (3,), "epochs": 2}
    trainer = registry.trainer_of("yolov8n-cls", "finetune")
    trainer.train(job(**drawn, folder=tmp_path / "whole"), silent)

    def stop(step: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train(job(**drawn, folder=tmp_path / "cut"), stop)
    trainer.resume(job(**drawn, folder=tmp_path / "cut"), silent)
    curves = [(tmp_path / name / "results.csv").read_text().splitlines() for name in ("whole", "cut")]
    assert [line.split(",")[2:] for line in curves[0]] == [line.split(",")[2:] for line in curves[1]]
