"""The command line: commands made of specs, exit codes, mistakes in one line. Imports nothing heavy at module level."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import MISSING
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated, Any

import typer

from yolo_koin import showing
from yolo_koin.console import bar
from yolo_koin.environment import prepare
from yolo_koin.errors import KoinError, UsageError
from yolo_koin.options import Described, described
from yolo_koin.specs import (
    AuditSpec,
    BenchmarkSpec,
    ConvertDetectSpec,
    ConvertSpec,
    EvaluateSpec,
    HardcasesSpec,
    PredictSpec,
    ReportSpec,
    RunsSpec,
    SampleSpec,
    Spec,
    SplitSpec,
    TrainSpec,
    for_command_line,
)

RAW: dict[str, Any] = {"rich_markup_mode": None, "no_args_is_help": True}  # of each group of commands
GO_ON = "The same command does the rest."

app = typer.Typer(name="yolo_koin", help="Benchmark face classifiers on KoIn: normal photos against hard ones.", **RAW)
convert = typer.Typer(help="Lay a dataset out in a format that Ultralytics reads.", **RAW)


def main() -> None:
    """Run the command line; the console script's entry point."""
    prepare()  # before any verb loads torch
    try:
        _refuse_the_spelling_of_others(sys.argv[1:])
        app(prog_name="yolo_koin")
    except KoinError as error:
        print(f"yolo_koin: {for_command_line(str(error))}", file=sys.stderr)
        sys.exit(2)


# -------------------------------------------------------------------------------------------------------------- commands
def add(
    group: typer.Typer,
    name: str,
    place: str,
    spec: type[Spec],
    show: Callable[..., None],
    remedy: str = "",
    more: tuple[Described, ...] = (),
) -> None:
    """Add a command.

    Args:
        group: where it goes.
        name: of the command.
        place: ``module:function`` of the verb.
        spec: what the verb takes; each field becomes an option.
        show: prints the result; its docstring is the command's help.
        remedy: how to go on after Ctrl-C.
        more: options beside the spec's; the function then takes all of them by name, in a dict.
    """
    taken = [*more, *sorted(described(spec), key=lambda one: (not one.option.position, one.name in Spec.HIDDEN))]

    def call(**given: Any) -> None:
        as_json = given.pop("as_json")
        fields = {key: value for key, value in given.items() if value not in (None, False, [], ())}
        asked = fields if more else spec(**_complete(spec, fields))  # a mistake is told before anything heavy is imported
        with bar(remedy) as progress:
            module, _, function = place.partition(":")
            result = getattr(import_module(module), function)(asked, progress)
        show(result, as_json)

    parameters = [_parameter(one) for one in taken]
    parameters.append(_keyword("as_json", bool, typer.Option("--json", help="Print the result as JSON."), False))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    group.command(name, help=inspect.getdoc(show))(call)


def _complete(spec: type[Spec], fields: dict[str, Any]) -> dict[str, Any]:
    missing = [one.name for one in described(spec) if one.default is MISSING and one.name not in fields]
    if missing:
        raise UsageError("something is missing", ", ".join(missing).upper(), "See --help.")
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
    info = typer.Option(f"--{flag}", help=one.option.help + default, metavar=metavar, show_default=False)
    return _keyword(one.name, str | None, info, None)


def _keyword(name: str, kind: Any, info: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _refuse_the_spelling_of_others(words: list[str]) -> None:
    """Stock Ultralytics writes ``data=sample``; as a word of its own it would be taken for a photo."""
    known = {one.name for spec in (TrainSpec, EvaluateSpec, PredictSpec, ConvertDetectSpec) for one in described(spec)}
    for before, word in zip(["", *words], words, strict=False):
        name, equals, value = word.partition("=")
        if equals and name in known and not before.startswith("--"):
            raise UsageError("options begin with two dashes", repr(word), f"Say --{name.replace('_', '-')} {value}.")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"yolo_koin {installed('yolo_koin')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")] = False,
) -> None:
    """Benchmark face classifiers on KoIn: normal photos against hard ones."""


RESUME = Described("resume", bool, showing.RESUME, False)
FOLDER = Described("folder", str, showing.FOLDER, None)

add(app, "sample", "yolo_koin.verbs.sample:sample", SampleSpec, showing.sample)
add(app, "split", "yolo_koin.verbs.split:split", SplitSpec, showing.split)
add(app, "audit", "yolo_koin.showing:call_audit", AuditSpec, showing.audit, more=(FOLDER,))
app.add_typer(convert, name="convert")
add(convert, "classify", "yolo_koin.verbs.convert:convert", ConvertSpec, showing.convert, GO_ON)
add(convert, "detect", "yolo_koin.verbs.convert_detect:convert_detect", ConvertDetectSpec, showing.convert_detect, GO_ON)
add(app, "hardcases", "yolo_koin.verbs.hardcases:hardcases", HardcasesSpec, showing.hardcases, GO_ON)
LAST_EPOCH = "The same command goes on from the last epoch."
add(app, "train", "yolo_koin.showing:call_train", TrainSpec, showing.train, "yolo_koin train --resume goes on with a run.", more=(RESUME,))
add(app, "evaluate", "yolo_koin.verbs.evaluate:evaluate", EvaluateSpec, showing.evaluate, "The same command begins it again.")
add(app, "predict", "yolo_koin.verbs.predict:predict", PredictSpec, showing.predict, "The same command begins it again.")
add(app, "report", "yolo_koin.verbs.report:report", ReportSpec, showing.report)
add(
    app,
    "benchmark",
    "yolo_koin.verbs.benchmark:benchmark",
    BenchmarkSpec,
    showing.benchmark,
    "The same command goes on from the last epoch.",
)
add(app, "runs", "yolo_koin.verbs.runs:list_runs", RunsSpec, showing.runs)
