"""What is left of a study is foreseen while it runs, trials that end early and epochs that are shared included."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pytest

from search.core.trial import State, Trial
from search.engine.decide.forecast import Forecast, ToCome
from search.space.model import Objective, Space
from search.study.fold import Fold
from search.study.leaf import Leaf
from tests.engine.clock import Timed
from tests.engine.decide.test_driver import asha, ledger, space_of


@dataclass
class Watched(Timed):
    """A study in time, with what was foreseen on the way."""

    foreseen: list[tuple[float, float]] = field(default_factory=list)  # now, and when all is expected to be trained

    def _hear(self, kind: str, what: Mapping[str, Any]) -> None:
        super()._hear(kind, what)
        if kind == "epoch" and (at := self.driver.progress.ends_at) is not None:
            self.foreseen.append((self.now, at))


def errors(space: Space, workers: int, seed: int = 1) -> list[tuple[float, float]]:
    """For each moment of a study: its share of the time, and the time foreseen to be left over the time there was."""
    with ledger() as opened:
        watched = Watched(space, opened, random.Random(seed), workers)
        configurations = space.search.trials or space.grid_size()
        watched.driver.progress.total = configurations * len(space.seeds)
        watched.run()
        trained_until = max(now for now, _ in watched.foreseen)
        return [
            (now / trained_until, (at - now) / (trained_until - now))
            for now, at in watched.foreseen
            if now < trained_until
        ]


def late(found: list[tuple[float, float]]) -> list[float]:
    """The second half, without the last moments: an epoch more or less is much of what is left there."""
    return [ratio for share, ratio in found if 0.5 <= share <= 0.95]


def test_time_left_of_a_grid_that_shares_is_right() -> None:
    axes = {"a": {"grid": [1, 2]}, "switch": {"grid": [None, 5, 10]}, "turn": {"grid": [None, 12]}}
    space = space_of(axes, 2, {"epochs": 16})
    for workers in (2, 3):
        found = late(errors(space, workers))
        assert len(found) > 50
        assert all(0.7 <= ratio <= 1.3 for ratio in found)


def test_time_left_of_trials_that_a_rule_stops_is_right() -> None:
    axes = {"a": {"grid": list(range(8))}, "stop.alpha": {"grid": [5, 20, None]}}
    found = late(errors(space_of(axes, 2, {"epochs": 20, "stop.rule": "generalisation_loss"}), 2))
    assert all(0.7 <= ratio <= 1.3 for ratio in found)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_time_left_of_a_pruned_search_is_right(workers: int) -> None:
    """What single trials come to is chance: in the middle over studies, and mostly in each of them."""
    ratios = []
    for first in (100, 200, 300):
        space = space_of({"a": {"grid": list(range(first, first + 80))}}, 1, {"epochs": 27}, pruning=asha(3, 3))
        ratios.append(late(errors(space, workers)))
        assert 0.65 <= median(ratios[-1]) <= 1.35
    pooled = sorted(ratio for one in ratios for ratio in one)
    assert 0.7 <= pooled[len(pooled) // 10] < pooled[len(pooled) // 2] <= 1.3
    assert pooled[len(pooled) * 9 // 10] <= 2, "hardly ever twice too long, let alone three times"


def leaf(number: int, path: list[str], **stop: Any) -> Leaf:
    return Leaf(Trial(number, number, 0, {}, stop, len(path)), {}, [], path, "")


def fold(number: int, path: str, epoch: int = 0, **stop: Any) -> Fold:
    """A trial whose keys are letters, of which so many are known."""
    return Fold(leaf(number, list(path), **stop), Objective("val_loss", "minimize"), [0.5] * epoch)


def fed(forecast: Forecast, epochs: int, end: State, **stop: Any) -> None:
    """A trial came so far, and ended so."""
    for epoch in range(1, epochs):
        forecast.fed(fold(0, "x" * 9, epoch, **stop), None)
    forecast.fed(fold(0, "x" * 9, epochs, **stop), end)


SPACE = space_of({"a": {"grid": [1, 2]}}, fixed={"epochs": 4})


def test_epochs_that_are_shared_count_once() -> None:
    assert Forecast(SPACE).to_come([]) == ToCome(0, 0)
    assert Forecast(SPACE).to_come([fold(0, "abcd"), fold(1, "abxy")]).epochs == 6
    assert Forecast(SPACE).to_come([fold(0, "abcd", 2), fold(1, "abxy", 2)]).epochs == 4


def test_trials_to_be_asked_for_share_as_those_that_are_known() -> None:
    folds = [fold(0, "abcd"), fold(1, "abxy")]
    assert Forecast(SPACE).to_come(folds, unknown=2).epochs == pytest.approx(6 + 2 * 4 * 6 / 8)
    assert Forecast(SPACE).to_come([], unknown=2).epochs == 8


def test_trials_are_expected_to_come_as_far_as_those_before() -> None:
    forecast = Forecast(SPACE)
    fed(forecast, 2, State.STOPPED)
    fed(forecast, 4, State.FINISHED)
    assert forecast.to_come([fold(1, "abcd")]).epochs == 1 + 1 + 0.5 + 0.5
    assert forecast.to_come([fold(1, "abcd", 2)]).epochs == 2, "whoever is past the point where others ended goes on"


def test_trials_with_other_stop_rules_say_nothing() -> None:
    forecast = Forecast(SPACE)
    rules = [{"stop.rule": "generalisation_loss", "stop.alpha": alpha} for alpha in (1, None)]
    fed(forecast, 1, State.STOPPED, **rules[0])
    fed(forecast, 4, State.FINISHED, **rules[1])
    assert forecast.to_come([fold(1, "abcd", **rules[0])]).epochs == 1
    assert forecast.to_come([fold(1, "abcd", **rules[1])]).epochs == 4
    both = [fold(1, "abcd", **rules[0]), fold(2, "abcd", **rules[1])]
    assert forecast.to_come(both).epochs == 4, "an epoch is trained for whoever goes on"


def test_before_anything_ended_the_pruner_is_believed() -> None:
    pruned = space_of({"a": {"grid": [1, 2]}}, fixed={"epochs": 4}, pruning=asha(2, 2))
    assert Forecast(pruned).to_come([fold(0, "abcd")]).epochs == 1 + 1 + 0.5 + 0.5
