"""The pages hold together: links, commands, options, columns, metrics; the site needs nothing else; the Korean README says the same."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from docs.reference import BEGINS, commands, reference
from yolo_koin import specs
from yolo_koin.cli import app
from yolo_koin.evaluation import predictions, robustness, scores, strangers, verification
from yolo_koin.models.cost import Cost
from yolo_koin.options import described
from yolo_koin.splits import NORMAL

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md"))
}
ENGLISH, KOREAN = PAGES["README.md"], PAGES["README.ko.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VERBS = dict(commands())
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def prose(text: str) -> str:
    return FENCE.sub("", text)


def targets(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


def headings(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^(#+) (.*)$", prose(text), re.MULTILINE)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# ---------------------------------------------------------------------------------------------------------------- links
@pytest.mark.parametrize("page", PAGES)
def test_links_hold(page: str) -> None:
    for target in targets(PAGES[page]):
        if target.startswith("https://"):
            continue
        path, _, place = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.is_file(), target
        if place:
            assert place in {anchor(title) for _, title in headings(file.read_text(encoding="utf-8"))}, target


@pytest.mark.parametrize(
    "picture", sorted({target.removeprefix("../") for text in PAGES.values() for target in targets(text) if ".png" in target})
)
def test_pictures_are_there(picture: str) -> None:
    with Image.open(ROOT / picture) as image:
        image.load()
    assert (ROOT / picture).stat().st_size < 1_500_000


# ------------------------------------------------------------------------------------------------------------- commands
def shown(text: str) -> Iterator[str]:
    """Command lines in blocks, and those in sentences, with or without the program's name."""
    for language, block in FENCE.findall(text):
        if language == "bash":
            yield from (line.split("#")[0].strip() for line in block.splitlines() if line.startswith("yolo_koin "))
    for code in re.findall(r"`([^`]+)`", prose(text)):
        words = " ".join(code.split()).removeprefix("yolo_koin ")
        if re.match(rf"({'|'.join(VERBS)}) [^=]*--", words) or code.startswith("yolo_koin "):
            yield f"yolo_koin {words}"


LINES = sorted({line for text in PAGES.values() for line in shown(text) if not re.search("[A-Z]{3}", line)})  # VERB, RUN…


@pytest.mark.parametrize("line", LINES)
def test_commands_and_their_options_exist(line: str) -> None:
    """Parsed by the command line itself, and not run; what is asked for makes sense to the spec."""
    node, words, verb = get_command(app), shlex.split(line)[1:], []
    while hasattr(node, "commands") and not words[0].startswith("-"):
        verb.append(words.pop(0))
        node = node.commands[verb[-1]]
    given = node.make_parser(node.context_class(node)).parse_args(words)[0]  # raises on an option that does not exist
    if " ".join(verb) not in VERBS:
        return
    spec = getattr(specs, VERBS[" ".join(verb)].spec)
    asked = {one.name: given[one.name] for one in described(spec) if isinstance(given.get(one.name), str | bool | tuple | list)}
    if all(one.name in asked for one in described(spec) if one.default is MISSING):
        spec(**{name: tuple(value) if isinstance(value, list) else value for name, value in asked.items() if value})


def test_every_command_stands_in_both_readmes() -> None:
    for text in (ENGLISH, KOREAN):
        lines = [line for language, block in FENCE.findall(text) if language == "bash" for line in block.splitlines()]
        assert [verb for verb in VERBS if not any(line.startswith(f"yolo_koin {verb} ") for line in lines)] == []


def test_the_reference_of_options_is_that_of_the_command_line() -> None:
    """``python -m docs.reference`` writes it anew."""
    assert PAGES["docs/commands.md"].partition(BEGINS)[2].strip() == reference().strip()
    assert reference().count("\n| `--") > 100


# ---------------------------------------------------------------------------------------------------- columns and metrics
IN_NO_FILE = {("across_runs", "ROBUSTNESS_COLUMNS")}  # of a table in reports


def columns_of_files() -> Iterator[tuple[str, ...]]:
    """Every list of columns in the code; of tables that add some to those of ``predictions.csv``, what they add."""
    for path in sorted((ROOT / "yolo_koin").rglob("*.py")):
        for name in re.findall(r"^(\w*COLUMNS|SUMMARY|TIDY)(?:: .+)? = ", path.read_text(encoding="utf-8"), re.MULTILINE):
            columns = getattr(import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)), name)
            if not isinstance(columns, dict) and (path.stem, name) not in IN_NO_FILE:  # dicts: headings of tables for people
                more = tuple(columns[len(predictions.COLUMNS) :])
                yield more if tuple(columns) == (*predictions.COLUMNS, *more) and more else tuple(columns)


