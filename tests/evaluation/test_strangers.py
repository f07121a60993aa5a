"""From a table of folds to metrics: by plain loops over its rows, and what such a table may hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yolo_koin.evaluation import predictions, strangers
from yolo_koin.evaluation.predictions import PredictionsError

PEOPLE = [f"p{i:02}" for i in range(20)]
NORMAL, HARD = "normal_cases/test", "hard_cases/test"


def rows_of(fold: int, group: str, split: str, people: list[str], known: list[str], rng: np.random.Generator, photos: int) -> pd.DataFrame:
    """Photos of people as a model sees them that gives the right class, where there is one, two more logits."""
    labels = [label for label in people for _ in range(photos)]
    logits = rng.normal(0, 1, (len(labels), len(known)))
    for row, label in enumerate(labels):
        if label in known:
            logits[row, known.index(label)] += 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    images = [f"{split}/{label}/{i}.jpg" for i, label in enumerate(labels)]
    frame = predictions.rows(split, images, labels, p, known, logits=logits)
    return frame.assign(scale=1.0, classes=float(len(known)), fold=float(fold), group=group)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Four folds, in each of which five people are strangers and five choose thresholds."""
    rng, parts = np.random.default_rng(0), []
    for fold in range(4):
        out, choose = PEOPLE[5 * fold : 5 * fold + 5], (PEOPLE * 2)[5 * fold + 5 : 5 * fold + 10]
        known = [label for label in PEOPLE if label not in (*out, *choose)]
        parts += [rows_of(fold + 1, "known", split, known, known, rng, 3) for split in (NORMAL, HARD, "normal_cases/val")]
        parts += [rows_of(fold + 1, "stranger", split, out, known, rng, 8) for split in (NORMAL, HARD)]
        parts.append(rows_of(fold + 1, "threshold", "normal_cases/train", choose, known, rng, 8))
    lost = parts[0].index[0]
    blank = predictions.error_rows(NORMAL, [parts[0]["image"][lost]], [parts[0]["true_label"][lost]], ["truncated"])
    parts[0] = pd.concat([parts[0].drop(lost), blank.assign(scale=1.0, classes=10.0, fold=1.0, group="known")])
    return strangers.validate(pd.concat(parts))


@pytest.fixture(scope="module")
def metrics(frame: pd.DataFrame) -> pd.DataFrame:
    return strangers.scored(frame, "mine", resamples=199)


def value(metrics: pd.DataFrame, split: str, score: str, metric: str) -> float:
    row = metrics[(metrics["split"] == split) & (metrics["score"] == score) & (metrics["metric"] == metric)]
    return float(row["value"].iloc[0])


