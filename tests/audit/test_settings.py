"""Which published rows are one run: by settings and schedules alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from classifier.workload import workload
from search.audit.settings import AuditedRow, one_curve, pairs, rows
from search.space.reader import space_from_mapping

STEP = {"decay.name": "step", "decay.start": 4, "decay.every": 2, "decay.factor": 0.1}


def found(options: dict[str, Any], epochs: int = 6, report: Mapping[str, Any] = {}, **space: Any) -> list[AuditedRow]:
    report = {"rows": "case", "published": {"values": dict.fromkeys(options, "50.00")}, **report}
    mapping = {"workload": "classifier", "fixed": {"epochs": epochs}, "space": {"case": {"grid": options}, **space}}
    return rows(space_from_mapping({**mapping, "report": report}), workload)


def names(chosen: list[tuple[AuditedRow, AuditedRow]]) -> list[tuple[str, str]]:
    return [(one.name, other.name) for one, other in chosen]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {"loss.gamma": 0}, True),
        ({}, {"loss.name": "cross_entropy"}, True),
        ({}, {"decay.name": "step", "decay.start": 6}, True),  # the rate falls behind the last epoch
        ({}, STEP, False),
        ({}, {"loss.gamma": 1}, False),
        ({}, {"stop.rule": "patience", "stop.patience": 3}, False),
        ({}, {"data.limit": [100, 50, 50]}, False),
    ],
)
def test_what_is_one_run(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert names(pairs(found({"one": one, "other": other}))) == ([("one", "other")] if same else [])


@pytest.mark.parametrize(("epochs", "same"), [(4, True), (5, False)])
def test_across_files_of_another_length(epochs: int, same: bool) -> None:
    long, short = found({"long": STEP}, epochs=6), found({"short": {}}, epochs=epochs)
    assert names(pairs([*long, *short])) == ([("long", "short")] if same else [])
    assert names(pairs([*short, *long])) == ([("short", "long")] if same else [])
    assert (long[0].shares(short[0]), long[0].epochs, short[0].epochs) == (4, 6, epochs)


def test_rows_that_differ_in_where_they_stop_are_one_curve() -> None:
    stop = {"stop.rule": "generalisation_loss"}
    groups = one_curve(
        found(
            {
                "all": {},
                "strict": {**stop, "stop.alpha": 1},
                "loose": {**stop, "stop.alpha": 3},
                "else": {**stop, "loss.gamma": 1},
                "again": {"loss.gamma": 2},
                "twice": {"loss.gamma": 2, "loss.name": "focal"},
            }
        )
    )
    assert [[row.name for row in group] for group in groups] == [["all", "strict", "loose"]]


def test_a_row_of_several_configurations_is_left_out() -> None:
    assert found({"one": {}, "other": {"loss.gamma": 1}}, batch_size={"grid": [16, 32]}) == []


def test_only_published_rows_of_listed_values_are_told() -> None:
    options = {"one": {}, "other": {"loss.gamma": 1}}
    assert [row.name for row in found(options, report={"published": {"values": {"other": "1"}}})] == ["other"]
    assert found(options, report={"published": {"n": 5}}) == []
    prior = {
        "workload": "classifier",
        "fixed": {"epochs": 2},
        "space": {"loss.gamma": {"float": {"low": 0, "high": 1}}},
    }
    assert (
        rows(space_from_mapping({**prior, "search": {"trials": 3}, "report": {"published": {"n": 5}}}), workload) == []
    )