@pytest.mark.parametrize("columns", sorted(set(columns_of_files())), ids=",".join)
def test_columns_of_files_are_told(columns: tuple[str, ...]) -> None:
    assert f"`{','.join(columns)}`" in PAGES["docs/files.md"]


def test_fields_of_costs_are_told() -> None:
    told = PAGES["docs/files.md"].split("### cost.json")[1].split("###")[0]
    assert [field.name for field in fields(Cost) if field.name != "folder" and f"`{field.name}`" not in told] == []


def test_every_metric_is_told() -> None:
    first = [row.split("|")[1] for row in PAGES["docs/metrics.md"].splitlines() if row.startswith("| `")]
    told = {name for cell in first for name in re.findall(r"`(\w+(?:\.\d)?)`", cell)}
    of_strangers = {f"{rate}_at_{100 * fpir:g}" for rate in ("tpir", "fpir") for fpir in strangers.FPIRS}
    of_pairs = {f"tar_at_{100 * far:g}" for far in verification.FARS}
    wrong = robustness.Errors(np.zeros(20), np.ones((20, 1, 1)), np.ones((20, 1)))  # 20 photos, one kind, one severity
    of_stress = {row["metric"] for row in robustness.corruption_errors(wrong, wrong, NORMAL, ("mask",), resamples=0)}
    assert {*scores.METRICS, *scores.OF_SWEEPS, *of_strangers, *of_pairs, *of_stress, "rank1", "claim", "auroc", "oscr"} == told


# ------------------------------------------------------------------------------------------------------------- the site
@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    return folder


class Loaded(HTMLParser):
    """What a page loads by itself; links are for the reader to follow."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "poster"}]


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.addresses
        assert [address for address in parser.addresses if re.match(r"(https?:)?//", address)] == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8"))


def test_every_page_is_on_the_site(site: Path) -> None:
    names = {path.stem for path in ROOT.glob("docs/*.md")} | {"index", "README.ko", "CHANGELOG", "404"}
    assert {page.stem for page in site.glob("*.html")} == names


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize(("word", "heading"), [("wilson", "What the numbers mean"), ("폐색", "yolo_koin")])
def test_the_site_is_searched_from_disk(site: Path, tmp_path: Path, word: str, heading: str) -> None:
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --virtual-time-budget=8000 --dump-dom"
    command = [str(CHROMIUM), *flags.split(), f"--user-data-dir={tmp_path}", f"{(site / 'speed.html').as_uri()}?q={word}"]
    page = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    found = re.findall("<h1>(.*?)</h1>", page.split('<ol class="md-search-result__list"')[1].split("</ol>")[0])
    assert heading in found


# --------------------------------------------------------------------------------------------------------------- Korean
def cells(text: str) -> list[list[str]]:
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|") and not re.match(r"\|[ :-]+\|", line)]


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", text))


def test_the_korean_readme_has_the_same_commands() -> None:
    """Comments are translated, and so is what is said of the folders: there, words with a dot or a slash are compared."""

    def bare(text: str) -> list[list[str]]:
        blocks = [(language or "tree", block.splitlines()) for language, block in FENCE.findall(text)]
        return [
            [language, *("".join(re.findall(r"\S*[./]\S*", line)) if language == "tree" else line.split("#")[0].rstrip() for line in lines)]
            for language, lines in blocks
        ]

    assert bare(KOREAN) == bare(ENGLISH)
    assert {block[0] for block in bare(KOREAN)} == {"bash", "tree", "bibtex"}


def test_the_korean_readme_has_the_same_numbers() -> None:
    english, korean = cells(ENGLISH), cells(KOREAN)
    assert [len(row) for row in korean] == [len(row) for row in english]
    for ours, theirs in zip(korean, english, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert numbers(one) == numbers(other)
            assert sorted(re.findall(r"`[^`]+`", one)) == sorted(re.findall(r"`[^`]+`", other))
    measured = r"\d+\.\d+|\d+ %"
    assert sorted(re.findall(measured, KOREAN)) == sorted(re.findall(measured, ENGLISH))


def test_the_korean_readme_has_the_same_headings_and_links() -> None:
    assert [level for level, _ in headings(KOREAN)] == [level for level, _ in headings(ENGLISH)]
    assert sorted(targets(KOREAN)) == sorted(target.replace("README.ko.md", "README.md") for target in targets(ENGLISH))
    assert len(re.findall("[가-힣]", KOREAN)) > 2000