@pytest.mark.parametrize("split", [NORMAL, HARD])
@pytest.mark.parametrize("score", ["max_logit", "softmax", "normed_logit", "logit_norm"])
def test_rates_are_those_of_a_loop_over_the_rows(frame: pd.DataFrame, metrics: pd.DataFrame, split: str, score: str) -> None:
    named = false = known = others = 0
    for fold in (1, 2, 3, 4):
        mine = frame[(frame["fold"] == fold)]
        told = {
            "max_logit": mine["max_logit"],
            "softmax": mine["score_1"],
            "normed_logit": mine["max_logit"] / mine["logit_norm"],  # as published; the number of classes changes no rate
            "logit_norm": mine["logit_norm"],
        }[score]
        chosen = sorted(told[mine["group"] == "threshold"], reverse=True)
        threshold = chosen[len(chosen) // 10]  # of forty the fifth: four are above it
        for row, at in zip(mine.to_dict("records"), told, strict=True):
            if row["split"] == split and row["group"] == "known":
                known += 1
                named += at > threshold and row["pred_1"] == row["true_label"]
            elif row["split"] == split:
                others += 1
                false += at > threshold
    assert (known, others) == (120, 160)
    assert value(metrics, split, score, "tpir_at_10") == pytest.approx(named / known)
    assert value(metrics, split, score, "fpir_at_10") == pytest.approx(false / others)


def test_what_few_photos_cannot_show_has_no_number(metrics: pd.DataFrame) -> None:
    assert not metrics["metric"].str.endswith("_at_1").any(), "forty photos choose each threshold, and 300 are needed"
    assert value(metrics, NORMAL, "softmax", "claim") == 3 / 40
    bounded = metrics[~metrics["metric"].isin(["claim"])]
    assert bounded[["low", "high"]].notna().all(axis=None)
    assert ((bounded["low"] <= bounded["value"]) & (bounded["value"] <= bounded["high"])).all()


def test_the_score_is_chosen_on_validation_photos_alone(frame: pd.DataFrame, metrics: pd.DataFrame) -> None:
    of_val = {score: value(metrics, "val", score, "oscr") for score in strangers.SCORES}
    assert strangers.chosen_score(metrics) == max(of_val, key=of_val.__getitem__)
    tests = frame["split"].isin([NORMAL, HARD])
    without = strangers.scored(frame[~tests], "mine", resamples=0)
    assert strangers.chosen_score(without) == strangers.chosen_score(metrics)
    assert set(without["split"]) == {"val"}


def test_a_scale_of_its_own_in_each_fold_changes_no_number(frame: pd.DataFrame, metrics: pd.DataFrame) -> None:
    """Of nearest class means each training chooses a factor; thresholds are of the cosine."""
    factor = 2.0 ** frame["fold"]
    scaled = frame.assign(**{column: frame[column] * factor for column in predictions.LOGITS}, scale=factor)
    assert strangers.thresholds(scaled, "max_logit", 0.1) == pytest.approx(strangers.thresholds(frame, "max_logit", 0.1))


def test_what_is_not_there_has_no_number(frame: pd.DataFrame) -> None:
    """Neither validation photos nor any by which to choose a threshold; and a fold whose strangers of a split cannot be read."""
    found = strangers.scored(frame[frame["split"].isin([NORMAL, HARD])], "mine", resamples=0)
    assert not found["metric"].str.contains("_at_").any()
    assert found[found["split"] == "val"]["value"].isna().all()
    assert strangers.chosen_score(found) == "max_logit"
    lost = frame[(frame["fold"] == 2) & (frame["group"] == "stranger") & (frame["split"] == HARD)]
    blank = predictions.error_rows(HARD, [*lost["image"]], [*lost["true_label"]], ["truncated"] * len(lost))
    blank = blank.assign(scale=1.0, classes=10.0, fold=2.0, group="stranger")
    assert list(strangers.by_split(strangers.validate(pd.concat([frame.drop(lost.index), blank])))) == [NORMAL]


def test_a_table_that_was_written_and_read_is_the_same(frame: pd.DataFrame, tmp_path: Path) -> None:
    strangers.write(tmp_path / "predictions.csv", frame)
    pd.testing.assert_frame_equal(strangers.read(tmp_path / "predictions.csv"), frame)


SPOILT: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "a test photo that chooses": ("no test photo chooses", lambda f: f.assign(group=f["group"].replace("stranger", "threshold"))),
    "a stranger in training": ("are in test splits", lambda f: f.assign(group=f["group"].replace("threshold", "stranger"))),
    "a stranger whom the model knows": ("and no stranger", lambda f: f.assign(group=f["group"].where(f["split"] != HARD, "stranger"))),
    "a photo twice in a fold": ("each photo once", lambda f: pd.concat([f, f.head(1)])),
    "another group": ("groups are", lambda f: f.assign(group=f["group"].replace("known", "friend"))),
    "no logits": ("scores that may reject", lambda f: f.assign(max_logit=np.nan, logit_norm=np.nan)),
    "half a fold": ("numbered from 1", lambda f: f.assign(fold=f["fold"] + 0.5)),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_cannot_be_is_refused(frame: pd.DataFrame, spoilt: str) -> None:
    words, change = SPOILT[spoilt]
    with pytest.raises(PredictionsError, match=words):
        strangers.validate(change(frame))
