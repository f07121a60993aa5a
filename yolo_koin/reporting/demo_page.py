"""The page of ``yolo_koin demo``: a photo in, what each model says of it out. Loads Gradio, and is imported where that page is wanted.

A photo that is dropped lies in a file until it is answered, for that is how it comes in; then it is in memory only, as long as its page
is open. Answers are text with the pictures in it, so that they lie in no file at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from yolo_koin.reporting.replies import Reply, head, html
from yolo_koin.specs import Kind

HOST = "127.0.0.1"  # of this computer, and no other
NAMES = (HOST, "localhost")  # of this computer for itself; who asks under another was led here by somebody's DNS
LARGEST = "100mb"  # of a file; what anybody uploads lies on the disk until it is asked about, or until the end
SLIDERS: Mapping[Kind, tuple[str, str]] = {
    "mask": ("Mask", "0 is none, 1 covers the mouth, 5 all below the eyes"),
    "sunglasses": ("Sunglasses", "0 is none, 1 has narrow lenses, 5 reaches from brow to cheek"),
}
FONTS = ("system-ui", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "NanumGothic", "sans-serif")
SOFT = {  # what is less important, dark enough to be read
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_300",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_300",
}

Ask = Callable[[bytes, Mapping[Kind, int]], Reply]


def page(ask: Ask, models: Sequence[str], strangers: bool, folder: Path) -> gr.Blocks:
    """The page, not yet served.

    Args:
        ask: answers a photo's bytes and the severity of what is to be drawn on its faces.
        models: what each is called.
        strangers: whether ``unknown`` is among the answers.
        folder: where Gradio lays uploads down, ``GRADIO_TEMP_DIR``.
    """
    blocks = gr.Blocks(title="yolo_koin demo", analytics_enabled=False, fill_width=True)
    with blocks:
        gr.HTML(head(models, strangers))
        held = gr.State()  # the photo, in memory
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                with gr.Tab("Photo"):
                    dropped = gr.File(label="Photo (JPEG, PNG, WebP, HEIC, …)", height=170)
                with gr.Tab("Camera"):
                    taken = gr.Image(label="Camera", sources=["webcam", "clipboard"], type="filepath", height=260)
                sliders = [gr.Slider(0, 5, 0, step=1, label=label, info=info) for label, info in SLIDERS.values()]
            with gr.Column(scale=3, min_width=280):
                answer = gr.HTML(html(Reply(note="The answer will be here.")), min_height=200)

        def new_photo(upload: Mapping[str, Any] | None, *worn: int) -> Any:
            if not upload:
                return gr.skip()
            with _arrived(Path(upload["path"]), folder) as photo:
                return None, photo, html(ask(photo, _worn(worn)))

        def again(photo: bytes | None, *worn: int) -> Any:
            return gr.skip() if photo is None else html(ask(photo, _worn(worn)))

        one_at_a_time: dict[str, Any] = {"concurrency_id": "ask", "concurrency_limit": 1}
        for name, source, event in (("photo", dropped, dropped.upload), ("camera", taken, taken.input)):
            event(new_photo, [source, *sliders], [source, held, answer], preprocess=False, api_name=name, **one_at_a_time)
        moved = [slider.change for slider in sliders]
        gr.on(moved, again, [held, *sliders], answer, trigger_mode="always_last", api_name="again", **one_at_a_time)
    return blocks


def served(blocks: gr.Blocks, port: int, browser: bool) -> str:
    """Serve the page on this computer alone, in threads of its own, and return its address.

    What Gradio would otherwise take from its environment variables, such as sharing, is said here.

    Raises:
        OSError: the port is taken.
    """
    theme = gr.themes.Base(primary_hue="blue", font=FONTS, font_mono=("ui-monospace", "monospace")).set(**SOFT)
    here: dict[str, Any] = {"server_name": HOST, "server_port": port, "share": False, "root_path": "", "strict_cors": True}
    own: dict[str, Any] = {"app_kwargs": {"middleware": [Middleware(TrustedHostMiddleware, NAMES), Middleware(OwnPageOnly)]}}
    nothing_kept: dict[str, Any] = {"run_history": False, "enable_monitoring": False, "max_file_size": LARGEST}
    plain: dict[str, Any] = {"ssr_mode": False, "pwa": False, "mcp_server": False, "num_workers": 0, "footer_links": [], "inline": False}
    looks: dict[str, Any] = {"theme": theme, "css": files("yolo_koin.reporting").joinpath("page/demo.css").read_text(encoding="utf-8")}
    _, url, _ = blocks.launch(inbrowser=browser, quiet=True, prevent_thread_lock=True, **here, **own, **nothing_kept, **plain, **looks)
    return url


class OwnPageOnly:
    """Refuses what a page of another site asks: its browser would keep the reply from it, but what it uploads would lie here already.

    Browsers say which page asks, with every POST at least; a program of this computer need not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call: the page's answer, or 403."""
        headers = Headers(raw=scope.get("headers", []))
        known = headers.get("origin") in (None, f"http://{headers.get('host')}")
        answer = self.app if known else PlainTextResponse("Not from a page of another site.", 403)
        await answer(scope, receive, send)


@contextlib.contextmanager
def _arrived(path: Path, folder: Path) -> Iterator[bytes]:
    """The bytes of a photo that was uploaded. When the block ends its file is gone, and the folder that Gradio calls by the photo's hash.

    The same photo in another window may have taken it along: there are no bytes then.

    Raises:
        gr.Error: it lies elsewhere than ``folder/<hash>/<file>``. Whoever asks says where, and Gradio checks that for some components only.
    """
    path = path.resolve()
    if path.parent.parent != folder.resolve():
        raise gr.Error("No photo was uploaded.", print_exception=False)
    try:
        yield path.read_bytes() if path.is_file() else b""
    finally:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _worn(severities: Sequence[float]) -> dict[Kind, int]:
    return {kind: int(severity) for kind, severity in zip(SLIDERS, severities, strict=True)}
