"""The reference of options in ``commands.md``, made of the command line itself: ``python -m docs.reference`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from yolo_koin import specs
from yolo_koin.cli import Command, Verbs
from yolo_koin.options import Described, described

PAGE = Path(__file__).with_name("commands.md")
BEGINS = "<!-- below: python -m docs.reference, out of yolo_koin/specs -->\n"
EVERYWHERE = ("workspace", "as_json")  # told once, above
WORDS = {int: "a whole number", float: "a number", Path: "a path"}


def commands(table: dict[str, Command] = Verbs.TABLE, before: str = "") -> Iterator[tuple[str, Command]]:
    """Every command that does something, by its words: ``train``, ``convert detect``."""
    for name, command in table.items():
        if command.inside:
            group: Any = command.inside.info.cls
            yield from commands(group.TABLE, f"{name} ")
        else:
            yield before + name, command


def reference() -> str:
    """A section for each command: its help, and a table of its options."""
    return "\n".join(_section(words, command) for words, command in commands())


def _section(words: str, command: Command) -> str:
    told, _, example = command.help.partition("\n\nExample: ")
    fields = {one.name: one for one in (*command.more, *described(getattr(specs, command.spec)))}
    made = [one for one in command.made().params if one.name in fields and one.name not in EVERYWHERE]
    rows = [_row(one, fields[one.name]) for one in made]
    table = "\n".join(["| option | value | meaning | default |", "|---|---|---|---|", *rows])
    shown = f"\n```bash\n{example}\n```\n" if example else ""
    return f"### {words}\n{told}\n{shown}\n{table}\n"


def _row(made: Any, field: Described) -> str:
    meaning, _, default = (made.help or "").partition(" [default: ")
    name = made.opts[0] if made.opts[0].startswith("-") else field.name.upper()
    return f"| `{name}` | {_value(field)} | {_cell(meaning)} | {_cell(default.removesuffix(']'))} |"


def _value(field: Described) -> str:
    if field.inner is bool:
        return ""
    low, high = field.option.least, field.option.most
    bounds = f", {low:g} to {high:g}" if low is not None and high is not None else f", {low:g} at least" if low is not None else ""
    choices = ", ".join(f"`{choice}`" for choice in field.choices)
    return (choices or WORDS.get(field.inner, "a text") + bounds) + ("; several" if field.is_many else "")


def _cell(text: str) -> str:
    return escape(text, quote=False).replace("|", r"\|")


def main() -> None:
    """Write the reference below its line."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.partition(BEGINS)[0] + BEGINS + "\n" + reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
