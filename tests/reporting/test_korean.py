"""What a report can say it can say in Korean."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.text import Text as MatplotlibText

import yolo_koin
from yolo_koin.evaluation import chance, leaks, shortcuts
from yolo_koin.reporting import document, language, prints
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text, markdown
from yolo_koin.reporting.figures import performance
from yolo_koin.reporting.korean import KOREAN, cell, said
from yolo_koin.reporting.korean_charts import CHARTS
from yolo_koin.verbs import cards, comparisons, costs, failures, open_set, overview, provenance, results, showing, trust
from yolo_koin.words import Sentence

PACKAGE = Path(yolo_koin.__file__).parent
MADE_OF = {  # templates with a name: how it is used → what it may be
    "TITLES[run.way]": {*showing.TITLES.values()},
    "PHOTOS": {showing.PHOTOS},
    "SOME": {prints.SOME},
    "name": {"normal", "hard", "group"},
    "BRACKETS": {results.BRACKETS},
    "NO_NEWS": {results.NO_NEWS},
    "MEANT": {overview.MEANT},
    **{name: {getattr(provenance, name)} for name in ("SOURCES", "UNMEASURED")},
    **{name: {getattr(costs, name)} for name in ("COSTED", "FRONT", "ELSEWHERE")},
    "caption": {failures.LEAST, failures.PAIRS},
    **{name: {getattr(cards, name)} for name in ("USE", "SYNTHETIC", "DATA")},
    "MISTAKES": {failures.MISTAKES},
    **{name: {getattr(trust, name)} for name in ("INDEX", "NO_LEAK", "UNTESTED")},
    **{name: {getattr(leaks, name)} for name in ("FREE", "ALL")},
    "FOUND if self.is_one else NOT_FOUND": {shortcuts.FOUND, shortcuts.NOT_FOUND},
    **{name: {getattr(comparisons, name)} for name in ("OF_FACES", "DETAILED", "SEEDS", "TESTED", "ROBUST", "PUBLISHED")},
    **{name: {getattr(open_set, name)} for name in ("STRANGERS", "BY_SCORE", "VERIFIED", "CURVE")},
    "BELOW if is_below else AT": {chance.AT, chance.BELOW},
}


def test_every_sentence_of_a_report_has_its_korean() -> None:
    """A template stands where it is used, or has one of a few names."""
    templates = dict(MADE_OF)
    for path in set(PACKAGE.rglob("*.py")) - {Path(language.__file__)}:
        callers = {"Sentence", "say"} if path.parent.name == "reporting" else {"Sentence"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in callers:
                said = ast.unparse(node.args[0])
                templates.setdefault(said, {str(ast.literal_eval(said))} if isinstance(node.args[0], ast.Constant) else {said})
    assert len(templates) > 20
    assert set().union(*templates.values()) <= set(KOREAN)
    columns = {
        *results.COLUMNS.values(),
        *open_set.COLUMNS.values(),
        "score",
        *comparisons.HEADS.values(),
        *comparisons.DETAILS.values(),
        *results.NAMES.values(),
        *overview.SETTING.values(),
        *document.OF_FAILURES,
    }
    same = {"top-1", "top-3", "macro-F1", "mAP@0.5", "mAP@0.5:0.95", "A", "B", "p (Holm)", "ECE", "AURC", "rank-1", "OSCR", "AUROC"}
    assert columns - same <= set(KOREAN)


@pytest.mark.parametrize("template", KOREAN)
def test_a_translation_fills_in_what_the_sentence_does(template: str) -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert names(template) == names(KOREAN[template])


def test_sentences_within_sentences_and_words_of_the_user() -> None:
    split = Sentence("{split} (synthetic)", split=Sentence("{split} of {dataset}", split="hard_cases/test", dataset="{이름}"))
    assert split == "hard_cases/test of {이름} (synthetic)"
    assert said(split) == "{이름}의 hard_cases/test(합성)"
    assert said("model") == "model", "what a user calls model"
    assert [cell(text) for text in ("split", "seed 12", "hard (synthetic)", "아이유")] == ["분할", "시드 12", "어려움 (합성)", "아이유"]


def test_figures_speak_korean() -> None:
    """In the language of the report, and in English again afterwards; what a user calls a run is as it was."""
    rows = [("normal", split, value, value - 0.1, 1.0, 80) for split, value in (("normal_cases/test", 0.9), ("hard_cases/test", 0.5))]
    frame = pd.DataFrame(rows, columns=["run", "split", "value", "low", "high", "n"])
    table = pd.concat([frame.assign(metric=metric, synthetic=frame["split"] == "hard_cases/test") for metric in ("top1", "top1_gap")])
    with language.speaking("ko"):
        drawn = performance(table, {"normal": "photos"}, "Accuracy")
    texts = {text.get_text() for text in drawn.findobj(MatplotlibText)} if drawn else set()
    assert {"Accuracy: 정확도", "일반 사진 대비 손실", "어려움(합성), 사진 80장", "photos"} <= texts
    assert not (texts & set(CHARTS)) - {"photos"}
    again = performance(table, {}, "sample")
    assert again is not None
    assert "hard (synthetic), 80 photos" in {text.get_text() for text in again.findobj(MatplotlibText)}


def test_a_page_in_korean() -> None:
    blocks: list[Block] = [
        Heading(Sentence("Figures")),
        Text("of the user"),
        Table(pd.DataFrame({"split": ["a (synthetic)"], "photos": [3]}), Sentence("{n} photos", n=3)),
        Figure(Path("a.png"), Sentence("Training curves, on {datasets}", datasets="sample")),
    ]
    assert markdown(blocks, Path(), "ko").split("\n\n") == [
        "## 그림",
        "of the user",
        "사진 3장",
        "| 분할     | 사진 수 |\n| ------ | ---: |\n| a (합성) |    3 |",
        "![학습 곡선(sample)](a.png)",
        "학습 곡선(sample)\n",
    ]
