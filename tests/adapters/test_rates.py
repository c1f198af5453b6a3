"""Learning rates by epoch beside schedules: what is set lasts, and nothing is applied twice."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as schedules

from search.adapters.torch.rates import not_overwritten
from search.adapters.transformers import set_learning_rate

STEPS = 12
GIVEN = 0.3
"""The rate of the first group of parameters in the code."""

MADE: dict[str, Any] = {
    "lambda": lambda optimizer: schedules.LambdaLR(optimizer, lambda step: min(1, step / 4) / (1 + step)),
    "constant": lambda optimizer: schedules.LambdaLR(optimizer, lambda step: 1),
    "two lambdas": lambda optimizer: schedules.LambdaLR(optimizer, [lambda step: 0.9**step, lambda step: 1]),
    "step": lambda optimizer: schedules.StepLR(optimizer, 3, 0.5),
    "exponential": lambda optimizer: schedules.ExponentialLR(optimizer, 0.8),
    "plateau": lambda optimizer: schedules.ReduceLROnPlateau(optimizer, patience=1, eps=0),
}


def rates(kind: str, *changes: tuple[int, float]) -> list[list[float]]:
    """Return the rates of both groups in each step of a training that sets some on the way."""
    one, other = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [one]}, {"params": [other], "lr": GIVEN / 4}], lr=GIVEN)
    schedule = MADE[kind](optimizer)
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    trainer, found = SimpleNamespace(optimizer=optimizer, lr_scheduler=schedule), []
    for step in range(STEPS):
        for at, rate in changes:
            if at == step:
                with not_overwritten([schedule], ""):
                    set_learning_rate(trainer, rate)
        found.append([group["lr"] for group in optimizer.param_groups])
        assert schedule.get_last_lr() == found[-1]
        optimizer.step()
        schedule.step(1.0) if kind == "plateau" else schedule.step()
    return found


@given(st.sampled_from(sorted(MADE)), st.dictionaries(st.integers(0, STEPS - 1), st.floats(1e-6, 1e3), max_size=3))
def test_a_schedule_goes_on_as_if_it_had_begun_with_the_rate(kind: str, plan: dict[int, float]) -> None:
    untouched, rate, expected = rates(kind), GIVEN, []
    for step, both in enumerate(untouched):
        rate = plan.get(step, rate)
        expected.append([value / GIVEN * rate for value in both])
    assert rates(kind, *plan.items()) == [pytest.approx(both, rel=1e-9, abs=0) for both in expected]


@given(st.sampled_from(["lambda", "constant", "two lambdas"]), st.floats(1e-6, 1e3), st.integers(0, STEPS - 1))
def test_a_product_of_rate_and_factor_is_so_to_the_last_bit(kind: str, rate: float, since: int) -> None:
    for (first, _), (untouched, _) in zip(rates(kind, (since, rate))[since:], rates(kind)[since:], strict=True):
        if untouched == GIVEN:
            assert first == rate
        if untouched == 0:
            assert first == 0


@given(st.sampled_from(sorted(MADE)), st.sets(st.integers(0, STEPS - 1)))
def test_the_rate_that_is_there_changes_no_bit(kind: str, steps: set[int]) -> None:
    assert rates(kind, *((step, GIVEN) for step in steps)) == rates(kind)


@pytest.mark.parametrize("rate", [0, -0.1])
def test_a_rate_that_nothing_can_multiply_is_refused(rate: float) -> None:
    sentence = (
        f"set_learning_rate: found {rate}, and {GIVEN} before; both must be above 0, for the schedule multiplies them"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        rates("constant", (0, rate))


@pytest.mark.parametrize(
    ("made", "lasts"),
    [
        *((made, kind not in ("lambda", "constant", "two lambdas")) for kind, made in MADE.items()),
        (lambda optimizer: schedules.OneCycleLR(optimizer, 0.1, STEPS), False),
    ],
)
def test_a_rate_that_the_schedule_sets_anew_is_refused(made: Any, lasts: bool) -> None:
    optimizer = torch.optim.SGD(
        [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.1, 0.2)], lr=0.1
    )
    schedule = made(optimizer)

    def act() -> None:
        with not_overwritten([schedule], "do otherwise"):
            optimizer.param_groups[0]["lr"] = 0.5

    if lasts:
        act()
    else:
        sentence = f"each_epoch set a learning rate to 0.5, and the schedule, {type(schedule).__name__}, sets it anew "
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}behind every step; do otherwise$"):
            act()
    with not_overwritten([schedule], "do otherwise"):
        optimizer.param_groups[0]["weight_decay"] = 0.5
