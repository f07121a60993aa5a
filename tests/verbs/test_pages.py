"""One report, four ways to write it: the same numbers in all, whatever things are called, and a page that needs nothing but itself."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest

from tests.verbs.test_costs import cost_of
from tests.verbs.test_report_input import answers, dataset, run
from yolo_koin import ReportSpec, report
from yolo_koin.errors import RunError
from yolo_koin.reporting.latex import escaped
from yolo_koin.verbs import costs, overview

PEOPLE = ["<script>alert(1)", "=cmd()", "a&b_c%$#{}~^\\", "이서연" * 60, "|[x]|"]
RUNS = {"<b>bold": 1.0, "=cmd()": 0.6}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"

Grid = list[list[str]]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on a few photos, with names that would be markup, a formula, or two hundred letters long."""
    home = tmp_path_factory.mktemp("pages")
    labels = [f"p{i}" for i in range(len(PEOPLE))]
    root = dataset(home / "Ko_In & co", labels, photos=8)
    lines = [f'{label},"{name}"\n' for label, name in zip(labels, PEOPLE, strict=True)]
    (root / "classes.csv").write_text("folder,name\n" + "".join(lines), encoding="utf-8")
    for name, right in RUNS.items():
        run(home, name, root, answers(root, labels, right), len(labels))
        cost_of(home / "runs/evaluate" / name, 7.5 / right, machine="A&B <processor>").write()
    return home


@pytest.fixture(scope="module")
def pages(workspace: Path, screen_only: None) -> Path:
    """The folder of their report."""
    return report(ReportSpec(runs=tuple(RUNS), workspace=workspace)).out


