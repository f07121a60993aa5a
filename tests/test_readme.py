"""What the README and the pages of ``docs/`` say of results is what the committed predictions give."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import growth, speed, time_to_accuracy
from yolo_koin.dataset.koin import Sample
from yolo_koin.evaluation import across_runs, face_predictions, predictions, scores, strangers, truth
from yolo_koin.evaluation.face_scores import score_faces
from yolo_koin.evaluation.robustness import Errors, above_chance, against_patch, compared, corruption_errors, top1_of
from yolo_koin.evaluation.statistics import holm
from yolo_koin.naming.sweeps import scenes_for
from yolo_koin.reporting.document import markdown_table
from yolo_koin.splits import NORMAL
from yolo_koin.synthetic.variants import KINDS
from yolo_koin.verbs import open_set, overview
from yolo_koin.verbs.results import NAMES, readable
from yolo_koin.words import METHODS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FACES, MODELS_PAGE, STRANGERS, TRUST = (
    (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in ("faces", "models", "strangers", "trust")
)
MODELS = {"yolov8n-cls": "YOLOv8n-cls", "timm:tf_efficientnet_lite0": "EfficientNet-Lite0", "face:dlib": "dlib ResNet"}
BEGINS = {"yolov8n-cls": "from scratch", "timm:tf_efficientnet_lite0": "fine-tuned"}
SYNTHETIC = ("hard_cases/test", "group_cases/test")
MEASURED = re.compile(r"[\d.]+(?: ± [\d.]+)? % \[[^\]]+\]|[\d.]+ s\b")


def test_the_result_table_comes_out_of_predictions_csv() -> None:
    """The table of the README's first screen, recomputed from ``resources/predictions.csv``."""
    frame = predictions.read(ROOT / "resources" / "predictions.csv")
    metrics = scores.score(frame, "n-normal-seed0", classes=40)
    table = markdown_table(readable(metrics, {"n-normal-seed0": "YOLOv8n-cls, normal"}, SYNTHETIC))
    assert table in README


def test_the_table_of_faces_comes_out_of_its_predictions() -> None:
    """That of the face-box demo: who was found and named, by two stages and by one."""
    true = truth.read(ROOT / "resources" / "truth.csv")
    tables = []
    for way, file, run, model in (
        ("faces", "predictions-faces.csv", "sample-faces", "YOLOv8n-cls, normal faces"),
        ("detector", "predictions-detect.csv", "sample-detect", "YOLOv8n, normal"),
    ):
        frame = face_predictions.read(ROOT / "resources" / file)
        metrics = score_faces(frame, truth.drawn(true) if way == "faces" else true, run, way=way)  # type: ignore[arg-type]
        tables.append(readable(metrics.assign(way=NAMES[way]), {run: model}, SYNTHETIC))
    assert markdown_table(pd.concat(tables, ignore_index=True)) in FACES


def test_the_tables_of_speed_come_out_of_their_files() -> None:
    """Seconds are a machine's own: what is checked is that the page and the README say what was measured."""
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    results = {name: pd.read_csv(ROOT / f"benchmarks/results/{name}.csv") for name in ("speed", "growth", "time_to_accuracy")}
    assert speed.table(results["speed"]) in page
    assert growth.table(results["growth"]) in page
    assert time_to_accuracy.table(results["time_to_accuracy"]) in page
    rows = results["speed"][results["speed"]["job"] == "evaluate, photos prepared before"].groupby("tool")["seconds"].median()
    assert f"{rows[speed.OURS]:.2f} s, by stock `yolo` in {rows[speed.STOCK]:.2f} s" in README


def test_bfloat16_against_32_bits_comes_out_of_its_predictions() -> None:
    """Of five seeds each: mean ± SD, and the interval for other seeds and photos."""
    rows = pd.read_csv(ROOT / "resources/predictions-precision.csv.gz", dtype={"true_label": str})
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    for split in ("normal_cases/test", "hard_cases/test"):
        told = []
        for bits in (16, 32):
            here = rows[(rows["split"] == split) & (rows["bits"] == bits)].assign(right=lambda frame: frame["true_rank"] == 1)
            right = here.pivot(index="seed", columns="image", values="right").to_numpy(dtype=np.float64)
            low, high = across_runs.of_seeds(right)
            each = right.mean(axis=1)
            told.append(f"{100 * each.mean():.1f} ± {100 * each.std(ddof=1):.1f} % [{100 * low:.1f}, {100 * high:.1f}]")
        assert f"| {told[0]} | {told[1]} |" in page


