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

from yolo_koin.reporting.answers import Answer, head, html
from yolo_koin.specs import Kind

HOST = "127.0.0.1"  # of this computer, and no other
LARGEST = "200mb"
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

Ask = Callable[[bytes, Mapping[Kind, int]], Answer]


def page(ask: Ask, models: Sequence[str], strangers: bool) -> gr.Blocks:
    """The page, not yet served.

    Args:
        ask: answers a photo's bytes and the severity of what is to be drawn on its faces.
        models: what each is called.
        strangers: whether ``unknown`` is among the answers.
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
                answer = gr.HTML(html(Answer(note="The answer will be here.")), min_height=200)

        def new_photo(upload: Mapping[str, Any] | None, *worn: int) -> Any:
            if not upload:
                return gr.skip()
            with _arrived(Path(upload["path"])) as photo:
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
    nothing_kept: dict[str, Any] = {"run_history": False, "enable_monitoring": False, "max_file_size": LARGEST}
    plain: dict[str, Any] = {"ssr_mode": False, "pwa": False, "mcp_server": False, "num_workers": 0, "footer_links": [], "inline": False}
    looks: dict[str, Any] = {"theme": theme, "css": files("yolo_koin.reporting").joinpath("page/demo.css").read_text(encoding="utf-8")}
    _, url, _ = blocks.launch(inbrowser=browser, quiet=True, prevent_thread_lock=True, **here, **nothing_kept, **plain, **looks)
    return url


@contextlib.contextmanager
def _arrived(path: Path) -> Iterator[bytes]:
    """The bytes of a photo that was dropped. When the block ends its file is gone, and the folder that Gradio calls by the photo's hash.

    Gradio has seen to it that the file is one of those. The same photo in another window may have taken it along: there are no bytes then.
    """
    try:
        yield path.read_bytes() if path.is_file() else b""
    finally:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _worn(severities: Sequence[float]) -> dict[Kind, int]:
    return {kind: int(severity) for kind, severity in zip(SLIDERS, severities, strict=True)}
