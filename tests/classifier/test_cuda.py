"""Training on a GPU: the promises that a CPU cannot test. Everything here is skipped where there is none."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from classifier.workload import workload

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="trains on a CUDA device"),
]

AUGMENTED = {"augment.rotation": 10, "augment.crop": True, "augment.hflip": 0.5, "augment.hue": 0.1}
RUNS = [
    {
        "model.name": name,
        "optimizer.name": optimiser,
        "precision": precision,
        "cuda_graphs": graphs,
        "data.size": 32,
        **AUGMENTED,
    }
    for name, optimiser in (("model_c", "sgd"), ("resnet18", "adam"), ("example_cnn", "adamw"))
    for precision in ("fp32", "bf16")
    for graphs in (False, True)
]


def started(settings: dict[str, Any], epochs: int) -> tuple[Any, list[dict[str, Any]]]:
    fixed, each = workload.schedule(workload.canonical({"seed": 0, **settings}), epochs)
    return workload.start(fixed, 1, 1.0), each


def plain(row: dict[str, Any]) -> dict[str, Any]:
    scores = {split: named["loss"].tolist() for split, named in row["scores"].items()}
    return {
        **row,
        "predictions": {split: found.tolist() for split, found in row["predictions"].items()},
        "scores": scores,
    }


@pytest.mark.parametrize("settings", RUNS, ids=lambda run: "-".join(map(str, list(run.values())[:4])))
def test_a_run_repeats_and_resumes_bit_for_bit(settings: dict[str, Any]) -> None:
    whole, each = started(settings, 3)
    rows = [plain(whole.train_epoch(now)) for now in each]
    first, _ = started(settings, 3)
    assert plain(first.train_epoch(each[0])) == rows[0]
    second, _ = started(settings, 3)
    second.load(first.save())
    assert [plain(second.train_epoch(now)) for now in each[1:]] == rows[1:]
    assert second.save() == whole.save()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_streamed_images_train_the_same_bits(precision: str) -> None:
    rows = []
    for held in ("device", "host"):
        run, each = started({"precision": precision, "data.held": held, **AUGMENTED}, 2)
        rows.append([plain(run.train_epoch(now)) for now in each])
    assert rows[0] == rows[1]


def test_two_runs_that_take_turns_do_not_disturb_each_other() -> None:
    alone, each = started(AUGMENTED, 2)
    rows = [plain(alone.train_epoch(now)) for now in each]
    one, _ = started(AUGMENTED, 2)
    other, theirs = started({"model.name": "resnet18", "precision": "bf16", "optimizer.name": "adam"}, 2)
    for now, then, row in zip(each, theirs, rows, strict=True):
        other.train_epoch(then)
        assert plain(one.train_epoch(now)) == row


@pytest.mark.parametrize("settings", RUNS, ids=lambda run: "-".join(map(str, list(run.values())[:4])))
def test_recorded_steps_train_nearly_the_same(settings: dict[str, Any]) -> None:
    # Not the same bits: a recorded step reads the learning rate as a float32.
    rows = []
    for graphs in (False, True):
        run, each = started({**settings, "cuda_graphs": graphs, "optimizer.lr": 1e-4}, 2)
        rows.append([run.train_epoch(now)["train_loss"] for now in each])
    assert rows[0] == pytest.approx(rows[1], rel=1e-3)


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_nothing_waits_for_the_device_inside_an_epoch(optimiser: str, graphs: bool) -> None:
    def waits(batch: int) -> int:
        usual = {"optimizer.name": optimiser, "cuda_graphs": graphs, **AUGMENTED}
        run, each = started({"batch_size": batch, **usual}, 2)
        run.train_epoch(each[0])
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                run.train_epoch(each[1])
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return len([each for each in said if "synchronizing CUDA operation" in str(each.message)])

    assert waits(24) == waits(120), "five times as many batches, as many waits"
