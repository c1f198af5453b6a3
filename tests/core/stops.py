"""Where a rule ends a whole curve."""

from __future__ import annotations

from collections.abc import Iterable

from search.core.stopping import StopRule


def stopping_epoch(rule: StopRule, values: Iterable[float]) -> int | None:
    """Return the epoch, counted from 1, after which a rule ends a curve; None where it does not."""
    return next((epoch for epoch, value in enumerate(values, start=1) if rule.update(value)), None)
