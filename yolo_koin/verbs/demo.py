"""``yolo_koin demo``: a page of this computer on which models are asked about a photo."""

from __future__ import annotations

import io
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from yolo_koin.environment import needed
from yolo_koin.errors import RunError
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.models.protocol import Model
from yolo_koin.parallel import Progress, Step
from yolo_koin.specs import Answers, DemoSpec
from yolo_koin.synthetic.att import find_photographs
from yolo_koin.verbs.detector import open_detector
from yolo_koin.verbs.drawing import Drawing, drawable
from yolo_koin.verbs.namers import dataset_of, loaded
from yolo_koin.verbs.panel import Member, Panel
from yolo_koin.verbs.rejection import Rejection
from yolo_koin.verbs.rejection import resolved as rejection_of
from yolo_koin.verbs.resolve import name_of, weights_file
from yolo_koin.verbs.scored import title_of
from yolo_koin.verbs.scoring import NOT_OF_FACES
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count
from yolo_koin.workspace import Workspace, training_of

LOCAL = "127.0.0.1"
SHOWN_FIRST = "s1/1.pgm"  # of the built-in faces, to warm up


@dataclass(frozen=True)
class DemoResult:
    """A page that is being served.

    Attributes:
        url: its address, on this computer only.
        models: the names of the models.
        notes: what the user should know.
    """

    url: str
    models: tuple[str, ...]
    notes: tuple[str, ...] = ()
    _held: ExitStack = field(default_factory=ExitStack, repr=False)

    def wait(self) -> None:
        """Serve until Ctrl-C, or until the program is told to end, and close then."""
        with _told_to_end(), self._held, suppress(KeyboardInterrupt):
            while True:
                time.sleep(1)

    def close(self) -> None:
        """End the page; nothing that it was shown is left."""
        self._held.close()


@verb(DemoSpec)
def demo(spec: DemoSpec, progress: Progress) -> DemoResult:
    """Load the models, and serve the page until the result is closed.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    needed("gradio", "demo")
    panel, notes = resolved(spec, progress)
    names = tuple(one.name for one in panel.members)
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="yolo_koin-demo-"))
        held.enter_context(_settings(folder))
        from yolo_koin.reporting import demo_page

        blocks = demo_page.page(panel.ask, names, bool(spec.reject), Path(folder))
        held.callback(blocks.close, verbose=False)
        port = _free(spec.port)
        if port != spec.port:
            notes += (f"port {spec.port} is taken: {port} in its place",)
        try:
            url = demo_page.served(blocks, port, spec.open)
        except OSError as error:
            raise RunError("the page cannot be served", f"port {port} ({error!s:.100})", "Say another --port.") from error
        return DemoResult(url, names, notes, held.pop_all())


def resolved(spec: DemoSpec, progress: Progress) -> tuple[Panel, tuple[str, ...]]:
    """The models that a spec names, after a first photo that makes them ready, and what the user should know of them.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    members: list[Member] = []
    notes: list[str] = []
    for i, one in enumerate(spec.models):
        progress(Step("loading models", i, len(spec.models)))
        member, told = _member(one, workspace)
        members.append(member)
        notes += told
    panel = Panel(tuple(members), FaceFinder(open_detector(spec.detector, spec.device, spec.trust_weights)))
    panel.ask(_first_photo(), {"mask": 1, "sunglasses": 1})
    return panel, tuple(dict.fromkeys(notes))


def _member(spec: Answers, workspace: Workspace) -> tuple[Member, tuple[str, ...]]:
    weights = weights_file(spec.weights, workspace, "classify" if spec.faces else "", spec.faces)
    rejection = rejection_of(spec, weights, workspace)
    dataset, model = dataset_of(spec.data, weights, workspace), loaded(spec, weights, workspace)
    classifies = model.task == "classify"
    faces = spec.faces and classifies  # a detector finds and names them by itself
    told = dataset.names if dataset else {}
    names, notes = drawable({label: told.get(label, label) for label in model.names})
    if faces and model.preparation.fit != "face":
        notes += (f"{name_of(weights)}: {NOT_OF_FACES}",)
    drawing = Drawing({}, names, spec.top, boxed=faces or not classifies)
    return Member(name_of(weights), _about(weights, model, faces, rejection), model, faces, drawing, rejection), notes


def _about(weights: Path, model: Model, faces: bool, rejection: Rejection | None) -> str:
    """What a model is, what it is shown, and how many people it knows."""
    training = training_of(weights)
    shown = "each face" if faces or model.task == "detect" else "the face" if model.preparation.fit == "face" else "the whole photo"
    known = f"names {shown}, knows {count(len(model.names), 'person')}"
    unknown = [f"unknown at {rejection.threshold:.4g} or less"] if rejection else []
    return " · ".join([title_of(training) if training else model.title, known, *unknown])


def _first_photo() -> bytes:
    """One of the built-in faces, as a PNG."""
    stream = io.BytesIO()
    with Image.open(find_photographs() / SHOWN_FIRST) as photo:
        photo.save(stream, "PNG")
    return stream.getvalue()


def _free(port: int) -> int:
    """This port, or any that is free where it is taken."""
    with suppress(OSError), socket.create_server((LOCAL, port)):
        return port
    with socket.create_server((LOCAL, 0)) as other:
        return int(other.getsockname()[1])


@contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM means what Ctrl-C means, until the block ends; signals are for the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _settings(folder: str) -> Iterator[None]:
    """What Gradio reads from the environment while the page is there: photos come in through ``folder``, and no proxy is asked for it."""
    direct = ",".join(filter(None, [os.environ.get("no_proxy", os.environ.get("NO_PROXY", "")), LOCAL]))
    wanted = {"GRADIO_TEMP_DIR": folder, "no_proxy": direct}
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})
