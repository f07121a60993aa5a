"""The demo page: what it answers, what it leaves behind, and whom it talks to; asked as its JavaScript asks it, and in a real browser."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.conftest import PEOPLE, att
from tests.verbs.test_pages import CHROMIUM
from yolo_koin import DemoSpec, PredictSpec, predict
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.evaluation import predictions
from yolo_koin.verbs import early
from yolo_koin.verbs.demo import DemoResult, _settings, resolved
from yolo_koin.verbs.rejection import Rejection
from yolo_koin.verbs.train import TrainResult

pytestmark = pytest.mark.slow

META: dict[str, Any] = {"meta": {"_type": "gradio.FileData"}}  # how Gradio's own JavaScript marks a file

# The command in a process of its own, which says whom it looks up or connects to. (Gradio leaves sockets for the collector, of which
# tests of other modules would complain.)
SPY = """import sys
sys.argv = ["yolo_koin", "demo", *sys.argv[1:]]
def note(event, told):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        address = told[1] if event == "socket.connect" else told[0]
        print("CALLED", address[0] if isinstance(address, tuple) else address, file=sys.stderr, flush=True)
sys.addaudithook(note)
from yolo_koin.cli import main
main()
"""


class Page:
    """A page that is being served, asked as its own JavaScript asks it.

    Attributes:
        lines: what the command printed; the last one says where the page is.
        temporary: where its temporary files lie.
    """

    def __init__(self, home: Path, temporary: Path, *options: str) -> None:
        self.temporary = temporary
        words, env = [sys.executable, "-c", SPY, *options, "--device", "cpu"], {**os.environ, "TMPDIR": str(temporary)}
        with (temporary / "errors").open("w") as errors:
            self.process = subprocess.Popen(words, cwd=home, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.process.stdout is not None
        self.lines: list[str] = []
        while not self.lines or "Ctrl-C" not in self.lines[-1]:
            self.lines.append(self.process.stdout.readline().strip())
            assert self.lines[-1], self.errors
        self.url = self.lines[-1].split(" ")[0]

    @property
    def errors(self) -> str:
        return (self.temporary / "errors").read_text(encoding="utf-8")

    def close(self, by: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        self.process.send_signal(by)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def ask(self, photo: Path | None, mask: int = 0, sunglasses: int = 0) -> str:
        """What the page says to a photo, or to the sliders after it."""
        name, given = ("again", []) if photo is None else ("photo", [self.sent(photo)])
        return self.said(self.event(name, *given, mask, sunglasses))

    def said(self, event: str) -> str:
        """What is answered in the last line of an event."""
        return str(json.loads(event.split("data: ")[1])[-1])

    def event(self, name: str, *data: Any) -> str:
        """What comes of an event: its last line has the values."""
        body = json.dumps({"data": data, "session_hash": "test"}).encode()
        event = json.loads(self.told(f"gradio_api/call/{name}", body, "application/json"))["event_id"]
        return self.told(f"gradio_api/call/{name}/{event}")

    def sent(self, photo: Path, **headers: str) -> dict[str, Any]:
        """The photo as Gradio knows it, once it is there."""
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{photo.name}"\r\n\r\n'
        body = head.encode() + photo.read_bytes() + b"\r\n--x--\r\n"
        (path,) = json.loads(self.told("gradio_api/upload", body, "multipart/form-data; boundary=x", **headers))
        return {"path": path, **META}

    def told(self, place: str, body: bytes | None = None, kind: str = "", **headers: str) -> str:
        """What comes of a request; with a body it is a POST."""
        asked = urllib.request.Request(f"{self.url}{place}", body, {**({"Content-Type": kind} if kind else {}), **headers})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return str(answer.read().decode())

    def lies_there(self) -> list[str]:
        """The files that uploads have left."""
        return [path.name for path in self.temporary.glob("yolo_koin-demo-*/**/*") if path.is_file()]


@pytest.fixture(scope="module")
def page(home: Path, trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Two models side by side, which are one: by its run and by its file."""
    page = Page(home, tmp_path_factory.mktemp("page"), "--weights", f"tiny,{trained.weights}", "--port", "7871")
    yield page
    assert page.close() == 0
    assert not list(page.temporary.glob("yolo_koin-demo-*"))


