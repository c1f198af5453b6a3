"""The noise that is expected of a study that is not run yet: of a similar one on record, else as it was seen elsewhere.

Of a table of A settings x S seeds x n examples the noise of a difference of two settings is pooled over all pairs. With
x[a, s, i] = y[a, s, i] - mean over the settings, and MS_S(a), MS_I(a), MS_R(a) the mean squares of x[a] (`squares`):

    MS_P = 2 / (A-1) sum_a MS_S(a),  f = (A-1)(S-1);    likewise MS_I and MS_R      (means over all pairs, exactly)
    vS = max(MS_P - MS_R, 0) / n,  vI = max(MS_I - MS_R, 0) / S,  vR = MS_R
    MS_P at its 80 % upper limit: MS_P f / chi2_{.2, f}

Settings with a stuck run stay out, and those that `guarded.pool_of` drops for their noise; one training counts once. A
plan goes by the upper limit, because one by the estimate itself is too hopeful half of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.core.shown import counted
from search.statistics.components import Components, chi2_quantile
from search.statistics.guarded import GUARD_SEEDS, pool_of
from search.statistics.measure import ACCURACY, Measure
from search.statistics.results import MeanSquares
from search.statistics.scores import Scores
from search.statistics.squares import mean_squares
from search.statistics.stuck import flags

UPPER_LIMIT = 0.8
"""Confidence of the upper limit of the noise on record."""

_SEEN = {"quiet": (0.005, 0.2, 0.005), "usual": (0.014, 0.4, 0.03), "noisy": (0.035, 0.85, 0.18)}
"""sqrt vS, and vR and vI as multiples of p (1 - p), of accuracies p: one data set, really trained, and a range."""


@dataclass(frozen=True)
class Noise:
    """What is taken for the noise of a study that is not run yet.

    Attributes:
        expected: what is planned by.
        quiet: the least it may be.
        loud: the most.
        source: where it is from, a phrase.
        measure: what is judged.
        images: examples that the record it is from was judged on; 0 for none.
    """

    expected: Components
    quiet: Components
    loud: Components
    source: str
    measure: Measure = ACCURACY
    images: int = 0


@dataclass(frozen=True)
class PooledSquares:
    """Mean squares of a difference, pooled over all pairs of settings of a table.

    Attributes:
        squares: MS_P (as `seeds` and as `pooled`), MS_I and MS_R.
        settings, seeds, images: A, S and n of the table.
    """

    squares: MeanSquares
    settings: int
    seeds: int
    images: int

    @property
    def df(self) -> int:
        """Degrees of freedom of MS_P."""
        return (self.settings - 1) * (self.seeds - 1)


def without_record(accuracy: float, settings: int) -> Noise:
    """Return the noise of a study of which nothing similar is on record, of accuracies about this one.

    Args:
        accuracy: a fraction.
        settings: settings of the table.
    """
    share = accuracy * (1 - accuracy)
    quiet, usual, noisy = (
        Components(sd**2, images * share, rest * share, settings) for sd, rest, images in _SEEN.values()
    )
    about = f"noise as seen elsewhere, of accuracies about {100 * accuracy:.0f} %"
    return Noise(usual, quiet, noisy, about)


def pooled_squares(scores: Scores, chance: float | None = None) -> PooledSquares | None:
    """Return the mean squares of a table, pooled over its pairs of settings.

    Args:
        scores: settings x seeds x examples, all finished.
        chance: as in `stuck.flags`.

    None where fewer than two settings, seeds or examples are left, and where nothing differs.
    """
    seeds, images = scores.values.shape[1:]
    every = range(seeds)
    distinct = {scores.rows(a, every): a for a in reversed(range(scores.settings))}
    unlearned = {flag.setting for flag in flags(scores, chance) if flag.outcome}
    rows = [a for a in sorted(distinct.values()) if a not in unlearned]
    if len(rows) < 2 or seeds < 2 or images < 2:
        return None
    analysed = [scores.analysed(a, np.arange(seeds)) for a in rows]
    if seeds >= GUARD_SEEDS:
        inside = pool_of(np.array([one.mean(axis=-1) for one in analysed])).inside
        analysed = [one for one, kept in zip(analysed, inside, strict=True) if kept]
    mean = sum(analysed[1:], start=analysed[0]) / len(analysed)
    by_row = [mean_squares(one - mean) for one in analysed]
    noise, effects, rest = (
        2 * sum(float(getattr(one, name)) for one in by_row) / (len(by_row) - 1) for name in ("seeds", "images", "rest")
    )
    if noise <= 0 and effects <= 0 and rest <= 0:
        return None
    return PooledSquares(MeanSquares(noise, effects, rest, noise), len(by_row), seeds, images)


def from_record(record: PooledSquares, settings: int, study: str, measure: Measure = ACCURACY) -> Noise:
    """Return the noise of a study of which a similar one is on record.

    Args:
        record: of the similar study.
        settings: settings of the coming table.
        study: what the similar study is called.
        measure: what was judged.
    """
    found, df = record.squares, record.df
    effects = max(found.images - found.rest, 0.0) / record.seeds

    def with_noise(factor: float) -> Components:
        noise = max(found.seeds * factor - found.rest, 0.0) / record.images
        return Components(noise, effects, found.rest, settings, float(measure.correctness))

    upper = with_noise(df / float(chi2_quantile(1 - UPPER_LIMIT, df)))
    sizes = f"{counted(record.settings, 'setting')}, {counted(record.seeds, 'seed')}: {df} df"
    source = f"noise of {study} ({sizes}), at its 80 % upper limit"
    return Noise(upper, with_noise(1.0), upper, source, measure, record.images)
