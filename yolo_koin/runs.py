"""Run folders and the files in them: written whole or not at all, and findable again.

A run is one folder under ``runs/<kind>/<name>`` with a ``manifest.json`` that says what was asked, with which versions,
and whether it finished.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from yolo_koin.errors import RunError
from yolo_koin.files import write_json, writing

RUNS = Path("runs")
MANIFEST = "manifest.json"
REPORTED_PACKAGES = ("yolo_koin", "ultralytics", "torch", "torchvision", "opencv-python", "numpy", "pandas", "pillow")


# ---------------------------------------------------------------------------------------------------------- run folders
def create_run(kind: str, name: str | None, default: str, root: Path | None = None) -> Path:
    """Make the folder of a new run and return it.

    Args:
        kind: the verb: train, evaluate, predict, benchmark.
        name: the name that the user chose, which must be free; None takes ``default`` and numbers it when it is taken.
        default: name used when the user gave none.
        root: the folder of all runs; ``runs`` when None.

    Raises:
        RunError: the chosen name is taken, is no folder name, or the folder cannot be made.
    """
    base = (root or RUNS) / kind
    if name is not None:
        check_name(name)
    numbered = (default if i == 1 else f"{default}-{i}" for i in range(1, 100_000))
    for candidate in [name] if name is not None else numbered:
        folder = base / candidate
        with writing(folder), contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise RunError("the run exists already", base / str(name), "Choose another --name, or remove that folder yourself.")


def check_name(name: str) -> None:
    """Raise a RunError unless ``name`` can be the name of a run."""
    if name in {"", ".", ".."} or Path(name).name != name:
        raise RunError("a run's name is one folder name", repr(name), "Give --name without slashes.")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder for this process while the block runs. The lock of a process that has died is taken over.

    Raises:
        RunError: another process is writing there.
    """
    path, mine = folder.parent / f".{folder.name}.lock", f"{os.getpid()} {platform.node()}"
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and not _abandoned(path):
            raise RunError("another process is writing there", folder, f"Wait for it, or remove {path} if there is none.")
        path.write_text(mine, encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _abandoned(lock: Path) -> bool:
    """Whether the process that holds a lock was on this machine and is gone, or is this one."""
    try:
        pid, host = lock.read_text(encoding="utf-8").split(" ", 1)
    except (OSError, ValueError):
        return True
    if host != platform.node():
        return False
    return int(pid) == os.getpid() or not psutil.pid_exists(int(pid))


def write_manifest(folder: Path, status: str, spec: Mapping[str, Any], **facts: Any) -> None:
    """Write or renew a run's manifest, keeping what an earlier call recorded and this one does not.

    Args:
        folder: the run.
        status: "running", "finished" or "failed".
        spec: everything that was asked for.
        facts: what came of it: hashes, counts, times.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    manifest = read_manifest(folder) or {"started": now}
    manifest.update(kind=folder.parent.name, name=folder.name, status=status, spec=dict(spec), updated=now, **facts)
    manifest.update(versions=_versions(), platform=platform.platform(), git_commit=_git_commit())
    write_json(folder / MANIFEST, manifest)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a run, or None where there is none.

    Raises:
        RunError: the file is there and is no JSON object.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError("not a manifest", path, "Remove it, or the run it belongs to.") from error
    if not isinstance(manifest, dict):
        raise RunError("not a manifest", path, "Remove it, or the run it belongs to.")
    return manifest


def newest_finished(kind: str, root: Path | None = None, accept: Callable[[Mapping[str, Any]], bool] = bool) -> Path | None:
    """The run whose manifest says finished and was renewed last; None when there is none.

    Args:
        kind: ``train``, …, or a glob below the folder of all runs, as ``benchmark/*/cells``.
        root: the folder of all runs; ``runs`` when None.
        accept: given a manifest, whether the run is of interest.
    """
    folders = [path.parent for path in (root or RUNS).glob(f"{kind}/*/{MANIFEST}")]
    manifests = ((f, read_manifest(f) or {}) for f in folders)
    finished = [(m.get("updated", ""), f) for f, m in manifests if m.get("status") == "finished" and accept(m)]
    return max(finished, default=(None, None))[1]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _git_commit() -> str | None:
    """Commit of the working directory's repository, with ``+changes`` when it is not clean; None outside of one."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        ask = {"capture_output": True, "text": True, "timeout": 5, "check": True}
        commit = subprocess.run(["git", "rev-parse", "HEAD"], **ask).stdout.strip()  # type: ignore[call-overload]
        changes = subprocess.run(["git", "status", "--porcelain", "-uno"], **ask).stdout  # type: ignore[call-overload]
        return f"{commit}+changes" if changes else str(commit)
    return None
