"""What a report says of how far its numbers can be trusted: of the runs that asked, found by the hashes of weights and photos."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from PIL import Image

from yolo_koin.dataset import findings
from yolo_koin.errors import KoinError
from yolo_koin.evaluation import scores
from yolo_koin.evaluation.leaks import leak_notes
from yolo_koin.evaluation.shortcuts import Shortcut
from yolo_koin.files import atomic_path
from yolo_koin.parallel import Progress
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text
from yolo_koin.reporting.saving import save
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
UNTESTED = "Not tested on {splits}: that needs photos of one person each, and training photos of two people or more of the same case."

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
class Evidence:
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
    evidence = list(evidence_of(whole, best, workspace))
    rows: list[tuple[str, str, str]] = []
    blocks: list[Block] = []
    for question in QUESTIONS:
        found = [one for one in evidence if one.question is question]
        rows += [(question.words, one.model, f"{one.run.KIND} {one.run.full_name}, {one.run.updated[:10]}") for one in found]
        rows += [] if found else [(question.words, "", _command(question, best, best.data, workspace))]
        blocks += [Heading(question.words, 3)] if found else []
        blocks += [Text(f"{one.model}: {said}" if one.model and len(whole) > 1 else said) for one in found for said in one.said]
        blocks += _copied(question, found[0], out) if found and question.figure else []
    index = pd.DataFrame(rows, columns=["question", "model", "asked by"])
    return [Heading(Sentence("Can this number be trusted?")), Table(index, Sentence(INDEX), folds=False), *blocks]


def _copied(question: Question, of: Evidence, out: Path) -> list[Block]:
    """A figure of another run, beside those of the report; none where it cannot be read. Where its PDF is gone, one is made of the PNG."""
    source, target = of.run.folder / question.figure, out / f"trust_{Path(question.figure).name}"
    try:
        if source.with_suffix(".pdf").is_file():
            for suffix in (".png", ".pdf"):
                content = source.with_suffix(suffix).read_bytes()
                with atomic_path(target.with_suffix(suffix)) as temporary:
                    temporary.write_bytes(content)
        else:
            with Image.open(source) as picture:
                save(picture.convert("RGB"), target)
    except OSError:
        return []
    return [Figure(target, Sentence("{title}: {said}", title=of.model, said=question.caption), question.photos)]


def _command(question: Question, run: Scored, data: Path, workspace: Workspace) -> str:
    """What would answer a question of a run; of paths as much as leads there from the workspace."""
    name = run.training.full_name if run.training else ""
    home = workspace.root.resolve()
    place = data.resolve().relative_to(home).as_posix() if data.resolve().is_relative_to(home) else dataset_name(data)
    tests = " ".join(in_order(run.predictions["split"]))
    assert run.source is not None
    return question.command.format(weights=name or run.source.weights.name, data=place, tests=tests)


# -------------------------------------------------------------------------------------------------------------- evidence
def evidence_of(runs: Sequence[Scored], best: Scored, workspace: Workspace) -> Iterator[Evidence]:
    """What finished runs say of these models on the photos of the best, the newest of each kind; one that is damaged says nothing."""
    photos = best.source.photos_sha256 if best.source else {}
    audits = [run for run in _finished(AuditRun, workspace) if photos and photos.items() <= run.photos_sha256.items()]
    for about in audits[:1]:
        with contextlib.suppress(KoinError, OSError, ValueError):
            yield from _of_audit(about, best)
    kinds = _kinds(workspace, photos)
    models = {run.source.weights_sha256: run for run in reversed(runs) if run.source}  # of several of one model the first
    for sha256, model in reversed(models.items()):
        for question, (found, say) in kinds.items():
            for run in [one for one in found if one.weights_sha256 == sha256][:1]:
                with contextlib.suppress(KoinError, OSError, ValueError):
                    yield Evidence(question, model.title, run, tuple(say(run)))


def _kinds(workspace: Workspace, photos: Mapping[str, str]) -> dict[Question, tuple[list[Any], Any]]:
    """Question → the runs that answer it of these photos (split → hash), newest first, and what says what one came to."""

    def of(kind: type[R]) -> list[R]:  # of whole splits, since other photos have another hash
        return [run for run in _finished(kind, workspace) if run.photos_sha256 and run.photos_sha256.items() <= photos.items()]

    asked = [(run, run.spec) for run in of(ScoredRun) if isinstance(run.spec, EvaluateSpec)]
    return {
        FACE: (of(ControlRun), _of_control),
        COVERED: (of(StressRun), lambda run: of_sweep(scores.read(run.folder / "metrics.csv"))),
        WEAK: ([run for run, spec in asked if spec.segments], lambda run: of_segments(pd.read_csv(run.folder / segments.TABLE))),
        LOOKS: ([run for run in of(PredictRun) if run.spec.explain], lambda run: of_sights(pd.read_csv(run.folder / explain.MEANS))),
        STRANGERS: ([run for run, spec in asked if spec.strangers is not None], _of_strangers),
    }


def _finished(kind: type[R], workspace: Workspace) -> list[R]:
    """The finished runs of a kind, the newest first."""
    found = []
    for folder in workspace.folders(kind.KIND):
        with contextlib.suppress(KoinError):
            if (run := kind.read(folder)) and run.status == "finished":
                found.append(run)
    return sorted(found, key=lambda run: run.updated, reverse=True)


def _of_audit(run: AuditRun, best: Scored) -> Iterator[Evidence]:
    table = run.folder / audit.TABLE
    leaked, kinds = findings.read_leaks(table), Counter(pd.read_csv(table, keep_default_na=False)["kind"])
    scored = scores.score(best.predictions, best.name, max(best.classes, 2), resamples=0, leaked=leaked)
    wrong = ", ".join(count(kinds[kind], kind) for kind in findings.WRONG if kinds[kind])  # leaks of splits that were not scored too
    counted = [Sentence("The audit finds {findings}.", findings=wrong)] if wrong else []
    notes = [Sentence("{note}.", note=note) for note in leak_notes(scored)]
    yield Evidence(LEAKS, "", run, (*counted, *notes, *([] if leaked else [Sentence(NO_LEAK)])))
    told = [Sentence("{split}: {note}.", split=split, note=Shortcut(**one).words) for split, one in run.shortcuts.items()]
    rest = ", ".join(in_order({*best.predictions["split"]} - {*run.shortcuts}))
    yield Evidence(SHORTCUT, "", run, (*told, *([Sentence(UNTESTED, splits=rest)] if rest else [])))


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
    if not run.source.photos_sha256:
        return (f"{run.name} was scored by an older version, which noted no photos: nothing is asked of it",)
    there = {one.question.words for one in evidence_of([run], run, workspace)}
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
