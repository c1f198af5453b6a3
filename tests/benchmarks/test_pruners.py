"""The table of docs/reference/benchmarks.md on pruners is the one that is simulated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.pruners import LENGTH, RULES, Outcome, lines, searched, simulated
from search.core.promotion import Promotion

PAGE = (Path(__file__).parents[2] / "docs/reference/benchmarks.md").read_text()
ENTRY = re.compile(
    r"^(\w+) +([\d.]+) +(?:([+-][\d.]+) \[([+-][\d.]+), ([+-][\d.]+)\])? +(\d+) +([\d.]+)$", re.MULTILINE
)


@pytest.mark.parametrize(("first", "epochs"), [(0, 300), (5, None)])
def test_a_smaller_simulation_gives_the_same(first: int, epochs: int | None) -> None:
    """Epochs within 15 %; differences to the stopping kind have the sign of the page, where that is far from 0."""
    printed = ENTRY.findall(PAGE)[first : first + 5]
    assert [entry[0] for entry in printed] == list(RULES)
    found = simulated(40, epochs or 81, epochs, list(RULES))
    for name, _, apart, _, _, spent, _ in printed:
        mean = sum(one.epochs for one in found[name]) / 40
        assert mean == pytest.approx(float(spent), rel=0.15)
        if apart and abs(float(apart)) > 2:
            own, other = (sum(one.regret for one in found[rule]) for rule in (name, "asha"))
            assert (own - other) * float(apart) > 0


def test_a_search_without_pruning_finds_the_best_and_pays_for_it() -> None:
    curves = [[0.1] * LENGTH, [0.9] * LENGTH, [0.5] * LENGTH]
    assert searched(None, curves, 2, None) == Outcome(0, 3 * LENGTH, 3)


def test_what_is_promoted_goes_on_where_it_paused_and_counts_once() -> None:
    curves = [[0.1 * level] * LENGTH for level in reversed(range(9))]
    outcome = searched(Promotion(1, 3, LENGTH), curves, 1, None)
    assert outcome == Outcome(0.8, 9 + 3 * 2 + 1 * 6, 9), "three went on to epoch 3, one of them to epoch 9"


def test_a_line_says_regret_and_what_lies_beside_the_stopping_kind() -> None:
    outcomes = {"asha": [Outcome(0.1, 10, 3), Outcome(0.2, 20, 3)], "none": [Outcome(0.0, 30, 3), Outcome(0.1, 30, 3)]}
    assert lines(outcomes)[2].split() == ["none", "5.00", "-10.00", "[-10.00,", "-10.00]", "30", "3.0"]