def words(answer: str) -> list[str]:
    """What is said of each picture, for whoever does not see it."""
    return [html.unescape(alt) for alt in re.findall(r'alt="(.*?)"', answer)]


def pictures(answer: str) -> list[NDArray[np.int16]]:
    found = re.findall(r'src="data:image/jpeg;base64,(.*?)"', answer)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("L"), dtype=np.int16) for one in found]


def sentence(answer: str) -> str:
    (text,) = re.findall(r'class="demo-note">(.*?)</p>', answer)
    return html.unescape(text)


@pytest.fixture(scope="module")
def face(koin: Path) -> Path:
    return koin / "normal_cases/test" / PEOPLE[0] / "6.png"


# ----------------------------------------------------------------------------------------------------------- what it says
def test_it_says_what_predict_says(page: Page, at_home: Path, koin: Path, trained: TrainResult) -> None:
    frame = predictions.read(predict(PredictSpec(source="normal_cases/test", weights=trained.weights)).run / "predictions.csv")
    for row in frame.to_dict("records")[::3]:
        said = words(page.ask(koin / row["image"]))
        named = ", ".join(f"{row[f'pred_{k}']} {100 * row[f'score_{k}']:.1f} %" for k in range(1, 5))
        assert said == [f"tiny: {named}"] * 2
    assert PEOPLE[0] in " ".join(words(page.ask(koin / frame["image"][0])))


def test_the_sliders_draw_on_the_face_and_ask_again(page: Page, face: Path) -> None:
    """A mask changes the lower half of the face and nothing above the eyes; sunglasses the other way round. The model sees both."""
    plain = page.ask(face)
    masked, shaded, both = page.ask(None, 4), page.ask(None, 0, 3), page.ask(None, 4, 3)
    bare = pictures(plain)[0]
    photo = bare.shape[1] * 112 // 92  # rows; the panel is below
    eyes, mouth = slice(int(photo * 0.4), int(photo * 0.5)), slice(int(photo * 0.65), int(photo * 0.75))
    for answer, lower, upper in ((masked, True, False), (shaded, False, True), (both, True, True)):
        changed = np.abs(pictures(answer)[0] - bare) > 40
        assert (changed[mouth].mean() > 0.2) == lower
        assert (changed[eyes].mean() > 0.2) == upper
    assert len({words(answer)[0] for answer in (plain, masked, shaded, both)}) == 4
    assert words(page.ask(None)) == words(plain)
    assert words(page.ask(face, 4)) == words(masked)


def test_nothing_can_be_drawn_without_a_face(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "grey.png")
    answer = page.ask(tmp_path / "grey.png", 2)
    assert sentence(answer).startswith("Nothing was drawn: no face was found")
    assert len(words(answer)) == 2  # a whole photo is named all the same


def test_whatever_the_photo_is_saved_as(page: Page, tmp_path: Path) -> None:
    """HEIC, CMYK, grey with transparency; and one that lies on its side in the file is named as the upright one is."""
    photo = att(1, 9).convert("RGB").resize((460, 560))
    from pillow_heif import from_pillow

    photo.save(tmp_path / "upright.jpg", quality=100, subsampling=0)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", quality=100, subsampling=0, exif=exif)
    photo.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    photo.convert("LA").save(tmp_path / "grey.png")
    from_pillow(photo).save(tmp_path / "phone.heic")
    said = {file.name: words(page.ask(file))[0] for file in sorted(tmp_path.iterdir())}
    first = {name: text.split(":")[1].split()[0] for name, text in said.items()}
    assert set(first.values()) == {first["upright.jpg"]}
    assert [float(said[name].split()[2]) for name in ("turned.jpg", "upright.jpg")] == pytest.approx(
        [float(said["upright.jpg"].split()[2])] * 2, abs=1
    )


