"""The metric that a stop rule reads, of a workload that measures no loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.core.errors import Faults
from search.space.reader import space_from_mapping

WORKLOAD = "tests.space.fake:Scores"


def space_of(stop: dict[str, Any]) -> Any:
    objective = {"metric": "val_f1", "direction": "maximize"}
    fixed = {"epochs": 10, "batch_size": 16, **stop}
    return space_from_mapping({"workload": WORKLOAD, "fixed": fixed, "search": {"objective": objective}})


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (
            {"stop.rule": "generalisation_loss"},
            "'generalisation_loss' reads val_loss, which the workload does not measure; choose patience, with "
            "stop.metric",
        ),
        (
            {"stop.rule": "patience"},
            "'patience' reads val_loss, which the workload does not measure; name another in stop.metric; known: "
            "train_f1, val_f1",
        ),
    ],
)
def test_a_loss_that_no_row_has(stop: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(Faults) as caught:
        space_of(stop)
    assert str(caught.value) == f"<python>: fixed.stop.rule: {said}"


def test_a_time_ends_no_trial() -> None:
    stop = {"stop.rule": "patience", "stop.metric": "seconds_per_image"}
    with pytest.raises(Faults) as caught:
        space_of(stop)
    assert str(caught.value) == (
        "<python>: fixed.stop.metric: found 'seconds_per_image', a time, which is another number in every run, and "
        "would end it elsewhere; name another metric"
    )


def test_any_validation_metric_will_do() -> None:
    stop = {"stop.rule": "patience", "stop.metric": "val_f1", "stop.direction": "maximize", "stop.min_delta": 0.01}
    assert {name: value for name, value in space_of(stop).fixed.items() if name.startswith("stop")} == stop
