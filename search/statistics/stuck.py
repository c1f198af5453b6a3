"""Runs that did not learn: an outcome of their own, told apart from runs that are merely worse.

One run at chance among three makes the spread of a setting, and of all that pool with it, useless; left out in silence
it would make the setting better than it is. So it is flagged, counted, and its setting shown with and without it. All
scores are turned so that higher is better; M is a run's mean.

    s0 = max(lower median over settings of the row scale, median over runs of (sd over images) / sqrt n)
    row scale: sd over seeds below 5 seeds, from there on Qn (Rousseeuw & Croux 1993), which 5 runs may hold a stuck one
    ref: median of the other runs of the setting (from 3 runs on), else of the other settings' medians
    did not learn: ref - M > 6 s0  and  M - chance < (ref - chance) / 2
    far below its siblings, where no chance level is known: ref - M > 8 s0
    not told from chance: M <= c + 2.33 sqrt(c (1-c) / n) while the best setting's median > c + 6 sqrt(c (1-c) / n)

The last one flags a figure alone: such a setting may be as it is. With fewer than 3 runs in all, or one setting of
fewer than 3 seeds, nothing is flagged. The constants were chosen by simulation
(`tests/statistics/test_stuck_simulation.py`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from search.statistics.measure import Form
from search.statistics.results import LEVEL
from search.statistics.scores import Scores

FEWEST_RUNS = 3
"""With fewer runs nothing is flagged."""

_QN_FROM = 5
_QN_SMALL = {5: 0.844, 6: 0.611, 7: 0.857, 8: 0.669, 9: 0.872}


class Stuck(StrEnum):
    """Why a run is flagged."""

    NOT_LEARNED = "did not learn"
    FAR_BELOW = "far below its siblings"
    AT_CHANCE = "not told from chance"
    """A figure, not an outcome: the run stays in every pool."""


@dataclass(frozen=True)
class Flag:
    """One flagged run.

    Attributes:
        setting: place of its setting.
        seed: place of its seed.
        why: what was seen.
        mean: its metric, as it is printed.
        siblings: the metric it is held against, as it is printed; None for `AT_CHANCE`.
    """

    setting: int
    seed: int
    why: Stuck
    mean: float
    siblings: float | None = None

    @property
    def outcome(self) -> bool:
        """Whether the run counts as one that did not learn."""
        return self.why is not Stuck.AT_CHANCE


def flags(scores: Scores, chance: float | None = None) -> list[Flag]:
    """Return the flagged runs, by setting and seed.

    Args:
        scores: of all settings.
        chance: metric of a model that learned nothing; None: what the measure declares as `untrained`, if it does.
    """
    finished, measure = scores.finished, scores.measure
    if chance is None:
        chance = measure.untrained
        if chance is not None and measure.form is Form.ROOT_MEAN:
            chance = math.sqrt(chance)
    runs = [(a, int(s)) for a in range(scores.settings) for s in np.flatnonzero(finished[a])]
    rows = [a for a in range(scores.settings) if finished[a].any()]
    few = len(rows) == 1 and int(finished[rows[0]].sum()) < FEWEST_RUNS
    if len(runs) < FEWEST_RUNS or few or scores.images < 2:
        return []
    sign = 1.0 if measure.higher_is_better else -1.0
    values = {run: sign * scores.analysed(run[0], np.array([run[1]]))[0] for run in runs}
    means = {run: float(value.mean()) for run, value in values.items()}
    noise = [float(value.std(ddof=1)) / math.sqrt(scores.images) for value in values.values()]
    of_setting = {a: [means[run] for run in runs if run[0] == a] for a in rows}
    scale = _lower_median([row_scale(one) for one in of_setting.values() if len(one) > 1])
    s0 = max(scale, float(np.median(noise)))
    level = None if chance is None else sign * chance
    references = _references(means, of_setting)
    # What a run is told from, if anything: one figure for all of them.
    doubtful = _doubtful(chance, scores.images, of_setting) if measure.correctness and chance is not None else -math.inf
    flagged: list[Flag] = []
    for run in runs:
        mean, reference, why = means[run], references[run], None
        # A constant table has no scale, and only rounding apart.
        if reference is not None and reference - mean > 1e-12 * abs(reference):
            if level is None:
                why = Stuck.FAR_BELOW if reference - mean > 8 * s0 else None
            elif reference - mean > 6 * s0 and mean - level < (reference - level) / 2:
                why = Stuck.NOT_LEARNED
        if why is not None and reference is not None:
            printed = measure.printed(sign * mean), measure.printed(sign * reference)
            flagged.append(Flag(*run, why, *printed))
        elif mean <= doubtful:
            flagged.append(Flag(*run, Stuck.AT_CHANCE, mean))
    return flagged


def qn(values: Sequence[float]) -> float:
    """Return the scale estimate Qn of 5 or more values (Rousseeuw & Croux 1993), consistent for the normal.

    2.2219 d_S times the C(h, 2)-th smallest distance of two values, h = S // 2 + 1; half of the values may be anything.
    """
    count = len(values)
    first, second = np.triu_indices(count, 1)
    ordered = np.asarray(values, dtype=np.float64)
    apart = np.sort(np.abs(ordered[first] - ordered[second]))
    small = count / (count + (3.8 if count % 2 == 0 else 1.4))
    place = math.comb(count // 2 + 1, 2) - 1
    return 2.2219 * _QN_SMALL.get(count, small) * float(apart[place])


def row_scale(values: Sequence[float]) -> float:
    """Return how far the runs of a setting lie apart: sd of 2 to 4 runs, Qn of more."""
    return qn(values) if len(values) >= _QN_FROM else float(np.std(values, ddof=1))


def failing_share(failed: int, runs: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the share of runs that do not learn (Clopper & Pearson 1934), runs >= 1."""
    tail = (1 - LEVEL) / 2
    low = float(special.betaincinv(failed, runs - failed + 1, tail)) if failed else 0.0
    return low, float(special.betaincinv(failed + 1, runs - failed, 1 - tail)) if failed < runs else 1.0


