"""Run folders and the files in them: written whole or not at all, and findable again.

A run is one folder under ``runs/<kind>/<name>`` with a ``manifest.json`` that says what was asked, with which versions,
and whether it finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from yolo_koin.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

RUNS = Path("runs")
MANIFEST = "manifest.json"
REPORTED_PACKAGES = ("yolo_koin", "ultralytics", "torch", "torchvision", "opencv-python", "numpy", "pandas", "pillow")


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` when the block ends well, remove it when it does not.

    The temporary name keeps the file's ending, so that writers which choose a format by it still do.

    Raises:
        RunError: the file system refuses: no permission, no room.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)  # not tempfile's: that one is private, and a result is as readable as any other file
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses inside the block into a RunError about ``path``."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write indented JSON atomically; paths and other values become their text."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as CSV atomically, floats with six significant digits."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


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
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _cannot_write(folder, error) from error
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


@contextlib.contextmanager
def stopwatch(into: dict[str, float], stage: str) -> Iterator[None]:
    """Add the seconds that the block took to ``into[stage]``."""
    start = time.perf_counter()
    try:
        yield
    finally:
        into[stage] = round(into.get(stage, 0.0) + time.perf_counter() - start, 3)


def free_bytes(folder: Path) -> int:
    """Free disk space, in bytes, where ``folder`` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _cannot_write(path: Path, error: OSError) -> RunError:
    reason = error.strerror or str(error)
    return RunError(f"cannot write ({reason})", path, "Free some space, or choose a folder you may write to.")


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
