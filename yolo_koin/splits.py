"""The splits of a dataset: parsed, ordered and named here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CASES = ("normal_cases", "hard_cases", "group_cases")
PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """A case and a part, as the dataset writes them: ``hard_cases/test``; a variant is the split changed on purpose.

    Of photos outside of a dataset all three are empty, and so is the text.

    >>> Split.parse("normal_cases/test@mask-3")
    Split(case='normal_cases', part='test', variant='mask-3')
    >>> str(Split("hard_cases", "test")), Split("hard_cases", "test").name
    ('hard_cases/test', 'hard')

    Attributes:
        case: ``normal_cases``, ``hard_cases``, ``group_cases``, or whatever else a table says.
        part: ``train``, ``val`` or ``test``.
        variant: what was done to its photos, as in ``normal_cases/test@mask-3``; empty for the photos as they are.
    """

    case: str = ""
    part: str = ""
    variant: str = ""

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(text: str) -> Split:
        """The split that a text names. Any text names one: a table may have splits that are not ours."""
        place, _, variant = text.partition("@")
        case, _, part = place.rpartition("/")
        return Split(case, part, variant)

    def __str__(self) -> str:
        place = f"{self.case}/{self.part}" if self.case else self.part
        return f"{place}@{self.variant}" if self.variant else place

    @property
    def name(self) -> str:
        """The case in a word: ``normal``, ``hard``, ``group``; with the variant where there is one."""
        word = self.case.removesuffix("_cases") or self.part
        return f"{word} ({self.variant})" if self.variant else word

    @property
    def slug(self) -> str:
        """The name as a part of a file's: ``hard``, ``normal-mask-3``."""
        return "-".join(filter(None, [self.case.removesuffix("_cases") or self.part, self.variant]))

    @property
    def is_test(self) -> bool:
        """Whether photos of this split are for testing only."""
        return self.part == "test"

    @property
    def is_train(self) -> bool:
        """Whether a model may learn from this split."""
        return self.part == "train"

    @property
    def has_one_person(self) -> bool:
        """Whether its photos show one person each."""
        return self.case != GROUP.case

    @property
    def validation(self) -> Split:
        """The split of those of its photos that validate."""
        return Split(self.case, "val", self.variant)

    @property
    def order(self) -> tuple[bool, int, str, int, str, str]:
        """Sorts splits as people read them: the cases in their order, then others by name; variants after their split, validation last."""
        return (self.part == "val", _place(self.case, CASES), self.case, _place(self.part, PARTS), self.part, self.variant)


NORMAL, HARD, GROUP = (Split(case, "test") for case in CASES)
SPLITS = tuple(Split(case, part) for case in CASES for part in ("train", "test"))
TRAINING_SETS = {  # what a model learns from
    "normal": (Split("normal_cases", "train"),),
    "hard": (Split("hard_cases", "train"),),
    "both": (Split("normal_cases", "train"), Split("hard_cases", "train")),
}


def in_order(splits: Iterable[str]) -> list[str]:
    """The distinct splits of a table, in the order that people read them."""
    return sorted(set(splits), key=lambda text: Split.parse(text).order)


def of_part(frame: pd.DataFrame, part: str) -> pd.DataFrame:
    """The rows of a table with a column ``split`` that are of this part of any case."""
    return frame[[Split.parse(text).part == part for text in frame["split"]]]


def _place(word: str, known: tuple[str, ...]) -> int:
    return known.index(word) if word in known else len(known)
