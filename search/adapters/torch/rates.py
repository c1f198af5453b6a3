"""Learning rates that a user sets beside a schedule, which may set them anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch.optim.lr_scheduler import CyclicLR, LambdaLR, OneCycleLR

OVERWRITING = (LambdaLR, OneCycleLR, CyclicLR)
"""Schedules that compute a rate from their own numbers, and do not look at the one that is there."""


@contextmanager
def not_overwritten(schedules: Sequence[Any], remedy: str) -> Iterator[None]:
    """Check that a rate which is set in here lasts for longer than a step.

    Args:
        schedules: those that go on with every step.
        remedy: what to do instead.

    Raises:
        ValueError: a schedule sets it anew behind the next step.
    """
    watched = [schedule for schedule in schedules if isinstance(schedule, OVERWRITING)]
    before = [_rates(schedule) for schedule in watched]
    yield
    for schedule, old in zip(watched, before, strict=True):
        now = _rates(schedule)
        if now != old and now != _due(schedule):
            raise ValueError(
                f"each_epoch set a learning rate to {now[0]:g}, and the schedule, {type(schedule).__name__}, sets it "
                f"anew behind every step; {remedy}"
            )


def _rates(schedule: Any) -> list[float]:
    return [float(group["lr"]) for group in schedule.optimizer.param_groups]


def _due(schedule: Any) -> list[float] | None:
    """Return the rates that a schedule has for the step at hand; None where it does not tell."""
    if type(schedule) is not LambdaLR:
        return None
    factors = [factor(schedule.last_epoch) for factor in schedule.lr_lambdas]
    return [float(base * factor) for base, factor in zip(schedule.base_lrs, factors, strict=True)]
