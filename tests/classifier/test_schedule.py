"""Rates as a function of the epoch, against PyTorch's own schedulers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from classifier.config import canonical, schedule
from classifier.schedule import DECAY_SETTINGS, learning_rate, share

BASE = 0.005
STEP = {"decay.name": "step", "decay.start": 50, "decay.every": 30, "decay.factor": 0.1}


def torch_rates(epochs: int, make: Any) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=BASE)
    scheduler = make(optimiser)
    rates = []
    for _ in range(epochs):
        rates.append(float(optimiser.param_groups[0]["lr"]))
        optimiser.step()
        scheduler.step()
    return rates


def behind(epochs: int, scheduler: Any) -> Any:
    """A scheduler of PyTorch that starts behind some epochs at the base rate."""

    def make(optimiser: Any) -> Any:
        constant = lr_scheduler.ConstantLR(optimiser, 1.0)
        return lr_scheduler.SequentialLR(optimiser, [constant, scheduler(optimiser)], [epochs])

    return make


def warmed(epochs: int, scheduler: Any) -> Any:
    """A scheduler of PyTorch behind a linear warm-up."""

    def make(optimiser: Any) -> Any:
        rise = lr_scheduler.LinearLR(optimiser, 1 / (epochs + 1), 1.0, epochs)
        return lr_scheduler.SequentialLR(optimiser, [rise, scheduler(optimiser)], [epochs])

    return make


def decay(name: str, **more: Any) -> dict[str, Any]:
    return {"decay.name": name} | {f"decay.{key}": value for key, value in more.items()}


CASES = {
    "step": (
        STEP,
        lambda o: lr_scheduler.MultiStepLR(o, [50, 80, 110, 140], 0.1),
    ),
    "step from its own period": (
        decay("step", start=30, every=30, factor=0.3),
        lambda o: lr_scheduler.StepLR(o, 30, 0.3),
    ),
    "multistep": (
        decay("multistep", milestones=[40, 70], factor=0.2),
        lambda o: lr_scheduler.MultiStepLR(o, [40, 70], 0.2),
    ),
    "one milestone": (
        decay("multistep", milestones=[60], factor=0.5),
        lambda o: lr_scheduler.MultiStepLR(o, [60], 0.5),
    ),
    "exponential at once": (
        decay("exponential", start=1, factor=0.93),
        lambda o: lr_scheduler.ExponentialLR(o, 0.93),
    ),
    "exponential": (
        decay("exponential", start=51, factor=0.9),
        behind(50, lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    ),
    "cosine": (
        decay("cosine", end=101, floor=0.01),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 100, 0.01 * BASE),
    ),
    "cosine to nothing": (
        decay("cosine", end=101, floor=0.0),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 100),
    ),
    "wsd": (
        decay("wsd", start=50, length=20, floor=0.1),
        behind(49, lambda o: lr_scheduler.LinearLR(o, 1.0, 0.1, 20)),
    ),
    "warm-up": (
        decay("none", warmup=5),
        lambda o: lr_scheduler.LinearLR(o, 1 / 6, 1.0, 5),
    ),
    "warm-up, then cosine": (
        decay("cosine", end=106, floor=0.05, warmup=5),
        warmed(5, lambda o: lr_scheduler.CosineAnnealingLR(o, 100, 0.05 * BASE)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_shares_equal_torchs_schedulers(name: str) -> None:
    settings, make = CASES[name]
    # Its cosine turns back up behind the end, ours stays.
    epochs = settings.get("decay.end", 150)
    theirs = torch_rates(epochs, make)
    ours = [BASE * share(epoch, settings) for epoch in range(1, epochs + 1)]
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12 * BASE)
    rounded = [learning_rate(epoch, BASE, settings) for epoch in range(1, epochs + 1)]
    assert rounded == pytest.approx(theirs, rel=6e-12, abs=1e-12 * BASE)


def test_step_from_epoch_50_every_30_epochs() -> None:
    rates = [learning_rate(epoch, 0.005, STEP) for epoch in range(1, 141)]
    assert [rates[49], rates[50], rates[79], rates[80]] == [0.005, 0.0005, 0.0005, 0.00005]


def test_a_milestone_is_the_last_epoch_at_the_rate_before() -> None:
    rates = [learning_rate(epoch, 0.001, decay("multistep", milestones=[2, 4], factor=0.2)) for epoch in range(1, 7)]
    assert rates == [0.001, 0.001, 0.0002, 0.0002, 0.00004, 0.00004]


def test_exponential_from_an_epoch_on() -> None:
    settings = decay("exponential", start=3, factor=0.3)
    rates = [learning_rate(epoch, 0.005, settings) for epoch in range(1, 7)]
    assert rates == [0.005, 0.005, 0.005, 0.0015, 0.00045, 0.000135]


@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_cosine_starts_at_the_base_rate_and_stays_at_the_floor(floor: float) -> None:
    settings = decay("cosine", end=9, floor=floor)
    shares = [share(epoch, settings) for epoch in range(1, 12)]
    assert shares[0] == 1
    assert shares[4] == pytest.approx((1 + floor) / 2)
    assert shares[8:] == [floor] * 3
    assert all(later < earlier for earlier, later in pairwise(shares[:9]))


def test_a_cooldown_reaches_its_floor_in_its_last_epoch_and_stays() -> None:
    shares = [share(epoch, decay("wsd", start=4, length=4, floor=0.2)) for epoch in range(1, 11)]
    assert shares == pytest.approx([1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2])
    assert shares[7:] == [0.2] * 3


def test_cooldowns_share_one_trunk() -> None:
    settings = {"decay.name": "wsd", "decay.length": 10, "decay.warmup": 3, "seed": 0}
    (fixed, early), (same, late) = (
        schedule(canonical({**settings, "decay.start": start, **more}), 60)
        for start, more in ((20, {}), (40, {"decay.floor": 0.1}))
    )
    assert fixed == same
    assert early[:20] == late[:20]
    assert [one["optimizer.lr"] for one in early[19:22]] == [0.005, 0.0045, 0.004]
    assert [one["optimizer.lr"] for one in late[3:40]] == [0.005] * 37


def test_a_warm_up_rises_linearly_to_the_first_rate_behind_it() -> None:
    shares = [share(epoch, decay("none", warmup=3)) for epoch in range(1, 6)]
    assert shares == [0.25, 0.5, 0.75, 1, 1]
    cut = [share(epoch, decay("step", start=1, every=30, factor=0.1, warmup=3)) for epoch in range(1, 6)]
    assert cut == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])


def test_rates_have_twelve_digits_so_that_two_spellings_are_one() -> None:
    assert 0.005 * 0.1 * 0.1 != 0.005 * 0.1**2
    assert learning_rate(81, 0.005, STEP) == 5e-05
    assert math.isclose(learning_rate(81, 1 / 3, STEP), 1 / 300, rel_tol=1e-11)


SETTINGS = st.fixed_dictionaries(
    {"decay.name": st.sampled_from(DECAY_SETTINGS["decay.name"]["enum"])},
    optional={
        "decay.start": st.integers(0, 30),
        "decay.every": st.integers(1, 9),
        "decay.milestones": st.sets(st.integers(1, 30), min_size=1).map(sorted),
        "decay.factor": st.floats(0.01, 1),
        "decay.end": st.integers(12, 30),
        "decay.length": st.integers(1, 20),
        "decay.floor": st.floats(0, 1),
        "decay.warmup": st.integers(0, 10),
    },
)


@pytest.mark.slow
@given(SETTINGS, st.integers(1, 60))
def test_a_rate_lies_between_0_and_the_base_rate_and_never_rises_behind_a_warm_up(
    settings: dict[str, Any], epoch: int
) -> None:
    ready = canonical(settings)
    here, next_ = (learning_rate(number, BASE, ready) for number in (epoch, epoch + 1))
    assert 0 <= here <= BASE
    assert next_ <= here or epoch <= ready["decay.warmup"]


def test_two_decays_share_the_epochs_before_they_fall() -> None:
    settings = {"data": "digits", "seed": 0}
    plain = schedule(canonical(settings), 60)
    step, milestone = (
        schedule(canonical({**settings, **more}), 60)
        for more in (decay("step", start=50), decay("multistep", milestones=[50]))
    )
    assert plain[0] == step[0] == milestone[0]
    assert plain[1][:50] == step[1][:50]
    assert plain[1][50] != step[1][50]
    assert step == milestone, "two spellings of the same rates are one"
