"""Times: a figure per run that nothing but the run tells, compared by ratios.

What takes a time disturbs it by a factor (another process beside it, a slower clock), so everything is done on
logarithms, where such factors add up: t intervals of means, and Welch's test of two means (Welch 1947), whose runs may
scatter differently. A time is the same for whatever examples, so no noise of examples is in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from search.statistics.measure import Form, Measure
from search.statistics.results import LEVEL, CellEstimate, Difference, Trust
from search.statistics.student import t_quantile, t_tail

TIME = Measure(higher_is_better=False, example="run", examples="runs", form=Form.EXP_MEAN)
"""Of logarithms of seconds: printed is their mean's power of e, a difference is the logarithm of a ratio."""

Times = Mapping[int, float]
"""Seed -> seconds of the run that finished under it, positive and finite."""


def timed_cell(times: Times, asked: int) -> CellEstimate:
    """Return the time of a setting with its 95 % interval for the mean of runs like these, from two runs on.

    Args:
        times: its runs.
        asked: seeds it was asked for.
    """
    per_seed = tuple(times[seed] for seed in sorted(times))
    told = CellEstimate(
        Trust.NOT_ESTIMABLE, seeds=len(per_seed), of=asked, images=len(per_seed), per_seed=per_seed, measure=TIME
    )
    if not per_seed:
        return replace(told, reason="no seed finished")
    logs = np.log(per_seed)
    mean = float(logs.mean())
    told = replace(told, estimate=math.exp(mean))
    if len(logs) < 2:
        return replace(told, reason="a single run")
    told = replace(told, sd=float(np.std(per_seed, ddof=1)))
    variance = _variance(logs)
    if not variance:
        return replace(told, reason="identical times")
    half = float(t_quantile(0.5 + LEVEL / 2, len(logs) - 1)) * math.sqrt(variance)
    ends = (TIME.printed(mean - half), TIME.printed(mean + half))
    return replace(told, state=Trust.ESTIMATED, low=ends[0], high=ends[1], df=float(len(logs) - 1))


def timed_difference(setting: Times, baseline: Times, same: bool = False) -> Difference:
    """Return the logarithm of a setting's time over the baseline's, on the seeds that both finished.

    Args:
        setting, baseline: their runs.
        same: whether both were settled from the same training.
    """
    seeds = sorted(setting.keys() & baseline.keys())
    counts = Difference(Trust.NOT_ESTIMABLE, seeds=len(seeds), images=len(seeds), measure=TIME)
    if same:
        return replace(counts, state=Trust.SAME_RUN, estimate=0.0)
    if not seeds:
        return replace(counts, reason="no seed that both settings finished")
    ours, theirs = (np.log([times[seed] for seed in seeds]) for times in (setting, baseline))
    estimate = float(ours.mean() - theirs.mean())
    if len(seeds) < 2:
        return replace(counts, estimate=estimate, reason="a single run of each tells nothing of how times scatter")
    own, other = _variance(ours), _variance(theirs)
    variance = own + other
    if not variance:
        return replace(counts, estimate=estimate, reason="identical times")
    df = variance**2 / ((own**2 + other**2) / (len(seeds) - 1))  # Welch and Satterthwaite, as many runs of both
    half = float(t_quantile(0.5 + LEVEL / 2, df)) * math.sqrt(variance)
    return replace(
        counts,
        state=Trust.ESTIMATED,
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        p=min(2 * float(t_tail(abs(estimate) / math.sqrt(variance), df)), 1.0),
        variance=variance,
        df=df,
        noise_df=int(df),
    )


def _variance(logs: Sequence[float] | np.ndarray) -> float:
    """Return the squared standard error of a mean."""
    return float(np.var(logs, ddof=1)) / len(logs)
