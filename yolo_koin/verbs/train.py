"""``yolo_koin train``: train one classifier, or one detector that tells people apart."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yolo_koin.dataset.koin import find_root
from yolo_koin.environment import needed
from yolo_koin.errors import RunError, UsageError
from yolo_koin.files import sha256
from yolo_koin.locks import locked
from yolo_koin.manifests import home_of
from yolo_koin.models.protocol import TrainJob
from yolo_koin.models.registry import family_of, trainer_of
from yolo_koin.parallel import Progress, silent, stopwatch
from yolo_koin.runs import TrainRun, prepared_at
from yolo_koin.specs import AUTO, SAMPLE, SCRATCH, TrainSpec
from yolo_koin.verbs.recipes import RECIPES, with_faces, with_shots
from yolo_koin.verbs.resolve import open_dataset, prepared, weights_file
from yolo_koin.verbs.sample import is_sample
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count
from yolo_koin.workspace import Workspace

USUAL_C = 0.316  # the paper's


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        run: its folder.
        weights: the best checkpoint.
        best_epoch: its epoch, from 1.
        metric: what it was chosen by: ``top1``, or ``map50`` of a detector.
        val: that, on the validation photos, 0 to 1.
        epochs: how many were trained.
        seconds: training time, of this call.
        data: the prepared dataset.
        notes: what the user should know of the dataset.
    """

    run: Path
    weights: Path
    best_epoch: int
    metric: str
    val: float
    epochs: int
    seconds: float
    data: Path
    notes: tuple[str, ...] = ()