def without(scores: Scores, found: Sequence[Flag], setting: int, other: int | None = None) -> Scores | None:
    """Return the scores without the runs that did not learn, for the second line of a setting.

    None where none of the setting's runs, nor of `other`'s (its baseline), is flagged so; or where fewer than two of
    either's are left.
    """
    gone = {(flag.setting, flag.seed) for flag in found if flag.outcome}
    pair = [a for a in (setting, other) if a is not None]
    if not any(a in pair for a, _ in gone):
        return None
    left = scores.without(gone)
    return left if all(left.finished[a].sum() >= 2 for a in pair) else None


def _references(
    means: Mapping[tuple[int, int], float], of_setting: Mapping[int, Sequence[float]]
) -> dict[tuple[int, int], float | None]:
    """Return what each run is held against; None where there is nothing."""
    own: dict[int, list[tuple[int, int]]] = {}
    for run in means:
        own.setdefault(run[0], []).append(run)
    medians = {a: float(np.median(values)) for a, values in of_setting.items()}
    ordered = sorted(medians.values())
    found: dict[tuple[int, int], float | None] = {}
    for a, runs in own.items():
        if len(runs) >= FEWEST_RUNS:
            found |= {run: float(np.median([means[other] for other in runs if other != run])) for run in runs}
        else:
            found |= dict.fromkeys(runs, _median_without(ordered, medians[a]))
    return found


def _median_without(ordered: Sequence[float], value: float) -> float | None:
    """Return the median of sorted values but for one that equals `value`; None where no other is left."""
    left, gone = len(ordered) - 1, bisect_left(ordered, value)
    if not left:
        return None
    low, high = (ordered[place + (place >= gone)] for place in ((left - 1) // 2, left // 2))
    return (low + high) / 2


def _doubtful(chance: float, images: int, of_setting: Mapping[int, Sequence[float]]) -> float:
    """Return the mean up to which a run is not told from chance; -inf where no setting is far above that itself."""
    error = math.sqrt(max(chance * (1 - chance), 0.0) / images)
    best = max(float(np.median(values)) for values in of_setting.values())
    return chance + 2.33 * error if best > chance + 6 * error else -math.inf


def _lower_median(values: Sequence[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2] if values else 0.0