LEFT_OUT = ("mask", "sunglasses", "hat")


def test_what_the_model_knows_comes_out_of_its_predictions() -> None:
    """Every number with an interval on that page is top-1 of a variant, or how often a background decides; and the control's test."""
    section = TRUST
    swept, erased = (
        pd.read_csv(ROOT / f"resources/predictions-{verb}.csv.gz", dtype={"true_label": str}) for verb in ("stress", "control")
    )
    told = {scores.text("top1", row["value"], row["low"], row["high"]) for frame in (swept, erased) for row in top1_of(frame)}
    moved = erased[erased["split"] == "normal_cases/test@other-scene"]
    samples = [Sample(image, NORMAL, label, Path()) for image, label in zip(moved["image"], moved["true_label"], strict=True)]
    scenes = scenes_for(samples, dict.fromkeys(moved["image"]))
    after = np.array([scenes[image].label for image in moved["image"]]) == moved["pred_1"].to_numpy()
    row = scores.share("top1", after)
    told.add(scores.text("top1", row["value"], row["low"], row["high"]))
    numbers = re.findall(r"[\d.]+ % \[[^\]]+\]", section)
    runs = {run: swept_by(run) for run in ("drawn", *(f"without-{kind}" for kind in LEFT_OUT))}
    told |= {scores.text("top1", row["value"], row["low"], row["high"]) for frame in runs.values() for row in top1_of(frame)}
    hat = against_patch(swept).set_index("split").loc["normal_cases/test@hat"]
    assert f"elsewhere {hat['only_b']} of {hat['n']} photos are named rightly at more severities" in " ".join(section.split())
    assert f"where it belongs {hat['only_a']}; corrected for the four things that are tested that is p = {hat['p_holm']:.2g}," in section
    assert hat["better"] == ""
    chance = above_chance(erased, ["normal_cases/test@no-face"], 40).iloc[0]
    assert (chance["chance"], chance["p"] < 0.001) == (0.025, True)
    assert len(numbers) == 16
    assert set(numbers) <= told
    for kind in LEFT_OUT:
        cells = [cell_of(frame, f"normal_cases/test@{kind}-3") for frame in (swept, runs["drawn"], runs[f"without-{kind}"])]
        assert f"| {kind} | {' | '.join(cells)} |" in section


def swept_by(run: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / f"resources/predictions-{run}.csv.gz", dtype={"true_label": str})


def cell_of(frame: pd.DataFrame, split: str) -> str:
    row = top1_of(frame[frame["split"] == split])[0]
    return scores.text("top1", row["value"], row["low"], row["high"])


def test_what_drawing_hard_cases_does_comes_out_of_its_predictions() -> None:
    section = " ".join(TRUST.split("## Hard cases on training photos")[1].split("The reports are")[0].split())
    swept, drawn = (in_place(swept_by(run)) for run in ("stress", "drawn"))
    versus = compared(("drawn", drawn), ("nothing", swept)).set_index("split")
    better, rotation = versus.loc[[f"normal_cases/test@{kind}" for kind in LEFT_OUT]], versus.loc["normal_cases/test@rotation"]
    assert rotation["better"] == "nothing"
    assert f"rotation costs more (p = {rotation['p_holm']:.2g})" in section
    assert set(better["better"]) == {"drawn"}
    assert better["p_holm"].max() < 0.001
    mine, theirs = (Errors.of(frame, NORMAL, KINDS, (1, 2, 3, 4, 5)) for frame in (drawn, swept))
    mean = next(row for row in corruption_errors(mine, theirs, NORMAL, KINDS) if row["metric"] == "mce")
    assert f"falls to {mean['value']:.2f} [{mean['low']:.2f}, {mean['high']:.2f}]" in section
    tests = []
    for kind in LEFT_OUT:
        base = swept[swept["split"].str.startswith(f"normal_cases/test@{kind}")]
        tests.append(compared(("others", in_place(swept_by(f"without-{kind}"))), ("nothing", base)).iloc[0])
    assert [test["split"] for test in tests] == [f"normal_cases/test@{kind}" for kind in LEFT_OUT]
    mask, sunglasses, hat = holm([test["p"] for test in tests])
    assert all(test["only_b"] > test["only_a"] for test in (tests[0], tests[2]))
    assert mask < 0.001
    assert f"(p = {sunglasses:.2g})" in section
    assert f"(p < 0.001 and p = {hat:.2g}, corrected" in section


