"""A probe that did not learn from a photo doubts its label where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import att
from yolo_koin.models.label_errors import doubtful_labels
from yolo_koin.workspace import Workspace

PEOPLE, PHOTOS = 5, 7


@pytest.mark.slow
def test_swapped_labels_are_doubted_and_few_others(tmp_path: Path) -> None:
    paths = [tmp_path / f"{person}-{photo}.png" for person in range(PEOPLE) for photo in range(PHOTOS)]
    for path in paths:
        person, photo = map(int, path.stem.split("-"))
        att(person + 11, photo + 1).save(path)
    labels = [path.stem[0] for path in paths]
    wrong = {2: "3", 20: "0", 33: "1"}
    given = [wrong.get(i, label) for i, label in enumerate(labels)]
    doubts = doubtful_labels([*paths, paths[0]], [*given, "alone"], Workspace(tmp_path))
    found = {one.photo: one.suggested for one in doubts}
    assert {i: labels[i] for i in wrong} == {i: found.get(i) for i in wrong}
    assert len(found) <= len(wrong) + 2
    assert all(one.other > one.own for one in doubts)


def test_one_person_cannot_be_doubted(tmp_path: Path) -> None:
    assert doubtful_labels([tmp_path / "none.png"] * 3, ["a"] * 3, Workspace(tmp_path)) == []
