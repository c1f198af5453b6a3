"""The comparison while it grows: what each setting has come to so far, and where it stands. Pure bookkeeping.

The driver's threads write, the view's thread reads. What is read is copied first, and no entry is taken out again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.core.mean import mean
from search.core.trial import State, Trial
from search.space.model import Space
from search.space.nodes import text_of

COUNTED = (State.FINISHED, State.STOPPED)
"""How a trial ended whose value enters a mean."""


@dataclass(frozen=True)
class Standing:
    """One setting as it stands.

    Attributes:
        configuration: its number.
        parameters: axis -> value.
        mean: of the study's value over the seeds that are done; None where none is.
        done: seeds that finished or were stopped by their rule.
        ended: seeds that ended otherwise -> how many, by state.
        newest: epoch and value of the trial in progress that is furthest, or None.
        difference: mean minus that of the baseline, over the seeds both have done; None without.
        common: these seeds.
        baseline: whether others are compared with it.
        keys: seed and last epoch key of its trials, of those that have trained: settings with equal ones are one and
            the same training so far.
    """

    configuration: int
    parameters: Mapping[str, Any]
    mean: float | None
    done: int
    ended: Mapping[State, int]
    newest: tuple[int, float] | None
    difference: float | None = None
    common: int = 0
    baseline: bool = False
    keys: frozenset[tuple[int, str]] = frozenset()


@dataclass
class _Setting:
    parameters: Mapping[str, Any]
    values: dict[int, float] = field(default_factory=dict)  # seed -> value of a trial that is done
    ends: dict[int, State] = field(default_factory=dict)  # seed -> how its trial ended
    newest: dict[int, tuple[int, float]] = field(default_factory=dict)  # seed -> epoch and value, while it is trained
    keys: dict[int, str] = field(default_factory=dict)  # seed -> epoch key that its trial has come to


class Standings:
    """All settings of a study.

    Args:
        space: its objective, the value its tables read, and its baseline.
    """

    def __init__(self, space: Space) -> None:
        self.space, self._seeds = space, frozenset(space.seeds)
        self._better = max if space.search.objective.maximize else min
        self._settings: dict[int, _Setting] = {}
        self._whole: Counter[int] = Counter()  # seed -> settings whose trial ended
        self.best: tuple[float, int] | None = None
        """Mean and number of the best setting whose every seed finished, or was stopped by its rule."""

    def add(self, trial: Trial) -> None:
        """A setting has this trial; one under a seed that the file no longer names is not looked at."""
        if trial.seed not in self._seeds:
            return
        self._settings.setdefault(trial.configuration, _Setting(trial.parameters))

    def goes_on(self, trial: Trial, epoch: int, value: float, key: str = "") -> None:
        """A trial has brought this objective in this epoch, which has this key, and goes on."""
        if trial.seed not in self._seeds:
            return
        setting = self._settings[trial.configuration]
        setting.newest[trial.seed] = epoch, value
        if key:
            setting.keys[trial.seed] = key

    def ends(self, trial: Trial, state: State, curve: Sequence[float], key: str = "") -> None:
        """A trial ended so, with this objective in each epoch; the last one is enough where tables read that. Its last
        epoch has this key, "" where it has none."""
        if trial.seed not in self._seeds:
            return
        setting = self._settings[trial.configuration]
        if key:
            setting.keys[trial.seed] = key
        setting.newest.pop(trial.seed, None)
        self._whole[trial.seed] += trial.seed not in setting.ends
        setting.ends[trial.seed] = state
        finite = [value for value in curve if math.isfinite(value)]
        if state in COUNTED and finite:
            setting.values[trial.seed] = self._better(finite) if self.space.report.value == "best" else finite[-1]
            if len(setting.values) == len(self._seeds):
                value = mean(list(setting.values.values()))
                if self.best is None or self._better(value, self.best[0]) != self.best[0]:
                    self.best = value, trial.configuration

    def __len__(self) -> int:
        """Settings that have a trial."""
        return len(self._settings)

    @property
    def whole_seeds(self) -> int:
        """Seeds under which every setting has ended; 0 while not every setting is known."""
        settings, space = len(self._settings), self.space
        if not settings or settings < (space.search.trials or space.grid_size()):
            return 0
        return sum(count >= settings for count in self._whole.copy().values())

    def now(self) -> list[Standing]:
        """Return all settings as they stand, by number."""
        settings = {number: self._settings[number] for number in sorted(self._settings.copy())}
        baselines = {}
        if self.space.report.has_baseline:
            baselines = {
                self._others(setting.parameters): number
                for number, setting in settings.items()
                if self._is_baseline(setting.parameters)
            }
        return [self._standing(number, setting, settings, baselines) for number, setting in settings.items()]

    def _standing(
        self, number: int, setting: _Setting, settings: Mapping[int, _Setting], baselines: Mapping[str, int]
    ) -> Standing:
        values, newest = setting.values.copy(), list(setting.newest.copy().values())
        ended = Counter(state for state in setting.ends.copy().values() if state not in COUNTED)
        baseline = baselines.get(self._others(setting.parameters)) if baselines else None
        difference, common = None, 0
        if baseline is not None and baseline != number:
            beside = settings[baseline].values.copy()
            gains = [value - beside[seed] for seed, value in values.items() if seed in beside]
            difference, common = mean(gains) if gains else None, len(gains)
        return Standing(
            number,
            setting.parameters,
            mean(list(values.values())) if values else None,
            len(values),
            ended,
            max(newest, default=None),
            difference,
            common,
            baseline == number,
            frozenset(setting.keys.copy().items()),
        )

    @staticmethod
    def apart(standings: Sequence[Standing]) -> dict[int, list[Standing]]:
        """Return settings by the number of the first one that is the same training as they are so far."""
        firsts: dict[frozenset[tuple[int, str]], int] = {}
        groups: dict[int, list[Standing]] = {}
        for standing in standings:
            number = standing.configuration
            first = firsts.setdefault(standing.keys, number) if standing.keys and not standing.baseline else number
            groups.setdefault(first, []).append(standing)
        return groups

    def ranked(self, standings: Sequence[Standing]) -> list[Standing]:
        """Return settings best first: by their means, then by the newest values of those that have none."""
        sign = -1 if self.space.search.objective.maximize else 1

        def cost(standing: Standing) -> tuple[bool, float, int]:
            value = standing.mean
            if value is None:
                value = standing.newest[1] if standing.newest is not None else math.nan
            return standing.mean is None, sign * value if math.isfinite(value) else math.inf, standing.configuration

        return sorted(standings, key=cost)

    def _is_baseline(self, parameters: Mapping[str, object]) -> bool:
        return self.space.report.is_baseline(parameters)

    def _others(self, parameters: Mapping[str, object]) -> str:
        """Return the values of all other axes as text: a setting is compared with the baseline that shares them."""
        rows = self.space.report.row_axes
        return "\n".join(f"{name}={text_of(value)}" for name, value in parameters.items() if name not in rows)
