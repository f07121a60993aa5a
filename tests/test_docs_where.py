"""What docs/where-it-looks.md says is what the committed tables give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from yolo_koin.evaluation import attention, scores
from yolo_koin.evaluation.segments import weak
from yolo_koin.evaluation.statistics import holm, wilson
from yolo_koin.reporting.document import markdown_table

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/where-it-looks.md").read_text(encoding="utf-8")
MODELS = ("n-224", "lite0-probe")


def table_of(kind: str, model: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / f"resources/{kind}-{model}.csv.gz")


def test_the_table_of_maps_comes_out_of_each_photo_s_share() -> None:
    rows = []
    for model in MODELS:
        for row in attention.summary(table_of("explained", model)).to_dict("records"):
            told = {"model": model, "split": row["split"], "named": row["named"], "photos": row["n"]}
            told["on the face"] = scores.text("top1", row["in_face"], row["low"], row["high"])
            told["an even map"] = f"{100 * row['face_area']:.1f} %"
            rows.append({**told, "above it": scores.text("top1_gap", row["above"], row["above_low"], row["above_high"])})
    assert markdown_table(pd.DataFrame(rows)) in PAGE
    photos = table_of("explained", "lite0-probe")
    assert f"In {photos['in_face'].isna().sum()} photos nothing speaks" in PAGE
    assert photos["face_area"].notna().all()
    masked = photos[photos["image"].str.contains("_mask")]
    assert f"of {len(masked)} photos with it {(masked['named'] == 'right').sum()} are named rightly" in PAGE


@pytest.mark.parametrize("model", MODELS)
def test_segments_come_out_of_their_counts(model: str) -> None:
    table = table_of("segments", model)
    of = table.groupby(["split", "property"])[["right", "n"]].transform("sum")
    others = of - table[["right", "n"]]
    counts = zip(table["right"], table["n"], others["right"], others["n"], strict=True)
    p = [stats.fisher_exact(np.array([[a, n - a], [b, m - b]])).pvalue for a, n, b, m in counts]
    np.testing.assert_allclose(table["p"], p, rtol=1e-5)
    np.testing.assert_allclose(table["p_holm"], holm(p), rtol=1e-5)
    np.testing.assert_allclose(table[["low", "high"]].T, wilson(table["right"], table["n"]), rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(table["rest"], others["right"] / others["n"], rtol=1e-5)
    assert len(table) == 30
    assert (table["n"].min(), table["n"].max()) == (26, 54)
    assert len(weak(table)) == (1 if model == "lite0-probe" else 0)
    for row in weak(table).to_dict("records"):
        assert (row["split"], row["property"], row["segment"]) == ("hard_cases/test", "brightness", "highest third")
        said = f"{scores.text('top1', row['top1'], row['low'], row['high'])} are named rightly, of the rest {100 * row['rest']:.1f} %"
        assert f"{said} (p = {row['p_holm']:.2g})" in " ".join(PAGE.split())
