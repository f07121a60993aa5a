"""What a report says of how far its numbers can be trusted: of the runs that asked, found by the hash of the weights and by the dataset."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from yolo_koin.dataset import findings
from yolo_koin.errors import KoinError
from yolo_koin.evaluation import scores
from yolo_koin.evaluation.leaks import leak_notes
from yolo_koin.files import atomic_path
from yolo_koin.parallel import Progress
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text
from yolo_koin.runs import AuditRun, ControlRun, PredictRun, Run, ScoredRun, StressRun
from yolo_koin.specs import AuditSpec, ControlSpec, EvaluateSpec, StressSpec
from yolo_koin.splits import in_order
from yolo_koin.verbs import audit, explain, open_set, segments
from yolo_koin.verbs.drawing import dataset_name
from yolo_koin.verbs.explain import of_sights
from yolo_koin.verbs.findings import of_control, of_sweep
from yolo_koin.verbs.scored import WHOLE, Scored
from yolo_koin.verbs.segments import of_segments
from yolo_koin.words import Sentence, count
from yolo_koin.workspace import Workspace

INDEX = "What was asked of these models on these photos, and by which run; or the command that asks it."
NO_LEAK = "The audit finds no test photo in training."
NO_SHORTCUT = "A linear classifier on size, brightness, sharpness and colour of the photos names nobody better than chance."

R = TypeVar("R", bound=Run)


@dataclass(frozen=True)
class Question:
    """What may be asked of a number.

    Attributes:
        words: the question.
        command: what answers it, with ``{weights}`` and ``{data}``.
        figure: in the run's folder; empty for none.
        caption: of it.
        photos: whether it shows people.
    """

    words: Sentence
    command: str
    figure: str = ""
    caption: str = ""
    photos: bool = False


LEAKS = Question(Sentence("Does training show test photos?"), "yolo_koin audit {data}")
SHORTCUT = Question(Sentence("Do properties of the photos alone tell who it is?"), "yolo_koin audit {data}")
FACE = Question(
    *(Sentence("Does the model know the face, or what is around it?"), "yolo_koin control --weights {weights}", "erased_face.png"),
    *(Sentence("Top-1 of the photos as they are and of each variant; whiskers: 95 % Wilson intervals, dotted: guessing"), True),
)
COVERED = Question(
    *(Sentence("What do covered and corrupted photos cost?"), "yolo_koin stress --weights {weights}", "stress.png"),
    Sentence("Top-1 by severity, 0 being the photos as they are; bands: 95 % Wilson intervals, dashed: the same thing elsewhere"),
)
WEAK = Question(
    *(Sentence("On which photos does it fail?"), "yolo_koin evaluate --segments --weights {weights}", segments.CHART),
    Sentence("Top-1 of parts of each split, each beside that of the rest"),
)
LOOKS = Question(
    *(Sentence("Where does it look?"), "yolo_koin predict {tests} --explain --weights {weights}", explain.SHEET),
    *(Sentence("Maps of what speaks for the answers, and how much of them lies on the face"), True),
)
STRANGERS = Question(Sentence("Does it notice strangers?"), "yolo_koin evaluate --strangers 0.2 --weights {weights}")
QUESTIONS = (LEAKS, SHORTCUT, FACE, COVERED, WEAK, LOOKS, STRANGERS)


@dataclass(frozen=True)
class Answer:
    """What a run came to.

    Attributes:
        question: that it answers.
        model: what it is about, as the report calls it; empty of a dataset.
        run: that asked.
        said: sentences, each number with its interval.
    """

    question: Question
    model: str
    run: Run
    said: tuple[str, ...]


# ---------------------------------------------------------------------------------------------------------------- report
def blocks_of(runs: Sequence[Scored], best: Scored, workspace: Workspace, out: Path) -> list[Block]:
    """The section on runs that named whole photos of one dataset.

    Args:
        runs: all of them.
        best: the one whose photos the report shows, which commands are about.
        workspace: where the answers are looked for.
        out: folder of the figures.
    """
    whole = [run for run in runs if run.way == WHOLE and run.source and run.source.weights_sha256]
    if not whole or best.data is None:
        return []
    answers = list(answers_of(whole, best, best.data, workspace))
    rows: list[tuple[str, str, str]] = []
    blocks: list[Block] = []
    for question in QUESTIONS:
        found = [one for one in answers if one.question is question]
        rows += [(question.words, one.model, f"{one.run.KIND} {one.run.name}, {one.run.updated[:10]}") for one in found]
        rows += [] if found else [(question.words, "", _command(question, best, best.data, workspace))]
        blocks += [Heading(question.words, 3)] if found else []
        blocks += [Text(f"{one.model}: {said}" if one.model and len(whole) > 1 else said) for one in found for said in one.said]
        blocks += (
            [_copied(question, found[0], out)] if found and (found[0].run.folder / question.figure).is_file() and question.figure else []
        )
    index = pd.DataFrame(rows, columns=["question", "model", "asked by"])
    return [Heading(Sentence("Can this number be trusted?")), Table(index, Sentence(INDEX), folds=False), *blocks]


def _copied(question: Question, answer: Answer, out: Path) -> Figure:
    """A figure of another run, beside those of the report."""
    source, target = answer.run.folder / question.figure, out / f"trust_{Path(question.figure).name}"
    for suffix in (".png", ".pdf"):
        with atomic_path(target.with_suffix(suffix)) as temporary:
            shutil.copyfile(source.with_suffix(suffix), temporary)
    return Figure(target, question.caption, question.photos)


def _command(question: Question, run: Scored, data: Path, workspace: Workspace) -> str:
    """What would answer a question of a run; of paths as much as leads there from the workspace."""
    folder = run.training.folder if run.training else None
    name = f"{folder.parents[1].name}/{folder.name}" if folder and folder.parent.name == "cells" else folder.name if folder else ""
    home = workspace.root.resolve()
    place = data.resolve().relative_to(home).as_posix() if data.resolve().is_relative_to(home) else dataset_name(data)
    tests = " ".join(in_order(run.predictions["split"]))
    assert run.source is not None
    return question.command.format(weights=name or run.source.weights.name, data=place, tests=tests)


# --------------------------------------------------------------------------------------------------------------- answers
def answers_of(runs: Sequence[Scored], best: Scored, data: Path, workspace: Workspace) -> Iterator[Answer]:
    """What finished runs say of these models, the newest of each kind; one that is damaged says nothing."""
    about = next(iter(_of_data(_finished(AuditRun, workspace), data)), None)
    if about is not None:
        with contextlib.suppress(KoinError, OSError, ValueError):
            yield from _of_audit(about, best)
    kinds = _kinds(workspace, data, set(best.predictions["split"]))
    models = {run.source.weights_sha256: run for run in reversed(runs) if run.source}  # of several of one model the first
    for sha256, model in reversed(models.items()):
        for question, (found, say) in kinds.items():
            for run in [one for one in found if one.weights_sha256 == sha256][:1]:
                with contextlib.suppress(KoinError, OSError, ValueError):
                    yield Answer(question, model.title, run, tuple(say(run)))


def _kinds(workspace: Workspace, data: Path, splits: set[str]) -> dict[Question, tuple[list[Any], Any]]:
    """Question → the runs that answer it, newest first, and what says what one came to. Of predictions those of whole splits."""
    scored = _of_data(_finished(ScoredRun, workspace), data)
    asked = [(run, run.spec) for run in scored if isinstance(run.spec, EvaluateSpec)]
    return {
        FACE: (_of_data(_finished(ControlRun, workspace), data), _of_control),
        COVERED: (_of_data(_finished(StressRun, workspace), data), lambda run: of_sweep(scores.read(run.folder / "metrics.csv"))),
        WEAK: ([run for run, spec in asked if spec.segments], lambda run: of_segments(pd.read_csv(run.folder / segments.TABLE))),
        LOOKS: (
            [run for run in _of_data(_finished(PredictRun, workspace), data) if run.spec.explain and {*run.spec.sources} <= splits],
            lambda run: of_sights(pd.read_csv(run.folder / explain.MEANS)),
        ),
        STRANGERS: ([run for run, spec in asked if spec.strangers is not None], _of_strangers),
    }


def _finished(kind: type[R], workspace: Workspace) -> list[R]:
    """The finished runs of a kind, the newest first."""
    found = []
    for folder in sorted((workspace.runs / kind.KIND).glob("*/")):
        with contextlib.suppress(KoinError):
            if (run := kind.read(folder)) and run.status == "finished":
                found.append(run)
    return sorted(found, key=lambda run: run.updated, reverse=True)


def _of_data(runs: Sequence[R], data: Path) -> list[R]:
    return [run for run in runs if (of := vars(run)["data"]) and of.resolve() == data.resolve()]


def _of_audit(run: AuditRun, best: Scored) -> Iterator[Answer]:
    table = run.folder / audit.TABLE
    leaked = findings.read_leaks(table)
    scored = scores.score(best.predictions, best.name, max(best.classes, 2), resamples=0, leaked=leaked)
    wrong = {kind: n for kind, n in run.findings.items() if kind in findings.WRONG}
    counted = Sentence("The audit finds {findings}.", findings=", ".join(count(n, kind) for kind, n in wrong.items()))
    notes = tuple(Sentence("{note}.", note=note) for note in leak_notes(scored))
    yield Answer(LEAKS, "", run, (*([counted] if wrong else []), *(notes or (Sentence(NO_LEAK),))))
    rows = pd.read_csv(table, keep_default_na=False)
    told = [f"{row['image']}: {row['detail']}." for row in rows[rows["kind"] == "shortcut"].to_dict("records")]
    yield Answer(SHORTCUT, "", run, tuple(told) or (Sentence(NO_SHORTCUT),))


def _of_control(run: ControlRun) -> Iterator[str]:
    return of_control(scores.read(run.folder / "metrics.csv"), pd.read_csv(run.folder / "chance.csv"))


def _of_strangers(run: ScoredRun) -> Iterator[str]:
    found = open_set.load(run.folder)
    assert found is not None
    for row in open_set.readable(found.metrics, found.score, found.synthetic).to_dict("records"):
        told: Mapping[str, str] = {str(key): str(value) for key, value in row.items()}
        rate = f"TPIR at FPIR 10 %: {told['TPIR at FPIR 10 %']}" + (f", FPIR there {told['FPIR there']}" if "FPIR there" in told else "")
        yield f"{told['split']}: {rate}; OSCR {told['OSCR']}."


# ---------------------------------------------------------------------------------------------------------------- asking
def ask(run: Scored, workspace: Workspace, device: str, progress: Progress) -> tuple[str, ...]:
    """Audit the dataset of a run, and put its model to ``stress`` and ``control``, where nobody has yet.

    Returns:
        A line on what could not be asked.
    """
    from yolo_koin.verbs.control import control
    from yolo_koin.verbs.stress import stress

    assert run.data is not None
    assert run.source is not None
    there = {one.question.words for one in answers_of([run], run, run.data, workspace)}
    about: dict[str, Any] = {"weights": run.source.weights, "data": str(run.data), "device": device, "workspace": workspace.root}
    notes = []
    for question, asking in (
        (LEAKS, lambda: audit.audit(AuditSpec(data=str(run.data), workspace=workspace.root), progress)),
        (COVERED, lambda: stress(StressSpec(**about), progress)),
        (FACE, lambda: control(ControlSpec(**about), progress)),
    ):
        try:
            if question.words not in there:
                asking()
        except KoinError as error:
            notes.append(f"{question.words} {error}")
    return tuple(notes)
