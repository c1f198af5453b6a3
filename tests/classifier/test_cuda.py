"""Training on a GPU: the promises that a CPU cannot test. Everything here is skipped where there is none."""

from __future__ import annotations

import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from classifier.images import Resident, Streamed
from classifier.steps import STEPS_BEFORE_RECORDING, Graphed
from classifier.workload import workload

pytestmark = [
    pytest.mark.slow,
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="trains on a CUDA device"),
]

AUGMENTED = {"augment.rotation": 10, "augment.crop": True, "augment.hflip": 0.5, "augment.hue": 0.1}
MIXED = {
    "augment.policy": "randaugment",
    "augment.erase": 0.25,
    "augment.mixup": 0.4,
    "augment.cutmix": 1,
    "loss.class_weights": "balanced",
}
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

RUNS += [{**settings, "augment.crop": False, **MIXED} for settings in RUNS[:2]]
EAGER = [settings for settings in RUNS if not settings["cuda_graphs"]]


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


@pytest.mark.parametrize("graphs", [False, True], ids=["eager", "recorded"])
def test_runs_in_threads_with_streams_of_their_own_train_the_bits_of_one_alone(graphs: bool) -> None:
    settings = {"cuda_graphs": graphs, "data.size": 32, **AUGMENTED}
    rows = []
    for seed in range(3):
        alone, each = started({**settings, "seed": seed}, 3)
        rows.append([plain(alone.train_epoch(now)) for now in each])
    runs = [started({**settings, "seed": seed}, 3)[0] for seed in range(3)]
    torch.cuda.synchronize()

    def trained(run: Any) -> list[dict[str, Any]]:
        with torch.cuda.stream(torch.cuda.Stream()):
            return [plain(run.train_epoch(now)) for now in each]

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(trained, runs)) == rows


@pytest.mark.parametrize("rate", [1e-4, 0.1 / 3], ids=["a rate", "one that float32 rounds"])
@pytest.mark.parametrize("settings", EAGER, ids=lambda run: "-".join(map(str, list(run.values())[:3])))
def test_recorded_steps_train_the_same_bits(settings: dict[str, Any], rate: float) -> None:
    rows, states = [], []
    for graphs in (False, True):
        run, each = started({**settings, "cuda_graphs": graphs, "optimizer.lr": rate}, 2)
        rows.append([plain(run.train_epoch(now)) for now in each])
        states.append(run.save())
    assert rows[0] == rows[1]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    "settings", [run for run in RUNS if run["cuda_graphs"]], ids=lambda run: "-".join(map(str, list(run.values())[:3]))
)
def test_a_run_that_takes_over_recordings_trains_the_bits_of_one_that_does_not(settings: dict[str, Any]) -> None:
    eager, each = started({**settings, "cuda_graphs": False}, 3)
    rows, states = [plain(eager.train_epoch(each[0]))], [eager.save()]
    rows += [plain(eager.train_epoch(now)) for now in each[1:]]
    states.append(eager.save())
    del eager
    other, _ = started({**settings, "seed": 1}, 3)
    for now in each:
        other.train_epoch(now)
    left, graphed = weakref.ref(other._machinery), other._machinery.recorded[1]
    assert graphed._recorded
    del other
    for start, state in ((0, None), (1, states[0])):
        run, _ = started(settings, 3)
        assert run._machinery is left()
        if state is not None:
            run.load(state)
        assert [plain(run.train_epoch(now)) for now in each[start:]] == rows[start:]
        assert run._machinery.recorded[1] is graphed
        assert run.save() == states[1]
        del run
    started({**settings, "cuda_graphs": False}, 3)
    assert left() is None


@pytest.mark.parametrize("graphs", [False, True], ids=["eager", "recorded"])
def test_a_run_that_is_over_leaves_no_memory_behind(graphs: bool) -> None:
    taken, told = [], []
    for _ in range(4):
        run, each = started({"cuda_graphs": graphs, "data.size": 32, **AUGMENTED}, 2)
        for now in each:
            run.train_epoch(now)
        told.append(run.usage()["memory"])
        del run
        torch.cuda.empty_cache()
        taken.append(torch.cuda.memory_reserved())
    assert taken[1:] == taken[:1] * 3
    assert max(told) < 1.05 * told[0]


def test_recordings_of_several_shapes_share_their_memory() -> None:
    """Each has inputs of its own, and works in the memory of the first, which is twice as much."""

    def reserved(sizes: tuple[int, ...]) -> int:
        weight = torch.ones(512, 512, device="cuda")
        graphed = Graphed(lambda tensor: (tensor @ weight @ weight).sum())
        for size in sizes:
            for _ in range(STEPS_BEFORE_RECORDING + 2):
                graphed(torch.ones(size, 512, device="cuda"))
        torch.cuda.empty_cache()
        return torch.cuda.memory_reserved()

    reserved((8192,))  # what libraries keep of the first time
    input_bytes = 8192 * 512 * 4
    grown = reserved((8192, 8191, 8190, 8189)) - reserved((8192,))
    assert grown < 3 * input_bytes + 2 * input_bytes


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("mixed", [{}, MIXED], ids=["usual", "mixed"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_nothing_waits_for_the_device_inside_an_epoch(optimiser: str, mixed: dict[str, Any], graphs: bool) -> None:
    def waits(batch: int) -> int:
        usual = {"optimizer.name": optimiser, "cuda_graphs": graphs, **AUGMENTED, **mixed}
        run, each = started({"batch_size": batch, **usual}, STEPS_BEFORE_RECORDING + 2)
        for now in each[:-1]:
            run.train_epoch(now)  # two steps of some: all that is recorded is
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                run.train_epoch(each[-1])
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return len([warning for warning in said if "synchronizing CUDA operation" in str(warning.message)])

    assert waits(24) == waits(120), "five times as many batches, as many waits"


# Images --------------------------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(0).integers(0, 256, (23, 3, 5, 4), dtype=np.uint8)


def test_streamed_images_arrive_on_a_gpu() -> None:
    device = torch.device("cuda")
    order = torch.randperm(23)
    resident, streamed = (list(kind(PIXELS, device).batches(order, 4)) for kind in (Resident, Streamed))
    for (_, ours), (_, theirs) in zip(resident, streamed, strict=True):
        assert torch.equal(ours, theirs)
        assert theirs.is_contiguous(memory_format=torch.channels_last)


def test_images_are_never_on_a_gpu_twice() -> None:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    pixels = np.zeros((2048, 3, 64, 64), dtype=np.uint8)
    held = Resident(pixels, torch.device("cuda"))
    assert held.shape == pixels.shape
    assert torch.cuda.max_memory_allocated() - before < 1.1 * pixels.nbytes
