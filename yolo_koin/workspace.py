"""Where everything of a project lies, and how its runs are found again by name."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yolo_koin.errors import RunError
from yolo_koin.files import writing
from yolo_koin.locks import TEMPORARY, locked, tidy
from yolo_koin.runs import CELLS, KINDS, MANIFEST, STRANGERS, Run, ScoredRun, TrainRun
from yolo_koin.specs import Spec


def never(run: Run) -> bool:
    """No run is made again."""
    return False


@dataclass(frozen=True)
class Workspace:
    """The folder of a project.

    Attributes:
        root: holds ``data/``, ``weights/`` and ``runs/``, which are made when they are needed.
    """

    root: Path = Path()

    @classmethod
    def of(cls, spec: Spec) -> Workspace:
        """The workspace that a spec names, else that of the environment, else the folder that we are in."""
        return cls(spec.workspace or Path(os.environ.get("YOLO_KOIN_HOME", "")))

    @property
    def data(self) -> Path:
        """Datasets, raw and prepared."""
        return self.root / "data"

    @property
    def weights(self) -> Path:
        """Pretrained weights."""
        return self.root / "weights"

    @property
    def runs(self) -> Path:
        """All runs."""
        return self.root / "runs"

    @property
    def faces(self) -> Path:
        """What face detectors found."""
        return self.data / ".faces.sqlite"

    @property
    def looks(self) -> Path:
        """What audits saw in photos."""
        return self.data / ".looks.sqlite"

    @property
    def engines(self) -> Path:
        """Exported networks."""
        return self.data / ".engines"

    @property
    def features(self) -> Path:
        """What frozen networks made of photos."""
        return self.data / ".features.sqlite"

    def find(self, path: str | Path) -> Path:
        """A path as the user means it: from where they are, else from the workspace."""
        return Path(path) if Path(path).exists() else self.root / path

    # -------------------------------------------------------------------------------------------------------- beginning
    @contextlib.contextmanager
    def begun(
        self, kind: str, name: str | None, default: str, spec: Spec, goes_on: bool = False, again: Callable[[Run], bool] = never
    ) -> Iterator[Path]:
        """Keep the empty folder of a run for this call while the block runs.

        A run that the same command began and did not finish is begun again: nothing of it was a result yet. Trainings are resumed instead.

        Args:
            kind: train, evaluate, predict or audit.
            name: the name that the user chose, which must be free; None takes ``default`` and numbers it when it is taken.
            default: name used when the user gave none.
            spec: what is asked for.
            goes_on: keep what the same command left, which goes on with it.
            again: whether a finished run that is there is made again in its place.

        Raises:
            RunError: the chosen name is taken, is no folder name, or the folder cannot be made.
        """
        if name is not None:
            check_name(name)
        numbered = (default if i == 1 else f"{default}-{i}" for i in range(1, 100_000))
        for folder in (self.runs / kind / one for one in ([name] if name is not None else numbered)):
            with contextlib.ExitStack() as held:
                if _made(folder) or _begun_by(kind, folder, spec, again):
                    held.enter_context(locked(folder))
                    if not any(folder.iterdir()) or _begun_by(kind, folder, spec, again):  # whom we waited for may have finished it
                        if not goes_on:
                            _clear(folder)
                        yield folder
                        return
                else:
                    tidy(folder)
        folder = self.runs / kind / str(name)
        begun = TrainRun.read(folder) if kind == TrainRun.KIND else None
        if begun and begun.status != "finished":
            raise RunError("this training was begun already", folder, f"Go on with yolo_koin train --resume --name {name}.")
        raise RunError("the run exists already", folder, "Choose another --name, or remove that folder yourself.")

    # ---------------------------------------------------------------------------------------------------------- finding
    def all_runs(self, kind: str) -> Iterator[Run]:
        """The runs of a kind, in :meth:`folders`."""
        for folder in self.folders(kind):
            if run := KINDS[kind].read(folder):
                yield run

    def folders(self, kind: str) -> Iterator[Path]:
        """Where the runs of a kind lie; of benchmarks trainings are among trainings, and runs with people held out among evaluations."""
        part = {TrainRun.KIND: CELLS, ScoredRun.KIND: STRANGERS}.get(kind)
        for pattern in (f"{kind}/*", *([f"benchmark/*/{part}/*"] if part else [])):
            yield from (path.parent for path in sorted(self.runs.glob(f"{pattern}/{MANIFEST}")))

    def newest_training(self, task: str = "", of_faces: bool = False) -> TrainRun:
        """The finished training that was renewed last: one of ``runs/train``, and a benchmark's cell where there is none.

        Args:
            task: ``classify`` or ``detect``; empty for any.
            of_faces: prefer one that learnt from faces that were cut out.

        Raises:
            RunError: there is none.
        """
        finished = [run for run in self.trainings() if run.status == "finished" and task in {"", run.spec.task}]
        if finished:
            return max(finished, key=lambda run: (of_faces and run.spec.fit == "face", run.folder.parent.name != CELLS, run.updated))
        again = "yolo_koin train --task detect" if task == "detect" else "yolo_koin train"
        raise RunError("no finished training run", self.runs / "train", f"Run {again}, or name a checkpoint with --weights.")

    def interrupted_training(self, name: str | None) -> TrainRun:
        """The training to go on with: the named one, or the one that was begun last.

        Raises:
            RunError: there is none, or it is finished.
        """
        if name is not None:
            check_name(name)
            run = TrainRun.read(self.runs / "train" / name)
            if run is None or run.status == "finished":
                what = "this run is finished" if run else "no such run"
                tidy(self.runs / "train" / name)
                raise RunError(what, self.runs / "train" / name, "There is nothing to resume.")
            return run
        unfinished = [run for run in self.trainings() if run.status != "finished" and run.folder.parent.name == "train"]
        if not unfinished:
            raise RunError("no interrupted training run", self.runs / "train", "Start one with yolo_koin train.")
        return max(unfinished, key=lambda run: run.updated)

    def training(self, name: str) -> TrainRun | None:
        """The training of this name: a run's, or ``benchmark/cell``; None when there is none."""
        benchmark, _, cell = name.partition("/")
        folder = self.runs / "benchmark" / benchmark / CELLS / cell if cell else self.runs / "train" / name
        return TrainRun.read(folder) if name not in {"", ".", ".."} else None

    def scored_run(self, run: str) -> Path:
        """The folder of a scored run, given as a path or as a name under ``runs/evaluate`` or ``runs/benchmark``.

        Raises:
            RunError: there is none.
        """
        for folder in (Path(run), self.root / run, self.runs / "evaluate" / run, self.runs / "benchmark" / run):
            if (folder / MANIFEST).is_file():
                return folder
        raise RunError("no such scored run", run, "Name a folder of runs/evaluate or runs/benchmark; yolo_koin evaluate makes one.")

    def trainings(self) -> Iterator[TrainRun]:
        """All trainings, in any state."""
        for run in self.all_runs(TrainRun.KIND):
            if isinstance(run, TrainRun):
                yield run


def training_of(checkpoint: Path) -> TrainRun | None:
    """The training run whose folder a checkpoint lies in, or None."""
    folder = checkpoint.absolute().parent
    return TrainRun.read(folder.parent) if folder.name == "weights" else None


def check_name(name: str) -> None:
    """Raise a RunError unless ``name`` can be the name of a run."""
    if name in {"", ".", ".."} or Path(name).name != name:
        raise RunError("a run's name is one folder name", repr(name), "Give --name without slashes.")


def _made(folder: Path) -> bool:
    """Whether the folder could be made, since nothing was there."""
    with writing(folder), contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True)
        return True
    return False


def _begun_by(kind: str, folder: Path, spec: Spec, again: Callable[[Run], bool]) -> bool:
    """Whether the same command began this run and did not finish it, or it is made again. A training that has begun is resumed instead."""
    if not folder.is_dir():
        return False
    run = KINDS[kind].read(folder)
    if run is None:  # whoever made the folder was killed before anything was written down
        return all(TEMPORARY.fullmatch(path.name) for path in folder.iterdir())
    unfinished = run.status != "finished" and vars(run)["spec"].settings() == spec.settings()
    return kind != TrainRun.KIND and (unfinished or again(run))


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
