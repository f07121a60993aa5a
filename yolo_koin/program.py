"""Which program this is: the versions and the commit that a record tells."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

REPORTED_PACKAGES = ("yolo_koin", "ultralytics", "torch", "torchvision", "opencv-python", "numpy", "pandas", "pillow", "onnxruntime")


def versions() -> dict[str, str]:
    """Of Python and of the packages that results may depend on."""
    found = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def git_commit() -> str | None:
    """Commit of this program where it runs from a clone, with ``+changes`` when that is not clean; None where it is installed."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        ask = {"capture_output": True, "text": True, "timeout": 5, "check": True, "cwd": Path(__file__).parent}
        subprocess.run(["git", "ls-files", "--error-unmatch", Path(__file__).name], **ask)  # type: ignore[call-overload]
        commit = subprocess.run(["git", "rev-parse", "HEAD"], **ask).stdout.strip()  # type: ignore[call-overload]
        changes = subprocess.run(["git", "status", "--porcelain", "-uno"], **ask).stdout  # type: ignore[call-overload]
        return f"{commit}+changes" if changes else str(commit)
    return None
