"""A sampler that is no better than random so far: what it chose, against the random settings that it began with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from search.ledger.ledger import Decision
from search.report.health.finding import Finding
from search.report.record.curves import Curves, by_setting
from search.report.table.build import Comparison
from search.report.table.tried import tried
from search.statistics.results import ALPHA
from search.statistics.text import p_text
from search.study.start import began_at

LEARNING = {"tpe": "TPE", "gp": "a Gaussian process"}
"""Samplers that draw their first settings at random, and learn from then on. CMA-ES draws a single one so."""

RANDOM_SETTINGS = 10
"""Settings that must have ended before such a sampler learns: Optuna's ``n_startup_trials``, as `search` leaves it."""

MIN_SETTINGS = 10
"""Settings that a sampler must have chosen; fewer tell nothing."""


class Ranks(NamedTuple):
    """Two groups compared by rank.

    Attributes:
        share: of pairs in which the first group's value is the better one, ties counted half.
        p: that of no better first group, one-sided.
    """

    share: float
    p: float


def chosen(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding where the settings that a sampler chose are not clearly better than those drawn at random.

    Of a search that prunes nothing is said: early settings pass rungs more easily.
    """
    read = compared.read
    search = read.space.search
    if search.sampler not in LEARNING or search.pruning is not None:
        return
    random = drawn_at_random(read)
    skipped = began_at(read.study)
    values = tried(read).values
    groups: tuple[list[float], list[float]] = ([], [])
    for configuration, value in zip(_configurations(read), values, strict=True):
        if configuration not in skipped and value is not None:
            groups[configuration in random].append(value)
    own, first = groups
    if len(own) < MIN_SETTINGS or len(first) < MIN_SETTINGS // 2:
        return
    sign = 1 if search.objective.maximize else -1
    ranks = mann_whitney([sign * one for one in own], [sign * one for one in first])
    if ranks.p <= ALPHA:
        return
    yield Finding(
        "sampler-like-random",
        "note",
        f"The {len(own)} settings that {LEARNING[search.sampler]} chose are better than the {len(first)} random ones "
        f"it began with in {100 * ranks.share:.0f} % of pairs; 50 % would be chance (rank test, one-sided p "
        f"{p_text(ranks.p)}).",
        "So far the sampler has not been shown to do better than random draws. This cannot tell whether it will, nor "
        "whether a random search of this length would have found as good a best one.",
        "Give it more settings (`search.trials`), fewer axes, or more seeds where noise hides what is better; else "
        "take `sampler: random`, whose settings also say what a search of k trials is worth.",
    )


def drawn_at_random(read: Curves) -> frozenset[int]:
    """Return the configurations that were asked for before `RANDOM_SETTINGS` had ended: replayed from the order log."""
    log = read.study.ledger.decisions(read.record.id, ["asked", "ended"])
    seeds: dict[int, int] = {}
    for curve in read.curves:
        seeds[curve.trial.configuration] = seeds.get(curve.trial.configuration, 0) + 1
    of_trial = {curve.trial.number: curve.trial.configuration for curve in read.curves}
    return frozenset(_asked_early(log, of_trial, seeds))


def _asked_early(log: Sequence[Decision], of_trial: dict[int, int], seeds: dict[int, int]) -> Iterator[int]:
    configuration, told = 0, 0
    left = dict(seeds)
    for entry in log:
        if entry.kind == "asked":
            told += len(entry.detail.get("repeats", ()))
            if told < RANDOM_SETTINGS:
                yield configuration
            configuration += 1
        elif entry.trial in of_trial and entry.detail.get("state") != "failed":
            own = of_trial[entry.trial]
            left[own] -= 1
            told += left[own] == 0


def mann_whitney(own: Sequence[float], others: Sequence[float]) -> Ranks:
    """Return how one group ranks against another (Mann & Whitney 1947), by the normal approximation with ties.

    Args:
        own, others: values, larger is better, at least one of each.
    """
    values = np.concatenate([own, others])
    n, m, total = len(own), len(others), len(values)
    apart = np.asarray(own)[:, None] - np.asarray(others)[None, :]
    wins = float((apart > 0).sum() + 0.5 * (apart == 0).sum())
    _, ties = np.unique(values, return_counts=True)
    variance = n * m / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    if variance <= 0:
        return Ranks(0.5, 1.0)
    z = (wins - n * m / 2 - 0.5) / math.sqrt(variance)
    return Ranks(wins / (n * m), 0.5 * math.erfc(z / math.sqrt(2)))


def _configurations(read: Curves) -> list[int]:
    """Return the configurations in the order in which `tried` has their values."""
    groups = by_setting(sorted(read.curves, key=lambda one: one.trial.configuration))
    return [runs[0].trial.configuration for runs in groups.values()]
