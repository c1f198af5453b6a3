"""What a run says of its GPU. The numbers of a GPU are made up; that a CPU has none is asked of a real run."""

from __future__ import annotations

import pytest
import torch

from classifier.usage import usage
from classifier.workload import workload


def made_up(patch: pytest.MonkeyPatch, free: int, total: int, reserved: int, stats: dict[str, int]) -> None:
    patch.setattr(torch.cuda, "mem_get_info", lambda device: (free, total))
    patch.setattr(torch.cuda, "max_memory_reserved", lambda device: reserved)
    patch.setattr(torch.cuda, "memory_stats", lambda device: stats)


@pytest.mark.parametrize(
    ("free", "reserved", "refused", "expected"),
    [
        (60, 10, 0, {"memory": 0.4, "refused": 0.0}),  # the process's context, and others, are in use beside it
        (60, 70, 0, {"memory": 0.7, "refused": 0.0}),  # some was given back
        (0, 100, 2, {"memory": 1.0, "refused": 2.0}),
    ],
)
def test_what_is_taken(monkeypatch, free, reserved, refused, expected):
    made_up(monkeypatch, free, 100, reserved, {"num_ooms": refused, "num_alloc_retries": 9})
    assert usage(torch.device("cuda")) == expected


def test_before_anything_was_allocated_there_are_no_statistics(monkeypatch):
    made_up(monkeypatch, 90, 100, 0, {})
    assert usage(torch.device("cuda")) == {"memory": 0.1, "refused": 0.0}


@pytest.mark.slow
def test_a_run_on_a_cpu_takes_nothing():
    canonical = workload.canonical({"data": "digits", "data.size": 8, "seed": 0})
    fixed, _ = workload.schedule(canonical, 1)
    assert workload.start(fixed, 1, 0.0).usage() is None
