"""Nearly right files through the verbs: each call ends with a result or one line for the user, soon, and every photo is accounted for.

``python -m tests.fuzz`` (``make fuzz``) runs 3,000 photos and 1,000 other files; ``tests/test_fuzz.py`` a part of them.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd
import torch

from tests import mutants
from tests.conftest import att, working_in
from tests.dataset.annotated import coco, labelme, voc
from yolo_koin.dataset.koin import scan
from yolo_koin.environment import prepare
from yolo_koin.errors import KoinError
from yolo_koin.parallel import Step
from yolo_koin.reporting import style
from yolo_koin.specs import AuditSpec, ConvertDetectSpec, ConvertSpec, EvaluateSpec, PredictSpec, ReportSpec, RunsSpec, ScoreSpec, TrainSpec
from yolo_koin.verbs.audit import audit
from yolo_koin.verbs.convert import convert
from yolo_koin.verbs.convert_detect import convert_detect
from yolo_koin.verbs.evaluate import evaluate
from yolo_koin.verbs.predict import predict
from yolo_koin.verbs.report import report
from yolo_koin.verbs.runs import list_runs
from yolo_koin.verbs.score import score
from yolo_koin.verbs.train import train

PEOPLE = ("김민준", "0003")
BATCH = 50  # photos in one dataset
LIMIT = 10.0  # seconds without a sign of progress
QUICK: dict[str, Any] = {"weights": "scratch", "epochs": 1, "imgsz": 32, "batch": 4, "device": "cpu"}
HEAD = "image,label,x,y,width,height"


class Hang(BaseException):
    """A call that gave no sign for too long; no Exception, so that nobody takes it for a damaged file."""


@dataclass
class Tally:
    """What came of it.

    Attributes:
        ended: how many calls ended with a ``result`` and how many with an ``error`` for the user, by verb.
        failures: what should not have happened, with the files that it happened with.
        photos, files: how many there were.
        longest: seconds that a call took at most without a sign of progress.
    """

    ended: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    photos: int = 0
    files: int = 0
    longest: float = 0.0

    def __str__(self) -> str:
        ended = ", ".join(f"{what} {count}" for what, count in sorted(self.ended.items()))
        return f"{self.photos} photos, {self.files} other files: {len(self.failures)} failures. {ended}. Longest wait {self.longest:.1f} s."


class Fuzz:
    """Runs calls, and keeps what goes wrong.

    Args:
        home: an empty folder to work in.
        seed: of the mutants.
        limit: seconds without a sign of progress that are too many.
    """

    def __init__(self, home: Path, seed: int, limit: float = LIMIT) -> None:
        self.home, self.seed, self.limit, self.tally = home, seed, limit, Tally()
        self.faces = [att(person, number).convert("RGB") for person in (1, 2) for number in (1, 2, 3)]
        self.seen, self.patience = 0.0, limit

    # ---------------------------------------------------------------------------------------------------------- one call
    def call(self, verb: Callable[..., Any], spec: Any, files: Mapping[Path, bytes], may_refuse: bool = True) -> Any:
        """What a verb makes of a spec; None where it says that the user can mend it.

        Args:
            verb: the function.
            spec: what it is asked.
            files: what was changed, to be kept when it fails.
            may_refuse: whether the verb may refuse as a whole; one bad photo must not.
        """
        name = verb.__name__
        try:
            with self._watched(3 if verb is report else 1):  # it draws for seconds, and tells nobody how far it is
                result = verb(spec, progress=self._step)
        except KoinError as error:
            self.tally.ended[f"{name} error"] += 1
            if "\n" in str(error) or not str(error) or not may_refuse:
                self._failed(name, f"refused: {error}", files)
            return None
        except (Exception, Hang):
            self._failed(name, traceback.format_exc(), files)
            return None
        self.tally.ended[f"{name} result"] += 1
        return result

    def check(self, name: str, fine: bool, what: str, files: Mapping[Path, bytes]) -> None:
        if not fine:
            self._failed(name, what, files)

    @contextlib.contextmanager
    def _watched(self, patience: int) -> Iterator[None]:
        before = signal.signal(signal.SIGALRM, self._hangs)
        self.patience = patience * self.limit
        self._step()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.tally.longest = max(self.tally.longest, time.monotonic() - self.seen)
            faulthandler.cancel_dump_traceback_later()
            signal.signal(signal.SIGALRM, before)

    def _step(self, step: Step | None = None) -> None:
        now = time.monotonic()
        self.tally.longest = max(self.tally.longest, now - self.seen if step and self.seen else 0.0)
        self.seen = now
        signal.setitimer(signal.ITIMER_REAL, self.patience)
        # A thread that hangs keeps its pool from ending: then all ends.
        faulthandler.dump_traceback_later(self.patience * 6, exit=True, file=2)

    def _hangs(self, number: int, frame: FrameType | None) -> None:
        raise Hang(f"no sign for {self.patience:g} s")

    def _failed(self, name: str, what: str, files: Mapping[Path, bytes]) -> None:
        kept = self.home / "failed" / f"{len(self.tally.failures):03d}-{name}"
        for path, data in files.items():
            target = kept / os.path.relpath(path, self.home).replace("../", "").replace("/", "~")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        self.tally.failures.append(f"{kept}: {name}: {what}")

    # ------------------------------------------------------------------------------------------------------------- photos
    def dataset(self, root: Path, each: int = 3) -> Path:
        """Whole photos of two people to learn, to validate and to test."""
        for number, person in enumerate(PEOPLE, 1):
            for split, first in (("normal_cases/train", 1), ("normal_cases/test", 5), ("hard_cases/test", 7)):
                (root / split / person).mkdir(parents=True)
                for photo in range(first, first + (each if split.endswith("train") else 1)):
                    att(number, photo).convert("RGB").save(root / split / person / f"{photo}.png")
        return root

    def photos(self, count: int) -> None:
        """Mutated photos in all splits, so many of them."""
        draw = random.Random(self.seed)
        raw = self.dataset(self.home / "photos")
        train(TrainSpec(data=str(raw), name="photos", side=64, **QUICK))
        while count > 0:
            files: dict[Path, bytes] = {}
            for number in range(min(BATCH, count)):
                data, ending = mutants.photo(draw, self.faces)
                split = draw.choice(["normal_cases/train", "normal_cases/test", "hard_cases/test", "group_cases/test"])
                files[raw / split / draw.choice(PEOPLE) / f"m{number}{ending}"] = data
            for path, data in files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            self._photos(raw, files)
            for path in files:
                path.unlink()
            count -= len(files)
            self.tally.photos += len(files)

    def _photos(self, raw: Path, files: Mapping[Path, bytes]) -> None:
        there = {path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file()}
        tests = {image for image in there if "/test/" in image}
        if looked := self.call(audit, AuditSpec(data=str(raw)), files, False):
            self.check("audit", sum(split.images for split in looked.splits) == len(there), "photos of audit", files)
        if made := self.call(convert, ConvertSpec(data=str(raw), side=64), files, False):
            index = pd.read_csv(made.root / "index.csv", dtype=str, keep_default_na=False)
            self.check("convert", sorted(index["source"]) == sorted(there), "rows of index.csv", files)
            self.check("convert", sum(made.counts.values()) + len(made.unusable) == len(there), "counts of convert classify", files)
            usable = index[index["status"] == "ok"]
            self.check("convert", all((made.root / image).is_file() for image in usable["image"]), "files of convert classify", files)
            self.check("convert", set(index[index["status"] != "ok"]["source"]) == made.unusable.keys(), "left out by convert", files)
        if boxed := self.call(convert_detect, ConvertDetectSpec(data=str(raw), side=64, review=1), files, False):
            table = pd.read_csv(boxed.converted.root / "boxes.csv", dtype=str, keep_default_na=False)
            self.check("convert_detect", set(table["image"]) == there, "photos of boxes.csv", files)
            total = sum(boxed.converted.counts.values()) + len(boxed.converted.left_out)
            self.check("convert_detect", total == len(there), "counts of convert detect", files)
        for faces in (False, True):
            scored = self.call(evaluate, EvaluateSpec(weights="photos", data=str(raw), device="cpu", faces=faces), files, False)
            if scored:
                table = pd.read_csv(scored.run / "predictions.csv", dtype=str, keep_default_na=False)
                self.check("evaluate", set(table["image"]) == tests, "photos of predictions.csv", files)
                self.check("evaluate", faces or len(table) == len(tests), "rows of predictions.csv", files)
                shutil.rmtree(scored.run)
        if named := self.call(predict, PredictSpec(source=str(raw), weights="photos", device="cpu"), files, False):
            drawn = [path for path in (named.run / "annotated").rglob("*") if path.is_file()]
            self.check("predict", named.photos == len(there), "photos of predict", files)
            self.check("predict", len(drawn) + named.unreadable == named.photos, "annotated photos", files)
            shutil.rmtree(named.run)

    # -------------------------------------------------------------------------------------------------------- other files
    def files(self, count: int) -> None:
        """Mutated files beside photos, annotations, checkpoints and files of our own, so many of them."""
        draw = random.Random(self.seed + 1)
        raw = self.dataset(self.home / "KoIn")
        group = raw / "group_cases/test" / PEOPLE[0]
        group.mkdir(parents=True)
        self.faces[0].resize((120, 120)).save(group / "g.png")
        train(TrainSpec(data=str(raw), name="files", side=64, **QUICK))
        evaluate(EvaluateSpec(weights="files", device="cpu", name="scored"))
        evaluate(EvaluateSpec(weights="files", device="cpu", name="faces", faces=True, data=str(raw)))
        squares = convert(ConvertSpec(data=str(raw), side=64)).root
        boxed = convert_detect(ConvertDetectSpec(data=str(raw), side=64, review=0)).converted.root
        kinds: list[Callable[[], None]] = [
            *[lambda: self._beside(draw, raw)] * 4,
            *[lambda: self._annotated(draw, raw)] * 4,
            *[lambda: self._checkpoint(draw, raw)] * 3,
            *[lambda: self._own(draw, raw, squares, boxed)] * 4,
            *[lambda: self._scores(draw)] * 3,
        ]
        for number in range(count):
            kinds[number % len(kinds)]()
            self.tally.files += 1

    def _beside(self, draw: random.Random, raw: Path) -> None:
        """A table or list in the dataset."""
        name = draw.choice([*SIDE_FILES])
        path, data = raw / name, mutants.text(draw, SIDE_FILES[name].encode())
        path.write_bytes(data)
        self._everything(raw, {path: data})
        path.unlink()

    def _annotated(self, draw: random.Random, raw: Path) -> None:
        """A file of boxes, given to the conversion."""
        image = f"group_cases/test/{PEOPLE[0]}/g.png"
        kind = draw.choice(["coco", "labelme", "voc", "table"])
        if kind in {"coco", "labelme"}:
            written = (coco if kind == "coco" else labelme)(image, label=PEOPLE[0])
            data, ending = mutants.json_text(draw, json.dumps(written).encode()), ".json"
        elif kind == "voc":
            data, ending = mutants.xml_text(draw, voc(image, label=PEOPLE[0]).encode()), ".xml"
        else:
            data, ending = mutants.text(draw, SIDE_FILES["boxes.csv"].encode()), ".csv"
        path = self.home / f"given{ending}"
        path.write_bytes(data)
        self._boxed(raw, {path: data}, path)
        path.unlink()

    def _everything(self, raw: Path, files: Mapping[Path, bytes]) -> None:
        there = {path.relative_to(raw).as_posix() for path in raw.rglob("*.png")}
        looked = self.call(audit, AuditSpec(data=str(raw)), files)
        if looked:
            self.check("audit", sum(split.images for split in looked.splits) + looked.excluded == len(there), "photos of audit", files)
        if made := self.call(convert, ConvertSpec(data=str(raw), side=64), files):
            total = sum(made.counts.values()) + len(made.unusable) + (looked.excluded if looked else 0)
            self.check("convert", total == len(there), "counts of convert classify", files)
        self._boxed(raw, files, None)

    def _boxed(self, raw: Path, files: Mapping[Path, bytes], boxes: Path | None) -> None:
        if boxed := self.call(convert_detect, ConvertDetectSpec(data=str(raw), side=64, boxes=boxes, review=1), files):
            samples = {sample.image for sample in scan(raw).samples}
            total = sum(boxed.converted.counts.values()) + len(boxed.converted.left_out)
            self.check("convert_detect", total == len(samples), "counts of convert detect", files)
            table = pd.read_csv(boxed.converted.root / "boxes.csv", dtype=str, keep_default_na=False)
            self.check("convert_detect", set(table["image"]) == samples, "photos of boxes.csv", files)

    def _checkpoint(self, draw: random.Random, raw: Path) -> None:
        whole = self.home / "runs/train/files/weights/best.pt"
        path = self.home / "given.pt"
        if draw.random() < 0.5:
            path.write_bytes(mutants.archive(draw, whole.read_bytes()))
        else:  # a file as whole as ever with something else in it
            checkpoint = torch.load(whole, weights_only=False)
            place, key = draw.choice(
                [(checkpoint, "yolo_koin"), (checkpoint, "train_args"), (checkpoint, "model"), (checkpoint, "ema"), (checkpoint, "date")]
                + [(vars(checkpoint["model"]), key) for key in ("names", "yaml", "args", "nc", "stride", "model")]
            )
            place[key] = (
                mutants.tree(draw, {"names": {0: "a", 1: "b"}, "fit": "pad", "side": 64, "imgsz": 32})
                if draw.random() < 0.5
                else (draw.choice(mutants.ODD_VALUES))
            )
            try:
                torch.save(checkpoint, path)
            except Exception:
                return
        files = {path: path.read_bytes()}
        photo = str(next(raw.glob("normal_cases/test/*/*.png")))
        if named := self.call(predict, PredictSpec(source=photo, weights=path, device="cpu"), files):
            self.check("predict", named.photos == 1, "photos of predict", files)
            shutil.rmtree(named.run)
        if scored := self.call(evaluate, EvaluateSpec(weights=path, data=str(raw), device="cpu"), files):
            shutil.rmtree(scored.run)
        path.unlink()

    def _own(self, draw: random.Random, raw: Path, squares: Path, boxed: Path) -> None:
        """A file that a conversion or a training wrote, changed since."""
        run = self.home / "runs/train/files"
        path = draw.choice(
            [
                *(squares / name for name in ("index.csv", "manifest.json", ".state.csv")),
                *(boxed / name for name in ("boxes.csv", "manifest.json", ".state.csv")),
                *(run / name for name in ("manifest.json", "manifest.json", "results.csv")),
            ]
        )
        before = path.read_bytes()
        data = (mutants.json_text if path.suffix == ".json" else mutants.text)(draw, before)
        path.write_bytes(data)
        files = {path: data}
        for verb, spec in (
            (evaluate, EvaluateSpec(weights="files", device="cpu")),
            (predict, PredictSpec(source="hard_cases/test", weights="files", device="cpu")),
        ):
            if path.parent != boxed and (done := self.call(verb, spec, files)):
                shutil.rmtree(done.run)
        if path.parent == run:
            self.call(list_runs, RunsSpec(), files)
        else:
            self.call(convert if path.parent == squares else convert_detect, _again(path.parent, raw, squares), files)
        if path.parent == boxed:
            path.write_bytes(data)
            self.call(train, TrainSpec(data=str(boxed), task="detect", name="never", **{**QUICK, "weights": "no.pt"}), files)
        for made in (squares, boxed):
            if path.parent == made:
                shutil.rmtree(made)
                (convert if made == squares else convert_detect)(_again(made, raw, squares))
        path.write_bytes(before) if path.parent == run else None

    def _scores(self, draw: random.Random) -> None:
        """A table of an evaluation, changed since, given to the report."""
        name = draw.choice(["scored", "faces"])
        run = self.home / "runs/evaluate" / name
        path = draw.choice([path for path in run.iterdir() if path.is_file()] + [self.home / "runs/train/files/results.csv"])
        before = path.read_bytes()
        data = (mutants.json_text if path.suffix == ".json" else mutants.text)(draw, before)
        path.write_bytes(data)
        self.call(report, ReportSpec(runs=(name,), out=self.home / "report"), {path: data})
        self.call(list_runs, RunsSpec(), {path: data})
        if path.suffix == ".csv" and (done := self.call(score, ScoreSpec(file=path, data=str(self.home / "KoIn")), {path: data})):
            shutil.rmtree(done.run)
        path.write_bytes(before)


def _again(made: Path, raw: Path, squares: Path) -> Any:
    return (
        ConvertSpec(data=str(raw), side=64, out=made) if made == squares else ConvertDetectSpec(data=str(raw), side=64, review=0, out=made)
    )


SIDE_FILES = {
    "classes.csv": f"folder,name\n{PEOPLE[0]},Kim Minjun\n{PEOPLE[1]},Park\n",
    "exclude.txt": f"# left out\nhard_cases/test/{PEOPLE[0]}/7.png\n{'0' * 64}\n",
    "groups.csv": f"image,group\nnormal_cases/train/{PEOPLE[0]}/1.png,a\nnormal_cases/train/{PEOPLE[0]}/2.png,a\n",
    "synthetic.txt": "hard_cases/test\n",
    "boxes.csv": "\n".join(
        [
            HEAD,
            *(
                f"{place}/{PEOPLE[0]}/{name}.png,{PEOPLE[0]},10,20,50,60"
                for place, name in (("group_cases/test", "g"), ("hard_cases/test", "7"))
            ),
            "",
        ]
    ),
}


def fuzz(home: Path, photos: int, files: int, seed: int = 0, limit: float = LIMIT) -> Tally:
    """Run so many mutants in an empty folder."""
    fonts = style._SETTINGS["pdf.fonttype"]
    style._SETTINGS["pdf.fonttype"] = 3  # to embed whole fonts takes most of the time that a report takes
    with working_in(home), contextlib.ExitStack() as last:
        last.callback(style._SETTINGS.update, {"pdf.fonttype": fonts})
        work = Fuzz(home, seed, limit)
        if photos:
            work.photos(photos)
        if files:
            work.files(files)
    return work.tally


def main() -> None:
    prepare()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="an empty folder to work in; it keeps the files that something failed with")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    home = given.home or Path(tempfile.mkdtemp(prefix="fuzz-"))
    home.mkdir(parents=True, exist_ok=True)
    tally = fuzz(home.resolve(), given.photos, given.files, given.seed)
    sys.stdout.write("\n".join([*tally.failures, str(tally), ""]))
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
