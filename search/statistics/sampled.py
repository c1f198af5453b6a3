"""Sampled studies: what N random trials say, and what they cannot.

The best of N trials was chosen by the figure it is shown with, so that figure is optimistic and gets no interval and no
p value; only a confirm stage on fresh seeds, judged by `crossed`, may be bold. What the search itself can say is the
accuracy to expect from a search of k trials, if its trials are exchangeable.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from search.core.errors import InternalError
from search.statistics.scores import Floats

MIN_SETTINGS = 30
"""Importances of fewer complete settings are noise."""

_EXCHANGEABLE = ("random",)


def expected_best(values: Sequence[float] | npt.NDArray[np.float64], sizes: Sequence[int] | None = None) -> Floats:
    """Return the expected best value of k trials, for each k of `sizes`; by default for k = 1 ... N.

    The U-statistic sum_{i=k}^{N} C(i-1, k-1) / C(N, k) v_(i) over the sorted values: the mean best over all subsets of
    k of the N trials, which is unbiased (Tang et al. 2020); the plug-in estimate of Dodge et al. (2019) is not.
    Time grows with N for each k.

    Raises:
        InternalError: a value that is not finite; a diverged trial has the value of chance, not none.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered.ndim != 1 or not np.isfinite(ordered).all():
        raise InternalError("values of trials: must be a list of finite numbers; count a diverged trial at chance")
    trials = len(ordered)
    wanted = range(1, trials + 1) if sizes is None else sizes
    # Weights from the best downwards: k / N, then times (i - k) / (i - 1) from rank i to i - 1.
    ranks = np.arange(trials, 1, -1)
    result = np.empty(len(wanted))
    for place, k in enumerate(wanted):
        weights = k / trials * np.concatenate([[1.0], np.cumprod((ranks - k).clip(0) / (ranks - 1))])
        result[place] = (weights * ordered[::-1]).sum()
    return result


def why_no_expected_best(sampler: str, lengths: Sequence[int], pruned: int, pending: int = 0) -> str:
    """Return why a study has no curve of the expected best; "" where it has one.

    Args:
        sampler: name of the sampler, as the space file spells it.
        lengths: planned epochs of its settings.
        pruned: settings that ended before their length was reached, by pruning.
        pending: settings that are not at their end, or failed.
    """
    if sampler not in _EXCHANGEABLE:
        return f"settings of the sampler {sampler} depend on one another; only independent random ones are exchangeable"
    for count, what in ((pruned, "pruned"), (pending, "not finished")):
        if count:
            word = "setting was" if count == 1 else "settings were"
            return f"{count} {word} {what}; the expected best needs every one at full length"
    if len(set(lengths)) > 1:
        return "settings have different lengths; the expected best needs every one at full length"
    return "" if lengths else "no setting is complete"


def best_so_far(values: Sequence[float | None], maximize: bool) -> list[float | None]:
    """Return the best value up to each trial, in the order they were run; None before the first value.

    Describes this one search, whatever its sampler.
    """

    def better(best: float | None, value: float | None) -> float | None:
        if best is None or value is None:
            return value if best is None else best
        return max(best, value) if maximize else min(best, value)

    return list(accumulate(values, better))


def too_few(complete: int) -> str:
    """Return the remark on importances of so few complete settings; "" from `MIN_SETTINGS` on."""
    return "" if complete >= MIN_SETTINGS else f"too few: {complete} complete settings, importances need {MIN_SETTINGS}"
