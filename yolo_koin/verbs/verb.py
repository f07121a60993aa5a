"""What makes a function a verb: it takes a spec, or the fields of one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from yolo_koin.errors import UsageError
from yolo_koin.parallel import Progress, silent
from yolo_koin.specs import Spec

S = TypeVar("S", bound=Spec)
S_in = TypeVar("S_in", bound=Spec, contravariant=True)
R = TypeVar("R")
R_out = TypeVar("R_out", covariant=True)


class Verb(Protocol[S_in, R_out]):
    """A verb: ``train(TrainSpec(size="n"))`` and ``train(size="n")`` are the same call."""

    __name__: str

    def __call__(self, spec: S_in | None = None, /, progress: Progress = silent, **fields: Any) -> R_out:
        """Do it.

        Args:
            spec: what is asked for; or its fields, by name.
            progress: is told how far the work is.
            fields: of the spec.
        """
        ...


def verb(spec_type: type[S]) -> Callable[[Callable[[S, Progress], R]], Verb[S, R]]:
    """Let a function of a spec take the spec's fields instead."""

    def decorate(run: Callable[[S, Progress], R]) -> Verb[S, R]:
        @wraps(run)
        def call(spec: S | None = None, /, progress: Progress = silent, **fields: Any) -> R:
            if spec is not None and fields:
                raise UsageError("a spec and fields", ", ".join(f"{key}={value}" for key, value in fields.items()), "Give one of the two.")
            return run(spec if spec is not None else spec_type(**fields), progress)

        return cast(Verb[S, R], call)

    return decorate
