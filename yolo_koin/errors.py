"""What a user can mend: each error says what is wrong, where, and what to do."""

from __future__ import annotations


class KoinError(Exception):
    """A mistake that the user can mend. The command line prints it as one line and exits with 2.

    Args:
        what: what is wrong, in a few words ("no such dataset").
        where: the file, folder, option or value that it is about.
        remedy: what to do about it, as an instruction.
    """

    def __init__(self, what: str, where: object = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, str(where), remedy
        head = f"{what}: {where}" if str(where) else what
        line = f"{head}. {remedy}" if remedy else head
        super().__init__(" ".join(line.split()))


class DatasetError(KoinError):
    """The photos, or a file that describes them, are not what is needed."""


class WeightsError(KoinError):
    """A weights file is missing, is no checkpoint, or is refused by safe loading."""


class RunError(KoinError):
    """A run folder exists already, is missing, is unfinished or cannot be written."""


class UsageError(KoinError):
    """An option has a value that makes no sense."""
