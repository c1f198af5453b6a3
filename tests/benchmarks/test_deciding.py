"""What deciding costs: every rule ends, and a trial of a large search takes no longer than of a small one."""

from __future__ import annotations

import pytest

from benchmarks.deciding import RULES, Spent, measure

SMALL, LARGE = 300, 1_500


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_search_comes_to_its_end_under_each_rule(rule: str) -> None:
    first, again = measure(rule, 12)
    assert first.rest > again.rest > 0


def test_milliseconds_are_by_trial() -> None:
    assert Spent(2.0, 3.0).per_trial(500) == Spent(4.0, 6.0)


@pytest.mark.stress
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "tpe"])
def test_a_trial_of_a_search_five_times_as_large_takes_no_longer(rule: str) -> None:
    (small, _), (large, again) = measure(rule, SMALL), measure(rule, LARGE)
    print(f"{rule:10} {small.rest:6.2f} and {large.rest:6.2f} ms, again {again.rest:6.2f}")
    assert large.rest < 1.5 * small.rest