@pytest.mark.parametrize(
    ("content", "why"), [(b"text", "not an image"), (b"", "empty file"), (b"\xff\xd8\xff\xe0", "truncated or damaged|not an image")]
)
def test_what_is_no_photo_is_one_sentence(page: Page, tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "<b>.jpg").write_bytes(content)
    answer = page.ask(tmp_path / "<b>.jpg")
    assert re.fullmatch(rf"This photo cannot be used: ({why})\.", sentence(answer))
    assert words(answer) == []


def test_unknown_and_faces(at_home: Path, trained: TrainResult, face: Path) -> None:
    """What is rejected is called unknown; of each face the box is drawn, and a photo without one says so."""
    panel, notes = resolved(DemoSpec(weights=trained.weights, faces=True, device="cpu"), lambda step: None)
    assert any("did not learn from faces" in note for note in notes)
    (member,) = panel.members
    assert "names each face, knows 4 people" in member.about
    strict = replace(panel, members=(replace(member, rejection=Rejection("max_logit", math.inf, "as asked")),))
    (card,) = strict.ask(face.read_bytes(), {}).cards
    assert card.words == "unknown"
    assert card.picture is not None
    (bare,) = panel.ask(face.read_bytes(), {}).cards
    assert re.fullmatch(rf"({'|'.join(PEOPLE)}) \d+\.\d %", bare.words)
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "PNG")
    assert panel.ask(stream.getvalue(), {}).cards[0].words == "no face found"


# ------------------------------------------------------------------------------------------------- what it leaves, and tells
def test_nothing_is_left_of_a_photo(page: Page, home: Path, face: Path) -> None:
    """Neither in the workspace nor among temporary files; one that nobody asked about is gone when the page ends, see below."""
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    page.ask(face, 3)
    page.ask(None, 1, 5)
    assert [path.name for path in page.temporary.rglob("*") if path.is_file()] == ["errors"]
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


@pytest.mark.parametrize("marked", [META, {}], ids=["meta", "bare"])
@pytest.mark.parametrize("name", ["photo", "camera"])
def test_no_other_file_of_this_computer_is_read(page: Page, tmp_path: Path, face: Path, name: str, marked: dict[str, Any]) -> None:
    """Nor removed, nor its folder, whatever a caller says of where a photo is; also right beside what was uploaded."""
    known = Path(page.sent(face)["path"])
    mine, beside = tmp_path / "alone/mine.png", known.parent.parent / "beside.png"
    mine.parent.mkdir()
    for path in (mine, beside):
        path.write_bytes(face.read_bytes())
    for said in (mine, known.parent / "../.." / os.path.relpath(mine, known.parent.parent.parent), beside, known.parent):
        assert said.exists()
        assert page.event(name, {"path": str(said), **marked}, 0, 0).startswith("event: error")
    assert mine.is_file()
    beside.unlink()
    assert words(page.said(page.event("camera", {"path": str(known), **marked}, 0, 0))) == words(page.ask(face))
    assert page.lies_there() == []


