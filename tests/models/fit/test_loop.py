"""The training loop: whatever happens to a training, what is on the disk is whole, and going on gives what no interruption would have."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from yolo_koin.errors import DatasetError, RunError, UsageError
from yolo_koin.models import devices, registry
from yolo_koin.models.checkpoints import load_checkpoint
from yolo_koin.models.fit import classify, loop
from yolo_koin.models.fit.loop import Fit
from yolo_koin.models.fit.optimizer import Average, build_optimizer, learning_rate
from yolo_koin.models.protocol import TrainJob
from yolo_koin.parallel import Step, silent

Make = Callable[..., TrainJob]
COLUMNS = "epoch,time,train_loss,val_loss,{},lr"

# In a process of its own, which is killed: every epoch is written, or none before the end.
CHILD = """
import pickle, sys
from pathlib import Path
from yolo_koin.models import devices, registry
from yolo_koin.models.fit import loop
loop.SAVE_EVERY = float(sys.argv[2])
job = pickle.loads(Path(sys.argv[1]).read_bytes())
def told(step):
    print(step.done, flush=True)
registry.family_of(job.model).resume(job, told)
"""


def killed(job: TrainJob, after: float, every: float, tmp_path: Path) -> int:
    """Train in a process that is killed ``after`` epochs, where 1.5 is amid the second; the epochs that were told of."""
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    command = [sys.executable, "-c", CHILD, str(tmp_path / "job"), str(every)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        done, began = 0, time.monotonic()
        while done < int(after):
            done = int(process.stdout.readline() or -1)
            assert done > 0, "it ended before it could be killed"
            took, began = time.monotonic() - began, time.monotonic()
        time.sleep((after - int(after)) * min(took, 1.0))
        process.send_signal(signal.SIGKILL)
    return done


def result(job: TrainJob) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Weights of both checkpoints, and ``results.csv`` without its times."""
    kind = registry.family_of(job.model).task(job.model)
    weights = [load_checkpoint(job.folder / "weights" / name, kind)["model"].state_dict() for name in ("best.pt", "last.pt")]
    rows = [line.split(",") for line in (job.folder / "results.csv").read_text().splitlines()]
    return weights, [[value for i, value in enumerate(row) if i != 1] for row in rows]


def assert_same(one: TrainJob, other: TrainJob) -> None:
    (first, curve), (second, again) = result(one), result(other)
    assert curve == again
    for a, b in zip(first, second, strict=True):
        assert all(torch.equal(a[key], b[key]) for key in a)


def fit(job: TrainJob) -> Any:
    return registry.family_of(job.model).train(job, silent)


@pytest.mark.parametrize(
    ("model", "after", "every"),
    [
        pytest.param("yolov8n-cls", 1.0, 0, id="right after an epoch"),
        pytest.param("yolov8n-cls", 2.5, 0, id="amid an epoch"),
        pytest.param("yolov8n-cls", 2.0, 3600, id="before anything but the first epoch was written"),
        pytest.param("yolov8n", 2.2, 0, id="a detector"),
    ],
)
def test_a_killed_training_ends_as_if_it_had_not_been(job: Make, tmp_path: Path, model: str, after: float, every: float) -> None:
    undisturbed = job(model=model, folder=tmp_path / "undisturbed")
    fit(undisturbed)
    disturbed = job(model=model)
    assert killed(disturbed, after, every, tmp_path) < disturbed.epochs
    assert sorted(path.name for path in (disturbed.folder / "weights").glob("[!.]*")) == ["best.pt", "last.pt", "state.pt"]
    trained = registry.family_of(model).resume(disturbed, silent)
    assert_same(undisturbed, disturbed)
    assert trained.epochs == disturbed.epochs
    assert sorted(path.name for path in (disturbed.folder / "weights").iterdir()) == ["best.pt", "last.pt"]


