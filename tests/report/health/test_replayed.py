"""A stop rule replayed on a recorded run ends it where the driver would have."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from search.core.trial import Row, State, Trial
from search.ledger.ledger import Recorded
from search.report.health.stopped import replayed
from search.report.record.curves import Curve, best_epoch
from search.space.model import Objective
from search.study.fold import Fold
from search.study.leaf import Leaf

OBJECTIVE = Objective("val_accuracy", "maximize")
VALUES = st.floats(0.01, 2.0)
RULES = st.one_of(
    st.fixed_dictionaries({"stop.rule": st.just("generalisation_loss"), "stop.alpha": st.floats(0.1, 20.0)}),
    st.fixed_dictionaries(
        {
            "stop.rule": st.just("patience"),
            "stop.patience": st.integers(1, 4),
            "stop.metric": st.sampled_from(["val_loss", "val_accuracy"]),
            "stop.direction": st.sampled_from(["minimize", "maximize"]),
            "stop.min_delta": st.sampled_from([0.0, 0.1]),
        }
    ),
)


def run_of(curve: list[tuple[float, float]], settings: dict[str, Any]) -> tuple[Curve, Fold]:
    """Return a run of these losses and accuracies, and the driver's fold of it under a stop rule."""
    keys = [f"{epoch:040x}" for epoch in range(len(curve))]
    rows = [Row({"val_loss": loss, "val_accuracy": accuracy}) for loss, accuracy in curve]
    recorded = {epoch: Recorded(row, epoch, 1.0, 1) for epoch, row in enumerate(rows, start=1)}
    whole = Trial(0, 0, 0, {}, {}, len(curve), State.FINISHED, "last epoch", len(curve))
    trial = Trial(0, 0, 0, {}, settings, len(curve))
    fold = Fold(Leaf(trial, {}, [{}] * len(curve), keys, "data"), OBJECTIVE)
    return Curve(whole, keys, "data", recorded, frozenset(), best_epoch(recorded, OBJECTIVE)), fold


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12), RULES, st.sampled_from(["last", "best"]))
def test_it_ends_where_the_driver_ends_it(curve, settings, value):
    run, fold = run_of(curve, settings)
    end = None
    while end is None:
        end = fold.feed(run.rows[fold.epoch + 1].row)
    cut = replayed(run, settings, OBJECTIVE.metric, True, value)
    if end[0] is State.FINISHED or fold.epoch == len(curve):
        assert cut is None
        return
    assert end[0] is State.STOPPED
    assert cut is not None
    assert cut.epoch == fold.epoch
    accuracies = [accuracy for _, accuracy in curve[: fold.epoch]]
    assert cut.value == (max(accuracies) if value == "best" else accuracies[-1])
    assert math.isfinite(cut.value)
