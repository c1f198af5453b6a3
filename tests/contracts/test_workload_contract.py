"""The contract over a workload of one's own, and proof that the suite notices what it is there to notice."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from examples.sine import Fit, SineFit
from search.workload import Settings
from tests.contracts.dropping import DroppingFit
from tests.contracts.workload_contract import WorkloadContract, begin, keys, measure


class TestSineFit(WorkloadContract):
    name = "examples.sine:SineFit"
    settings: ClassVar = {"lr": 0.1, "momentum": 0.5, "degree": 7, "seed": 4}
    between: ClassVar = {"lr": 0.3, "degree": 2, "seed": 4}
    epochs = 5


class TestDroppingFit(TestSineFit):
    name = "tests.contracts.dropping:DroppingFit"
    settings: ClassVar = {**TestSineFit.settings, "drop_after": 3}
    absorbed = frozenset({"drop_after"})


class TestOnGpu(TestSineFit):
    """A run that tells what it takes of its GPU; here it has none, and says so."""

    name = "tests.engine.gpu:OnGpu"


class TestOccupyingFit(TestSineFit):
    name = "tests.contracts.test_workload_contract:OccupyingFit"


def test_the_toy_learns():
    toy = SineFit()
    run, each = begin(toy, toy.canonical({"lr": 0.1, "seed": 0}), 20)
    rows = [measure(run, now) for now in each]
    spread = float(run.y[64:].var())
    assert rows[-1].metrics["val_loss"] < 0.1 * spread


def test_the_toy_sees_other_weights_and_batches_under_another_seed():
    toy = SineFit()
    losses = set()
    for seed in range(5):
        run, each = begin(toy, toy.canonical({"lr": 0.1, "seed": seed}), 1)
        losses.add(measure(run, each[0]).metrics["val_loss"])
    assert len(losses) == 5


def test_the_toy_shares_the_epochs_before_the_drop():
    toy = DroppingFit()
    plain, dropped = (
        keys("toy", toy, toy.canonical({"lr": 0.1, "seed": 0, "drop_after": drop}), 8) for drop in (None, 3)
    )
    assert plain[:3] == dropped[:3]
    assert not set(plain[3:]) & set(dropped[3:])


# Each of these breaks one promise; the suite must say so.


class Occupying(Fit):
    """Tells what it takes of its GPU."""

    taken: ClassVar = {"memory": 0.25, "busy": 0.5, "refused": 0}

    def usage(self) -> Any:
        return dict(self.taken)


class OccupyingFit(SineFit):
    def start(self, fixed: Settings, cpus: int, gpus: float) -> Fit:
        return Occupying(fixed["degree"], fixed["momentum"], fixed["seed"])


class Boasting(Occupying):
    """Takes more than there is."""

    taken: ClassVar = {"memory": 25}


class Silent(Occupying):
    """Leaves out what decides."""

    taken: ClassVar = {"busy": 0.5}


class Touching(Occupying):
    """Trains while it is looked at."""

    def usage(self) -> Any:
        self.velocity = self.velocity + 1e-3
        return super().usage()


class Drawing(Fit):
    """Draws its batches from the global generator."""

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        self.seed = np.random.randint(2**31)
        return super().train_epoch(settings)


class Forgetting(Fit):
    """Does not save the velocity."""

    def save(self) -> bytes:
        return np.concatenate([[self.epoch], self.weights, 0 * self.velocity]).tobytes()


class Patchy(Fit):
    """Measures validation every second epoch only."""

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        measured = super().train_epoch(settings)
        return measured if self.epoch % 2 else {"train_loss": measured["train_loss"]}


class Counting(Fit):
    """Counts the runs of the process."""

    runs = 0

    def __init__(self, degree: int, momentum: float, seed: int) -> None:
        Counting.runs += 1
        super().__init__(degree, momentum, seed + Counting.runs)


class Leaking(SineFit):
    """Its learning rate falls with the length of the trial."""

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        fixed, each = super().schedule(settings, epochs)
        for epoch, now in enumerate(each):
            now["lr"] *= 1 - epoch / epochs
        return fixed, each


class Hoarding(SineFit):
    """Gives numbers that no file can hold."""

    def canonical(self, settings: Settings) -> dict[str, Any]:
        return {name: np.float64(value) for name, value in super().canonical(settings).items() if value is not None}


class Scribbling(SineFit):
    """Fills in defaults where it was not asked to."""

    def canonical(self, settings: Settings) -> dict[str, Any]:
        settings.setdefault("degree", 5)  # type: ignore[attr-defined]
        return super().canonical(settings)


def running(kind: type[Fit]) -> SineFit:
    workload = SineFit()
    workload.start = lambda fixed, cpus, gpus: kind(fixed["degree"], fixed["momentum"], fixed["seed"])  # type: ignore[method-assign]
    return workload


@pytest.mark.parametrize(
    ("workload", "broken"),
    [
        (running(Drawing), "test_a_second_run_gives_the_same_bits"),
        (running(Drawing), "test_what_the_process_did_in_between_does_not_matter"),
        (running(Forgetting), "test_every_state_goes_on_bit_for_bit"),
        (running(Patchy), "test_rows_are_complete"),
        (running(Counting), "test_a_second_run_gives_the_same_bits"),
        (running(Boasting), "test_what_a_run_takes_of_its_gpu_is_told_and_disturbs_nothing"),
        (running(Silent), "test_what_a_run_takes_of_its_gpu_is_told_and_disturbs_nothing"),
        (running(Touching), "test_what_a_run_takes_of_its_gpu_is_told_and_disturbs_nothing"),
        (Leaking(), "test_a_longer_schedule_extends_a_shorter_one"),
        (Hoarding(), "test_canonical_settings_are_plain_data"),
        (Scribbling(), "test_canonical_leaves_what_it_was_given_alone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_suite_notices_a_broken_promise(workload, broken):
    suite = WorkloadContract()
    suite.settings = {"lr": 0.1, "seed": 1}  # type: ignore[misc]
    canonical = SineFit().canonical(suite.settings)
    run, each = begin(workload, canonical, suite.epochs)
    known = {
        "workload": workload,
        "canonical": workload.canonical(dict(suite.settings)),
        "alone": [measure(run, now) for now in each],
    }
    test = getattr(suite, broken)
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]
    with pytest.raises((AssertionError, TypeError)):
        test(**{name: known[name] for name in wanted})