@pytest.fixture(scope="module")
def page(pages: Path) -> Element:
    """The HTML page, parsed by the rules of HTML 5, strictly."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse((pages / "report.html").read_text(encoding="utf-8"))
    return tree


# ------------------------------------------------------------------------------------------------------ the same numbers
def in_html(page: Element) -> list[Grid]:
    grids = []
    for table in page.iter("table"):
        for cell in table.iter():
            for hidden in [child for child in cell if child.get("class") == "sr"]:
                cell.remove(hidden)
        grids.append([[" ".join("".join(cell.itertext()).split()) for cell in row] for row in table.iter("tr")])
    return grids


def in_markdown(text: str) -> list[Grid]:
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    rows = [[re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()] for table in tables]
    return [
        [[re.sub(r"\\(.)", r"\1", cell.strip().removeprefix("**").removesuffix("**")) for cell in row] for row in [grid[0], *grid[2:]]]
        for grid in rows
    ]


def in_latex(text: str) -> list[Grid]:
    grids = []
    for body in re.findall(r"\\toprule\n(.*?)\n\\bottomrule", text, re.DOTALL):
        lines = [line.removesuffix(r" \\") for line in body.split("\n") if line != r"\midrule"]
        grids.append([re.split(r"(?<!\\) & ", line) for line in lines])
    return grids


def test_the_same_tables_in_html_markdown_and_latex(pages: Path, page: Element) -> None:
    """But for the table of mistakes, which the page shows as a gallery."""
    on_page, markdown = in_html(page), in_markdown((pages / "report.md").read_text(encoding="utf-8"))
    latex = in_latex((pages / "report.tex").read_text(encoding="utf-8"))
    mistakes = next(grid for grid in markdown if grid[0][0] == "photo")
    assert len(on_page) >= 6
    assert on_page == [grid for grid in markdown if grid is not mistakes]
    plain = [[[re.sub(r"^\\textbf\{(.*)\}$", r"\1", cell) for cell in row] for row in grid] for grid in latex]
    assert plain == [[[escaped(cell) for cell in row] for row in grid] for grid in markdown]


def test_the_numbers_of_the_table_of_costs_are_those_of_the_csv(pages: Path, page: Element) -> None:
    frame = costs.table(costs.read(pages / "cost.csv")).frame
    grid = next(grid for grid in in_html(page) if "FLOPs" in grid[0])
    assert grid == [list(frame), *frame.to_numpy().tolist()]
    assert [row[grid[0].index("one photo")] for row in grid[1:]] == ["7.5 ms [7.4, 7.7]", "12.5 ms [12.4, 12.7]"]


def test_the_numbers_of_the_main_table_are_those_of_the_csv(pages: Path, page: Element) -> None:
    frame = overview.table(overview.read(pages / "overview.csv")).frame
    head, *rows = in_html(page)[0]
    assert head == list(frame)
    assert [row[1:] for row in rows] == frame.to_numpy()[:, 1:].tolist()
    assert rows[0][1].startswith("100.0 % [")


def test_the_best_are_marked_in_all(pages: Path, page: Element) -> None:
    """As many cells as the table of the file says: a test tells the two runs apart on 40 photos of a split."""
    marked = int(overview.read(pages / "overview.csv")["marked"].sum())
    assert marked == 2
    of_costs = int(costs.read(pages / "cost.csv")["front"].sum())
    main = next(page.iter("table"))
    assert len([cell for cell in main.iter("td") if "best" in cell.get("class", "").split()]) == marked
    assert (pages / "report.md").read_text(encoding="utf-8").count("**") == 2 * (marked + of_costs)
    assert (pages / "report.tex").read_text(encoding="utf-8").count(r"\textbf{") == marked + of_costs


# -------------------------------------------------------------------------------------------------------------- the page
def test_names_are_texts(pages: Path, page: Element) -> None:
    """The page runs one script, its own."""
    text = " ".join(page.itertext())
    for name in (*PEOPLE, *RUNS):
        assert name in text
    assert len(list(page.iter("script"))) == 1
    assert not list(page.iter("b")) or all(name.text in PEOPLE for name in page.iter("b"))


def test_nothing_is_fetched(pages: Path, page: Element) -> None:
    for element in page.iter():
        for name in ("src", "href", "srcset", "action", "data"):
            assert (element.get(name) or "data:").startswith(("data:image/", "data:", "#")), element.attrib
    text = (pages / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|<link", text)
    (policy,) = [meta.get("content", "") for meta in page.iter("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_structure_for_keyboards_and_screen_readers(page: Element) -> None:
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert page.get("lang") == "en"
    for element in page.iter():
        assert element.get("aria-labelledby", ids[0]) in ids
        assert element.tag != "a" or element.get("href", "").removeprefix("#") in ids
    for table in page.iter("table"):
        assert "".join(next(table.iter("caption")).itertext()).strip()
        assert {cell.get("scope") for cell in table.iter("th")} <= {"col", "row"}
    assert all(image.get("alt") is not None for image in page.iter("img"))
    levels = [int(element.tag[1]) for element in page.iter() if re.fullmatch(r"h\d", str(element.tag))]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_photos_are_shown_only_when_asked(workspace: Path, pages: Path, screen_only: None) -> None:
    """File names are there in any case. Charts are PNG, photos JPEG."""
    assert "data:image/jpeg" not in (plain := (pages / "report.html").read_text(encoding="utf-8"))
    assert "hard_cases/test/p0/" in plain
    made = report(ReportSpec(runs=tuple(RUNS), workspace=workspace, photos=True, lang="ko"))
    assert made.out == pages.with_name(f"{pages.name}-ko"), "beside the English one, which stays"
    shown = (made.out / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in shown
    assert "더 보기" in shown
    assert shown.count("data:image/jpeg") > 10


def test_a_folder_that_cannot_be_written_is_one_line(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        report(ReportSpec(runs=tuple(RUNS), workspace=workspace, out=tmp_path / "file" / "out"))


# ---------------------------------------------------------------------------------------------------------- in a browser
CLICKS = """<script>
const click = name => [...document.querySelectorAll("thead button")].find(b => b.textContent === name).click();
click("hard"); const up = document.querySelector("tbody tr th").textContent;
click("hard"); const down = document.querySelector("tbody tr th").textContent;
const all = document.querySelector(".count output").value, model = document.querySelector("[data-by=model]");
model.selectedIndex = 1; model.dispatchEvent(new Event("input", {bubbles: true}));
const sort = document.querySelector("[aria-sort]").getAttribute("aria-sort");
const some = [...document.querySelectorAll("[data-model]")].filter(a => !a.hidden).every(a => a.dataset.model === model.value);
const root = document.documentElement, wider = root.scrollWidth - root.clientWidth;
const fetched = performance.getEntriesByType("resource").length;
parent.postMessage(JSON.stringify({up, down, sort, all, some, wider, fetched, width: innerWidth}), "*");
</script></body>"""
FRAME = """<!doctype html><title></title><script>addEventListener("message", event => { document.title = event.data; });</script>
<iframe src="page.html" style="border: 0; width: %dpx; height: 900px"></iframe>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [390, 1440])
def test_in_chromium(pages: Path, tmp_path: Path, width: int) -> None:
    """A heading sorts, and once more the other way; filters filter; nothing is wider than the screen, fetched, or complained of.

    In a frame, since its window is never as narrow as a phone.
    """
    text = (pages / "report.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(text.replace("</body>", CLICKS), encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME % width)
    more = (f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1500,900", "--enable-logging=stderr", "--virtual-time-budget=5000")
    command = [str(CHROMIUM), *FLAGS.split(), *more, "--dump-dom", (tmp_path / "frame.html").as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    (title,) = re.findall(r"<title>(.*?)</title>", told.stdout)
    looks = {"wider": 0, "fetched": 0, "width": width}
    does = {"up": "run =cmd()", "down": "run <b>bold", "sort": "descending", "all": str(text.count('<p class="file">')), "some": True}
    assert json.loads(html.unescape(title)) == looks | does
    assert "CONSOLE" not in told.stderr


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_in_latex(pages: Path, tmp_path: Path) -> None:
    """Without pictures and Hangul, for which one takes XeLaTeX."""
    head = r"\documentclass{article}\usepackage{booktabs,graphicx}\renewcommand{\includegraphics}[2][]{}"
    (tmp_path / "main.tex").write_text(head + r"\begin{document}\input{report}\end{document}")
    text = (pages / "report.tex").read_text(encoding="utf-8")
    (tmp_path / "report.tex").write_text(re.sub("[가-힣]+", "name", text), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert told.returncode == 0, told.stdout[-2000:]
