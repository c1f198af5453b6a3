"""Companions of a difference of real scores: the share of examples won, and the mean with its largest scores capped.

A mean of heavy-tailed scores may hang on a few examples, and no statistic tells from the sample where its interval
fails: coverage is often lower where such a trigger stays silent. So the method is never switched. Two further lines
stand beside the mean instead, always, each with an interval of its own:

* the share of examples won: 1, 1/2 (a tie) or 0 per seed and example, minus 1/2. It answers another question, "on how
  many examples is it better", and its noise is estimated from the pair's own seeds;
* the mean of scores capped at the table's 99 % quantile, on each side that has no declared end.

Beside them how much of the spread the top 1 % of examples carry. A level says nothing of scores larger than any seen.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from search.statistics.crossed import Rule, compare
from search.statistics.measure import Form, Measure
from search.statistics.results import Difference, Trust
from search.statistics.scores import Floats, Scores
from search.statistics.single import is_whole

CAP = 0.99
"""Quantile of the table's scores at which they are capped."""

TOP = 0.01
"""Share of the examples whose part of the spread is given."""

MUCH = 0.5
"""A larger part of the spread than this is said."""

LEVEL_NOTE = "excludes scores larger than any seen"
"""What the interval of a level leaves out where scores have no declared end."""

WON = Measure(0.0, 0.5, unit="pt")
"""The share of examples won minus a half: between -1/2 and 1/2, and more is better whatever the metric is."""


@dataclass(frozen=True)
class Companions:
    """What stands beside a difference of means.

    Attributes:
        top_share: part of the spread of the differences per example that the top 1 % of examples (at least one) carry;
            None where nothing differs.
        won: share of examples on which the setting is better, minus 1/2; ties count half.
        capped: the difference of capped means; None where the scores have a declared range.
    """

    top_share: float | None
    won: Difference
    capped: Difference | None

    @property
    def sentence(self) -> str:
        """ "the top 1 % of examples carry 63 % of the spread", "" where they carry no more than half."""
        if self.top_share is None or self.top_share <= MUCH:
            return ""
        return f"the top 1 % of {self.won.measure.sampled} carry {100 * self.top_share:.0f} % of the spread"


def companions(
    scores: Scores,
    pairs: Sequence[tuple[int, int]],
    rule: Rule = Rule.GUARDED,
    stuck: Collection[tuple[int, int]] = (),
) -> list[Companions | None]:
    """Return the companions of each pair (setting, baseline); arguments as in `crossed.compare`.

    None where a pair has no difference, and where scores are right and wrong, or influence values: there no example has
    a score of its own.
    """
    measure = scores.measure
    if measure.correctness or measure.form is Form.INFLUENCE or not scores.images or is_whole(scores.values):
        return [None] * len(pairs)
    capped_scores = _capped(scores)
    whole = compare(scores, pairs, rule, stuck)
    capped: Sequence[Difference | None] = [None] * len(pairs)
    if capped_scores is not None:
        capped = compare(capped_scores, pairs, rule, stuck)
    return [
        Companions(_top_share(scores, *pair), _won(scores, *pair), other)
        if one.state in (Trust.ESTIMATED, Trust.ONE_RUN)
        else None
        for pair, one, other in zip(pairs, whole, capped, strict=True)
    ]


def _won(scores: Scores, setting: int, baseline: int) -> Difference:
    measure = scores.measure
    won = np.sign(scores.values[setting] - scores.values[baseline]) / 2
    table = np.stack([won if measure.higher_is_better else -won, np.zeros_like(won)])
    ended = scores.ended[setting], scores.ended[baseline]
    names = tuple(tuple((a, s) for s in range(len(row))) for a, row in enumerate(ended))
    described = replace(WON, example=measure.example, examples=measure.examples, grouped=measure.grouped)
    pair = Scores(table, ended, scores.weights, scores.balanced, names, names, described, scores.folded)
    return compare(pair, [(0, 1)])[0]


def _capped(scores: Scores) -> Scores | None:
    """Return the scores with those beyond a quantile at it; None where both ends are declared."""
    measure, values = scores.measure, scores.values
    if measure.low is not None and measure.high is not None:
        return None
    seen = values[scores.finished]
    if not seen.size:
        return scores
    low = -math.inf if measure.low is not None else float(np.quantile(seen, 1 - CAP))
    high = math.inf if measure.high is not None else float(np.quantile(seen, CAP))
    return replace(scores, values=np.clip(values, low, high))


def _top_share(scores: Scores, setting: int, baseline: int) -> float | None:
    seeds = np.flatnonzero(scores.finished[setting] & scores.finished[baseline])
    mean: Floats = (scores.analysed(setting, seeds) - scores.analysed(baseline, seeds)).mean(axis=0)
    squares = np.sort((mean - mean.mean()) ** 2)
    total = float(squares.sum())
    return float(squares[-max(math.ceil(TOP * len(squares)), 1) :].sum()) / total if total > 0 else None
