"""The difference of two settings when seeds and images are both random: crossed seed x image analysis of variance.

What this file promises: an interval for the expected difference *of new runs on new images of the same source*, the
training images fixed, from S >= 2 seeds that both settings finished on one split. Neither seeds nor images are taken
for more independent evidence than they are: 3 seeds on 137 images are not 411 images.

`pooled` and `guarded` say how the noise of runs is estimated, `squares` what follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from search.statistics.guarded import GUARD_SEEDS, NOISY, Pool, pool_of
from search.statistics.pooled import POOL_SEEDS, analyse, analyse_guarded, noise_df
from search.statistics.results import Difference, MeanSquares, Trust
from search.statistics.scores import Ended, Floats, Scores
from search.statistics.single import is_whole, one_run
from search.statistics.squares import mean_square

IDENTICAL = "identical scores"
"""Why there is no interval where every score of both settings is the same."""


class Rule(StrEnum):
    """How the noise of runs is estimated from those of other settings."""

    POOLED = "pooled"
    """Over all settings of the table, whatever each one's own noise is: two seeds tell no better."""
    GUARDED = "guarded"
    """Over the settings whose runs scatter alike, see `guarded`; with two seeds as `POOLED`."""
    STRICT = "strict"
    """Guarded, and never less than a pair's own runs tell: for three and four seeds wider."""


def compare(
    scores: Scores,
    pairs: Sequence[tuple[int, int]],
    rule: Rule = Rule.GUARDED,
    stuck: Collection[tuple[int, int]] = (),
) -> list[Difference]:
    """Return setting minus baseline of each pair (setting, baseline), on the seeds that both finished.

    One common seed is answered by `single.one_run`. Seed noise is pooled over the settings that finished the same
    seeds; settings settled from the same training, or with equal rows, count once.

    Args:
        scores: of all settings.
        pairs: places of settings in them.
        rule: how seed noise is estimated.
        stuck: runs (setting, place of the seed) that did not learn: their settings are left out of the pool, unless
            the rule is `POOLED`.
    """
    known = _Known(scores, rule, frozenset(stuck))
    return [_difference(known, setting, baseline) for setting, baseline in pairs]


def alike(scores: Scores, pairs: Sequence[tuple[int, int]]) -> list[Hashable]:
    """Return what names each pair's comparison, either way round: pairs with equal names compare the same rows.

    A pair whose own rows are equal to the last bit has the name None: nothing is compared there.
    """
    finished = scores.finished
    names: list[Hashable] = []
    for a, b in pairs:
        seeds = np.flatnonzero(finished[a] & finished[b]).tolist()
        rows = frozenset((scores.rows(a, seeds), scores.rows(b, seeds)))
        names.append((tuple(seeds), rows) if len(rows) > 1 or not seeds else None)
    return names


class _Known:
    """What all pairs of a table share."""

    def __init__(self, scores: Scores, rule: Rule, stuck: frozenset[tuple[int, int]]) -> None:
        self.scores, self.rule, self.stuck = scores, rule, stuck
        self.finished = scores.finished
        self._pools: dict[tuple[int, ...], _Pooled] = {}

    def rows(self, setting: int, seeds: npt.NDArray[np.intp]) -> Floats:
        """Return what is analysed of a setting, seeds x images."""
        return self.scores.analysed(setting, seeds)

    def pool(self, seeds: npt.NDArray[np.intp]) -> _Pooled:
        """Return what is pooled over all settings that finished these seeds, each training once."""
        place = tuple(seeds.tolist())
        if place not in self._pools:
            rows: dict[tuple[Hashable, ...], int] = {}
            for a in np.flatnonzero(self.finished[:, seeds].all(axis=1)).tolist():
                rows.setdefault(self.scores.rows(a, place), a)
            table = np.array([self.rows(a, seeds).mean(axis=-1) for a in rows.values()])
            learned = np.array([all((a, s) not in self.stuck for s in place) for a in rows.values()], dtype=bool)
            guarded = pool_of(table, learned) if self.guards(len(place)) else None
            self._pools[place] = _Pooled(table, {name: row for row, name in enumerate(rows)}, learned, guarded)
        return self._pools[place]

    def guards(self, seeds: int) -> bool:
        """Whether rows of so many seeds are tested before they are pooled."""
        return self.rule is not Rule.POOLED and seeds >= GUARD_SEEDS


