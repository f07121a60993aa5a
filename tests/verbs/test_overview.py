"""The main table: a row for each setting, mean over seeds, and bold only where a test does not show a setting to be worse than the best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.verbs.test_comparisons import run
from yolo_koin.reporting.document import markdown
from yolo_koin.verbs.comparisons import Paired
from yolo_koin.verbs.overview import overview, read, table, write
from yolo_koin.verbs.scored import Learnt, Scored
from yolo_koin.verbs.seeds import means


def of(network: str, right: float, seed: int = 0, method: str = "fine-tuned", shots: int | None = None, on: str = "normal") -> Scored:
    settings = f"{network} {method} {on} {shots}"
    return replace(run(f"{settings} {seed}", right, seed, settings), learnt=Learnt(network, method, on, shots))


def main_table(runs: list[Scored]) -> pd.DataFrame:
    return overview(means(runs), Paired.between(runs).table)


def test_a_row_for_each_setting_in_the_order_of_the_matrix() -> None:
    """Models as they come, methods, training sets, then shots; more are not fewer because a text of them sorts before."""
    runs = [
        of("n", 0.9, shots=10),
        of("n", 0.5, on="both"),
        of("n", 0.6, method="probe"),
        of("m", 0.9),
        of("n", 0.9),
        of("n", 0.5, shots=5),
        run("x"),
    ]
    shown = table(main_table(runs)).frame
    assert shown[["model", "method", "trained on", "shots"]].to_numpy().tolist() == [
        ["n", "fine-tuned", "normal", "5"],
        ["n", "fine-tuned", "normal", "10"],
        ["n", "fine-tuned", "normal", "all"],
        ["n", "fine-tuned", "both", "all"],
        ["n", "probe", "normal", "all"],
        ["m", "fine-tuned", "normal", "all"],
        ["model x", "", "", ""],
    ]
    assert shown.columns.tolist() == ["model", "method", "trained on", "shots", "normal", "hard (synthetic)"]


def test_seeds_are_averaged() -> None:
    runs = [of("n", right, seed) for seed, right in enumerate((0.9, 0.8, 0.7))]
    (row,) = table(main_table(runs)).frame.to_dict("records")
    assert row["seeds"] == 3
    assert row["normal"].startswith("80.0 ± 10.0 % [")
    low, high = (float(limit) for limit in row["normal"].partition("[")[2].rstrip("]").split(","))
    assert low < 75
    assert high > 85


def test_bold_are_the_best_and_those_that_no_test_shows_to_be_worse() -> None:
    runs = [of("best", 0.95), of("near", 0.9), of("far", 0.4)]
    frame = main_table(runs)
    assert frame.loc[frame["marked"], "model"].tolist() == ["best", "best", "near", "near"]
    assert markdown([table(frame)], Path()).count("**") == 8


@pytest.mark.parametrize(
    "runs", [[of("a", 0.55), of("b", 0.5)], [run("a", 0.9), run("b", 0.1, photos=39)]], ids=["no difference", "other photos"]
)
def test_nothing_is_bold_where_no_test_tells_a_difference(runs: list[Scored]) -> None:
    assert not main_table(runs)["marked"].any()


def test_settings_that_the_columns_do_not_tell_apart_are_called_by_their_runs() -> None:
    one, other = of("n", 0.9), replace(of("n", 0.8), name="other", settings="more epochs", title="other")
    assert set(main_table([one, other])["model"]) == {f"n (run {one.name})", "n (run other)"}


def test_the_file_holds_what_the_table_shows(tmp_path: Path) -> None:
    """A name that a spreadsheet would run as a formula is a text there."""
    runs = [of("n", 0.9, 0), of("n", 0.8, 1), of("m", 0.3, shots=5)]
    frame = main_table(runs)
    write(tmp_path / "overview.csv", frame)
    assert table(read(tmp_path / "overview.csv")).frame.equals(table(frame).frame)
    assert table(read(tmp_path / "overview.csv")).marked == table(frame).marked
    write(tmp_path / "overview.csv", frame.assign(model="=cmd()"))
    assert '"=""=cmd()"""' in (tmp_path / "overview.csv").read_text(encoding="utf-8-sig")
