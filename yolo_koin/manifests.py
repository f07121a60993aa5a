"""What is written down about a folder: a frozen dataclass in a JSON file, typed, checked and versioned.

Paths are relative to the folder of the manifest where both lie in one project, else absolute: a project can be moved, or mounted elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from yolo_koin.errors import RunError, UsageError
from yolo_koin.specs import Spec

SCHEMA = 2  # of manifests; those without a number are older, and are read too
MANIFEST = "manifest.json"
REMEDY = "Remove it, or the run it belongs to."

M = TypeVar("M", bound="Manifest")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is written down about a folder.

    Attributes:
        folder: the folder.
    """

    FILE: ClassVar[str] = MANIFEST
    folder: Path

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    def content(self) -> dict[str, Any]:
        """What stands in the file."""
        facts = {f.name: _encoded(getattr(self, f.name), self.folder) for f in fields(self) if f.name != "folder"}
        return {"schema": SCHEMA, **facts}

    @classmethod
    def read(cls: type[M], folder: Path) -> M | None:
        """What is written down about a folder, or None where nothing is.

        Raises:
            RunError: the file is there and is no manifest of this kind.
        """
        path = folder / cls.FILE
        if not path.is_file():
            return None
        hints = get_type_hints(cls)
        try:
            content = dict(json.loads(path.read_text(encoding="utf-8")))
            place = partial(placed, folder=folder, older="schema" not in content)
            told = {key: value for key, value in cls.older(content, folder).items() if key in hints and key != "folder"}
            return cls(folder=folder, **{key: _decoded(hints[key], value, place) for key, value in told.items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError) as error:
            raise RunError("not a manifest", path, REMEDY) from error

    @classmethod
    def older(cls, content: dict[str, Any], folder: Path) -> dict[str, Any]:
        """The content of a file of any schema in the words of this one."""
        return content


def kind_of(folder: Path) -> str | None:
    """What a manifest in a folder says it is of; None where there is none of ours."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8")) if (folder / MANIFEST).is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    kind = content.get("kind") if isinstance(content, dict) else None
    return kind if isinstance(kind, str) else None


# ---------------------------------------------------------------------------------------------------------------- values
def _encoded(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return from_folder(value, folder)
    if isinstance(value, Spec):
        return value.settings()
    return list(value) if isinstance(value, tuple) else value


def _decoded(hint: Any, value: Any, place: Callable[[str], Path]) -> Any:
    """A JSON value as the type that a field has; ``place`` tells where a path leads.

    Raises:
        TypeError, ValueError: it is none.
    """
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] if get_origin(hint) in {UnionType, Union} else [hint]
    if value is None and type(None) in get_args(hint):
        return None
    # Of several specs, the one whose fields these are.
    kind = kinds[0] if len(kinds) == 1 else max(kinds, key=lambda kind: len({f.name for f in fields(kind)} & set(value)))
    if kind is Path and isinstance(value, str):
        return place(value)
    if isinstance(kind, type) and issubclass(kind, Spec) and isinstance(value, dict):
        return kind.of(value)
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if get_origin(kind) is tuple and isinstance(value, list | tuple):
        return tuple(str(part) for part in value)
    if get_origin(kind) is dict and isinstance(value, dict):
        return {str(key): _decoded(get_args(kind)[1], part, place) for key, part in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise TypeError(f"{value!r} is not {kind}")


def home_of(folder: Path) -> Path | None:
    """The project that a folder of ``runs/`` or ``data/`` lies in."""
    for place in (folder, *folder.parents):
        if place.name in {"runs", "data"} and place.parent != place.parent.parent:
            return place.parent
    return None


def from_folder(path: Path, folder: Path) -> str:
    """A path as a manifest in ``folder`` tells it. Links are not followed: what looks inside of the project moves along with it."""
    path, folder = Path(os.path.abspath(path)), Path(os.path.abspath(folder))  # noqa: PTH100  # resolve() would follow links
    home = home_of(folder)
    return Path(os.path.relpath(path, folder)).as_posix() if home and path.is_relative_to(home) else str(path)


def placed(text: str, folder: Path, older: bool = True) -> Path:
    """Where a path of a manifest in ``folder`` leads now.

    An absolute path of an older manifest that is gone is looked for in the project as it lies today; one of a newer leads out of it.
    """
    path = Path(os.path.normpath(folder.absolute() / text))
    home = home_of(folder.absolute())
    if older and Path(text).is_absolute() and not path.exists() and home:
        starts = [i for i, part in enumerate(path.parts) if part in {"data", "runs", "weights"}]
        moved = [home.joinpath(*path.parts[i:]) for i in starts]
        return next((candidate for candidate in moved if candidate.exists()), path)
    return _short(path)


def _short(path: Path) -> Path:
    """A path below the folder that we are in as seen from there, as a user would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
