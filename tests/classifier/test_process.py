"""A run and its rows do not depend on what the process did before, or on what it left switched on."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from classifier import process
from classifier.workload import workload
from tests.classifier.rows import differences

pytestmark = pytest.mark.slow

EPOCHS = 2
SETTINGS = {"seed": 5, "loss.gamma": 0.5, "augment.crop": True, "augment.contrast": 0.3}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    process.configure(1)


TRAINS = f"""
import sys
from classifier.workload import workload
fixed, each = workload.schedule(workload.canonical({SETTINGS!r}), 1)
run = workload.start(fixed, 1, 0)
run.train_epoch(each[0])
run.load(run.save())
print(*(name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules))
"""


def test_to_train_no_compiler_is_imported() -> None:
    """It takes a process longer than all else that is imported beside PyTorch, and compiles nothing here."""
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("\n", "", 0)


def test_deterministic_algorithms_are_on() -> None:
    torch.use_deterministic_algorithms(False)
    process.configure(1)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()


def start(**more: Any) -> tuple[Any, list[dict[str, Any]]]:
    fixed, each = workload.schedule(workload.canonical({**SETTINGS, **more}), EPOCHS)
    return workload.start(fixed, 1, 0), each


def assert_same(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    for row, other in zip(rows, expected, strict=True):
        assert differences(row, other) == []


@pytest.fixture(scope="module")
def alone() -> list[dict[str, Any]]:
    run, each = start()
    return [run.train_epoch(now) for now in each]


def disturb() -> None:
    """Everything another library, or a careless notebook, may have done to the process."""
    torch.manual_seed(99)
    np.random.seed(99)
    torch.set_num_threads(2)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
    torch.backends.fp32_precision = "bf16"
    torch.backends.mkldnn.fp32_precision = "bf16"
    torch.backends.mkldnn.conv.fp32_precision = "bf16"


def test_what_the_process_left_switched_on_does_not_matter(alone: list[dict[str, Any]]) -> None:
    disturb()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        run, each = start()
    rows = []
    for now in each:
        disturb()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            rows.append(run.train_epoch(now))
    assert_same(rows, alone)


def test_without_one_dnn_other_bits_come_out_so_it_is_switched_on(alone: list[dict[str, Any]]) -> None:
    run, each = start()
    torch.backends.mkldnn.enabled = False
    assert_same([run.train_epoch(each[0])], alone[:1])
    assert torch.backends.mkldnn.enabled


def test_a_run_in_between_under_other_settings_does_not_matter(alone: list[dict[str, Any]]) -> None:
    fixed, strange = workload.schedule(workload.canonical({"data.size": 8, "model.activation": "tanh", "seed": 1}), 1)
    stranger = workload.start(fixed, 2, 0)
    run, each = start()
    rows = [run.train_epoch(each[0])]
    stranger.train_epoch(strange[0])
    rows.append(run.train_epoch(each[1]))
    assert_same(rows, alone)


def test_a_state_is_plain_tensors_and_numbers_and_goes_on_to_the_bit(alone: list[dict[str, Any]]) -> None:
    run, each = start()
    run.train_epoch(each[0])
    state = run.save()
    assert state == run.save(), "saving twice must not give two states"
    resumed, _ = start(seed=6)  # a state holds all that matters of the weights; draws come from the fixed settings
    resumed.load(state)
    assert resumed.save() == state
    again, _ = start()
    again.load(state)
    disturb()
    assert_same([again.train_epoch(each[1])], alone[1:])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_memory_that_was_given_back_is_used_again_without_asking_the_kernel() -> None:
    process.configure(1)

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.empty(64 << 20, dtype=torch.uint8).fill_(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults(), faults()  # the heap grows to where this fits
    assert faults() < 1_000  # of 16,384 pages


def test_what_makes_cublas_round_otherwise_belongs_to_the_class_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(multi_processor_count=132)
    for name, answer in [
        ("get_device_name", lambda: "GPU X"),
        ("current_device", lambda: 0),
        ("get_device_properties", lambda _: card),
    ]:
        monkeypatch.setattr(torch.cuda, name, answer)
    for name in (*process._DISPATCH, *process._DISPATCH_CUDA):
        monkeypatch.delenv(name, raising=False)
    before = process.execution_class(1, cuda=True)
    assert "environment" not in before
    process.configure(1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == process.CUBLAS_WORKSPACE
    assert process.execution_class(1, cuda=True) == before, "whether it has trained already"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    assert process.execution_class(1, cuda=True)["environment"] == (
        "CUBLAS_WORKSPACE_CONFIG=:16:8 NVIDIA_TF32_OVERRIDE=1"
    )
    assert "environment" not in process.execution_class(1, cuda=False)


def test_the_execution_class_names_what_changes_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in process._DISPATCH:
        monkeypatch.delenv(name, raising=False)
    one, two = workload.execution_class(1, 0), workload.execution_class(2, 0)
    assert {name for name in one if one[name] != two[name]} == {"threads"}
    assert one["torch"] == torch.__version__
    assert torch.backends.cpu.get_cpu_capability() in one["device"]
    assert "environment" not in one
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    assert workload.execution_class(1, 0)["environment"] == "ONEDNN_MAX_CPU_ISA=AVX2 ONEDNN_DEFAULT_FPMATH_MODE=BF16"
