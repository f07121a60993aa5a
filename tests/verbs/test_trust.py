"""How far numbers can be trusted: a report says what the runs that it finds by their hashes came to, the same in every form of it."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import working_in
from yolo_koin import (
    AuditSpec,
    BenchmarkSpec,
    ControlSpec,
    EvaluateSpec,
    PredictSpec,
    ReportSpec,
    StressSpec,
    audit,
    benchmark,
    control,
    evaluate,
    predict,
    report,
    stress,
)
from yolo_koin.errors import UsageError
from yolo_koin.evaluation.shortcuts import Shortcut
from yolo_koin.parallel import silent
from yolo_koin.reporting.document import Figure, files_of
from yolo_koin.reporting.latex import escaped
from yolo_koin.runs import MANIFEST, AuditRun
from yolo_koin.verbs.report import ReportResult
from yolo_koin.verbs.scored import load_runs
from yolo_koin.verbs.train import TrainResult
from yolo_koin.verbs.trust import COVERED, FACE, LEAKS, LOOKS, NO_LEAK, QUESTIONS, SHORTCUT, STRANGERS, WEAK, ask, blocks_of, evidence_of
from yolo_koin.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("screen_only")]
FORMS = ("report.html", "report.md", "report.tex")


@pytest.fixture(scope="module")
def asked(home: Path, trained: TrainResult, koin: Path) -> dict[str, Any]:
    """Runs of one model, under names that say nothing."""
    about: dict[str, Any] = {"weights": trained.weights, "data": str(koin)}
    with working_in(home):
        return {
            "evaluate": evaluate(EvaluateSpec(**about, segments=True, name="p")),
            "control": control(ControlSpec(**about, name="q")),
            "stress": stress(StressSpec(**about, kinds=("blur",), severities=(1, 5), name="r")),
            "audit": audit(AuditSpec(data=str(koin), name="s")),
            "predict": predict(PredictSpec(**about, source="normal_cases/test", explain=True, name="t")),
            "few": predict(PredictSpec(**about, source="normal_cases/test/0003", explain=True, name="u")),
        }


@pytest.fixture(scope="module")
def reported(home: Path, asked: dict[str, Any]) -> ReportResult:
    with working_in(home):
        return report(ReportSpec(runs=("p",), photos=True, out=Path("told")))


def section(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


def forms(reported: ReportResult) -> dict[str, str]:
    """The section in each form, as a text; LaTeX as it escapes."""
    texts = {form: (reported.out / form).read_text(encoding="utf-8") for form in FORMS}
    page = html.unescape(re.sub(r"<[^>]+>", " ", texts["report.html"].split("<body", 1)[1]))
    return {
        "report.html": " ".join(page.split("Can this number be trusted?")[-1].split()),
        "report.md": " ".join(section(texts["report.md"], "## Can this number be trusted?", "\n## ").split()),
        "report.tex": " ".join(section(texts["report.tex"], r"\subsection{Can this number be trusted?}", r"\subsection{").split()),
    }


def test_every_form_says_what_the_runs_came_to(at_home: Path, reported: ReportResult, asked: dict[str, Any]) -> None:
    said = [*asked["control"].findings, *asked["stress"].findings[:2], *asked["evaluate"].segments.findings]
    said += asked["predict"].explanation.findings
    assert len(said) > 6
    for form, text in forms(reported).items():
        for sentence in said:
            assert " ".join((escaped(sentence) if form == "report.tex" else sentence).split()) in text, (form, sentence)


def test_the_leaks_of_the_audit_are_those_of_its_table(at_home: Path, reported: ReportResult, asked: dict[str, Any]) -> None:
    found = pd.read_csv(asked["audit"].run / "findings.csv", keep_default_na=False)
    text = forms(reported)["report.md"]
    assert ("The audit finds no test photo in training." in text) == (not (found["kind"] == "leak").any())
    for detail in found.loc[found["kind"] == "shortcut", "detail"]:
        assert f"{detail}." in text
    run = AuditRun.read(asked["audit"].run)
    assert run is not None
    assert set(run.shortcuts) == {"normal_cases/test", "hard_cases/test"}, "what is no shortcut is told too"
    for split, one in run.shortcuts.items():
        assert f"{split}: {Shortcut(**one).words}." in text


def test_what_nobody_asked_is_a_command(at_home: Path, reported: ReportResult) -> None:
    rows = re.findall(r"^\| (.*?)\s*\| (.*?)\s*\| (.*?)\s*\|$", (reported.out / "report.md").read_text(encoding="utf-8"), re.MULTILINE)
    index = {question: (model, by) for question, model, by in rows}
    assert [question.words for question in QUESTIONS if index[question.words][1].startswith("yolo_koin ")] == [STRANGERS.words]
    assert index[STRANGERS.words][1] == "yolo_koin evaluate --strangers 0.2 --weights tiny"
    assert index[FACE.words][1].startswith("control q, 20")
    assert index[LEAKS.words][1].startswith("audit s, 20")
    assert index[LOOKS.words][1].startswith("predict t, 20"), "two photos are no split"


def test_figures_come_along(at_home: Path, reported: ReportResult, asked: dict[str, Any]) -> None:
    names = {path.name for path in reported.files}
    assert {"trust_erased_face.png", "trust_stress.png", "trust_segments.png", "trust_where_it_looks.png"} <= names
    assert (reported.out / "trust_stress.png").read_bytes() == (asked["stress"].run / "stress.png").read_bytes()


def test_a_run_of_other_weights_or_damaged_says_nothing(at_home: Path, asked: dict[str, Any], reported: ReportResult) -> None:
    """What was asked of the same weights does, whatever it is called. Without ``--photos`` no figure of people is in the page."""
    for name in ("tiny", "broken"):
        shutil.copytree(asked["control"].run, at_home / "runs/control" / name)
    manifest = at_home / "runs/control/tiny" / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "weights_sha256": "0" * 64, "updated": "2999"}))
    (at_home / "runs/control/broken" / MANIFEST).write_text("{")
    try:
        plain = report(ReportSpec(runs=("p",), out=Path("plain")))
    finally:
        for name in ("tiny", "broken"):
            shutil.rmtree(at_home / "runs/control" / name)
    assert "control q, 20" in (plain.out / "report.md").read_text(encoding="utf-8")
    with_photos, without = ((made.out / "report.html").read_text(encoding="utf-8") for made in (reported, plain))
    for caption, travels in ((FACE.caption, False), (QUESTIONS[3].caption, True)):
        assert html.escape(caption) in with_photos
        assert (html.escape(caption) in without) == travels


def test_what_is_answered_is_not_asked_again(at_home: Path, asked: dict[str, Any]) -> None:
    (run,) = load_runs(asked["evaluate"].run)
    kinds = ("audit", "stress", "control")
    held = Path(shutil.move(asked["control"].run, at_home / "held"))
    try:
        before = {folder for kind in kinds for folder in (at_home / "runs" / kind).iterdir()}
        assert ask(run, Workspace(at_home), "cpu", silent) == ()
        (made,) = {folder for kind in kinds for folder in (at_home / "runs" / kind).iterdir()} - before
        assert made.parent.name == "control"
        assert (made / "predictions.csv").read_bytes() == (held / "predictions.csv").read_bytes()
        shutil.rmtree(made)
    finally:
        shutil.move(held, asked["control"].run)


def test_a_benchmark_asks_by_itself(tmp_path: Path, koin: Path) -> None:
    """Of photos without a face, which is told and stops nothing."""
    rng = np.random.default_rng(0)
    for path in (f"normal_cases/{part}/{person}/{i}.png" for part, n in (("train", 4), ("test", 1)) for person in "ab" for i in range(n)):
        (tmp_path / "Plain" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(tmp_path / "Plain" / path)
    asked: dict[str, Any] = {"weights": "scratch", "epochs": 1, "imgsz": 32, "batch": 2, "device": "cpu", "name": "small"}
    with working_in(tmp_path):
        made = benchmark(BenchmarkSpec(data="Plain", trust=True, **asked))
        text = (made.run / "report.md").read_text(encoding="utf-8")
    assert len(re.findall(r"\| (audit|stress) \S+, 20", text)) == 3, "an audit answers two questions"
    (note,) = [note for note in made.notes if "usable face" in note]
    assert note.startswith(FACE.words)


def test_an_audit_takes_the_place_of_the_same_one_of_the_same_data(tmp_path: Path, koin: Path) -> None:
    with working_in(tmp_path):
        first, again = audit(AuditSpec(data=str(koin))), audit(AuditSpec(data=str(koin)))
        assert first.run == again.run
        other = Path(shutil.copytree(koin, tmp_path / "elsewhere/KoIn"))
        assert audit(AuditSpec(data=str(other))).run.name == f"{first.run.name}-2"


def test_a_dataset_whose_test_photos_all_leaked_and_one_whose_photos_changed(at_home: Path, trained: TrainResult, koin: Path) -> None:
    """What was asked of the photos of before vouches for the runs on those, and for no later one."""
    root = Path(shutil.copytree(koin, at_home / "leaky/KoIn"))
    shutil.rmtree(root / "hard_cases/train")
    for person in (root / "normal_cases/test").iterdir():
        for photo, of_training in zip(sorted(person.iterdir()), ("1.png", "2.png"), strict=True):
            shutil.copyfile(root / "normal_cases/train" / person.name / of_training, photo)

    def told(name: str) -> dict[str, tuple[str, ...]]:
        (run,) = load_runs(at_home / "runs/evaluate" / name)
        return {one.question.words: one.said for one in evidence_of([run], run, Workspace(at_home))}

    about: dict[str, Any] = {"weights": trained.weights, "data": str(root), "segments": True}
    evaluate(EvaluateSpec(**about, name="all-leaked"))
    audit(AuditSpec(data=str(root), name="all-leaked"))
    before = told("all-leaked")
    assert set(before) == {LEAKS.words, SHORTCUT.words, WEAK.words}
    counted, all_leaked = before[LEAKS.words]
    assert counted == "The audit finds 8 leaks."
    assert all_leaked == "normal_cases/test: all 8 photos have a near-duplicate in training, so top-1 tells nothing of new photos."
    assert before[SHORTCUT.words][-1].startswith("Not tested on hard_cases/test: ")
    shutil.copyfile(root / "hard_cases/test/s04/8.png", root / "hard_cases/test/0003/8.png")
    evaluate(EvaluateSpec(**{**about, "segments": False}, name="photos-changed"))
    assert told("photos-changed") == {}
    assert told("all-leaked") == before
    audit(AuditSpec(data=str(root), name="photos-changed"))
    assert set(told("photos-changed")) == {LEAKS.words, SHORTCUT.words}


def test_leaks_of_splits_that_were_not_scored_are_leaks(at_home: Path, asked: dict[str, Any]) -> None:
    (run,) = load_runs(asked["evaluate"].run)
    folder = Path(shutil.copytree(asked["audit"].run, at_home / "runs/audit/other"))
    found = pd.read_csv(folder / "findings.csv", keep_default_na=False)
    rows = pd.DataFrame({"kind": "leak", "image": "group_cases/test/s04/1.png", "other": "x", "score": 1, "detail": ""}, index=[0])
    pd.concat([rows, found[found["kind"] != "leak"]]).to_csv(folder / "findings.csv", index=False)
    audited = AuditRun.read(folder)
    assert audited is not None
    audited.written()
    try:
        said = next(one.said for one in evidence_of([run], run, Workspace(at_home)) if one.question is LEAKS)
    finally:
        shutil.rmtree(folder)
    assert any("1 leak" in sentence for sentence in said)
    assert NO_LEAK not in said


def test_a_figure_without_its_pdf_or_without_itself_stops_nothing(at_home: Path, asked: dict[str, Any], tmp_path: Path) -> None:
    (run,) = load_runs(asked["evaluate"].run)
    lost = {asked["stress"].run / "stress.pdf": tmp_path / "a", asked["control"].run / "erased_face.png": tmp_path / "b"}
    for path, held in lost.items():
        shutil.move(path, held)
    try:
        blocks = blocks_of([run], run, Workspace(at_home), tmp_path / "out")
    finally:
        for path, held in lost.items():
            shutil.move(held, path)
    figures = {one.path.name: one for one in blocks if isinstance(one, Figure)}
    assert set(figures) == {"trust_stress.png", "trust_segments.png", "trust_where_it_looks.png"}
    assert all(path.is_file() for path in files_of(list(figures.values())))
    assert (tmp_path / "out/trust_stress.pdf").read_bytes().startswith(b"%PDF"), "made of the PNG"
    assert figures["trust_stress.png"].caption == f"{run.title}: {COVERED.caption}"


def test_segments_are_told_of_whole_photos_only(at_home: Path) -> None:
    with pytest.raises(UsageError, match="whole photos"):
        EvaluateSpec(segments=True, faces=True)


def test_what_is_said_of_segments_names_what_the_test_assumes(at_home: Path, asked: dict[str, Any]) -> None:
    assert "tested as if photos were independent, with Holm's correction" in asked["evaluate"].segments.findings[0]


def test_the_segments_of_an_evaluation_are_of_its_photos(at_home: Path, asked: dict[str, Any]) -> None:
    table, frame = asked["evaluate"].segments.table, pd.read_csv(asked["evaluate"].run / "predictions.csv", dtype=str)
    written = pd.read_csv(asked["evaluate"].run / "segments.csv")
    assert len(table) == len(written) > 6
    totals = table.groupby(["split", "property"])[["n", "right"]].sum()
    photos = frame.groupby("split").size()
    right = (frame["true_label"] == frame["pred_1"]).groupby(frame["split"]).sum()
    for (split, name), row in totals.iterrows():
        if name in {"brightness", "sharpness"}:
            assert (row["n"], row["right"]) == (photos[split], right[split])
