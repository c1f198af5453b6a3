"""Noise that is larger than every effect: settings lie no farther apart than runs of one setting do."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from search.report.health.ahead import Floats, residual, run_values, runs_of
from search.report.health.finding import Finding
from search.report.table.build import Comparison
from search.report.text import figure, is_accuracy, metric_words


def noise(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding where the means of all settings lie no farther apart than luck alone would put them, and no two
    of them as far as runs of one setting do."""
    read, table = compared
    metric = read.space.search.objective.metric
    first: dict[frozenset[str], int] = {}
    for place, line in enumerate(table.lines):
        if not line.partial:
            first.setdefault(line.keys, place)  # lines that are one training are one setting here
    runs = runs_of(read, table)
    values = run_values(read, [runs[place] for place in first.values()], metric, table.value)
    whole = values[np.isfinite(values).all(axis=1)]
    square, df = residual(whole)
    if not df or not square or effect(whole) > 0 or np.ptp(whole.mean(axis=1)) > math.sqrt(square):
        return
    settings, seeds = whole.shape
    unit = " points" if is_accuracy(metric) else ""
    own, apart, alone = (
        figure(metric, spread)
        for spread in (math.sqrt(square), float(whole.mean(axis=1).std(ddof=1)), math.sqrt(square / seeds))
    )
    yield Finding(
        "noise-above-effects",
        "note",
        f"The means of {settings} settings in {metric_words(metric)} lie {apart}{unit} apart (sd). Runs of one setting "
        f"lie {own}{unit} apart, which alone puts means of {seeds} seeds {alone}{unit} apart.",
        "Which setting is ahead is luck: other seeds would give another order.",
        "Add seeds (`judge` adds no more than it takes), take settings that lie farther apart, or judge on more "
        "examples.",
    )


def effect(values: Floats) -> float:
    """Return the variance of settings without noise, as the analysis of variance estimates it, at least 0.

    (MS of settings - MS of the residual) / seeds of a two-way layout (settings x seeds), Searle et al. 1992, 4.3.

    Args:
        values: settings x seeds, all finite, two or more of either.
    """
    square, _ = residual(values)
    seeds = values.shape[1]
    between = seeds * float(values.mean(axis=1).var(ddof=1))
    return float(max((between - square) / seeds, 0.0))
