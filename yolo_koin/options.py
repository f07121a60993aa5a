"""What is said of a spec's field beside its type, and how a value is brought to the type or refused. Imports nothing heavy."""

from __future__ import annotations

import difflib
import types
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from yolo_koin.errors import UsageError


@dataclass(frozen=True)
class Option:
    """What is said of a field beside its type.

    Attributes:
        help: what it means.
        least, most: bounds of a number.
        nothing: the word for no bound at all, where None among several values means that: ``all``.
        flag: what the command line calls it, where that is not its own name.
        position: whether the command line takes it by its place, without a name.
    """

    help: str
    least: float | None = None
    most: float | None = None
    nothing: str = ""
    flag: str = ""
    position: bool = False


@dataclass(frozen=True)
class Described:
    """A field with what its annotation says.

    Attributes:
        name: of the field.
        type: without what is said beside it: ``int | None``, ``tuple[Size, ...]``.
        option: what is said beside it.
        default: :data:`dataclasses.MISSING` where there is none.
    """

    name: str
    type: Any
    option: Option
    default: Any

    @property
    def inner(self) -> Any:
        """The type without None and without the tuple around it."""
        kinds = _without_none(self.type)
        return _without_none(get_args(kinds[-1])[0])[0] if self.is_many else kinds[0]

    @property
    def is_many(self) -> bool:
        """Whether it takes several values."""
        return any(get_origin(kind) is tuple for kind in _without_none(self.type))

    @property
    def choices(self) -> tuple[str, ...]:
        """What it may be, where that is a short list."""
        return get_args(self.inner) if get_origin(self.inner) is Literal else ()

    def checked(self, value: Any) -> Any:
        """The value in the field's type.

        Raises:
            UsageError: it cannot be, or is out of bounds.
        """
        if value is None and type(None) in get_args(self.type):
            return None
        if not self.is_many:
            return self._one(value)
        if isinstance(value, str):  # several with commas, but where one text is one, which may have commas itself
            value = [value] if str in _without_none(self.type) else [part.strip() for part in value.split(",")]
        if not isinstance(value, list | tuple | set | frozenset):
            value = [value]
        return tuple(self._one(part) for part in value if part != "")

    def _one(self, value: Any) -> Any:
        if self.option.nothing and value in {None, self.option.nothing}:
            return None
        given = f"{self.name}={value}"
        if self.choices:
            return self._choice(value, given)
        value = _as(self.inner, value, given)
        bounds = self.option
        if bounds.least is not None and not value >= bounds.least:  # NaN is no number to train with either
            raise UsageError(f"has to be at least {bounds.least:g}", given, "Give a larger number.")
        if bounds.most is not None and not value <= bounds.most:
            raise UsageError(f"may be at most {bounds.most:g}", given, "Give a smaller number.")
        return value

    def _choice(self, value: Any, given: str) -> str:
        if value in self.choices:
            return str(value)
        words = {choice[0]: choice for choice in self.choices} | {choice: choice for choice in self.choices}
        near = difflib.get_close_matches(str(value).lower(), words, 1, 0.5)
        long = {"nano": "n", "small": "s", "medium": "m", "large": "l", "huge": "x"}.get(str(value).lower(), near[0] if near else "")
        guess = f" Did you mean {words.get(long, long)}?" if long in words else ""
        raise UsageError("no such choice", given, f"Choose from {', '.join(self.choices)}.{guess}")


def described(spec: type[Any]) -> tuple[Described, ...]:
    """The fields of a spec, in order."""
    hints = get_type_hints(spec, include_extras=True)
    return tuple(_described(f, hints[f.name]) for f in fields(spec))


def _described(field: Field[Any], hint: Any) -> Described:
    kind, option = get_args(hint)[:2]
    return Described(field.name, kind, option, MISSING if field.default is MISSING else field.default)


def _without_none(kind: Any) -> tuple[Any, ...]:
    """The parts of a union but for None; a type that is none, by itself."""
    parts = get_args(kind) if get_origin(kind) in {types.UnionType, Union} else (kind,)
    return tuple(part for part in parts if part is not type(None))


def _as(kind: Any, value: Any, given: str) -> Any:
    """A value as a number, a path or a text; what only looks like one is refused."""
    words = {int: "a whole number", float: "a number", bool: "True or False", str: "a text", Path: "a path"}
    try:
        if kind is bool or isinstance(value, bool):
            fits = kind is bool and isinstance(value, bool)
        elif kind is int:
            fits = isinstance(value, str) or int(value) == value
        elif kind in {str, Path}:
            fits = isinstance(value, str | Path)
        else:
            fits = True
        if fits:
            return kind(value)
    except (TypeError, ValueError, OverflowError):  # of infinity there is no whole number
        pass
    raise UsageError(f"has to be {words.get(kind, 'lines such as epochs: 30')}", given, "Correct it.")
