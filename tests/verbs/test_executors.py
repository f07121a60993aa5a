"""Cells side by side: a process for each device, or a Ray cluster that loses a machine. The results are those of one process."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import make_koin, working_in
from yolo_koin import BenchmarkSpec, benchmark
from yolo_koin.errors import UsageError

SPEC = BenchmarkSpec(weights="scratch", epochs=2, imgsz=32, batch=8, name="small", train_on=("normal", "hard"))


@pytest.fixture(scope="module")
def serial(screen_only: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose benchmark one process ran."""
    home = tmp_path_factory.mktemp("serial")
    make_koin(home / "data/KoIn")
    with working_in(home):
        benchmark(replace(SPEC, device="cpu"))
    return home


@pytest.fixture
def fresh(serial: Path, tmp_path: Path) -> Iterator[Path]:
    """The same photos, and nothing run on them; we are there."""
    shutil.copytree(serial / "data", tmp_path / "data", symlinks=True)
    with working_in(tmp_path):
        yield tmp_path


def same_results(one: Path, other: Path) -> None:
    first, second = (pd.read_csv(home / "runs/benchmark/small/results.csv") for home in (one, other))
    pd.testing.assert_frame_equal(first, second)
    assert first["run"].nunique() == 2


def test_a_process_for_each_device(serial: Path, fresh: Path) -> None:
    result = benchmark(replace(SPEC, device="cpu,cpu"))
    assert len(result.ran) == 2
    same_results(serial, fresh)
    assert len(list(result.run.glob("cells/*/predict/contact_sheet.png"))) == 2


def test_a_device_that_is_not_there_is_told_before_anything_runs(fresh: Path) -> None:
    with pytest.raises(UsageError, match="no such device: --device 9"):
        benchmark(replace(SPEC, device="cpu,9"))


def test_a_cluster_that_loses_a_machine(serial: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines with a core each; the second is killed while it trains, and what it ran is run on the first."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster_utils: Any = pytest.importorskip("ray.cluster_utils")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    lost = cluster.add_node(num_cpus=1)
    begun = threading.Event()

    def lose() -> None:
        while len(list(fresh.glob("runs/benchmark/small/cells/*/results.csv"))) < 2:  # each machine trains
            time.sleep(0.05)
        begun.set()
        cluster.remove_node(lost, allow_graceful=False)

    killer = threading.Thread(target=lose, daemon=True)
    killer.start()
    try:
        result = benchmark(replace(SPEC, ray=cluster.address))
    finally:
        cluster.shutdown()
        killer.join(10)
    assert begun.is_set()
    assert result.failed == {}
    same_results(serial, fresh)


def test_a_cluster_hands_out_its_devices() -> None:
    with pytest.raises(UsageError, match="ray=auto device=cpu"):
        benchmark(replace(SPEC, ray="auto", device="cpu"))


def test_no_cluster_at_the_address(fresh: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(UsageError, match="no Ray cluster there"):
        benchmark(replace(SPEC, ray="127.0.0.1:1"))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
