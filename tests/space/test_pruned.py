"""Pruning of which is known beforehand that it ends nothing, or brings nothing to its last epoch."""

from __future__ import annotations

from typing import Any

import pytest

from search.space.reader import space_from_mapping

SPACE = {"optimizer.lr": {"float": {"low": 0.01, "high": 0.1}}}


def notes(trials: int, pruning: dict[str, Any], epochs: int = 12, space: dict[str, Any] = SPACE) -> list[str]:
    search = {"sampler": "random", "trials": trials, "pruning": pruning}
    content = {"workload": "classifier", "fixed": {"epochs": epochs}, "space": space, "search": search}
    return [f"{note.key}: {note.message}" for note in space_from_mapping(content).notes]


def promote(grace_period: int = 1, eta: float = 3) -> dict[str, Any]:
    return {"asha": {"grace_period": grace_period, "reduction_factor": eta, "promote": True}}


def test_promotion_that_brings_no_trial_to_its_last_epoch() -> None:
    assert notes(12, promote()) == [
        "search.pruning.asha.promote: no trial comes to its last epoch: of 12 trials at most 4, 1 and 0 go on from "
        "epochs 1, 3 and 9; 27 trials bring one there, and so does a larger grace_period"
    ]
    assert notes(26, promote()) != []
    assert notes(27, promote()) == notes(12, promote(2)) == []
    assert notes(5, promote(eta=6)) == [
        "search.pruning.asha.promote: no trial comes to its last epoch: of 5 trials none goes on from epoch 1; 36 "
        "trials bring one there, and so does a smaller reduction_factor"
    ]


def test_a_trial_that_is_no_longer_than_the_rung_comes_to_its_end() -> None:
    lengths = {**SPACE, "epochs": {"choice": [3, 12]}}
    content = {"sampler": "random", "trials": 12, "pruning": promote()}
    space = {"workload": "classifier", "space": lengths, "search": content}
    assert [note.key for note in space_from_mapping(space).notes] == []


@pytest.mark.parametrize(
    ("trials", "pruning", "note"),
    [
        (
            12,
            {"hyperband": {"grace_period": 5}},
            "search.pruning.hyperband.grace_period: hyperband never acts: its last rung lies at 12 / 3 = 4 epochs, and "
            "the first may at 5",
        ),
        (
            5,
            {"median": {"grace_period": 1}},
            "search.pruning.median: median never acts: it ends none before 5 have finished, and there are 5 trials",
        ),
        (12, {"hyperband": {"grace_period": 4}}, ""),
        (6, {"median": {"grace_period": 1}}, ""),
        (1, {"asha": {"grace_period": 1}}, ""),
    ],
)
def test_pruning_that_ends_nothing(trials: int, pruning: dict[str, Any], note: str) -> None:
    assert notes(trials, pruning) == ([note] if note else [])
