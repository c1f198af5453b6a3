"""What the gauge makes of the epochs it hears of: when it decides, what it says, and when it takes that back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from search.engine.decide.outlook import Outlook
from search.engine.machines.gauge import Gauge
from search.engine.machines.nodes import Share, TrainingNode
from search.engine.worker.usage import Usage

FREE = Usage(0.1)


class Bench:
    """A study whose workers all train epochs of the same length, in turn; `pace` says how long by their number."""

    def __init__(self, gpus: int = 1, fits: int = 32, memory: float = 0.1, outlook: Outlook | None = None) -> None:
        self.now, self.said, self.recorded = 0.0, [], {}  # type: float, list[str], dict[str, Any]
        self.outlook = outlook or Outlook(trials=50, epochs=5_000, more=True)
        self.usage: Usage | str | None = Usage(memory)
        share = Share(1, 1.0, [TrainingNode("", "", "", gpus)], fits)
        self.gauge = Gauge(share, lambda: self.outlook, self.hear, clock=lambda: self.now)
        self.gpus = self.workers = gpus
        self.process = 100  # those of the first worker of this number at once

    def hear(self, text: str, what: Mapping[str, Any]) -> None:
        self.said.append(text)
        self.recorded |= what

    def epoch(self, seconds: float, workers: int | None = None, first: float = 0.0) -> bool:
        """All workers train an epoch side by side; return whether they are to end."""
        leases = [self.process + each for each in range(self.workers if workers is None else workers)]
        self.now += seconds + first
        for trial, lease in enumerate(leases):
            ends = self.gauge.row(lease, trial, lease, seconds + first, self.usage, leases)
        return ends

    def change(self) -> int:
        """New workers begin."""
        assert self.gauge.next is not None
        self.workers = self.gauge.next * self.gpus
        self.gauge.go_on(self.workers)
        self.process += 100
        return self.workers


def test_more_at_once_that_pay() -> None:
    bench = Bench(memory=0.2)
    assert not bench.epoch(1.0, first=9.0), "the first epoch of a process is slower"
    assert not bench.epoch(1.0)
    assert bench.epoch(1.0)
    assert bench.said == [
        "4 trials share each GPU from now on: alone one takes 20 % of its memory and 1 s an epoch; no more than that, "
        "for one trial takes 20 % of a GPU's memory, and 20 % stay free"
    ]
    assert bench.epoch(1.0), "whoever is still at work ends as well"
    assert bench.change() == 4
    assert not bench.epoch(2.0, first=9.0)
    assert not bench.epoch(2.0)
    assert bench.gauge.next is None
    assert not bench.epoch(2.0)
    assert bench.said[1:] == ["4 trials at once train 2.00 times the epochs per second of one; they go on so"]
    assert bench.recorded == {
        "trials_per_gpu": 4,
        "said": bench.said[1],
        "memory_alone": 0.2,
        "seconds_alone": 1.0,
        "gain": 2.0,
    }
    for _ in range(10):
        assert not bench.epoch(9.0), "it is not measured again"
    assert len(bench.said) == 2


def test_half_as_many_until_it_pays() -> None:
    bench = Bench(memory=0.1)
    while not bench.epoch(1.0):
        pass
    assert bench.change() == 8
    while not bench.epoch(8.0):
        pass
    assert bench.said[-1] == (
        "8 trials at once train 1.00 times the epochs per second of one, which does not pay; 4 share each GPU from now "
        "on"
    )
    assert bench.change() == 4
    while not bench.epoch(4.5):
        pass
    assert bench.change() == 2
    while not bench.said[-1].endswith("they go on so"):
        assert not bench.epoch(1.6)
    assert bench.said[-1] == "2 trials at once train 1.25 times the epochs per second of one; they go on so"
    assert bench.recorded["trials_per_gpu"] == 2


def test_back_to_one_and_never_again() -> None:
    bench = Bench(memory=0.3)
    while not bench.epoch(1.0):
        pass
    assert bench.change() == 2
    while not bench.epoch(2.0):
        pass
    assert bench.said[-1] == (
        "2 trials at once train 1.00 times the epochs per second of one, which does not pay; each has a GPU to itself "
        "from now on"
    )
    assert bench.change() == 1
    for _ in range(20):
        assert not bench.epoch(1.0)
    assert len(bench.said) == 2
    assert bench.recorded["trials_per_gpu"] == 1


@pytest.mark.parametrize(
    ("bench", "said"),
    [
        (Bench(memory=0.5), "one trial to a GPU: one trial takes 50 % of a GPU's memory, and 20 % stay free"),
        (Bench(fits=1), "one trial to a GPU: there are CPU cores for no more"),
        (
            Bench(outlook=Outlook(trials=50, epochs=7, more=True)),
            "one trial to a GPU: the 7 s of training that are left on each would not repay a change",
        ),
    ],
)
def test_one_to_a_gpu_is_said_once(bench: Bench, said: str) -> None:
    for _ in range(20):
        assert not bench.epoch(1.0)
    assert bench.said == [said]
    assert bench.recorded["trials_per_gpu"] == 1


def test_who_says_nothing_is_left_alone() -> None:
    bench = Bench()
    bench.usage = None
    for _ in range(20):
        assert not bench.epoch(1.0)
    assert bench.said == []


def test_who_cannot_say_it_is_left_alone_and_it_is_said() -> None:
    bench = Bench()
    bench.usage = "TypeError: usage() returned 3"
    for _ in range(20):
        assert not bench.epoch(1.0)
    assert bench.said == [
        "one trial to a GPU, for what it takes cannot be told: TypeError: usage() returned 3",
    ]


def test_nothing_is_decided_before_there_is_something_to_share_with() -> None:
    """The trunk of a stage tree: one lease until trials part."""
    bench = Bench(outlook=Outlook(trials=50, epochs=5_000, more=False))
    for _ in range(20):
        assert not bench.epoch(1.0)
    assert bench.said == []
    bench.outlook = Outlook(trials=50, epochs=5_000, more=True)
    assert bench.epoch(1.0)


def test_every_lease_that_runs_is_heard_first() -> None:
    """Two GPUs; the second trains a dear model whose first epoch takes long, and needs most of its memory."""
    bench = Bench(gpus=2)
    for _ in range(20):
        bench.now += 1
        assert not bench.gauge.row(100, 0, 100, 1.0, FREE, [100, 101])
    bench.now += 1
    assert not bench.gauge.row(101, 1, 101, 21.0, Usage(0.7), [100, 101])
    bench.now += 1
    assert not bench.gauge.row(100, 0, 100, 1.0, FREE, [100, 101])
    assert bench.said == ["one trial to a GPU: one trial takes 70 % of a GPU's memory, and 20 % stay free"]


def test_epochs_with_fewer_neighbours_are_no_measure() -> None:
    """While other workers are still starting, and where there is less to do, an epoch is as fast as alone."""
    bench = Bench(memory=0.3)
    while not bench.epoch(1.0):
        pass
    bench.change()
    for _ in range(20):
        assert not bench.epoch(1.0, workers=1)
    assert bench.epoch(2.0) is bench.epoch(2.0) is False, "the first of the second worker, and the first full one"
    assert bench.epoch(2.0)
    assert "1.00 times" in bench.said[-1]


def test_memory_that_grows_short() -> None:
    """Trials that come later may need more than those that were measured."""
    bench = Bench(memory=0.2)
    while not bench.epoch(1.0):
        pass
    bench.change()
    for _ in range(5):
        assert not bench.epoch(1.0)
    bench.usage = Usage(0.9)
    assert not bench.epoch(1.0)
    bench.usage = Usage(0.91)
    assert bench.epoch(1.0)
    assert bench.said[-1] == "91 % of a GPU's memory are taken; 2 share each GPU from now on"
    assert len(bench.said) == 3, "said once, by whichever lease brought it"
    bench.change()
    assert bench.epoch(1.0)
    assert bench.said[-1] == "91 % of a GPU's memory are taken; each has a GPU to itself from now on"
    assert bench.change() == 1
    assert not bench.epoch(1.0)


def test_a_trial_that_found_no_memory() -> None:
    bench = Bench(memory=0.3)
    bench.gauge.short("nobody shares")
    assert bench.gauge.next is None
    while not bench.epoch(1.0):
        pass
    bench.gauge.short("they are about to end anyway")
    bench.change()
    bench.gauge.short("a trial found too little memory beside the others")
    bench.gauge.short("and another one")
    assert bench.said[1:] == [
        "a trial found too little memory beside the others; each has a GPU to itself from now on",
    ]
    assert bench.change() == 1
