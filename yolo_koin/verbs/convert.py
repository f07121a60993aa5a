"""``yolo_koin convert classify``: lay a KoIn dataset out for YOLO classification."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from yolo_koin.dataset import classify
from yolo_koin.dataset.classify import Converted
from yolo_koin.dataset.koin import Dataset
from yolo_koin.locks import locked
from yolo_koin.parallel import Progress
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.specs import ConvertDetectSpec, ConvertSpec, Task
from yolo_koin.verbs.resolve import dataset_name, face_finder, open_dataset
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace

TASKS: dict[str, Task] = {"cls": "classify", "det": "detect"}  # by how their folders' names end
NUMBERS = ".numbers"  # what is locked while a dataset gets its number


@verb(ConvertSpec)
def convert(spec: ConvertSpec, progress: Progress) -> Converted:
    """Convert a dataset; again does only what changed.

    Raises:
        DatasetError: there is no dataset, or it has nothing to train on.
        RunError: the output cannot be written.
    """
    workspace = Workspace.of(spec)
    return squares(open_dataset(spec.data, workspace), spec, workspace, progress)


def squares(dataset: Dataset, spec: ConvertSpec, workspace: Workspace, progress: Progress) -> Converted:
    """Lay a dataset out as a spec says, whatever data it names."""
    with contextlib.ExitStack() as held:
        finder = held.enter_context(face_finder(None, "", False, workspace)) if spec.fit == "face" else None
        return classify.convert(
            dataset,
            spec.out or usual_folder(dataset, "cls", spec, workspace),
            train_on=spec.train_on,
            val=spec.val,
            fit=spec.fit,
            side=spec.side,
            seed=spec.seed,
            workers=spec.workers,
            find_face=finder.dominant if finder else None,
            progress=progress,
        )


def refresh(made: PreparedDataset, workspace: Workspace, progress: Progress) -> PreparedDataset:
    """Bring a prepared dataset up to date with its raw one, so that photos added, changed or excluded since are heeded.

    Where the raw one is gone, the prepared photos are as good as ever.
    """
    if not made.data.is_dir():
        return made
    told = {key: getattr(made, key) for key in ("train_on", "val", "fit", "side", "seed")}
    spec = ConvertSpec(**told, data=str(made.data), out=made.folder)
    return _read(squares(open_dataset(spec.data, workspace), spec, workspace, progress).root)


def squares_for(dataset: Dataset, spec: ConvertSpec, workspace: Workspace, progress: Progress) -> PreparedDataset:
    """The prepared dataset that a spec asks for."""
    return _read(squares(dataset, replace(spec, out=None), workspace, progress).root)


def usual_folder(dataset: Dataset, ending: str, spec: ConvertSpec | ConvertDetectSpec, workspace: Workspace) -> Path:
    """Where a dataset is converted to when nothing is said: ``data/koin-cls``, followed by whatever is not the default.

    So two ways of preparing or splitting the same photos never share a folder. Nor do two datasets of one name: all folders of the second
    have its number, as ``koin-cls-2-64px``, and none is taken that was made of another, though its photos may be gone at this moment.
    The folder is this dataset's from now on, so that nobody else gets its number meanwhile.
    """
    usual = type(spec)()
    said: dict[str, Any] = {key: getattr(spec, key, None) for key in ("train_on", "fit", "side", "val", "seed")}
    words = {"side": f"{spec.side}px", "val": f"val{spec.val:g}", "seed": f"seed{spec.seed}"}
    differs = [words.get(key, str(value)) for key, value in said.items() if value != getattr(usual, key, None)]
    root, name = dataset.root.resolve(), dataset_name(dataset)

    def folder(number: int) -> Path:
        numbered = "" if number == 1 else f"-{number}"
        return workspace.data / "-".join([f"{name}-{ending}{numbered}", *differs])

    if root in folder(1).resolve().parents:
        return folder(1)  # in the raw dataset, where nothing is written: the converter refuses it
    with locked(workspace.data / NUMBERS):
        made_of = _roots(name, workspace)
        own = sorted(number for number, roots in made_of.items() if root in roots)
        numbers = chain(own, (number for number in count(1) if number not in made_of))
        out = next(one for one in map(folder, numbers) if (made := prepared_at(one)) is None or made.data.resolve() == root)
        if not out.exists():
            detector = getattr(spec, "detector", None)
            with locked(out):  # so that what is left when we are killed here is swept by whoever comes next
                PreparedDataset(folder=out, kind=TASKS[ending], data=dataset.root, detector=detector, **said).write()
    return out


def _roots(name: str, workspace: Workspace) -> dict[int, set[Path]]:
    """Number → the datasets of a name whose folders have it; more than one where an earlier version made them."""
    found: dict[int, set[Path]] = {}
    pattern = re.compile(rf"{re.escape(name)}-(?:{'|'.join(TASKS)})(?:-(\d+))?(?:-.*)?")
    for folder in workspace.data.iterdir():
        if (match := pattern.fullmatch(folder.name)) and (made := prepared_at(folder)):
            found.setdefault(int(match[1] or 1), set()).add(made.data.resolve())
    return found


def _read(root: Path) -> PreparedDataset:
    made = PreparedDataset.read(root)
    assert made is not None  # it was written just now
    return made
