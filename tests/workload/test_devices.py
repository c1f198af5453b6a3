"""A GPU that PyTorch cannot use is no reason to train on the CPU without a word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from search.system import gpus
from search.workload import SettingFaults, trains_on_gpu

OLD = "The NVIDIA driver on your system is too old\n(found version 11040)."


def torch_like(available: bool, says: str | None = OLD) -> Any:
    def init() -> None:
        if says is not None:
            raise RuntimeError(says)

    return SimpleNamespace(__version__="2.15.0", cuda=SimpleNamespace(is_available=lambda: available, init=init))


def test_a_trial_without_a_gpu_asks_nobody() -> None:
    assert not trains_on_gpu(None, 0.0)


def test_a_gpu_that_can_be_used_is() -> None:
    assert trains_on_gpu(torch_like(True), 0.5)


@pytest.mark.parametrize(
    ("says", "version", "visible", "told"),
    [
        (OLD, "", None, "The NVIDIA driver on your system is too old (found version 11040)."),
        ("", "535.1", None, "RuntimeError; the driver is 535.1"),
        (None, "", "3", "it says that there is none; CUDA_VISIBLE_DEVICES is '3'"),
    ],
)
def test_one_that_cannot_be_used_is_told_with_pytorchs_reason(
    says: str | None, version: str, visible: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "driver", lambda: version)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(SettingFaults) as refused:
        trains_on_gpu(torch_like(False, says), 1.0)
    assert str(refused.value) == (
        f"resources.gpus: a trial has 1 GPU here, which PyTorch 2.15.0 cannot use ({told}); install a driver and a "
        "PyTorch that fit each other, or set resources.gpus: 0 to train on the CPU"
    )