def in_place(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~frame["split"].str.endswith("patch")]


def of_strangers(name: str, folder: Path) -> pd.DataFrame:
    """The metrics of ``resources/strangers-….csv.gz``."""
    path = folder / f"{name}.csv"
    path.write_bytes(gzip.decompress((ROOT / "resources" / f"strangers-{name}.csv.gz").read_bytes()))
    return strangers.scored(strangers.read(path), name)


def test_the_table_of_strangers_comes_out_of_its_predictions(tmp_path: Path) -> None:
    """And so does what is said of label smoothing."""
    titles = {
        "yolov8n": "YOLOv8n-cls, normal",
        "lite0-probe": "EfficientNet-Lite0 probe, normal",
        "lite0-ncm": "EfficientNet-Lite0 nearest mean, normal",
    }
    metrics = {name: of_strangers(name, tmp_path) for name in (*titles, "yolov8n-unsmoothed")}
    chosen = {name: strangers.chosen_score(table) for name, table in metrics.items()}
    tables = [open_set.readable(metrics[name], chosen[name], SYNTHETIC, title) for name, title in titles.items()]
    assert markdown_table(pd.concat(tables, ignore_index=True)) in STRANGERS
    assert [chosen[name] for name in titles] == ["softmax", "normed_logit", "softmax"]
    for name in ("yolov8n", "yolov8n-unsmoothed"):
        oscr = metrics[name].query("metric == 'oscr' and score == @chosen[@name]").set_index("split")
        for split in ("val", "normal_cases/test"):
            assert scores.text("oscr", *oscr.loc[split, ["value", "low", "high"]]) in STRANGERS


def test_the_table_of_the_matrix_comes_out_of_its_predictions() -> None:
    """Each number of ``overview.csv`` from the photos of its cells, and the page's rows from that."""
    settings = pd.read_csv(ROOT / "resources" / "results-matrix.csv").drop_duplicates("run").set_index("run")
    photos = pd.read_csv(ROOT / "resources" / "predictions-matrix.csv.gz", dtype={"true_label": str})
    assert settings.index.nunique() == photos["run"].nunique() == 80
    right = (photos["true_rank"] == 1).groupby([photos["run"], photos["split"]])
    main = overview.read(ROOT / "resources" / "overview-matrix.csv")
    keys = settings.assign(
        model=settings["model"].map(MODELS), method=settings["method"].map(METHODS).fillna(settings["model"].map(BEGINS))
    )
    keys = keys.assign(shots=pd.to_numeric(keys["shots"], errors="coerce").fillna(0)).rename(columns={"training_set": "trained_on"})
    cells = keys.groupby(["model", "method", "trained_on", "shots"]).groups
    assert len(main) == 3 * len(cells)
    for row in main.fillna({"shots": 0}).to_dict("records"):
        runs = cells[row["model"], row["method"], row["trained_on"], row["shots"]]
        seeds = np.array([right.get_group((run, row["split"])).to_numpy(dtype=float) for run in runs])
        assert row["top1"] == pytest.approx(seeds.mean(), abs=1e-6)
        assert (row["low"], row["high"]) == pytest.approx(across_runs.of_seeds(seeds), abs=1e-5)
        if len(runs) > 1:
            assert row["sd"] == pytest.approx(seeds.mean(axis=1).std(ddof=1), abs=1e-6)
    table = overview.table(main[main["shots"].isna()])
    assert markdown_table(table.frame, table.marked) in MODELS_PAGE


def test_every_split_of_the_built_in_faces_was_scored() -> None:
    frame = predictions.read(ROOT / "resources" / "predictions.csv")
    assert frame["split"].value_counts().to_dict() == {"hard_cases/test": 160, "normal_cases/test": 80, "group_cases/test": 80}


def test_what_was_found_stands_on_the_page_that_it_links_to() -> None:
    """The README's numbers are those of the pages, which the tests above compute anew."""
    section = README.split("## What was found")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and "](docs/" in line]
    assert len(rows) == 8
    for line in rows:
        (page,) = re.findall(r"\]\((docs/\w+\.md)", line)
        numbers = MEASURED.findall(line)
        assert numbers
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [number for number in numbers if number not in text] == [], page


def test_the_figures_for_the_page_are_made_by_a_command_that_it_names() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "make figures" in (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert "report sample sample-faces sample-detect --out resources" in makefile