@verb(TrainSpec)
def train(spec: TrainSpec, progress: Progress) -> TrainResult:
    """Convert if need be, train, and keep the best epoch by validation top-1 (a detector's: by mAP@0.5 over identities).

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    training = settled(spec, workspace, progress)
    asked = training.spec
    short = f"{asked.yolov8_size or asked.model_slug.removesuffix('-cls')}{asked.method_slug}-{asked.train_on}{asked.shots_slug}"
    with workspace.begun("train", spec.name, f"{short}{'-detect' if asked.task == 'detect' else ''}", spec) as folder:
        return result_of(run_training(training.at(folder), progress), training.notes)


def resume(
    name: str | None = None,
    device: str | None = None,
    progress: Progress = silent,
    workspace: Workspace = Workspace(),  # noqa: B008
) -> TrainResult:
    """Finish a run that was interrupted: the named one, or the one that was begun last.

    Args:
        name: of the run.
        device: to go on on another device than it began on.
        progress: is told of each epoch.
        workspace: where the run is.

    Raises:
        RunError: there is no unfinished run, or the photos that it was trained on have changed.
    """
    run = workspace.interrupted_training(name)
    with locked(run.folder):
        run = workspace.interrupted_training(run.name)  # whom we waited for may have finished it
        check_unchanged(run, workspace, progress)
        if device is not None:
            run = replace(run, spec=replace(run.spec, device=device))
        return result_of(go_on(run, progress))


# ---------------------------------------------------------------------------------------------------------------- values
@dataclass(frozen=True)
class Training:
    """A training with nothing left open, but for its folder.

    Attributes:
        spec: what was asked for, all of it settled.
        converted: the prepared dataset.
        start: the checkpoint to start from; None for scratch.
        index_sha256: of the table of photos; start_sha256: of the checkpoint.
        lr: peak of the learning rate.
        bits: of the numbers that it computes in, on this device: wherever the training goes on, they stay.
        people: how many training photos each person has.
        notes: what the user should know of the dataset.
    """

    spec: TrainSpec
    converted: Path
    start: Path | None
    index_sha256: str
    start_sha256: str | None
    lr: float
    bits: int
    people: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def photos(self) -> int:
        """How many photos are learnt."""
        return sum(n if self.spec.shots is None else min(n, self.spec.shots) for n in self.people)

    def drawn(self, shots: int | None, seed: int) -> Training:
        """The same training with other shots and another seed; as many shots as the largest class has photos are all photos."""
        notes = self.notes
        if shots is not None and (fewer := [n for n in self.people if n < shots]):
            have = f"{count(len(fewer), 'person')} with fewer training photos ({min(fewer)} to {max(fewer)})"
            notes = (*notes, f"{shots} shots: {have}; all of theirs are taken")
        return replace(self, spec=replace(self.spec, shots=bounded(shots, self.people), seed=seed), notes=notes)

    def anywhere(self) -> Training:
        """The same training for a process that is in another folder."""
        return replace(self, converted=self.converted.absolute(), start=self.start.absolute() if self.start else None)

    def at(self, folder: Path) -> TrainRun:
        """The run of this training in a folder."""
        return TrainRun(
            folder=folder,
            spec=self.spec,
            converted=self.converted,
            start=self.start,
            index_sha256=self.index_sha256,
            start_sha256=self.start_sha256,
            lr=self.lr,
            bits=self.bits,
            weights=folder / "weights" / f"best{trainer_of(self.spec.model_name, self.spec.method).ending}",
        )


def bounded(shots: int | None, people: Sequence[int]) -> int | None:
    """Shots that are a bound for somebody; None where nobody has more training photos."""
    return shots if shots is not None and shots < max(people, default=0) else None


def settled(spec: TrainSpec, workspace: Workspace, progress: Progress) -> Training:
    """What a spec means: the model, the start, the photos, and the settings that it leaves open. Prepares the photos.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend; told before an hour is spent.
    """
    spec = of_model(spec)
    if spec.log:
        needed(spec.log, f"log={spec.log}")
    recipe = RECIPES[spec.task]
    given = prepared(spec.data, spec.task, workspace)
    if spec.data != SAMPLE and not given:
        find_root(workspace.find(spec.data))  # a mistyped folder is told before anything is downloaded
    from yolo_koin.models.devices import bits_for, choose_device  # here, since it loads torch

    device = choose_device(spec.device)
    start, family = starting_weights(spec, workspace), family_of(spec.model_name)
    usual = family.usual(spec.model_name, new=start is None or not family.check(spec.model_name, start))
    notes: tuple[str, ...] = ()
    if given:
        made = recipe.refresh(given, workspace, progress)
    else:
        dataset = open_dataset(spec.data, workspace)
        made, notes = recipe.prepare(dataset, spec, workspace, progress), dataset.notes
    spec = replace(
        spec,
        side=made.side,
        train_on=made.train_on,
        val=made.val,
        fit=made.fit or "pad",
        epochs=1 if spec.method != "finetune" else spec.epochs or usual.epochs,
        batch=spec.batch or usual.batch,
        imgsz=spec.imgsz or usual.imgsz or recipe.input_size(made),
    )
    training = Training(
        spec=spec,
        converted=made.folder,
        start=start,
        index_sha256=sha256(made.folder / recipe.table),
        start_sha256=sha256(start) if start else None,
        lr=spec.lr or usual.lr,
        bits=bits_for(device, spec.precision) if spec.method == "finetune" else 32,
        people=tuple(Counter(photo.label for photo in recipe.photos(made.folder)["train"]).values()),
        notes=notes,
    )
    return training.drawn(spec.shots, spec.seed)


def starting_weights(spec: TrainSpec, workspace: Workspace) -> Path | None:
    """The checkpoint that a training starts from, downloaded if need be; None for scratch.

    Raises:
        WeightsError: it is not there.
    """
    family = family_of(spec.model_name)
    little = spec.weights == AUTO and family.learns_from_little and is_sample(spec.data, workspace.find(spec.data))
    little = little and spec.method == "finetune"
    if spec.weights == SCRATCH or little:
        return None
    if spec.weights == AUTO:
        return family.pretrained(spec.model_name, workspace.weights)
    return weights_file(spec.weights, workspace)


def run_training(run: TrainRun, progress: Progress) -> TrainRun:
    """Train from the beginning, and write down what came of it."""
    return _finished(run.written(), False, progress)


def go_on(run: TrainRun, progress: Progress) -> TrainRun:
    """Go on with a training from its last epoch; its photos are as they were."""
    return _finished(run, True, progress)


def brought_to_end(run: TrainRun, progress: Progress) -> TrainRun:
    """Train, or go on with what was begun in the run's folder before; what is finished is not trained again."""
    begun = None
    with contextlib.suppress(RunError):  # its record is damaged
        begun = TrainRun.read(run.folder)
    if begun is None:
        return run_training(run, progress)
    begun = replace(begun, spec=replace(begun.spec, device=run.spec.device))  # it may have begun on a device that is elsewhere
    return begun if begun.status == "finished" and begun.weights.is_file() else go_on(begun, progress)


