"""Which files are photos, and the one way of looking for them: the dataset, predict's SOURCE and hardcases all walk here.

Links are followed, and no folder is walked twice, so a link to a folder above ends no walk. A link to nowhere that is called like a photo
is one that cannot be read: it has to be reported and counted, as its photo is there as soon as the drive is. Pipes, sockets and devices are
named and never opened: opening a pipe waits for ever.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yolo_koin.dataset.ids import nfc
from yolo_koin.errors import DatasetError
from yolo_koin.runs import is_ours as is_ours
from yolo_koin.words import count

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"})
# No .gif: with 256 colours, and mostly a drawing or a few moving frames, it is no photo to learn a face from.
BESIDE_PHOTOS = frozenset({".json", ".xml", ".csv", ".txt", ".md", ".yaml", ".yml"})  # notes and annotations: nobody misses them as photos
LITTER = frozenset(
    {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "#recycle", "@recycle", "#snapshot", "$recycle.bin", "lost+found"}
)  # of archive tools, desktops and storage boxes; what begins with a dot is hidden, such as .thumbnails and .Trash-1000

Kind = Literal["folder", "file", "broken", "special"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder.

    Attributes:
        path: as the file system spells it.
        kind: a link is what it points to; ``broken``: a link to nowhere or to itself; ``special``: a pipe, a socket, a device.
        linked: whether it is a link.
    """

    path: Path
    kind: Kind
    linked: bool

    @property
    def is_photo(self) -> bool:
        """Whether it is to be read as a photo: by its ending, as nothing is opened here."""
        return self.kind in {"file", "broken"} and self.path.suffix.lower() in IMAGE_SUFFIXES


@dataclass(frozen=True)
class Walk:
    """The photos below a folder.

    Attributes:
        photos: sorted paths.
        notes: what was left out, a line a kind.
    """

    photos: tuple[Path, ...]
    notes: tuple[str, ...]


def entries(folder: Path, hidden: bool = False) -> list[Entry]:
    """What is in a folder, by name, without litter; hidden files and folders, whose names begin with a dot, only when they are wanted.

    Raises:
        DatasetError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            kept = sorted((e for e in found if e.name.casefold() not in LITTER), key=lambda e: e.name)
            kept = kept if hidden else [e for e in kept if not e.name.startswith(".")]
            return [Entry(Path(e.path), _kind(e), e.is_symlink()) for e in kept]
    except OSError as error:
        raise DatasetError(f"cannot read ({error.strerror})", folder, "Check the folder's permissions.") from error


def name_of(path: Path) -> str:
    """The NFC name of a file or folder.

    Raises:
        DatasetError: it is not UTF-8, as after unpacking an archive of a Korean Windows without saying so.
    """
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        where = os.fsencode(path).decode(errors="replace")
        raise DatasetError(
            "a name that is not UTF-8", where, "Unpack the archive with its encoding (unzip -O cp949), or rename it."
        ) from error
    return nfc(path.name)


def below(folder: Path, skip: Collection[Path] = ()) -> Iterator[Entry]:
    """Everything but folders in a folder and below it; real folders before linked ones, so that a photo keeps its own path.

    Args:
        folder: where to look; it may itself be hidden or ours.
        skip: folders that are passed over, resolved; so are hidden ones and what this package wrote.

    Raises:
        DatasetError: a folder cannot be read, or its name is not UTF-8.
    """
    real, linked = deque([folder]), deque[Path]()
    seen: set[tuple[int, int]] = set()
    while real or linked:
        here = real.popleft() if real else linked.popleft()
        stat = here.stat()
        if (stat.st_dev, stat.st_ino) in seen or (here != folder and is_ours(here)) or (skip and here.resolve() in skip):
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for entry in entries(here):
            if entry.kind == "folder":
                name_of(entry.path)
                (linked if entry.linked else real).append(entry.path)
            else:
                yield entry


def photos_below(folder: Path, skip: Collection[Path] = ()) -> Walk:
    """The photos in a folder and below it, and what else is there.

    Raises:
        DatasetError: a folder cannot be read, or the name of one or of a photo is not UTF-8.
    """
    photos: list[Path] = []
    others: list[Entry] = []
    for entry in below(folder, skip):
        if entry.is_photo:
            name_of(entry.path)
            photos.append(entry.path)
        else:
            others.append(entry)
    return Walk(tuple(sorted(photos)), left_out(others, folder))


def left_out(others: Iterable[Entry], folder: Path) -> tuple[str, ...]:
    """A line for each kind of file that is no photo: endings are counted, pipes and the like are named."""
    others = list(others)
    endings = Counter(e.path.suffix.lower() or "no ending" for e in others if e.kind in {"file", "broken"})
    lines = [
        f"{folder}: {_not_read(many)} ({ending}){_remedy(ending)}"
        for ending, many in sorted(endings.items())
        if ending not in BESIDE_PHOTOS
    ]
    return (*lines, *(f"{_printable(e.path)}: a pipe, a socket or a device, not a photo" for e in others if e.kind == "special"))


def check_file(path: Path) -> None:
    """Raise a DatasetError where what should be a file is none, before anybody opens it."""
    reason = not_a_file(path)
    if reason:
        raise DatasetError(f"cannot read ({reason})", path, "Check the file.")


def not_a_file(path: Path) -> str:
    """Why this path cannot be opened as a file, in a few words; empty where it can. A path that is missing is none."""
    try:
        if path.is_dir():
            return "a folder"
        if path.is_file():
            return ""
        path.stat()
    except OSError as error:
        return "a broken link" if path.is_symlink() else str(error.strerror)
    return "a pipe, a socket or a device"


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        return "special" if Path(entry.path).exists() else "broken"
    except OSError:  # a link to itself
        return "broken"


def _not_read(files: int) -> str:
    return f"{count(files, 'file')} not read as {'a photo, by its' if files == 1 else 'photos, by their'} ending"


def _remedy(ending: str) -> str:
    return {".zip": "; unpack it", ".gif": "; save a picture of it as PNG"}.get(ending, "")


def _printable(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")
