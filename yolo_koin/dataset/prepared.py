"""Folders of prepared photos: what the converters share.

Such a folder is ours from its first file on: what an earlier conversion left is reused where it still holds, and removed where it does
not. Photos of the user are only read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from yolo_koin.dataset.carve import Item, carve, cluster_photos, doubly_labelled, leaked
from yolo_koin.dataset.images import PhotoError, Prepared
from yolo_koin.dataset.koin import Dataset, Sample, nfc
from yolo_koin.dataset.looks import same_photo
from yolo_koin.dataset.state import Record, file_identity, read_state, still_holds, write_state
from yolo_koin.dataset.verdicts import Verdicts
from yolo_koin.errors import DatasetError, RunError
from yolo_koin.files import free_bytes, sha256, writing
from yolo_koin.locks import TEMPORARY, locked
from yolo_koin.manifests import kind_of
from yolo_koin.parallel import Progress, Step, in_threads, silent
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.splits import NORMAL, TRAINING_SETS, Split

STATE, INCOMING = ".state.csv", ".incoming"
LONGEST_STEM = 200  # bytes of a file name that are copied; file systems take 255 in all


# --------------------------------------------------------------------------------------------------------- which photos
def chosen(dataset: Dataset, train_on: str) -> tuple[list[Sample], tuple[Split, ...]]:
    """The photos that a conversion is about, and the splits that are trained on.

    Args:
        dataset: the raw dataset.
        train_on: ``normal``, ``hard`` or ``both``. Photos of the test splits always take part, and those of the dataset's own
            validation splits, where it has some.

    Raises:
        DatasetError: a split to train on is missing, or there are fewer than two classes.
    """
    training = TRAINING_SETS[train_on]
    own = {split.validation for split in training}
    samples = [s for s in dataset.samples if s.split in training or s.split in own or s.split.is_test]
    missing = [str(split) for split in training if split not in dataset.splits]
    if missing:
        have = ", ".join(map(str, dataset.splits))
        raise DatasetError(f"no photos in {' and '.join(missing)}, which --train-on {train_on} needs", dataset.root, f"It has {have}.")
    if len({s.label for s in samples if s.split in training}) < 2:
        raise DatasetError("fewer than two classes to learn", dataset.root / str(training[0]), "Each person needs a folder of their own.")
    return samples, training


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a conversion did, whatever the format.

    Attributes:
        root: the converted dataset.
        counts: photos per folder: ``train``, ``val``, ``test``, ``hard_cases/test``, …
        prepared: photos that were decoded now; the others were taken over from before.
        clusters: clusters of two or more training photos that were kept on one side of the train/val line.
        leaks: folder → how many of its photos are near-duplicates of a training photo of the same class.
        no_validation: classes that train and cannot validate.
        untrained: classes that cannot be learnt, since no photo of theirs trains.
        doubles: image ids of two photos that are near-duplicates under two people.
        duplicates: the table that names the photos of ``leaks`` and ``doubles``; None without any.
        notes: what the user should know of the dataset.
    """

    root: Path
    counts: dict[str, int]
    prepared: int
    clusters: int
    leaks: dict[str, int]
    no_validation: tuple[str, ...]
    untrained: tuple[str, ...]
    doubles: tuple[tuple[str, str], ...] = ()
    duplicates: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Division:
    """Which of the readable photos train, which validate, which test.

    Attributes:
        items: every readable photo.
        learnt: those of the training splits, validation included.
        doubles: image ids of two photos that are near-duplicates under two people, of all splits whose photos show one person.
        validation: image ids of the validation photos.
        clusters: clusters of two or more training photos that were kept on one side of the train/val line.
    """

    items: tuple[Item, ...]
    learnt: tuple[Item, ...]
    validation: frozenset[str]
    clusters: int
    doubles: tuple[tuple[str, str], ...] = ()

    def folder(self, sample: Sample) -> str:
        """Where a prepared photo goes: ``test`` is the normal test split, as stock Ultralytics expects one."""
        if not sample.split.is_test:
            return "val" if sample.image in self.validation else "train"
        return "test" if sample.split == NORMAL else str(sample.split)

    def split(self, sample: Sample) -> Split:
        """The split of a photo: ``normal_cases/val`` of one that validates."""
        return sample.split.validation if sample.image in self.validation else sample.split

    def leaks(
        self, folders: Mapping[str, str], samples: Sequence[Sample], records: Mapping[str, Record], root: Path
    ) -> dict[str, dict[str, str]]:
        """Folder → its photos that are copies of one in ``train`` of the same class → that one; photos elsewhere are out.

        What was found of two photos is kept in the prepared dataset, whose root is given.
        """
        hashes = {image: record.sha256 for image, record in records.items()}
        confirmed = Verdicts(root, hashes, same_photo({s.image: s.path for s in samples}))
        placed = [(folders[item.image], item) for item in self.items if item.image in folders]
        learnt = [item for folder, item in placed if folder == "train"]
        others = [folder for folder in dict.fromkeys(folder for folder, _ in placed) if folder != "train"]
        found = {folder: leaked(learnt, [item for place, item in placed if place == folder], confirmed) for folder in others}
        confirmed.keep()
        return found