FOREIGN = {"site": "http://example.org", "sandbox": "null", "port": "http://127.0.0.1:1", "name": "http://localhost:7871"}


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
def test_pages_of_other_sites_are_refused(page: Page, face: Path, origin: str) -> None:
    """What a browser says of the page that asks decides: a foreign one leaves nothing here, the own one is answered."""
    for place in ("upload", "call/photo", "queue/join"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            page.told(f"gradio_api/{place}", b"{}", "application/json", Origin=origin)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        page.sent(face, Origin=origin)
    assert page.lies_there() == []
    photo = page.sent(face, Origin=page.url.strip("/"))
    assert words(page.said(page.event("photo", photo, 0, 0)))


def test_names_that_lead_here_are_refused(page: Page, face: Path) -> None:
    """A page of a site whose name was made to lead to this computer is of that name, and its own; so is what it says of itself."""
    port = page.url.rsplit(":", 1)[1].strip("/")
    for place in ("", "config", "gradio_api/info"):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            page.told(place, Host=f"example.org:{port}", Origin=f"http://example.org:{port}")
        assert page.told(place, Host=f"localhost:{port}", Origin=f"http://localhost:{port}")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        page.sent(face, Host=f"127.0.0.1.example.org:{port}")
    assert page.lies_there() == []


def test_a_file_too_large_is_refused(page: Page, tmp_path: Path) -> None:
    with (tmp_path / "large.jpg").open("wb") as large:
        large.truncate(100 * 1024**2 + 1)
    with pytest.raises(urllib.error.HTTPError, match="413"):
        page.sent(tmp_path / "large.jpg")
    assert page.lies_there() == []


def test_nobody_else_is_talked_to(page: Page, face: Path) -> None:
    """The process listens on 127.0.0.1 only, and connected to nobody else since it began."""
    page.ask(face)
    assert set(re.findall("^CALLED (.*)$", page.errors, re.MULTILINE)) == {"127.0.0.1"}
    listening = {one.laddr.ip for one in psutil.Process(page.process.pid).net_connections("inet") if one.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


@pytest.mark.skipif(os.name == "nt", reason="signals of a Unix")
def test_ctrl_c_ends_it(page: Page, at_home: Path, tmp_path: Path, face: Path) -> None:
    """With a page on the same port already it takes another and says so; at its end no file is left, and nothing is complained of."""
    other = Page(at_home, tmp_path, "--weights", "tiny", "--port", "7871")
    port = other.url.rsplit(":", 1)[1].strip("/")
    assert other.lines == [
        f"port 7871 is taken: {port} in its place",
        "models: tiny",
        f"http://127.0.0.1:{port}/ (this computer only; Ctrl-C ends it)",
    ]
    other.sent(face)
    assert list(tmp_path.rglob("6.png"))
    assert other.close(signal.SIGINT) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["errors"]
    assert set(other.errors.splitlines()) == {"CALLED 127.0.0.1"}


def test_the_signal_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the program that waits for a page: it ends the waiting, and means afterwards what it meant before."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        monkeypatch.setattr("time.sleep", lambda seconds: signal.raise_signal(signal.SIGTERM))
        DemoResult("", ()).wait()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_settings_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    before = dict(os.environ)
    with _settings(str(tmp_path)):
        assert os.environ["no_proxy"] == "example.org,127.0.0.1"
        assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path)
    assert dict(os.environ) == before


# --------------------------------------------------------------------------------------------------------------- mistakes
def test_mistakes_are_one_line(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="nobody"):
        early.check(DemoSpec(weights="tiny,nobody"))
    monkeypatch.setitem(sys.modules, "gradio", None)  # as where it is not installed
    with pytest.raises(UsageError, match=r"gradio is not installed: demo\. Install it with: pip install gradio"):
        early.check(DemoSpec(weights="tiny"))


def test_models_are_named_with_commas() -> None:
    spec = DemoSpec(weights="a, b.pt,a", faces=True, reject="10%")
    assert [(one.weights, one.faces, one.reject) for one in spec.models] == [("a", True, "10%"), ("b.pt", True, "10%")]
    assert [one.weights for one in DemoSpec().models] == [None]


# ----------------------------------------------------------------------------------------------------------- in a browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_in_chromium(page: Page, face: Path, host: str) -> None:
    """A photo is dropped, named, and named again with a mask; nothing is wider than the screen, asked of others, or complained of."""
    url = page.url.replace("127.0.0.1", host)
    playwright = pytest.importorskip("playwright.sync_api")
    asked: list[str] = []
    complaints: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 390, "height": 900})
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(url)
        tab.locator("input[type=file]").first.set_input_files(str(face))
        tab.wait_for_selector(".demo-cards img")
        bare = tab.locator(".demo-cards img").first.get_attribute("src")
        assert tab.locator(".demo-cards img").first.get_attribute("alt").startswith(f"tiny: {PEOPLE[0]} ")
        tab.get_by_role("slider", name="Mask").press("ArrowRight")
        tab.wait_for_function("bare => document.querySelector('.demo-cards img')?.src !== bare", arg=bare)
        assert tab.locator(".demo-cards figure").count() == 2
        for width in (390, 1440):
            tab.set_viewport_size({"width": width, "height": 900})
            assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
            assert all(picture.bounding_box()["width"] <= width for picture in tab.locator(".demo-cards img").all())
        browser.close()
    assert {url for url in asked if not url.startswith((url, "data:"))} == set()
    assert complaints == []
