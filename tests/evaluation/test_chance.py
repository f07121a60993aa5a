from __future__ import annotations

import pandas as pd
import pytest

from yolo_koin.evaluation.chance import chance_note, chance_notes


@pytest.mark.parametrize(
    ("right", "n", "classes", "words"),
    [
        pytest.param(
            2,
            80,
            40,
            "at chance level: its 95 % interval of 0.7 to 8.7 % contains 2.5 %, as of guessing one of 40 people",
            id="chance",
        ),
        pytest.param(54, 80, 40, "", id="far better"),
        pytest.param(1, 3, 2, "at chance level", id="too few photos to know"),
        pytest.param(0, 200, 2, "below chance level", id="worse"),
        pytest.param(0, 0, 40, "", id="no photo"),
        pytest.param(0, 9, 1, "", id="one person cannot be guessed"),
        pytest.param(0, 9, 0, "", id="classes unknown"),
    ],
)
def test_a_note_where_guessing_would_do(right: int, n: int, classes: int, words: str) -> None:
    note = chance_note("hard_cases/test", right, n, classes)
    assert words in note
    assert bool(note) == bool(words)
    assert "\n" not in note


def test_the_notes_of_a_table_pass_over_photos_of_several_people() -> None:
    def row(split: str, metric: str) -> dict[str, object]:
        return {"run": "r", "split": split, "metric": metric, "value": 0.02, "low": 0.0, "high": 0.1, "n": 80}

    splits = ("normal_cases/test", "group_cases/test")
    table = pd.DataFrame([row(split, metric) for split in splits for metric in ("person_top1", "macro_f1")])
    (note,) = chance_notes(table, 40)
    assert note.startswith("normal_cases/test: top-1")
    assert len(chance_notes(table.replace("person_top1", "top1"), 40)) == 2