@dataclass(frozen=True)
class _Pooled:
    """All settings that finished the same seeds: run means (settings x seeds), what names each row -> its place, which
    rows have no stuck run, and what the guard makes of them."""

    table: Floats
    places: Mapping[tuple[Hashable, ...], int]
    learned: npt.NDArray[np.bool_]
    guarded: Pool | None


def _difference(shared: _Known, setting: int, baseline: int) -> Difference:
    scores = shared.scores
    seeds = np.flatnonzero(shared.finished[setting] & shared.finished[baseline])
    n = scores.images
    measure = scores.measure
    counts: dict[str, Any] = {"seeds": len(seeds), "images": n, "measure": measure}
    if Ended.PRUNED in scores.ended[setting] + scores.ended[baseline]:
        reason = "a seed was pruned; a pruned setting can only be described, at an epoch all runs reached"
        return Difference(Trust.PRUNED, **counts, reason=reason)
    if setting == baseline or scores.same_run(setting, baseline, seeds.tolist()):
        return Difference(Trust.SAME_RUN, estimate=0.0, **counts)
    if not len(seeds) or not n:
        reason = f"no {measure.sample}" if len(seeds) else "no seed that both settings finished"
        return Difference(Trust.NOT_ESTIMABLE, **counts, reason=reason)
    ours, theirs = shared.rows(setting, seeds), shared.rows(baseline, seeds)
    d = ours - theirs
    if n < 2:
        estimate = _clip(d.mean(), measure.span)
        return Difference(Trust.NOT_ESTIMABLE, estimate=estimate, **counts, reason=f"a single {measure.sample}")
    # Right and wrong that agree everywhere are a table of ties; other scores that do are no sample of anything.
    whole = measure.correctness or (is_whole(ours) and is_whole(theirs))
    g = 1.0 if whole else float(mean_square(d))
    if not g:
        return Difference(Trust.NOT_ESTIMABLE, estimate=0.0, **counts, reason=IDENTICAL)
    if len(seeds) == 1:
        return one_run(scores, d[0], ours[0], theirs[0], g)
    pool = shared.pool(seeds)
    noisy: tuple[float | None, float | None] = (None, None)
    if pool.guarded is None:
        analysis = analyse(d, pool.table, g, measure.span)
        settings = len(pool.table) if analysis.pooled is not None else 2
        f = noise_df(settings, len(seeds))
    else:
        names = [scores.rows(a, seeds.tolist()) for a in (setting, baseline)]
        pair = pool.places[names[0]], pool.places[names[1]]
        analysis, wide = analyse_guarded(d, pool.guarded, pair, g, measure.span, shared.rule is Rule.STRICT)
        settings = int(pool.guarded.rows) if wide.pooled else 2
        f = int(pool.guarded.df) if wide.pooled else len(seeds) - 1
        if len(seeds) < POOL_SEEDS:
            noisy = _noisy(pool, pair[0]), _noisy(pool, pair[1])
    squares = MeanSquares(
        float(analysis.squares.seeds),
        float(analysis.squares.images),
        float(analysis.squares.rest),
        None if analysis.pooled is None else float(analysis.pooled),
    )
    return Difference(
        Trust.ESTIMATED,
        estimate=_clip(analysis.squares.mean, measure.span),
        low=float(analysis.low),
        high=float(analysis.high),
        p=float(analysis.p),
        variance=float(analysis.variance),
        df=float(analysis.df),
        **counts,
        settings=settings,
        noise_df=f,
        squares=squares,
        noisy=noisy,
    )


def _noisy(pool: _Pooled, row: int) -> float | None:
    """Return a row's p where its runs scatter more than the rest."""
    if pool.guarded is None or not pool.learned[row]:
        return None
    p = float(pool.guarded.p[row])
    return p if p < NOISY else None


def _clip(value: float | Floats, span: float) -> float:
    """Return a difference of weighted means within its range, which rounding may leave by the last bit."""
    return float(min(max(value, -span), span))
