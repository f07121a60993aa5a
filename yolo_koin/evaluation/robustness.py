"""Numbers of a sweep: how much each kind of change costs, against a reference model, and against the same thing elsewhere in the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from yolo_koin.evaluation import metrics, predictions
from yolo_koin.evaluation.across_runs import tested
from yolo_koin.evaluation.scores import COLUMNS, Row, row, share
from yolo_koin.evaluation.scores import text as text_of
from yolo_koin.evaluation.statistics import RESAMPLES, Drawn, bootstrap, holm, mean_interval
from yolo_koin.splits import Split, in_order
from yolo_koin.synthetic.variants import COVERING, KINDS, Variant, variants_of

IN_PLACE, ELSEWHERE = "where it belongs", "elsewhere"
FEWEST = 10  # photos: of so many, one resample in 20,000 has none
Floats = NDArray[np.float64]


def top1_of(frame: pd.DataFrame, covered: pd.DataFrame | None = None) -> list[Row]:
    """Top-1 of each split with Wilson's interval, and the mean share of the face that is covered with Student's t.

    Args:
        frame: predictions.
        covered: ``split,image,covered``, shares from 0 to 1.
    """
    rows = [{"split": split, **share("top1", metrics.hits(frame[frame["split"] == split]))} for split in in_order(frame["split"])]
    for split, values in covered.groupby("split")["covered"] if covered is not None else ():
        shares = values.to_numpy(dtype=np.float64)
        rows.append({"split": split, **row("covered", float(shares.mean()), mean_interval(shares), len(shares))})
    return rows


def tidy(rows: Sequence[Row], run: str) -> pd.DataFrame:
    """Rows as ``metrics.csv`` has them."""
    return pd.DataFrame(rows).assign(run=run)[list(COLUMNS)]


def by_severity(table: pd.DataFrame) -> pd.DataFrame:
    """Top-1 with its interval as people read it: a row for each kind, a column for each severity.

    Args:
        table: rows of ``metrics.csv`` of a sweep.
    """
    top1 = table[table["metric"] == "top1"]
    variants = [Variant.parse(text) if (text := Split.parse(split).variant) else None for split in top1["split"]]
    cells: dict[tuple[str, str], dict[int, str]] = {}
    for variant, *ends in zip(variants, top1["value"], top1["low"], top1["high"], strict=True):
        if variant:
            row_of = cells.setdefault((variant.kind, "elsewhere" if variant.elsewhere else ""), {})
            row_of[variant.severity] = text_of("top1", *ends)
    rows = sorted(cells, key=lambda key: (KINDS.index(key[0]), key[1]))
    wide = pd.DataFrame([{"kind": kind, "place": place, **dict(sorted(cells[kind, place].items()))} for kind, place in rows])
    return wide.fillna("").rename(columns=str)


# ------------------------------------------------------------------------------------------------------------- reference
@dataclass(frozen=True)
class Errors:
    """Which photos a model gets wrong, 0 or 1; n photos, k kinds, s severities.

    Attributes:
        clean: n, as they are.
        swept: n × k × s, changed; 0 where a photo has no face to change.
        there: n × k, whether there are predictions.
    """

    clean: Floats
    swept: Floats
    there: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame, split: Split, kinds: Sequence[str], severities: Sequence[int]) -> Errors:
        """The errors of a table of predictions of one split and its variants, photos by image id."""
        known = predictions.labelled(frame)
        right = known.assign(right=(known["true_rank"] == 1).astype(np.float64)).pivot(index="image", columns="split", values="right")
        columns = [str(replace(split, variant=str(v))) for v in variants_of(kinds, severities) if not v.elsewhere]
        swept = 1 - right.reindex(columns=columns).to_numpy().reshape(len(right), len(kinds), len(severities))
        there = ~np.isnan(swept).any(axis=2)
        return cls(1 - right[str(split)].to_numpy(), np.where(there[..., None], swept, 0), there.astype(np.float64))

    def of_kinds(self, which: NDArray[np.intp]) -> Errors:
        """The errors of kinds of these numbers."""
        return replace(self, swept=self.swept[:, which], there=self.there[:, which])

    def totals(self, weights: Floats) -> tuple[Floats, Floats]:
        """Error rates summed over severities, and those beyond the photos as they are: m × k each, for n × m weights of photos."""
        n, k, s = self.swept.shape
        photos = weights.T @ self.there
        with np.errstate(divide="ignore", invalid="ignore"):  # of no photo at all there is no rate
            swept = (weights.T @ self.swept.reshape(n, k * s)).reshape(-1, k, s).sum(axis=2) / photos
            return swept, swept - s * (weights.T @ (self.clean[:, None] * self.there)) / photos


def corruption_errors(
    model: Errors, reference: Errors, split: Split, kinds: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> list[Row]:
    """Corruption errors in those of a reference model. Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261, section 3.

    With E(s, c) the error rate at severity s of kind c, and E(clean) that of the same photos as they are:
    ``ce`` = Σs E(s, c) / Σs E_ref(s, c), and ``relative_ce`` = Σs (E(s, c) - E(clean)) / Σs (E_ref(s, c) - E_ref(clean)); ``mce`` and
    ``relative_mce`` are their means over kinds. 1 is as good as the reference, less is better. A kind to which the reference loses fewer
    than :data:`FEWEST` photos has no ratio that would mean something, and is in no mean. Intervals: BCa bootstrap over photos, the same for
    both models.

    Args:
        model, reference: errors on the same photos.
        split: whose variants these are.
        kinds: their names.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        Rows of ``metrics.csv``, a kind's under ``split@kind``, but for the run.
    """
    everything = np.ones((len(model.clean), 1))
    rows: list[Row] = []
    for relative, (one, mean) in enumerate((("ce", "mce"), ("relative_ce", "relative_mce"))):
        lost = reference.swept.any(axis=2) & ~(reference.clean.astype(bool)[:, None] & bool(relative))
        total = reference.totals(np.ones((len(model.clean), 1)))[relative][0]
        usable = np.flatnonzero((lost.sum(axis=0) >= FEWEST) & (np.nan_to_num(total) > 0))
        groups = [(one, str(replace(split, variant=kinds[int(i)])), np.array([i])) for i in usable]
        for metric, place, which in [*groups, *([(mean, str(split), usable)] if len(usable) else [])]:
            ratio = _Ratio(model.of_kinds(which), reference.of_kinds(which), relative)
            value, interval = float(ratio(everything)[0]), bootstrap(ratio, len(model.clean), resamples, seed)
            rows.append({"split": place, **row(metric, value, interval, int(ratio.model.there.all(axis=1).sum()))})
    return rows


@dataclass(frozen=True)
class _Ratio:
    """The mean over kinds of a corruption error, as a statistic to resample; ``relative`` is 1 for the relative one."""

    model: Errors
    reference: Errors
    relative: int

    def __call__(self, drawn: Drawn) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = self.model.totals(drawn)[self.relative] / self.reference.totals(drawn)[self.relative]
        result: Floats = ratios.mean(axis=1)
        return result


# --------------------------------------------------------------------------------------------------------------- control
def against_patch(frame: pd.DataFrame) -> pd.DataFrame:
    """Whether it matters what is covered, or only how much: each drawn thing against the same thing elsewhere, on the same photos.

    Returns:
        As of :func:`compared`; ``better`` is :data:`ELSEWHERE` where it costs more to cover the face's own part.
    """
    of = [Variant.parse(text) if (text := Split.parse(split).variant) else None for split in frame["split"]]
    here, there = (frame[[v is not None and v.kind in COVERING and v.elsewhere == moved for v in of]] for moved in (False, True))
    return compared((IN_PLACE, here), (ELSEWHERE, there))


def compared(one: tuple[str, pd.DataFrame], other: tuple[str, pd.DataFrame]) -> pd.DataFrame:
    """Which of two does better on changed photos, photo by photo.

    Args:
        one, other: what it is called, and predictions of the same photos and variants; splits without a variant are passed over.

    Returns:
        Rows as of :func:`~yolo_koin.evaluation.across_runs.paired`. First one for each kind (``split@mask``), over all severities: a photo
        is for the one that names it rightly at more of them, and the sign test, which for one severity is McNemar's exact test, says
        whether the two differ; Holm's correction is over kinds. Then one for each kind and severity, with a correction of their own.
    """
    right = pd.concat([_right(frame).assign(of=name) for name, frame in (one, other)])
    if right.empty:
        return tested([])
    (a, _), (b, _) = one, other
    tables = []
    for keys in (["kind"], ["kind", "severity"]):
        times = right.pivot_table("right", ["split", *keys, "image"], "of", aggfunc="sum", observed=True)
        more = pd.DataFrame({a: times[a] > times[b], b: times[b] > times[a], "n": True})
        counts = more.groupby(["split", *keys], observed=True).sum()
        splits = [f"{split}@{'-'.join(map(str, variant))}" for split, *variant in counts.index]
        rows = zip(splits, counts[a], counts[b], counts["n"], strict=True)
        tables.append(tested([(split, a, b, int(only_a), int(only_b), int(n)) for split, only_a, only_b, n in rows]))
    return pd.concat(tables, ignore_index=True)


def _right(frame: pd.DataFrame) -> pd.DataFrame:
    """``split,kind,severity,image,right`` of changed photos; kinds in their order."""
    changed = frame[frame["split"].map(lambda split: Split.parse(split).variant != "").astype(bool)]
    splits = [Split.parse(split) for split in changed["split"]]
    variants = [Variant.parse(split.variant) for split in splits]
    columns = {
        "split": [str(replace(split, variant="")) for split in splits],
        "kind": pd.Categorical([variant.kind for variant in variants], KINDS, ordered=True),
        "severity": [variant.severity for variant in variants],
        "image": changed["image"].to_numpy(),
        "right": (changed["true_rank"] == 1).to_numpy(),
    }
    return pd.DataFrame(columns)


def above_chance(frame: pd.DataFrame, splits: Sequence[str], classes: int) -> pd.DataFrame:
    """Whether top-1 of each split is above chance: exact one-sided binomial tests with Holm's correction over the splits.

    Chance is what naming one person always reaches: the share of the person with most photos, and 1 / classes at least.

    Returns:
        Columns ``split,right,n,chance,p,p_holm``.
    """
    rows = []
    for split in splits:
        photos = predictions.labelled(frame[frame["split"] == split])
        right, n = int(metrics.hits(photos).sum()), len(photos)
        chance = max(1 / max(classes, 1), float(photos["true_label"].value_counts(normalize=True).iloc[0]))
        rows.append((split, right, n, chance, float(special.bdtrc(right - 1, n, chance))))  # of so many right ones or more
    table = pd.DataFrame(rows, columns=["split", "right", "n", "chance", "p"])
    return table.assign(p_holm=holm(table["p"].to_numpy(dtype=np.float64)))
