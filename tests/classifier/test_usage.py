"""What a run says of its GPU. The numbers of a GPU are made up; that a CPU has none is asked of a real run."""

from __future__ import annotations

import pytest
import torch

from classifier.usage import Meter
from classifier.workload import workload


class MadeUp:
    """A GPU of 100 bytes, and what PyTorch counts of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.free, self.reserved, self.most, self.refused = 90, 0, 0, 0
        self.asked = False
        for name in ("init", "empty_cache", "reset_peak_memory_stats", "mem_get_info", "max_memory_reserved"):
            patch.setattr(torch.cuda, name, getattr(self, name))
        patch.setattr(torch.cuda, "memory_stats", lambda device: {"num_ooms": self.refused} if self.asked else {})

    def init(self):
        pass

    def take(self, amount, refused=0):
        self.free -= amount
        self.reserved += amount
        self.most = max(self.most, self.reserved)
        self.refused += refused
        self.asked = True

    def empty_cache(self):
        self.free += self.reserved
        self.reserved = 0

    def reset_peak_memory_stats(self, device):
        self.most = self.reserved

    def mem_get_info(self, device):
        return self.free, 100

    def max_memory_reserved(self, device):
        return self.most


@pytest.fixture
def gpu(monkeypatch):
    return MadeUp(monkeypatch)


def usage_behind(gpu, amount, refused=0):
    meter = Meter(torch.device("cuda"))
    gpu.take(amount, refused)
    return meter.usage()


def test_what_is_taken_is_the_process_with_its_context_and_others(gpu):
    assert usage_behind(gpu, 30) == {"memory": 0.4, "refused": 0.0}


def test_memory_that_was_given_back_since_was_needed_all_the_same(gpu):
    meter = Meter(torch.device("cuda"))
    gpu.take(60)
    gpu.empty_cache()
    assert meter.usage() == {"memory": 0.6, "refused": 0.0}


def test_no_more_than_all_of_it_is_taken(gpu):
    assert usage_behind(gpu, 90, refused=2) == {"memory": 1.0, "refused": 2.0}


def test_before_anything_was_allocated_there_are_no_statistics(gpu):
    assert Meter(torch.device("cuda")).usage() == {"memory": 0.1, "refused": 0.0}


def test_what_a_run_before_took_and_was_refused_is_not_told_of_the_next(gpu):
    assert usage_behind(gpu, 80, refused=3) == {"memory": 0.9, "refused": 3.0}
    assert usage_behind(gpu, 20, refused=1) == {"memory": 0.3, "refused": 1.0}


@pytest.mark.slow
def test_a_run_on_a_cpu_takes_nothing():
    canonical = workload.canonical({"data": "digits", "data.size": 8, "seed": 0})
    fixed, _ = workload.schedule(canonical, 1)
    assert workload.start(fixed, 1, 0.0).usage() is None
