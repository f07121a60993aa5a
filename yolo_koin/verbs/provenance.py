"""Where the numbers of a report come from: versions, machine, photos, weights and commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from yolo_koin.options import described
from yolo_koin.reporting.document import Block, Heading, Table, Text
from yolo_koin.runs import Run, TrainRun
from yolo_koin.verbs.drawing import dataset_name
from yolo_koin.verbs.scored import Scored
from yolo_koin.words import Sentence

DIGITS = 12  # of a hash, which tell any two files apart
UNMEASURED = "Latency, parameters and FLOPs were not measured of every model: report --cost does."
SOURCES = "Each run: hashes (the first {digits} digits of SHA-256) of its photos and of its weights, and its training as a command."


def provenance(runs: Sequence[Scored]) -> list[Block]:
    """Tables of what all runs share, and of what each is made of; nothing of runs that say nothing."""
    told = [(run, run.source) for run in runs if run.source]
    if not told:
        return []
    shared: dict[str, dict[str, None]] = {}
    for _, source in told:
        for fact, value in _facts(source):
            shared.setdefault(fact, {})[value] = None
    facts = pd.DataFrame({"fact": list(shared), "value": [" / ".join(values) for values in shared.values()]})
    each = pd.DataFrame([_row(run) for run, _ in told])
    return [
        Heading(Sentence("Where these numbers come from")),
        Table(facts, Sentence("Software and machine, as the runs wrote them down.")),
        Table(each, Sentence(SOURCES, digits=DIGITS)),
        *([] if all(run.cost for run in runs if run.asked) else [Text(Sentence(UNMEASURED))]),
    ]


def _facts(run: Run) -> list[tuple[str, str]]:
    return [*run.versions.items(), ("platform", run.platform), ("commit of the program", (run.git_commit or "")[:DIGITS] or "none")]


def _row(run: Scored) -> dict[str, str]:
    source, training = run.source, run.training
    assert source is not None
    return {
        "run": run.name,
        "evaluated": source.updated[:10],
        "photos": dataset_name(run.data) if run.data else "",
        "hash of photos": source.index_sha256[:DIGITS],
        "hash of weights": source.weights_sha256[:DIGITS],
        "command": command_of(training) if training else "",
    }


def command_of(training: TrainRun) -> str:
    """What trains this again, with the options that are not the usual ones; of a path of this machine its last part."""
    spec, words = training.spec, ["yolo_koin", "train"]
    for one in described(type(spec)):
        value = getattr(spec, one.name)
        if one.name not in {"workspace", "name"} and value not in (None, "", one.default):
            told = Path(value).name if isinstance(value, str | Path) and Path(value).is_absolute() else str(value)
            words += [f"--{one.option.flag or one.name.replace('_', '-')}", shlex.quote(told)]
    return " ".join(words)
