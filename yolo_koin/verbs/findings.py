"""What a sweep and the erased-face control come to, in sentences; every number in them has its interval."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from yolo_koin.evaluation.across_runs import LEVEL
from yolo_koin.evaluation.robustness import ELSEWHERE, FEWEST, IN_PLACE
from yolo_koin.evaluation.scores import text
from yolo_koin.naming.sweeps import Erased
from yolo_koin.splits import Split, in_order
from yolo_koin.synthetic.variants import KINDS, Variant
from yolo_koin.words import count, listed

LIMITS = ["value", "low", "high"]


def of_sweep(table: pd.DataFrame, reference: str = "") -> Iterator[str]:
    """What costs most and least, and the mean corruption errors.

    Args:
        table: rows of ``metrics.csv`` of a sweep.
        reference: what the reference model is called; empty for none.
    """
    top1 = table[table["metric"] == "top1"]
    variants = [Split.parse(split).variant for split in top1["split"]]
    clean, changed = top1[[not variant for variant in variants]].iloc[0], top1[[bool(variant) for variant in variants]]
    yield f"Of {count(int(clean['n']), 'photo')} as they are, {_top1(clean)} are named rightly."
    kinds = [Variant.parse(variant) for variant in variants if variant]
    furthest = max(kind.severity for kind in kinds)
    last = changed[[kind.severity == furthest and not kind.elsewhere for kind in kinds]].sort_values("value")
    if len(last) > 1:
        (worst, low), (best, high) = (
            (Variant.parse(Split.parse(row["split"]).variant).kind, row) for _, row in last.iloc[[0, -1]].iterrows()
        )
        yield f"At severity {furthest}, {worst} costs most (top-1 {_top1(low)}), and {best} least ({_top1(high)})."
    means = {row["metric"]: row for _, row in table[table["metric"].isin(["mce", "relative_mce"])].iterrows()}
    if "mce" in means:
        told = f"Mean corruption error {_value(means['mce'])} of that of {reference}"
        told += f", relative {_value(means['relative_mce'])}" if "relative_mce" in means else ""
        used, of = (table["metric"] == "ce").sum(), len({kind.kind for kind in kinds})
        few = f", over {used} of {count(of, 'kind')}: to the others it loses fewer than {FEWEST} photos" if used < of else ""
        yield f"{told}; below 1 is more robust{few}."


def of_reference(versus: pd.DataFrame) -> Iterator[str]:
    """On which kinds of change two models differ.

    Args:
        versus: of :func:`~yolo_koin.evaluation.robustness.compared`.
    """
    kinds = _of_kinds(versus)
    for _, test in kinds[kinds["better"] != ""].iterrows():
        numbers = f"{test['only_a']} and {test['only_b']} of {count(int(test['n']), 'photo')}, p = {test['p_holm']:.2g}"
        yield f"{Split.parse(test['split']).variant}: {test['better']} names more photos rightly at more severities ({numbers})."
    if len(kinds) and len(same := kinds[kinds["better"] == ""]):
        told = listed([Split.parse(split).variant for split in same["split"]])
        yield f"No difference between {same['a'].iloc[0]} and {same['b'].iloc[0]} is shown on {told}."


def of_patches(patches: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    """Whether it is what is covered, or how much.

    Args:
        patches: of :func:`~yolo_koin.evaluation.robustness.against_patch`.
        table: rows of ``metrics.csv``, for the shares of faces that are covered.
    """
    shares = table[table["metric"] == "covered"].set_index("split")
    furthest = max((Variant.parse(Split.parse(split).variant).severity for split in shares.index), default=0)
    for _, test in _of_kinds(patches).iterrows():
        kind = Split.parse(test["split"]).variant
        here, there = (text("covered", *shares.loc[f"{test['split']}-{furthest}{end}", LIMITS]) for end in ("", "-patch"))
        numbers = f"{test['only_b']} of {count(int(test['n']), 'photo')} are named rightly at more severities with the {kind} elsewhere, "
        numbers += (
            f"{test['only_a']} with it where it belongs, p = {test['p_holm']:.2g}; at severity {furthest} it hides {here} of the face, "
        )
        numbers += f"and {there} elsewhere"
        verdict = {
            ELSEWHERE: f"It is what the {kind} covers, not only how much",
            IN_PLACE: f"Of the {kind}, it costs less where it belongs than elsewhere",
            "": f"Of the {kind}, no difference to the same thing elsewhere is shown",
        }
        yield f"{verdict[test['better']]}: {numbers}."


def of_control(table: pd.DataFrame, chance: pd.DataFrame) -> Iterator[str]:
    """Whether a model knows the face or the scene, for each test split.

    Args:
        table: rows of ``metrics.csv`` of the control.
        chance: of :func:`~yolo_koin.evaluation.robustness.above_chance`, of the splits without faces.
    """
    rows = {(row["split"], row["metric"]): row for _, row in table.iterrows()}
    for split in in_order(chance["split"]):
        test = chance[chance["split"] == split].iloc[0]
        place = Split.parse(split)

        def at(variant: Erased, metric: str = "top1", place: Split = place) -> pd.Series | None:
            return rows.get((str(Split(place.case, place.part, variant)), metric))

        erased, alone, set_elsewhere, scene = at("no-face"), at("face-only"), at("other-scene"), at("other-scene", "scene_top1")
        assert erased is not None
        assert alone is not None
        guessing = f"guessing {100 * test['chance']:.1f} %, p = {test['p_holm']:.2g}"
        where = Split(place.case, place.part)
        numbers = f"with the face erased {_top1(erased)} of {count(int(erased['n']), 'photo')} are still named rightly ({guessing}), "
        numbers += f"from the face alone {_top1(alone)}"
        whole = rows.get((str(where), "top1"))
        verdict = "ALARM, the model knows what is around the face (hair, clothes, background)"
        if whole is not None and whole["low"] <= test["chance"]:
            verdict = f"this tells nothing, since the photos as they are, {_top1(whole)}, are named no better than by guessing"
        elif test["p_holm"] >= LEVEL:
            verdict = "no sign that anything but the face gives anybody away"
        elif erased["low"] > alone["high"]:
            verdict += " better than the face"
        else:
            verdict += " too, the face better" if alone["low"] > erased["high"] else " too"
        yield f"{where}: {verdict}: {numbers}."
        if set_elsewhere is not None and scene is not None:
            told = f"{where}: with another person's hair, clothes and background around it, the face decides in {_top1(set_elsewhere)}"
            yield f"{told}, what is around it in {_top1(scene)}."


def _of_kinds(tests: pd.DataFrame) -> pd.DataFrame:
    """The tests over all severities."""
    return tests[tests["split"].map(lambda split: Split.parse(split).variant in KINDS).astype(bool)]


def _top1(row: pd.Series) -> str:
    return text("top1", row["value"], row["low"], row["high"])


def _value(row: pd.Series) -> str:
    return text(row["metric"], row["value"], row["low"], row["high"])
