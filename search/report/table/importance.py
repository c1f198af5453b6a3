"""What each axis of a search matters for being among the best, by Optuna's evaluator.

An Optuna study is rebuilt in memory from a table's settings, one trial per setting with the mean objective of its
seeds. Only settings whose every seed finished or was stopped by its rule take part: the value of a pruned run is not
that of a whole one. Loaded for searches alone: Optuna is imported here.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.report.table.groups import Group
from search.report.table.model import Importance
from search.report.text import is_accuracy, value_text
from search.space.model import Axis, Float, Int, Space
from search.statistics.sampled import too_few

BOOTSTRAP_REPEATS = 20


Spelling = Callable[[str, int], str]
"""Returns what a name or value is called in an Optuna study, in at most so many letters."""

MIN_TOP_SETTINGS = 5
"""Settings that importances must have above their quantile at least."""


LOGARITHMIC_RATIO = 50.0
"""Ratio of largest to smallest listed value from which an axis of positive numbers is logarithmic."""


def complete(groups: Sequence[Group]) -> list[Group]:
    """Return the settings that can stand for a trial of Optuna's: every seed counts, and the mean is a number."""
    return [group for group in groups if group.counted and not group.remark and group.mean is not None]


def varied(groups: Sequence[Group], space: Space) -> list[Axis]:
    """Return the axes of which these settings have more than one value."""

    def values(name: str) -> set[str]:
        return {value_text(group.parameters[name]) for group in groups if name in group.parameters}

    return [axis for axis in space.axes if len(values(axis.name)) > 1]


def importances(groups: Sequence[Group], space: Space) -> Importance:
    """Return how much each axis matters for being among the best, from enough complete settings: see `too_few`."""
    whole = complete(groups)
    axes = varied(whole, space)
    n = len(whole)
    few = too_few(n)
    if len(axes if not few else varied(groups, space)) < 2:
        return Importance("", {}, {}, "importances need two axes that vary")
    if few:
        return Importance("", {}, {}, few)
    quantile = max(0.1, MIN_TOP_SETTINGS / n)
    evaluator = f"PED-ANOVA (Watanabe et al. 2023): share in telling the best {100 * quantile:.0f} % from the rest"
    trials, names = as_trials(whole, space, axes, lambda words, _: words)
    called = dict(zip(names, (axis.name for axis in axes), strict=True))
    draw = random.Random(0)
    drawn = [trials, *(draw.choices(trials, k=n) for _ in range(BOOTSTRAP_REPEATS))]
    values, *again = (_shares(_study(some, space), called, quantile) for some in drawn)
    spread = {name: (min(one[name] for one in again), max(one[name] for one in again)) for name in values}
    return Importance(evaluator, values, spread)


def _study(trials: Iterable[FrozenTrial], space: Space) -> optuna.Study:
    study = optuna.create_study(direction="maximize" if space.search.objective.maximize else "minimize")
    study.add_trials(trials)
    return study


def as_trials(
    groups: Sequence[Group], space: Space, axes: Sequence[Axis], spelt: Spelling
) -> tuple[list[FrozenTrial], list[str]]:
    """Return settings as trials of Optuna's, and what their parameters are called, in the order of `axes`."""
    names = _unique([spelt(axis.name, 28) for axis in axes])
    scales = [
        _scale(axis, [group.parameters[axis.name] for group in groups if axis.name in group.parameters], spelt)
        for axis in axes
    ]
    trials = []
    factor = 100 if is_accuracy(space.search.objective.metric) else 1
    asked = sorted(groups, key=lambda group: group.runs[0].trial.configuration)
    for group in asked:
        params: dict[str, Any] = {}
        distributions: dict[str, BaseDistribution] = {}
        for axis, name, (distribution, spelling) in zip(axes, names, scales, strict=True):
            if axis.name in group.parameters:
                value = group.parameters[axis.name]
                params[name] = spelling[value_text(value)] if spelling else value
                distributions[name] = distribution
        assert group.mean is not None
        value = factor * group.mean
        trials.append(create_trial(state=TrialState.COMPLETE, value=value, params=params, distributions=distributions))
    return trials, names


def _scale(axis: Axis, values: Sequence[Any], spelt: Spelling) -> tuple[BaseDistribution, dict[str, str]]:
    """Return the distribution that Optuna plots an axis by, and value -> what it is called for axes of no numbers."""
    domain = axis.domain
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = min(values), max(values)
        logarithmic = domain.log if isinstance(domain, Float | Int) else low > 0 and high > LOGARITHMIC_RATIO * low
        if all(isinstance(value, int) for value in values):
            return IntDistribution(low, high, log=logarithmic), {}
        return FloatDistribution(float(low), float(high), log=logarithmic), {}
    listed = [] if isinstance(domain, Float | Int) else list(domain.values)
    words = list(dict.fromkeys(value_text(value) for value in [*listed, *values]))
    shown = _unique([spelt(word, 24) for word in words])
    return CategoricalDistribution(shown), dict(zip(words, shown, strict=True))


def _shares(study: optuna.Study, called: Mapping[str, str], quantile: float) -> dict[str, float]:
    """Return axis -> share; all equal where the objective does not depend on any."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # brings scikit-learn: 2 s

    evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that all settings are equally good is an answer here
        shares = get_param_importances(study, evaluator=evaluator)
    return {
        called[name]: float(shares.get(name, 0.0)) for name in sorted(called, key=lambda one: -shares.get(one, 0.0))
    }


def _unique(words: Sequence[str]) -> list[str]:
    """Return words told apart by a number behind those that were cut to the same."""
    result: list[str] = []
    for word in words:
        count, other = 1, word
        while other in result:
            count += 1
            other = f"{word} ({count})"
        result.append(other)
    return result
