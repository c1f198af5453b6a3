"""What deciding costs: a search of every rule comes to its end, and is counted by trial."""

from __future__ import annotations

import pytest

from benchmarks.deciding import RULES, Spent, measure


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_search_comes_to_its_end_under_each_rule(rule: str) -> None:
    first, again = measure(rule, 12)
    assert first.rest > again.rest > 0


def test_milliseconds_are_by_trial() -> None:
    assert Spent(2.0, 3.0).per_trial(500) == Spent(4.0, 6.0)