def check_unchanged(run: TrainRun, workspace: Workspace, progress: Progress) -> None:
    """Bring the photos of a training up to date with the raw ones, and refuse to go on where that changed any.

    Raises:
        RunError: the photos that it was trained on have changed, or are gone.
    """
    recipe, made = RECIPES[run.spec.task], prepared_at(run.converted)
    if made is None:
        raise RunError("the photos that this run was trained on are gone", run.converted, "Put them back, or start a new run.")
    made = recipe.refresh(made, workspace, progress)
    same = made.side == run.spec.side and made.fit in {None, run.spec.fit}
    if not same or sha256(made.folder / recipe.table) != run.index_sha256:
        raise RunError("the photos have changed since this run began", made.folder, "Start a new run with another --name.")


def result_of(run: TrainRun, notes: tuple[str, ...] = ()) -> TrainResult:
    """A finished run as its caller is told of it."""
    seconds = run.seconds["training"]
    return TrainResult(run.folder, run.weights, run.best_epoch, run.metric, run.val, run.epochs, seconds, run.converted, notes)


def of_model(spec: TrainSpec) -> TrainSpec:
    """The spec with the task that its model is for."""
    model, family = spec.model_name, family_of(spec.model_name)
    task = family.task(model)
    if spec.task == "detect" != task:
        raise UsageError("this model names photos, and detects nothing", f"task=detect model={spec.model}", "Drop one of the two.")
    if spec.freeze > (layers := family.layers(model)):
        raise UsageError(f"{model} can keep at most {layers} layers as they are", f"freeze={spec.freeze}", "Give a smaller number.")
    if (spec.imgsz or 0) % (multiple := family.usual(model, new=True).multiple):
        raise UsageError(f"{model} takes multiples of {multiple}", f"imgsz={spec.imgsz}", "Usual sizes are 96, 160 and 224.")
    trainer_of(model, spec.method)
    return replace(spec, task=task)


def _finished(run: TrainRun, again: bool, progress: Progress) -> TrainRun:
    trainer, job, seconds = trainer_of(run.spec.model_name, run.spec.method), _job(run, progress), dict[str, float]()
    with run.failing():
        with stopwatch(seconds, "training"):
            trained = (trainer.resume if again else trainer.train)(job, progress)
        return run.written(
            status="finished",
            reason="",
            weights=trained.weights,
            weights_sha256=sha256(trained.weights),
            metric=trained.metric,
            val=trained.value,
            best_epoch=trained.best_epoch,
            epochs=trained.epochs,
            photos=len(job.train),
            seconds=seconds,
        )


def _job(run: TrainRun, progress: Progress = silent) -> TrainJob:
    spec, recipe = run.spec, RECIPES[run.spec.task]
    assert spec.side is not None
    assert spec.epochs is not None
    assert spec.imgsz is not None
    assert spec.batch is not None  # all were settled before the run was written down
    photos = {part: [one for one in some if one.label not in run.without] for part, some in recipe.photos(run.converted).items()}
    learnt = with_shots(photos["train"], spec.shots, spec.seed)
    return TrainJob(
        model=spec.model_name,
        train=with_faces(learnt, home_of(run.folder.absolute()), progress) if spec.hardcases else learnt,
        val=tuple(photos["val"]),
        names=tuple(name for name in recipe.names(run.converted) if name not in run.without),
        folder=run.folder,
        start=run.start,
        preparation=family_of(spec.model_name).preparation(spec.model_name, spec.fit, spec.side),
        train_on=spec.train_on,
        epochs=spec.epochs,
        imgsz=spec.imgsz,
        batch=spec.batch,
        device=spec.device,
        seed=spec.seed,
        freeze=spec.freeze,
        lr=run.lr or family_of(spec.model_name).usual(spec.model_name, new=run.start is None).lr,
        method=spec.method,
        C=USUAL_C if spec.C is None else spec.C,
        augment=spec.augment,
        hardcases=spec.hardcases,
        hardcase_kinds=spec.hardcase_kinds,
        hardcase_severities=spec.hardcase_severities,
        label_smoothing=spec.label_smoothing,
        patience=spec.patience,
        log=spec.log,
        bits=run.bits,
    )