def divide(
    dataset: Dataset, samples: Sequence[Sample], records: Mapping[str, Record], training: Collection[Split], val: float, seed: int
) -> Division:
    """Carve the validation photos out of the readable training photos; a dataset's own validation splits are taken as they are.

    Raises:
        DatasetError: fewer than two classes have one.
    """
    usable = [s for s in samples if records[s.image].status == "ok"]
    items = [Item(s.image, s.label, int(records[s.image].fingerprint, 16)) for s in usable]
    learnt = [item for item, s in zip(items, usable, strict=True) if not s.split.is_test]
    own = frozenset(s.image for s in usable if not s.split.is_test and s.split not in training)
    if len({item.label for item in learnt}) < 2:
        raise DatasetError("fewer than two classes with readable training photos", dataset.root, "Run yolo_koin audit to see why.")
    clusters = sum(len(cluster) > 1 for cluster in cluster_photos(learnt, dataset.groups))
    alone = [item for item, s in zip(items, usable, strict=True) if s.split.has_one_person]
    doubles = tuple((one.image, other.image) for one, other in doubly_labelled(alone))
    return Division(tuple(items), tuple(learnt), own or carve(learnt, dataset.groups, val, seed), clusters, doubles)


def file_names(samples: Sequence[Sample]) -> dict[str, str]:
    """File name of each prepared photo: its case and its own name; a hash joins in where two would be the same, or one too long."""
    stems = Counter((s.split, s.label, nfc(s.path.stem).lower()) for s in samples)
    names = {}
    for s in samples:
        stem = nfc(s.path.stem)
        if stems[s.split, s.label, stem.lower()] > 1 or len(stem.encode()) > LONGEST_STEM:
            stem = f"{stem[:40]}_{_hash(s.image)[:8]}"
        names[s.image] = f"{s.split.name}_{stem}.jpg"
    return names