def test_an_interrupt_between_two_states_goes_back_to_the_first(job: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best checkpoint on the disk is then of a later epoch than the state."""
    undisturbed = job(folder=tmp_path / "undisturbed")
    fit(undisturbed)
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)

    def no_state(*_: object) -> None:
        raise KeyboardInterrupt

    def stop(step: Step) -> None:
        if step.done == 2:
            monkeypatch.setattr(loop, "save_state", no_state)

    with pytest.raises(KeyboardInterrupt):
        registry.family_of("yolov8n-cls").train(job(), stop)
    monkeypatch.undo()
    registry.family_of("yolov8n-cls").resume(job(), silent)
    assert_same(undisturbed, job())


def test_what_a_training_leaves(job: Make) -> None:
    asked = job()
    told: list[Step] = []
    trained = registry.family_of(asked.model).train(asked, told.append)
    lines = (asked.folder / "results.csv").read_text().splitlines()
    assert lines[0] == COLUMNS.format("val_top1")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4"]
    assert [(step.what, step.done, step.of) for step in told] == [("epoch", i, 4) for i in range(1, 5)]
    assert told[0].note.startswith("loss ")
    assert "val top-1" in told[0].note
    assert (trained.metric, trained.epochs) == ("top1", 4)
    best = load_checkpoint(trained.weights, "classify")
    row = lines[trained.best_epoch].split(",")
    assert f"{best['train_metrics']['val_loss']:.6g}" == row[3]
    assert float(row[4]) == trained.value == max(float(line.split(",")[4]) for line in lines[1:])
    assert len(best["train_results"]["epoch"]) == trained.best_epoch
    assert (best["train_args"]["imgsz"], best["train_args"]["task"], best["epoch"]) == (32, "classify", -1)
    assert best["optimizer"] is best["ema"] is None
    assert all(value.dtype == torch.half for value in best["model"].parameters())
    assert best["yolo_koin"] == {"fit": "pad", "side": 64, "train_on": "normal", "model": "yolov8n-cls"}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"lr": 2e-3}, False),
        ({"augment": 0.5}, False),
        ({"label_smoothing": 0.0}, False),
        ({"patience": 9}, True),
        ({"model": "yolov8n", "augment": 0.0}, False),
    ],
    ids=["learning rate", "augmentation", "label smoothing", "patience that is never lost", "a detector's augmentation"],
)
def test_settings_reach_the_training(job: Make, tmp_path: Path, changed: dict[str, Any], same: bool) -> None:
    usual = job(folder=tmp_path / "usual", epochs=1, **{key: changed[key] for key in changed if key == "model"})
    other = job(epochs=1, **changed)
    assert fit(usual).epochs == fit(other).epochs == 1
    assert (result(usual)[1] == result(other)[1]) == same


@pytest.mark.parametrize("model", ["yolov8n-cls", "yolov8n"])
def test_bfloat16_learns_what_32_bits_do(job: Make, tmp_path: Path, model: str) -> None:
    plain, fast = (job(model=model, folder=tmp_path / str(bits), epochs=2, bits=bits) for bits in (32, 16))
    curves = []
    for asked in (plain, fast):
        fit(asked)
        curves.append([[float(value) for value in row] for row in result(asked)[1][1:]])
    assert curves[0] != curves[1]
    for row, other in zip(*curves, strict=True):
        assert other[1:3] == pytest.approx(row[1:3], rel=0.2), "losses on a handful of noisy photos"


def test_bits_are_those_of_the_device_unless_all_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for told, bits in (({}, 32), ({"avx512_bf16": False}, 32), ({"avx512_bf16": True}, 16), ({"amx_bf16": True}, 16)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda told=told: told, raising=False)
        assert devices.bits_for(cpu, "auto") == bits
        assert devices.bits_for(cpu, "full") == 32


def test_patience_ends_a_training_and_a_kill_changes_nothing_of_it(job: Make, tmp_path: Path) -> None:
    """With a rate of next to nothing no epoch is better than an early one."""
    settings: dict[str, Any] = {"epochs": 30, "lr": 1e-7, "patience": 2}
    undisturbed, disturbed = job(folder=tmp_path / "undisturbed", **settings), job(**settings)
    trained = fit(undisturbed)
    assert trained.epochs == trained.best_epoch + 2 < 30
    killed(disturbed, 1.0, 0, tmp_path)
    family = registry.family_of(disturbed.model)
    assert family.resume(disturbed, silent).epochs == trained.epochs
    assert_same(undisturbed, disturbed)
    assert family.resume(disturbed, silent).epochs == trained.epochs, "what is finished stays finished"


def test_the_curve_is_logged_once_whatever_happens(job: Make, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    asked = job(log="tensorboard")
    killed(asked, 2.5, 0, tmp_path)
    told: list[Step] = []
    registry.family_of(asked.model).resume(asked, told.append)
    assert (told[0].what, told[0].of) == ("continuing", 4)
    assert told[0].done > 1
    events = accumulator.EventAccumulator(str(asked.folder / "tensorboard"))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == ["loss/train", "loss/val", "lr", "val"]
    losses = sorted((event.step, event.value) for event in events.Scalars("loss/val"))  # files of one second come in any order
    assert [step for step, _ in losses] == [1, 2, 3, 4]
    rows = (asked.folder / "results.csv").read_text().splitlines()[1:]
    assert [loss for _, loss in losses] == pytest.approx([float(row.split(",")[3]) for row in rows], rel=1e-4)


def test_a_log_that_cannot_be_written_is_one_line(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yolo_koin.environment.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"tensorboard is not installed: log=tensorboard\. Install it with: pip install tensorboard"):
        fit(job(log="tensorboard"))


def test_resuming_what_is_finished_changes_nothing(job: Make) -> None:
    asked = job(epochs=2)
    trained = fit(asked)
    before = [(path.name, path.stat().st_mtime_ns) for path in sorted((asked.folder / "weights").iterdir())]
    assert registry.family_of(asked.model).resume(asked, silent) == trained
    assert [(path.name, path.stat().st_mtime_ns) for path in sorted((asked.folder / "weights").iterdir())] == before


def test_a_run_that_an_older_version_left_amid_starts_again(job: Make) -> None:
    """It wrote last.pt after every epoch."""
    asked = job(epochs=2)
    fit(asked)
    curve = asked.folder / "results.csv"
    curve.write_text("".join(curve.read_text().splitlines(keepends=True)[:2]))
    assert registry.family_of(asked.model).resume(asked, silent).epochs == 2


def test_the_seed_settles_it_and_another_gives_others(job: Make, tmp_path: Path) -> None:
    one, same, other = (job(folder=tmp_path / name, epochs=1, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    for each in (one, same, other):
        fit(each)
    assert_same(one, same)
    with pytest.raises(AssertionError):
        assert_same(one, other)


@pytest.mark.parametrize("batch", [14, 32, 1000])
def test_any_batch_size(job: Make, batch: int) -> None:
    """15 photos: batch normalisation cannot work on one that is left."""
    assert fit(job(epochs=1, batch=batch)).epochs == 1


def test_frozen_layers_and_their_statistics_stay(job: Make, tmp_path: Path) -> None:
    first = fit(job(epochs=1, folder=tmp_path / "first")).weights
    tuned = fit(job(epochs=1, start=first, freeze=9)).weights
    before, after = (load_checkpoint(path, "classify")["model"].state_dict() for path in (first, tuned))
    backbone = {key for key in before if int(key.split(".")[1]) < 9}
    assert all(torch.equal(before[key], after[key]) for key in backbone)
    assert any(not torch.equal(before[key], after[key]) for key in set(before) - backbone)


@pytest.mark.parametrize(("part", "words"), [("train", "no training photos"), ("val", "no validation photos")])
def test_nothing_to_learn_from_is_one_line(job: Make, part: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        fit(job(**{part: ()}))


def test_the_state_of_another_training_is_refused(job: Make, tmp_path: Path) -> None:
    asked = job()
    killed(asked, 1.0, 0, tmp_path)
    with pytest.raises(RunError, match="other seed"):
        registry.family_of(asked.model).resume(replace(asked, seed=1), silent)
    (asked.folder / "weights/state.pt").write_bytes(b"no state")
    with pytest.raises(RunError, match="cannot read the state"):
        registry.family_of(asked.model).resume(asked, silent)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it ran",)


def test_a_state_is_data(job: Make, capsys: pytest.CaptureFixture[str]) -> None:
    asked = job()
    (asked.folder / "weights").mkdir(parents=True)
    torch.save({"version": 1, "curve": [], "job": Bomb()}, asked.folder / "weights/state.pt")
    with pytest.raises(RunError, match="cannot read the state"):
        registry.family_of(asked.model).resume(asked, silent)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("bad", [{0}, {2}, {0, 1, 2, 3, 4, 5, 6, 7, 8}], ids=["the first epoch", "a later epoch", "always"])
def test_an_epoch_whose_loss_is_not_finite_is_tried_again(job: Make, monkeypatch: pytest.MonkeyPatch, bad: set[int]) -> None:
    """Numbered are the epochs that are begun, those begun again included."""
    lesson = classify.ClassLesson
    plain, validate = lesson.loss, lesson.validate
    begun = 0

    def loss(self: Any, network: nn.Module, batch: Any) -> Any:
        value, told = plain(self, network, batch)
        return (value * math.nan, told * math.nan) if begun in bad else (value, told)

    def count(self: Any, network: nn.Module) -> Any:
        nonlocal begun
        begun += 1
        return validate(self, network)

    monkeypatch.setattr(lesson, "loss", loss)
    monkeypatch.setattr(lesson, "validate", count)
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    asked = job()
    if len(bad) > 2:
        with pytest.raises(RunError, match="never had a finite loss"):
            fit(asked)
        assert not (asked.folder / "weights/best.pt").exists()
        return
    assert fit(asked).epochs == 4
    weights, _ = result(asked)
    assert all(bool(value.isfinite().all()) for value in weights[1].values())


def test_any_network_can_be_trained(job: Make, tmp_path: Path) -> None:
    """Two layers of plain torch, with a family's own files and normalised photos."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 3))
    asked = job(epochs=6, lr=0.01)
    asked = replace(asked, preparation=replace(asked.preparation, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)))
    written: list[tuple[str, int]] = []

    def write(path: Path, trained: nn.Module, curve: Any) -> None:
        written.append((path.name, len(curve)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([row.value for row in curve]))

    lesson = classify.ClassLesson(asked, torch.device("cpu"))
    trained = Fit(asked, network, lesson, write, lambda name: False, silent).run()
    assert written[-1] == ("last.pt", 6)
    assert ("best.pt", trained.best_epoch) in written


# ------------------------------------------------------------------------------------------------------------- the parts
def test_parameters_are_grouped_as_by_stock() -> None:
    from ultralytics.engine.trainer import BaseTrainer
    from ultralytics.nn.tasks import ClassificationModel

    network = ClassificationModel("yolov8n-cls.yaml", nc=5, verbose=False)
    ours = build_optimizer(network, 1e-3)
    stock = BaseTrainer.build_optimizer(object(), network, "AdamW", 1e-3, 0.9, 0.05)

    def grouped(optimizer: torch.optim.Optimizer) -> list[tuple[float, set[int]]]:
        return sorted((group["weight_decay"], {id(p) for p in group["params"]}) for group in optimizer.param_groups)

    together = [(decay, ids) for decay, ids in grouped(ours)]
    assert sorted(together, key=lambda g: (g[0], len(g[1]))) == sorted(grouped(stock), key=lambda g: (g[0], len(g[1])))


def test_the_optimizer_is_torchs() -> None:
    torch.manual_seed(0)
    ours, plain = nn.Linear(5, 3), nn.Linear(5, 3)
    plain.load_state_dict(ours.state_dict())
    both = [(ours, build_optimizer(ours, 0.1)), (plain, torch.optim.AdamW(build_optimizer(plain, 0.1).param_groups, lr=0.1))]
    for _ in range(3):
        for network, optimizer in both:
            network(torch.ones(2, 5)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True))
    assert ours.weight.grad is None
    assert both[0][1].state_dict()["state"].keys() == both[1][1].state_dict()["state"].keys()


def test_a_training_does_not_wait_for_the_compiler(job: Make, tmp_path: Path) -> None:
    """Some harmless calls load it, for a second and a half."""
    (tmp_path / "job").write_bytes(pickle.dumps(job(epochs=1)))
    code = CHILD + "assert 'torch._dynamo' not in sys.modules and 'torch._inductor' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "job"), "0"], check=True, stdout=subprocess.DEVNULL)


def test_the_average_is_that_of_stock() -> None:
    from ultralytics.utils.torch_utils import ModelEMA

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    ours, stock = Average(network), ModelEMA(network)
    for _ in range(5):
        for parameter in network.parameters():
            parameter.data += torch.randn_like(parameter)
        ours.update(network)
        stock.update(network)
    assert all(torch.equal(a, b) for a, b in zip(ours.network.state_dict().values(), stock.ema.state_dict().values(), strict=True))


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [learning_rate(step, 10, 20, 1.0) for step in range(200)]
    assert rates[0] == 0
    assert rates[20] == max(rates) == pytest.approx(0.976, abs=0.01)  # the cosine has begun by then
    assert rates[-1] == pytest.approx(0.01, abs=0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[20:]))
    assert learning_rate(0, 10, 1, 1.0) == 1.0  # a single epoch is not spent on rising
