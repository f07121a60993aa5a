"""What runs the cells of a benchmark: this process, a process for each device, or a Ray cluster; each answers in the order of the cells."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import import_module
from queue import SimpleQueue
from typing import Any

from yolo_koin.environment import cores
from yolo_koin.errors import KoinError, RunError, UsageError
from yolo_koin.parallel import Progress
from yolo_koin.runs import CellRun
from yolo_koin.specs import BenchmarkSpec
from yolo_koin.verbs.cells import Cell, run
from yolo_koin.verbs.workers import DEVICE, Worker

Outcome = CellRun | Exception
Executor = Callable[[Sequence[Cell], Progress], Iterator[Outcome]]
RETRIES = 3  # of a cell whose machine was lost; what an error of its own stopped is not tried again


def executor_for(spec: BenchmarkSpec) -> Executor:
    """The one that a user asks for.

    Raises:
        UsageError: a cluster and a list of devices: the cluster hands out its own.
    """
    devices = spec.device.split(",")
    if spec.ray and spec.device:
        raise UsageError("a cluster hands out its devices", f"ray={spec.ray} device={spec.device}", "Drop one of the two.")
    if spec.ray:
        return partial(on_ray, address=spec.ray)
    return partial(on_devices, devices=devices) if len(devices) > 1 else in_this_process


def in_this_process(cells: Sequence[Cell], progress: Progress) -> Iterator[Outcome]:
    """Run cells one after the other, each when the outcome of the one before was taken."""
    for cell in cells:
        try:
            yield run(cell, progress)
        except Exception as error:  # out of memory, say, which is no reason to stop the others
            yield error


def on_devices(cells: Sequence[Cell], progress: Progress, devices: Sequence[str]) -> Iterator[Outcome]:
    """Run cells side by side, a process for each device. One that dies takes its cell with it, and no other."""
    workers = [Worker[Cell, Outcome](_elsewhere, device) for device in devices]
    free: SimpleQueue[Worker[Cell, Outcome]] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def on_a_free_one(cell: Cell) -> Outcome:
        worker = free.get()
        try:
            return worker.do(cell)
        finally:
            free.put(worker)

    threads = ThreadPoolExecutor(len(devices))
    try:
        yield from threads.map(on_a_free_one, cells)
    finally:  # after a Ctrl-C no other cell is begun
        for worker in workers:
            worker.stop()
        threads.shutdown(cancel_futures=True)


def on_ray(cells: Sequence[Cell], progress: Progress, address: str) -> Iterator[Outcome]:
    """Run cells on a Ray cluster whose machines see the workspace under the same path; a cell whose machine is lost is run on another.

    A cell takes a GPU where the cluster has any, else the cores of its smallest machine.

    Args:
        cells: to run.
        progress: is not told: the cells report where they run.
        address: of the cluster; ``auto`` for the one that was started here, or a new one of this machine.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before it is imported: nothing is reported to anybody
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        raise UsageError("Ray is not installed", f"ray={address}", 'Run pip install "yolo_koin[ray]".') from error
    _check_reachable(address)
    try:
        ray.init(None if address == "auto" else address, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(f"Ray does not start ({error})", f"ray={address}", "See what it says in /tmp/ray.") from error
    try:
        machines: list[dict[str, float]] = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        needs: dict[str, float] = (
            {"num_gpus": 1}
            if any(machine.get("GPU") for machine in machines)
            else {"num_cpus": min([cores(), *(machine["CPU"] for machine in machines if "CPU" in machine)])}
        )
        remote: Any = ray.remote(_elsewhere).options(max_retries=RETRIES, **needs)
        for answer in [remote.remote(cell) for cell in cells]:
            yield _taken(ray, answer)
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray itself waits for minutes where nobody answers."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if address != "auto":
        try:
            socket.create_connection((host, int(port)), 10).close()
        except (OSError, ValueError, OverflowError) as error:
            raise UsageError("no Ray cluster there", f"ray={address}", "Start one with ray start --head, or say auto.") from error


def _taken(ray: Any, answer: Any) -> Outcome:
    try:
        outcome: Outcome = ray.get(answer)
    except ray.exceptions.RayError as error:
        return RunError(f"lost with its machine ({type(error).__name__})", "", "The same command tries it again.")
    return outcome


def _elsewhere(cell: Cell) -> Outcome:
    """Run a cell in another process than ours; what it answers can be pickled."""
    from yolo_koin.environment import prepare

    prepare()
    if device := os.environ.get(DEVICE):
        cell = replace(cell, training=replace(cell.training, spec=replace(cell.training.spec, device=device)))
    try:
        return run(cell)
    except KoinError as error:
        return error
    except Exception as error:
        return RunError(f"{type(error).__name__}: {error}", cell.folder)
