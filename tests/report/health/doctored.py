"""Studies with something wrong, built from drawn rows: nothing is trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from search.report.health.examine import Detector
from search.report.health.finding import Finding
from search.report.table.build import Comparison, comparison_of
from search.space.model import Axis, Float, Search, Space


def compared(study: Any) -> Comparison:
    return comparison_of(study.opened)


def found(detector: Detector, study: Any) -> list[Finding]:
    return [*detector(compared(study))]


def names(findings: Iterable[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def searched(sampler: str, low: float = 0.1, high: float = 1.0, log: bool = False, **more: Any) -> Space:
    """A search over one axis, under one seed."""
    search = Search(sampler, trials=30, **more)
    return Space("search", "toy", [Axis("lr", Float(low, high, log))], {"epochs": 3}, seeds=(0,), search=search)
