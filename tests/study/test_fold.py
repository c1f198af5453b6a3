"""How a leaf ends: a fold over its rows, the same wherever these come from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.stopping import stop_rule
from search.core.trial import Row, State, Trial
from search.ledger import codec
from search.space.model import Objective
from search.study.fold import Fold
from search.study.leaf import Leaf

VALUE = st.sampled_from([-0.5, 0.0, 1e-3, 0.5, 0.51, 0.75, 1.0])
ROWS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=12)
RULES = st.sampled_from(
    [
        {},
        {"stop.rule": "generalisation_loss", "stop.alpha": 3.0},
        {"stop.rule": "generalisation_loss", "stop.alpha": None},
        {"stop.rule": "patience", "stop.patience": 2},
        {
            **{"stop.rule": "patience", "stop.patience": 2, "stop.metric": "val_accuracy"},
            **{"stop.direction": "maximize", "stop.min_delta": 0.02},
        },
    ]
)


def fold_of(settings: dict[str, Any], epochs: int, metric: str = "val_accuracy") -> Fold:
    trial = Trial(0, 0, 0, {}, settings, epochs)
    return Fold(Leaf(trial, {}, [{}] * epochs, [f"{epoch:040x}" for epoch in range(epochs)], ""), Objective(metric))


def ended(fold: Fold, rows: list[Row]) -> tuple[int, tuple[State, str] | None]:
    for row in rows:
        if (end := fold.feed(row)) is not None:
            return fold.epoch, end
    return fold.epoch, None


@given(ROWS, RULES)
def test_rows_on_record_end_a_leaf_as_those_of_a_worker_do(values, settings):
    rows = [Row({"val_loss": loss, "val_accuracy": accuracy}) for loss, accuracy in values]
    trained = ended(fold_of(settings, len(rows)), rows)
    recorded = [codec.decode_row(codec.encode_row(row), predictions=False) for row in rows]
    assert ended(fold_of(settings, len(rows)), recorded) == trained
    rule = stop_rule(settings)
    for epoch, row in enumerate(rows, start=1):
        reason = rule.update(row.metrics.get(rule.metric, float("nan")))
        if reason or rule.fault or epoch == len(rows):
            state = State.STOPPED if reason else State.FAILED if rule.fault else State.FINISHED
            assert (trained[0], trained[1][0]) == (epoch, state)
            break


GL = {"stop.rule": "generalisation_loss", "stop.alpha": 2.0}


@pytest.mark.parametrize(("losses", "found"), [([1.0, -0.3], "-0.3 at epoch 2"), ([0.0], "0 at epoch 1")])
def test_generalisation_loss_of_a_loss_that_is_not_positive_is_refused_at_the_first_one(losses, found):
    rows = [Row({"val_loss": loss, "val_accuracy": 0.5}) for loss in [*losses, 5.0, 5.0]]
    epoch, end = ended(fold_of(GL, len(rows)), rows)
    assert epoch == len(losses)
    assert end == (
        State.FAILED,
        f"stop.rule: generalisation_loss needs a val_loss above 0, found {found}; choose stop.rule: patience",
    )


def test_patience_takes_losses_below_zero():
    rows = [Row({"val_loss": loss, "val_accuracy": 0.5}) for loss in (-1.0, -2.0, -1.5, -1.9)]
    settings = {"stop.rule": "patience", "stop.patience": 2}
    assert ended(fold_of(settings, 9), rows) == (4, (State.STOPPED, "no lower loss for 2 epochs"))


@pytest.mark.parametrize(
    ("settings", "read"), [(GL, "val_loss"), ({"stop.rule": "patience", "stop.metric": "val_f1"}, "val_f1")]
)
def test_a_rule_that_reads_what_no_row_has_stops_nothing_without_a_word(settings, read):
    (epoch, end) = ended(fold_of(settings, 3), [Row({"val_accuracy": 0.5, "train_loss": 1.0})])
    assert (epoch, end) == (
        1,
        (
            State.FAILED,
            f"stop.rule: {settings['stop.rule']} reads {read!r}, which the row has not; it has train_loss, "
            "val_accuracy; choose stop.rule: patience, and name one of them in stop.metric",
        ),
    )