# ---------------------------------------------------------------------------------------------------------- the folder
@dataclass(frozen=True)
class PreparedFolder:
    """A folder that a converter writes.

    Attributes:
        made: what it is to become; its folder is new, empty, or written by an earlier conversion of the same kind.
        table: the table of all photos. It is written last and removed first, so a folder that has it is whole.
        tops: folders in it that are ours alone.
        endings: of the files in them that are ours.
    """

    made: PreparedDataset
    table: str
    tops: tuple[str, ...]
    endings: tuple[str, ...] = (".jpg",)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.made.folder

    @contextlib.contextmanager
    def claimed(self) -> Iterator[dict[str, Record]]:
        """Keep the folder for this call while the block runs.

        Yields:
            What an earlier conversion left of the same raw dataset whose photos were prepared alike; the rest is removed.

        Raises:
            DatasetError: the folder holds something else, or lies in the raw dataset or around it.
            RunError: it cannot be written.
        """
        with writing(self.root):
            self._check()  # before the lock, which is a file too
        with locked(self.root):
            with writing(self.root):
                known = self._opened()
            yield known

    def check_room(self, needed: int) -> None:
        """Raise a RunError unless ``needed`` bytes are free."""
        if free_bytes(self.root) < needed:
            raise RunError(f"the disk has less than {(needed >> 20) + 1} MB free", self.root, "Free some space, or give another --out.")

    def prepare(
        self,
        samples: Sequence[Sample],
        known: Mapping[str, Record],
        make: Callable[[Sample], Prepared],
        workers: int | None = None,
        progress: Progress = silent,
    ) -> dict[str, Record]:
        """Prepare photos that are new or have changed.

        Args:
            samples: all photos.
            known: what is known of them; used for those whose file is as it was.
            make: prepares a photo. With no ``jpeg`` in its answer the photo has a record, and no file.
            workers: threads; all cores when None.
            progress: is told of each photo.

        Returns:
            Image id → record, of all photos. Records that were taken over are those of ``known``.
        """
        records = {s.image: r for s in samples if (r := known.get(s.image)) and still_holds(r, s.path, self.root)}
        todo = [s for s in samples if s.image not in records]
        if not todo:
            return records
        (self.root / self.table).unlink(missing_ok=True)
        try:
            with contextlib.closing(in_threads(partial(self._prepare, make=make), todo, workers)) as prepared:
                for record in prepared:
                    records[record.source] = record
                    progress(Step("preparing photos", len(records), len(samples)))
        finally:  # an interrupted conversion goes on from here
            write_state(self.root / STATE, records.values())
        return records

    def settle(self, records: Mapping[str, Record], placed: Sequence[Record], others: Collection[str] = ()) -> None:
        """Move the prepared photos to their places, and remove every file of ours but these and ``others``."""
        (self.root / self.table).unlink(missing_ok=True)
        for record in placed:
            before = records[record.source].image
            if record.image and before != record.image:
                (self.root / record.image).parent.mkdir(parents=True, exist_ok=True)
                (self.root / before).replace(self.root / record.image)
        self._sweep({record.image for record in placed} | set(others))

    def note(self, placed: Sequence[Record], made: PreparedDataset) -> None:
        """Write down what is in the folder; the table is still to be written."""
        write_state(self.root / STATE, placed)
        made.write()

    def is_as_noted(self, known: Mapping[str, Record], placed: Sequence[Record], made: PreparedDataset) -> bool:
        """Whether the folder is whole and already what it should become."""
        noted = prepared_at(self.root)
        same = noted is not None and noted.content() == made.content()
        return same and (self.root / self.table).is_file() and list(known.values()) == list(placed)

    def _check(self) -> PreparedDataset | None:
        """What an earlier conversion left, where the folder is one that we may write."""
        out, raw = self.root.resolve(), self.made.data.resolve()
        if out == raw or out in raw.parents or raw in out.parents:
            raise DatasetError("the converted dataset may not lie in the raw one, nor around it", self.root, "Give another --out.")
        if self.root.exists() and not self.root.is_dir():
            raise DatasetError("a file, not a folder", self.root, "Give --out a new or empty folder.")
        foreign = DatasetError("this folder holds something else", self.root, "Give --out a new or empty folder.")
        if kind_of(self.root) not in {None, self.made.kind}:
            raise foreign
        found = PreparedDataset.read(self.root)
        if found is None and self.root.is_dir() and not all(TEMPORARY.fullmatch(path.name) for path in self.root.iterdir()):
            raise foreign
        return found

    def _opened(self) -> dict[str, Record]:
        found, made = self._check(), self.made
        if found and found.data.resolve() == made.data.resolve() and _pixels(found) == _pixels(made):
            return read_state(self.root / STATE)
        (self.root / self.table).unlink(missing_ok=True)
        (self.root / STATE).unlink(missing_ok=True)
        self._sweep(())
        made.write()
        return {}

    def _prepare(self, sample: Sample, make: Callable[[Sample], Prepared]) -> Record:
        """Prepare one photo into the folder of incoming ones; where it belongs is known when all fingerprints are."""
        try:
            stat = sample.path.stat()
            digest = sha256(sample.path)
            seen = Record(sample.image, stat.st_size, stat.st_mtime_ns, digest, 0, 0, "", "ok", "", **file_identity(stat))
        except OSError as error:
            return Record(sample.image, 0, 0, "", 0, 0, "", f"cannot read ({error.strerror})", "")
        try:
            photo = make(sample)
        except PhotoError as error:
            return replace(seen, status=str(error))
        image = f"{INCOMING}/{_hash(sample.image)}.jpg" if photo.jpeg else ""
        if image:
            path = self.root / image
            with writing(path):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(photo.jpeg)  # half of one has no record, and is not moved to its place
        return replace(seen, width=photo.width, height=photo.height, fingerprint=f"{photo.fingerprint:016x}", image=image)

    def _sweep(self, keep: Collection[str]) -> None:
        """Remove files of ours that are not to be kept, known to the state file or not, and the folders that this leaves empty."""
        for top in (*self.tops, INCOMING):
            for folder, _, files in os.walk(self.root / top, topdown=False):
                for path in (Path(folder, name) for name in files):
                    if path.suffix in self.endings and nfc(path.relative_to(self.root).as_posix()) not in keep:
                        path.unlink()
                with contextlib.suppress(OSError):  # not empty
                    Path(folder).rmdir()


def _pixels(made: PreparedDataset) -> tuple[int, str | None, int]:
    """What decides the pixels of a prepared photo."""
    return made.version, made.fit, made.side


def _hash(image: str) -> str:
    return hashlib.sha256(image.encode()).hexdigest()
