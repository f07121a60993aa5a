"""The card of a run says what its records say, and nothing that nobody knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.verbs.test_overview import of
from yolo_koin.reporting.document import Table, markdown
from yolo_koin.runs import ScoredRun
from yolo_koin.specs import EvaluateSpec
from yolo_koin.verbs.cards import card


def test_facts_numbers_and_limits() -> None:
    source = ScoredRun(folder=Path("r"), spec=EvaluateSpec(), weights=Path("best.pt"), weights_sha256="ab" * 32, classes=2)
    text = markdown(card(replace(of("n", 0.9), source=source, classes=2)), Path())
    assert f"| hash of weights | {'ab' * 6} " in text
    assert "90.0 % [76.9, 96.0]" in text
    assert "hard_cases/test: the photos are synthetic" in text
    assert "must not be used to identify people" in text
    assert "| normal_cases/test           |     40 |      1 |          0 |" in text


def test_of_a_run_of_unknown_origin_nothing_is_made_up() -> None:
    facts = next(block for block in card(replace(of("n", 0.9), learnt=None)) if isinstance(block, Table))
    assert facts.frame["fact"].tolist() == ["run"]
