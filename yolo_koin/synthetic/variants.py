"""The variants of a split: what is done to its photos, how far, and what each is called. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args

from yolo_koin.specs import Kind, Swept

KINDS: tuple[Swept, ...] = get_args(Swept)
OF_FACES: tuple[str, ...] = get_args(Kind)  # what is put on a face, and so needs one
COVERING = tuple(kind for kind in OF_FACES if kind != "light")
PATCH = "patch"


@dataclass(frozen=True, slots=True)
class Variant:
    """What is done to photos, as the variant of a :class:`~yolo_koin.splits.Split` says it.

    >>> str(Variant("mask", 3)), str(Variant("mask", 3, elsewhere=True))
    ('mask-3', 'mask-3-patch')
    >>> Variant.parse("motion-blur-5"), Variant.parse("mask-3-patch").elsewhere
    (Variant(kind='motion-blur', severity=5, elsewhere=False), True)

    Attributes:
        kind: of hard case or corruption.
        severity: 1 to 5.
        elsewhere: whether the thing that is drawn lies at a random place, as the control for where it belongs.
    """

    kind: str
    severity: int
    elsewhere: bool = False

    def __str__(self) -> str:
        return "-".join([self.kind, str(self.severity), *([PATCH] if self.elsewhere else [])])

    @classmethod
    def parse(cls, text: str) -> Variant:
        """The variant that a text names.

        Raises:
            ValueError: it names none.
        """
        place = text.removesuffix(f"-{PATCH}")
        kind, _, severity = place.rpartition("-")
        if kind not in KINDS:
            raise ValueError(f"{text!r} is no variant")
        return cls(kind, int(severity), place != text)


def variants_of(kinds: Sequence[str], severities: Collection[int]) -> tuple[Variant, ...]:
    """All variants of a sweep; the control of a variant follows it, so that the thing is drawn once for both."""
    both = {kind: (False, True) if kind in COVERING else (False,) for kind in kinds}
    return tuple(Variant(kind, severity, place) for kind in kinds for severity in sorted(severities) for place in both[kind])
