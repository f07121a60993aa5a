"""Numbers of a sweep against the same numbers, computed plainly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.robustness import (
    ELSEWHERE,
    Errors,
    above_chance,
    against_patch,
    by_severity,
    compared,
    corruption_errors,
    tidy,
    top1_of,
)
from yolo_koin.splits import NORMAL
from yolo_koin.synthetic.variants import Variant, variants_of

KINDS, SEVERITIES = ("mask", "blur"), (1, 3, 5)
LABELS = [f"p{i % 4}" for i in range(40)]
FACELESS = 5  # photos that have no mask


def swept(seed: int, harm: float, costly: str = "") -> pd.DataFrame:
    """Predictions of a model that errs more at each severity, and more of ``costly``."""
    rng, parts = np.random.default_rng(seed), []
    names, images = ["p0", "p1", "p2", "p3"], [f"{i:02}.png" for i in range(40)]
    for variant in (None, *variants_of(KINDS, SEVERITIES)):
        n = slice(FACELESS if variant and variant.kind == "mask" else 0, None)
        chance = 0.05 + (harm * variant.severity * (2 if str(variant) in costly.split() else 1) if variant else 0)
        wrong = rng.random(40) < chance
        right = np.array([int(label[1]) for label in LABELS])
        said = np.where(wrong, (right + 1) % 4, right)
        scores = np.full((40, 4), 0.1)
        scores[np.arange(40), said] = 0.7
        split = f"{NORMAL}@{variant}" if variant else str(NORMAL)
        parts.append(predictions.rows(split, images[n], LABELS[n], scores[n], names))
    return pd.concat(parts, ignore_index=True)


def rate(frame: pd.DataFrame, kind: str, severity: int, clean: bool = False) -> float:
    """The error rate of a variant, or of its photos as they are."""
    photos = frame[frame["split"] == f"{NORMAL}@{kind}-{severity}"]
    if clean:
        photos = frame[(frame["split"] == str(NORMAL)) & frame["image"].isin(photos["image"])]
    return float((photos["pred_1"] != photos["true_label"]).mean())


def test_corruption_errors_are_those_of_the_paper() -> None:
    model, reference = swept(1, 0.06), swept(2, 0.12)
    mine, theirs = (Errors.of(one, NORMAL, KINDS, SEVERITIES) for one in (model, reference))
    rows = {(row["split"], row["metric"]): row for row in corruption_errors(mine, theirs, NORMAL, KINDS, resamples=499)}
    ce, relative = [], []
    for kind in KINDS:
        above, below = (sum(rate(one, kind, s) for s in SEVERITIES) for one in (model, reference))
        ce.append(above / below)
        above, below = (sum(rate(one, kind, s) - rate(one, kind, s, clean=True) for s in SEVERITIES) for one in (model, reference))
        relative.append(above / below)
        assert rows[f"{NORMAL}@{kind}", "ce"]["value"] == pytest.approx(ce[-1])
        assert rows[f"{NORMAL}@{kind}", "relative_ce"]["value"] == pytest.approx(relative[-1])
    assert rows[str(NORMAL), "mce"]["value"] == pytest.approx(np.mean(ce))
    assert rows[str(NORMAL), "relative_mce"]["value"] == pytest.approx(np.mean(relative))
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows.values())
    assert rows[str(NORMAL), "mce"]["high"] < 1  # half as many errors, and 40 photos
    assert rows[f"{NORMAL}@mask", "ce"]["n"] == 40 - FACELESS
    assert rows[f"{NORMAL}@blur", "ce"]["n"] == 40


def test_a_model_is_as_good_as_itself_and_a_reference_without_errors_measures_nothing() -> None:
    errors = Errors.of(swept(1, 0.06), NORMAL, KINDS, SEVERITIES)
    assert {row["value"] for row in corruption_errors(errors, errors, NORMAL, KINDS, resamples=0)} == {1.0}
    faultless = Errors(np.zeros(40), np.zeros((40, 2, 3)), np.ones((40, 2)))
    assert corruption_errors(errors, faultless, NORMAL, KINDS, resamples=0) == []


def test_a_thing_where_it_belongs_is_compared_with_it_elsewhere_photo_by_photo() -> None:
    frame = swept(3, 0.06, costly="mask-1 mask-3 mask-5")
    table = against_patch(frame).set_index("split")
    assert list(table.index) == [f"{NORMAL}@mask", *(f"{NORMAL}@mask-{s}" for s in SEVERITIES)]  # blur hides nothing
    wide = frame.assign(right=frame["true_rank"] == 1).pivot(index="image", columns="split", values="right").dropna().astype(bool)
    for severity in SEVERITIES:
        here, there = wide[f"{NORMAL}@mask-{severity}"], wide[f"{NORMAL}@mask-{severity}-patch"]
        only_here, only_there = int((here & ~there).sum()), int((there & ~here).sum())
        row = table.loc[f"{NORMAL}@mask-{severity}"]
        assert (row["only_a"], row["only_b"], row["n"]) == (only_here, only_there, 35)
        assert row["p"] == pytest.approx(stats.binomtest(only_here, only_here + only_there, 0.5).pvalue)
        assert row["p"] <= row["p_holm"] <= 3 * row["p"]
    sums = [wide[[f"{NORMAL}@mask-{s}{end}" for s in SEVERITIES]].sum(axis=1) for end in ("", "-patch")]
    row = table.loc[f"{NORMAL}@mask"]
    assert (row["only_a"], row["only_b"]) == (int((sums[0] > sums[1]).sum()), int((sums[1] > sums[0]).sum()))
    assert row["better"] == ELSEWHERE
    assert against_patch(frame[frame["split"] == str(NORMAL)]).empty


def test_two_models_are_compared_on_each_kind() -> None:
    one, other = (frame[~frame["split"].str.endswith("patch")] for frame in (swept(1, 0.01), swept(2, 0.15)))
    table = compared(("good", one), ("bad", other)).set_index("split")
    assert list(table.index[:2]) == [f"{NORMAL}@mask", f"{NORMAL}@blur"]  # kinds in their order
    assert table.loc[f"{NORMAL}@blur", "better"] == "good"
    assert table.loc[f"{NORMAL}@blur", "n"] == 40
    wide = [
        frame.assign(right=frame["true_rank"] == 1).pivot(index="image", columns="split", values="right")[f"{NORMAL}@blur-3"]
        for frame in (one, other)
    ]
    assert table.loc[f"{NORMAL}@blur-3", "only_a"] == int((wide[0] & ~wide[1]).sum())


def test_chance_is_the_share_of_the_person_with_most_photos() -> None:
    frame = swept(1, 0.3)
    table = above_chance(frame, [f"{NORMAL}@mask-5", str(NORMAL)], classes=40).set_index("split")
    counts = frame[frame["split"] == f"{NORMAL}@mask-5"]["true_label"].value_counts()
    row = table.loc[f"{NORMAL}@mask-5"]
    assert row["chance"] == counts.max() / counts.sum()
    assert row["p"] == pytest.approx(stats.binom.sf(row["right"] - 1, row["n"], row["chance"]))
    assert table["p_holm"].tolist() == pytest.approx([table["p"].iloc[0], 2 * table["p"].iloc[1]])
    assert table["p_holm"].iloc[1] < 1e-9


def test_the_table_for_people_has_a_row_for_each_kind_and_place() -> None:
    frame = swept(1, 0.06)
    covered = pd.DataFrame({"split": f"{NORMAL}@mask-3", "image": ["a", "b", "c"], "covered": [0.2, 0.4, 0.6]})
    table = tidy(top1_of(frame, covered), "run")
    wide = by_severity(table)
    assert list(wide["kind"]) == ["mask", "mask", "blur"]
    assert list(wide["place"]) == ["", "elsewhere", ""]
    hidden = table[table["metric"] == "covered"].iloc[0]
    assert hidden["value"] == pytest.approx(0.4)
    assert (hidden["low"], hidden["high"]) == pytest.approx(stats.t.interval(0.95, 2, 0.4, stats.sem([0.2, 0.4, 0.6])))
    assert str(wide.loc[0, "3"]).startswith(f"{100 - 100 * rate(frame, 'mask', 3):.1f} % [")


@pytest.mark.parametrize("text", ["", "scarf-3", "mask", "-patch"])
def test_what_is_no_variant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no variant"):
        Variant.parse(text)
