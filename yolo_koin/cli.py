"""The command line: commands that are made of specs when they are asked for, exit codes, mistakes in one line. Imports nothing heavy."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_origin

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from yolo_koin import showing
from yolo_koin.console import bar, open_streams, print_error
from yolo_koin.environment import prepare
from yolo_koin.errors import KoinError
from yolo_koin.mistakes import WordsError, for_command_line, in_our_words, no_such_command
from yolo_koin.options import Described, described

if TYPE_CHECKING:
    from yolo_koin.specs import Spec

RAW: dict[str, Any] = {"rich_markup_mode": None, "no_args_is_help": True, "pretty_exceptions_enable": False}  # of each group of commands
INTERRUPTED = 130  # exit code, as shells have it
WORDS = ("TrainSpec", "EvaluateSpec", "PredictSpec", "ConvertDetectSpec", "BenchmarkSpec")  # specs whose fields stock spells field=value


def main() -> None:
    """Run the command line; the console script's entry point."""
    prepare()  # before any verb loads torch
    with open_streams():
        code = _run(sys.argv[1:])
    sys.exit(code)


def _run(words: list[str]) -> int:
    """The exit code: 0, 2 for a mistake of the user, 130 after Ctrl-C. A defect of ours goes on as the exception that it is."""
    try:
        _refuse_the_spelling_of_others(words)
        code = get_command(app)(args=words, prog_name="yolo_koin", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk is still told in one line
    except KoinError as error:
        print_error(error if isinstance(error, WordsError) else for_command_line(str(error)))
        return 2
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        told = in_our_words(error, words)
        if told is None:
            raise
        print(told, file=sys.stderr)
        return 2
    return code if isinstance(code, int) else 0


def _specs() -> Any:
    return import_module("yolo_koin.specs")


# -------------------------------------------------------------------------------------------------------------- commands
@dataclass(frozen=True)
class Command:
    """A command, not made yet.

    Attributes:
        name: of the command.
        place: ``module:function`` of the verb.
        spec: name of what the verb takes; each of its fields becomes an option.
        show: prints the result; its docstring is the command's help.
        remedy: how to go on after Ctrl-C.
        more: options beside the spec's; the function then takes all of them by name, in a dict.
        inside: the commands below this one, which then is a group and has a name and a help only.
    """

    name: str
    place: str = ""
    spec: str = ""
    show: Callable[..., None] = showing.sample
    remedy: str = ""
    more: tuple[Described, ...] = ()
    inside: typer.Typer | None = None

    @property
    def help(self) -> str:
        """What it does."""
        return str(self.inside.info.help) if self.inside else inspect.getdoc(self.show) or ""

    def made(self) -> Any:
        """The command as typer runs it."""
        if self.inside:
            group: Any = get_group(self.inside)
            group.name = self.name
            return group
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(self.name, help=self.help)(self._callback())
        return get_command(alone)

    def _callback(self) -> Callable[..., None]:
        from yolo_koin.specs import Spec

        spec: type[Spec] = getattr(_specs(), self.spec)
        taken = [*self.more, *sorted(described(spec), key=lambda one: (not one.option.position, one.name in spec.HIDDEN))]

        def call(**given: Any) -> None:
            as_json = given.pop("as_json")
            fields = {key: value for key, value in given.items() if value not in (None, False, [], ())}
            asked = fields if self.more else spec(**_complete(self.name, spec, fields))
            if isinstance(asked, Spec):
                import_module("yolo_koin.verbs.early").check(asked)
            with bar(self.remedy) as progress:
                _silence_stock()
                module, _, function = self.place.partition(":")
                result = getattr(import_module(module), function)(asked, progress)
            self.show(result, as_json)

        parameters = [_parameter(one) for one in taken if get_origin(one.inner) is not dict]  # that is for a file to say
        parameters.append(_keyword("as_json", bool, typer.Option("--json", help="Print the result as JSON."), False))
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        return call


class _Made(Mapping[str, Any]):
    """The commands of a table by name, each made when it is looked up."""

    def __init__(self, table: Mapping[str, Command]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> Any:
        return self._table[name].made()

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


class Commands(TyperGroup):
    """A group whose commands are made when they are asked for: making the options of all took half of the time of ``--help``."""

    TABLE: ClassVar[dict[str, Command]] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Made(self.TABLE)

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(self.TABLE)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant; near names are told."""
        if args and args[0] not in self.TABLE and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise no_such_command(args[0], list(self.TABLE), ctx.command_path)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands with the first sentence of each one's help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_line(one.help)) for name, one in self.TABLE.items()])


def _silence_stock() -> None:
    """Keep Ultralytics' own log from the user, red lines and all: each of its errors is caught where it arises, and told in one line."""
    import logging

    logging.getLogger("ultralytics").addFilter(lambda record: False)


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def _complete(command: str, spec: type[Spec], fields: dict[str, Any]) -> dict[str, Any]:
    missing = [one.name.upper() for one in described(spec) if one.default is MISSING and one.name not in fields]
    if missing:
        raise WordsError(f"{command} needs {' and '.join(missing)}", "", f"See yolo_koin {command} --help.")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def _parameter(one: Described) -> inspect.Parameter:
    """A field as a parameter that typer understands. All are texts: the spec itself says what cannot be, in one line."""
    flag = one.option.flag or one.name.replace("_", "-")
    if one.option.position:
        kind: Any = list[str] | None if one.is_many else str | None
        return _keyword(one.name, kind, typer.Argument(help=one.option.help, metavar=one.name.upper(), show_default=False), None)
    if one.inner is bool:
        return _keyword(one.name, bool, typer.Option(f"--{flag}", help=one.option.help), False)
    shown = ",".join(map(str, one.default)) if isinstance(one.default, tuple) else one.default
    default = "" if shown in (None, "", MISSING) or "[default:" in one.option.help else f" [default: {shown}]"
    words = {int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(one.inner, "TEXT")
    metavar = "|".join(one.choices) if one.choices and not one.is_many else words
    offered: dict[str, Any] = {"autocompletion": lambda: list(one.choices)} if one.choices else {}
    info = typer.Option(f"--{flag}", help=one.option.help + default, metavar=metavar, show_default=False, **offered)
    return _keyword(one.name, str | None, info, None)


def _keyword(name: str, kind: Any, info: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _refuse_the_spelling_of_others(words: list[str]) -> None:
    """Stock Ultralytics writes ``data=sample``; as a word of its own it would be taken for a photo."""
    if not any("=" in word and not word.startswith("-") for word in words):
        return
    known = {one.name for spec in WORDS for one in described(getattr(_specs(), spec))}
    for before, word in zip(["", *words], words, strict=False):
        name, equals, value = word.partition("=")
        if equals and name in known and not before.startswith("--"):
            raise WordsError("options begin with two dashes", repr(word), f"Say --{name.replace('_', '-')} {value}.")


# ----------------------------------------------------------------------------------------------------------------- table
def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

        print(f"yolo_koin {installed('yolo_koin')}")
        raise typer.Exit


RESUME = Described("resume", bool, showing.RESUME, False)
FOLDER = Described("folder", str, showing.FOLDER, None)
CONFIG = Described("config", Path, showing.CONFIG, None)
AGAIN, GO_ON, LAST_EPOCH = (
    "The same command begins it again.",
    "The same command does the rest.",
    "The same command goes on from the last epoch.",
)


def _table(*commands: Command) -> dict[str, Command]:
    return {one.name: one for one in commands}


class Conversions(Commands):
    """What ``convert`` makes."""

    TABLE: ClassVar[dict[str, Command]] = _table(
        Command("classify", "yolo_koin.verbs.convert:convert", "ConvertSpec", showing.convert, GO_ON),
        Command("detect", "yolo_koin.verbs.convert_detect:convert_detect", "ConvertDetectSpec", showing.convert_detect, GO_ON),
    )


convert = typer.Typer(cls=Conversions, help="Lay a dataset out in a format that Ultralytics reads.", **RAW)


class Verbs(Commands):
    """What the program does."""

    TABLE: ClassVar[dict[str, Command]] = _table(
        Command("sample", "yolo_koin.verbs.sample:sample", "SampleSpec", showing.sample),
        Command("split", "yolo_koin.verbs.split:split", "SplitSpec", showing.split),
        Command("audit", "yolo_koin.showing:call_audit", "AuditSpec", showing.audit, more=(FOLDER,)),
        Command("convert", inside=convert),
        Command("hardcases", "yolo_koin.verbs.hardcases:hardcases", "HardcasesSpec", showing.hardcases, GO_ON),
        Command(
            *("train", "yolo_koin.showing:call_train", "TrainSpec", showing.train),
            remedy="yolo_koin train --resume goes on with a run.",
            more=(RESUME,),
        ),
        Command("evaluate", "yolo_koin.verbs.evaluate:evaluate", "EvaluateSpec", showing.evaluate, AGAIN),
        Command("stress", "yolo_koin.verbs.stress:stress", "StressSpec", showing.stress, AGAIN),
        Command("control", "yolo_koin.verbs.control:control", "ControlSpec", showing.control, AGAIN),
        Command("score", "yolo_koin.verbs.score:score", "ScoreSpec", showing.score, AGAIN),
        Command("predict", "yolo_koin.verbs.predict:predict", "PredictSpec", showing.predict, AGAIN),
        Command("demo", "yolo_koin.verbs.demo:demo", "DemoSpec", showing.demo),
        Command("export", "yolo_koin.verbs.export:export", "ExportSpec", showing.export, AGAIN),
        Command("report", "yolo_koin.verbs.report:report", "ReportSpec", showing.report),
        Command("benchmark", "yolo_koin.showing:call_benchmark", "BenchmarkSpec", showing.benchmark, LAST_EPOCH, more=(CONFIG,)),
        Command("runs", "yolo_koin.verbs.runs:list_runs", "RunsSpec", showing.runs),
    )


app = typer.Typer(name="yolo_koin", cls=Verbs, help="Benchmark face classifiers on KoIn: normal photos against hard ones.", **RAW)


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")] = False,
) -> None:
    """Benchmark face classifiers on KoIn: normal photos against hard ones."""


@convert.callback()
def _convert() -> None:
    """Lay a dataset out in a format that Ultralytics reads."""
