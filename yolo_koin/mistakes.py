"""Mistakes in the words of the command line: one line each, with what, where, remedy, and near names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yolo_koin.errors import UsageError
from yolo_koin.options import Option, described

if TYPE_CHECKING:  # the options of every verb take a moment to read, and most calls make no mistake
    from yolo_koin.specs import Spec


class WordsError(UsageError):
    """A mistake in the words of the command line: nothing of it has to be translated."""


def no_such_command(word: str, known: Sequence[str], path: str) -> WordsError:
    """The error for a command that is none.

    Args:
        word: what was said.
        known: the commands.
        path: what stands before the word: ``yolo_koin convert``.
    """
    near = difflib.get_close_matches(word.lower(), known, 1, 0.5)
    return WordsError("no such command", word, f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(known)}.")


def in_our_words(error: Exception, words: Sequence[str]) -> str | None:
    """The line for an error of the library that reads the command line; None for any other error.

    Its classes are known by what they have, since typer carried them inside since 0.20 and had them from click before.

    Args:
        error: what was raised.
        words: of the command line.
    """
    if not (hasattr(error, "format_message") and hasattr(error, "exit_code")):
        return None
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message())
    context = getattr(error, "ctx", None)
    command = [word for word in words[:1] if not word.startswith("-")]
    see = f"See {context.command_path if context else ' '.join(['yolo_koin', *command])} --help."
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption":
        return _line(WordsError("no such option", _as_typed(str(option), words), _near(str(option), words, context) or see))
    if option is not None and "requires an argument" in error.format_message():
        return _line(WordsError("a value is missing", option, see))
    if option is not None and "does not take a value" in error.format_message():
        return _line(WordsError("this option takes no value", option, see))
    message = str(error.format_message())
    if extra := re.search(r"unexpected extra argument\S* \((.*)\)", message):
        return _line(WordsError("more words than this command takes", extra[1], see))
    return _line(WordsError(_as_words(message), "", see))


def for_command_line(text: str) -> str:
    """A message about fields in the words of the command line.

    >>> for_command_line("at least 1: epochs=0. Give a larger number.")
    'at least 1: --epochs 0. Give a larger number.'
    """
    return " ".join(_as_option(word) for word in text.split(" "))


def _line(mistake: WordsError) -> str:
    return f"yolo_koin: {mistake}"


def _as_typed(option: str, words: Sequence[str]) -> str:
    """The word that an option was read from: ``-epochs`` is read as ``-e`` and more."""
    return next((word.partition("=")[0] for word in words if word.startswith(option)), option)


def _near(option: str, words: Sequence[str], context: Any) -> str:
    """What was meant: an option whose name is near, or one that goes behind a command."""
    known = [name for one in (context.command.params if context else ()) for name in (*one.opts, *one.secondary_opts)]
    known = [name for name in known if name.startswith("--")]
    typed = "--" + _as_typed(option, words).lstrip("-").replace("_", "-").lower()
    if near := difflib.get_close_matches(typed, known, 1, 0.7):
        return f"Did you mean {near[0]}?"
    if context is not None and context.parent is None:
        return "Options go behind a command: yolo_koin train --size n."
    return ""


def _as_words(message: str) -> str:
    """A sentence as the middle of one: no capital at its begin, no full stop at its end."""
    message = message.rstrip(".")
    return message[:1].lower() + message[1:]


def _as_option(word: str) -> str:
    name, equals, value = word.partition("=")
    known = _every_field().get(name)
    if not equals or known is None:
        return word
    if known.position:
        return value
    flag = f"--{known.flag or name.replace('_', '-')}"
    if value.rstrip(".,;") == "True":
        return flag + value.removeprefix("True")
    return f"{flag} {value}" if value else flag


@lru_cache(maxsize=1)
def _every_field() -> dict[str, Option]:
    from yolo_koin.specs import Spec

    def all_specs(spec: type[Spec]) -> Iterator[type[Spec]]:
        yield spec
        for below in spec.__subclasses__():
            yield from all_specs(below)

    every = [one for spec in all_specs(Spec) for one in described(spec)]
    # What one command takes by its place may have a name in others, which wins.
    return {one.name: one.option for one in sorted(every, key=lambda one: not one.option.position)}
