"""A card for each run: the model and the data, what they are, how good the one is on the other, and what for. From its records alone.

After Mitchell et al., "Model cards for model reporting" (FAccT 2019), and Gebru et al., "Datasheets for datasets" (CACM 2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from yolo_koin.reporting.document import Block, Heading, Table, Text
from yolo_koin.splits import in_order
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.provenance import DIGITS, command_of
from yolo_koin.verbs.results import BRACKETS, no_news, readable_run
from yolo_koin.verbs.scored import Scored
from yolo_koin.words import Sentence

USE = (
    "For comparing classifiers in academic work. It always names one of the people whom it learnt from, and cannot say that somebody is a"
    " stranger, so it must not be used to identify people."
)
SYNTHETIC = (
    "{splits}: the photos are synthetic, so these numbers say how the tool works, not how well masked people or groups are recognised."
)
DATA = (
    "Photos of each test split as they were scored. The photos are not part of this run; ask who made the dataset for its licence and how"
    " consent was given. A person is taken out with a line of exclude.txt, and the model trained again."
)


def card(run: Scored) -> list[Block]:
    """The card of a run."""
    blocks: list[Block] = [
        Heading(Sentence("Model card: {run}", run=run.title), 1),
        Table(_facts(run)),
        Heading(Sentence("Results")),
        Table(readable_run(run)),
        Text(Sentence(BRACKETS)),
        Heading(Sentence("Intended use and limits")),
        Text(Sentence(USE)),
    ]
    blocks += [Text(Sentence("{note}.", note=note)) for note in no_news([run])]
    if drawn := [split for split in in_order(run.predictions["split"]) if split in run.synthetic]:
        blocks.append(Text(Sentence(SYNTHETIC, splits=", ".join(drawn))))
    return [*blocks, Heading(Sentence("Data")), Text(Sentence(DATA)), Table(_data(run))]


def _facts(run: Scored) -> pd.DataFrame:
    source, training, learnt = run.source, run.training, run.learnt
    facts = {"run": run.name}
    if learnt:
        facts |= {"model": learnt.network, "method": learnt.method, "trained on": f"{run.trained_on}, {learnt.training_set}"}
    if training:
        facts |= {"training photos": f"{training.photos:,}" if training.photos else "", "seed": str(training.spec.seed)}
        facts |= {"trained": training.updated[:10], "command": command_of(training)}
        facts |= {"trained in": {16: "bfloat16", 32: "32 bits"}.get(training.bits, "")}
    if source:
        facts |= {"classes": str(source.classes), "evaluated": source.updated[:10], "platform": source.platform}
        facts |= {"hash of weights": source.weights_sha256[:DIGITS], "hash of photos": source.index_sha256[:DIGITS]}
        facts |= {name: source.versions[name] for name in ("yolo_koin", "torch", "ultralytics") if name in source.versions}
    told = {fact: value for fact, value in facts.items() if value}
    return pd.DataFrame({"fact": list(told), "value": list(told.values())})


def _data(run: Scored) -> pd.DataFrame:
    photos = run.predictions.drop_duplicates(["split", "image"])
    by_split: Sequence[tuple[str, pd.DataFrame]] = [(split, photos[photos["split"] == split]) for split in in_order(photos["split"])]
    columns = {
        "split": [called(split, run.synthetic) for split, _ in by_split],
        "photos": [len(rows) for _, rows in by_split],
        "people": [rows.loc[rows["true_label"] != "", "true_label"].nunique() for _, rows in by_split],
        "unlabelled": [int((rows["true_label"] == "").sum()) for _, rows in by_split],
    }
    return pd.DataFrame(columns)
