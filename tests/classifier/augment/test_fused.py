"""Triton's kernels against PyTorch's operations: on a CPU by Triton's interpreter, on a GPU as they are compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from classifier.augment import Augmentation
from classifier.network import Network

from .reference import named

with pytest.MonkeyPatch.context() as patch:
    if not torch.cuda.is_available():
        patch.setenv("TRITON_INTERPRET", "1")  # read where kernels are defined
    fused: Any = pytest.importorskip("classifier.fused", reason="Triton is not installed", exc_type=ModuleNotFoundError)

CONSTANTS = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
"""CIFAR-10's. What is divided by these differs by five times as much."""

BATCH, IMAGES = 3, 20


def both(settings: dict[str, Any], batch: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a batch of some images becomes by the kernels, and by the reference."""
    augmentation = Augmentation(named(settings), seed, 1, IMAGES)
    numbers = torch.arange(seed % 7, seed % 7 + len(batch), device=batch.device)
    height, width = batch.shape[-2:]
    rows, columns = augmentation.rows(numbers, height, width), {}
    if augmentation.drawn:
        columns = augmentation._parameters(batch.device, height, width)[1]
    kinds = frozenset(augmentation.keys) - {"hue"}
    constants = (torch.tensor(values, device=batch.device) for values in CONSTANTS)
    ours = fused.changed(batch, rows, columns, kinds, *constants)
    network = Network(torch.nn.Identity(), CONSTANTS, "fp32", batch.device)
    return ours, network.normalise(augmentation.change(batch, rows))


def agree(settings: dict[str, Any], batch: torch.Tensor, seed: int) -> None:
    ours, reference = both(settings, batch, seed)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    deviations = torch.tensor(CONSTANTS[1], device=batch.device)[:, None, None]
    assert ((ours - reference) * deviations).abs().max() <= fused.TOLERANCE


def noise(seed: int, height: int, width: int, device: str = "cpu") -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(256, (BATCH, 3, height, width), dtype=torch.uint8, generator=draws).to(device)


MOVED = {"rotation": 180, "crop": True, "hflip": 0.5, "vflip": 0.5}
COLOURED = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
SEVERAL: list[dict[str, Any]] = [{}, MOVED, COLOURED, {**MOVED, **COLOURED, "hue": 0.1, "greyscale": 0.3}]
EACH: list[dict[str, Any]] = [
    *SEVERAL,
    {"rotation": 30},
    {"crop": True},
    {"hflip": 0.5, "vflip": 0.5},
    {"brightness": 0.5},
    {"contrast": 0.8},
    {"saturation": 5},
    {"hue": 0.5},
    {"greyscale": 0.5},
]


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="Triton's interpreter is for machines without a GPU")
@pytest.mark.parametrize("settings", EACH, ids=str)
def test_each_operation_is_the_reference(settings: dict[str, Any]) -> None:
    batch = noise(0, 9, 7)
    agree(settings, batch, 1)
    agree(settings, batch.contiguous(memory_format=torch.channels_last), 2)
    agree(settings, batch.float() / 255, 3)
    agree(settings, batch[:, :1].expand(-1, 3, -1, -1), 4)


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"erase": 0.5}, "erase"), ({"policy": "trivialaugment"}, "policy0"), ({"mixup": 1.0}, "mix")],
)
def test_what_has_no_kernel_is_refused(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} has no fused kernel; augment with PyTorch's operations$"):
        both(settings, noise(0, 8, 8), 0)


@pytest.mark.slow
def test_kernels_compile_for_a_gpu_and_round_each_operation_by_itself(tmp_path: Path) -> None:
    """Triton brings its compiler along: a machine without a GPU tells that a GPU would take them."""
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    command = [sys.executable, "-m", "tests.classifier.augment.compiled"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    for kernel in json.loads(done.stdout):
        assert kernel["bytes"] > 1000
        assert (kernel["fused"], kernel["divisions about right"]) == (0, 0)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="compiles for a CUDA device")
@pytest.mark.parametrize("settings", SEVERAL, ids=str)  # each is compiled
def test_kernels_are_the_reference_on_a_gpu(settings: dict[str, Any]) -> None:
    for seed, (height, width) in enumerate([(32, 32), (224, 224), (67, 33)]):
        batch = noise(seed, height, width, "cuda")
        agree(settings, batch, seed)
        agree(settings, batch.contiguous(memory_format=torch.channels_last), seed)
        ours, again = both(settings, batch, seed)[0], both(settings, batch, seed)[0]
        assert torch.equal(ours, again)
