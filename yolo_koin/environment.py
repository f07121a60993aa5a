"""What must be settled before torch and Ultralytics are imported: threads, no telemetry, no network, nothing in the home folder.

Importing this module imports neither of them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from yolo_koin.errors import UsageError

# Read once, when Ultralytics is imported; see its utils/__init__.py, utils/checks.py, utils/events.py and nn/tasks.py. The last two are of
# others: importing ONNX Runtime 1.32 begins to look for mobile.events.data.microsoft.com, and disable_telemetry_events() does not end it.
SETTINGS = {
    "YOLO_OFFLINE": "1",  # no analytics, no DNS probe, no version check
    "YOLO_AUTOINSTALL": "0",  # never call pip
    "YOLO_VERBOSE": "False",  # our own progress bar instead
    "ULTRALYTICS_SAFE_LOAD": "1",  # a checkpoint is data: its pickle may build known classes only
    "ORT_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
}


# With a core taken by another program, the threads of a parallel loop wait for each other, and spin meanwhile. 1,000 turns, in place of
# libgomp's 300,000, cost nothing on an idle machine (231 ms a training step; 10,000: 242, none: 259), and on one with five times as many
# busy threads as cores a step took 1.6 s in place of 3.2 s with 10,000. Read when torch is loaded; a user's own setting stays.
THREADS = {"GOMP_SPINCOUNT": "1000"}


def prepare() -> None:
    """Set the environment for Ultralytics. Has to run before it is imported; harmless when called again.

    Its settings file goes into a private temporary folder, unless the user names one with ``YOLO_CONFIG_DIR``: the user's own settings
    (telemetry, experiment trackers, the folder for runs) then neither change what we do nor are changed by us.
    """
    os.environ.update(SETTINGS)
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.update({**THREADS, **{key: os.environ[key] for key in THREADS if key in os.environ}})
    os.environ.pop("ULTRALYTICS_API_KEY", None)  # with it Ultralytics would send runs and checkpoints to its platform
    if "YOLO_CONFIG_DIR" not in os.environ:
        os.environ["YOLO_CONFIG_DIR"] = str(_private_folder())


def needed(package: str, where: str) -> None:
    """Refuse what needs a package that does not come with ours.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec(package) is None:
        raise UsageError(f"{package} is not installed", where, f"Install it with: pip install {package}")


def _private_folder() -> Path:
    """A folder that is ours alone: the same one each time, unless somebody else on this machine was there first."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"yolo_koin-{user}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())
    return folder if ours else Path(tempfile.mkdtemp(prefix="yolo_koin-"))


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
