"""Holm's adjustment, by hand, and what may be bold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.statistics.families import family, holm, holm_once, level_of
from search.statistics.results import Difference, Trust


def test_by_hand() -> None:
    # 4 x .01 = .04; 3 x .02 = .06; 2 x .03 = .06; 1 x .04 = .04, raised to .06
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    # Holm (1979): ties and a value above 1
    assert holm([0.5, 0.5, 0.9]) == pytest.approx([1.0, 1.0, 1.0])
    # 3 x .005 = .015; 2 x .03 = .06; .04 raised to .06
    assert holm([0.03, 0.005, 0.04]) == pytest.approx([0.06, 0.015, 0.06])
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_what_has_no_p_is_not_counted() -> None:
    assert holm([None, 0.04, None]) == [None, 0.04, None]
    assert holm([]) == []
    assert holm([None]) == [None]


@given(st.lists(st.none() | st.floats(0, 1), max_size=12), st.randoms())
def test_properties(values: list[float | None], random: object) -> None:
    adjusted = holm(values)
    known = [(p, q) for p, q in zip(values, adjusted, strict=True) if p is not None]
    assert all(q is not None and p <= q <= min(1.0, len(known) * p) for p, q in known)
    known.sort()
    assert [q for _, q in known] == sorted(q for _, q in known if q is not None)
    places = list(range(len(values)))
    random.shuffle(places)  # type: ignore[attr-defined]
    assert holm([values[place] for place in places]) == [adjusted[place] for place in places]


def estimated(p: float, estimate: float = 0.1, seeds: int = 3) -> Difference:
    return Difference(Trust.ESTIMATED, estimate, estimate - 0.1, estimate + 0.1, p, 0.01, 4.0, seeds, 137)


def test_bold_needs_p_sign_and_three_seeds() -> None:
    same = Difference(Trust.SAME_RUN, 0.0, seeds=3, images=137)
    once = Difference(Trust.ONE_RUN, 0.2, 0.1, 0.3, 0.001, seeds=1, images=137)
    found = [None, estimated(0.001), estimated(0.001, -0.1), estimated(0.001, seeds=2), estimated(0.04), same, once]
    result = family(found)
    assert result.comparisons == 5
    assert result.adjusted == pytest.approx((None, 0.005, 0.005, 0.005, 0.04, None, 0.005))
    assert result.clear(found, 1) == (False, True, False, False, True, False, False)
    assert result.sentence == "p values adjusted by Holm over 5 comparisons"


def test_an_adjusted_p_above_the_level_is_not_bold() -> None:
    found = [estimated(0.03), estimated(0.5)]
    assert family(found).clear(found, 1) == (False, False)
    assert family(found[:1]).clear(found[:1], 1) == (True,)


def test_looks() -> None:
    found = [estimated(0.02)]
    planned, grown = family(found, level_of(5, 3, 7)), family(found, level_of(2, 5, 7))
    assert planned.clear(found, 1) == (False,)
    assert planned.sentence == "p values adjusted by Holm over 1 comparison; 5 looks were planned, each at 0.01"
    assert grown.clear(found, 1) == (True,)
    assert grown.sentence.endswith("5 looks; seeds added after a look: p values are too small")


def test_looks_at_planned_seeds_have_levels_of_their_own_and_others_decide_nothing() -> None:
    found = [estimated(0.0043), estimated(0.0044), estimated(0.0)]
    at_five = family(found, level_of((3, 5, 7, 10), 1, 5), alike=["a", "a", "b"])
    assert at_five.level.equal_alpha == pytest.approx(0.014588 / 2, abs=1e-6)
    assert (at_five.level.last_alpha, at_five.level.decides) == (pytest.approx(0.043712, abs=1e-6), True)
    assert family(found[:1], at_five.level).clear(found[:1], 1) == (True,)
    assert family(found[1:2], at_five.level).clear(found[1:2], 1) == (False,)
    between = level_of((3, 5, 7, 10), 2, 4)
    assert family(found, between).clear(found, 1) == (False, False, False), "not even a p value of 0"
    assert between.told == "looks were planned at 3, 5, 7, 10 seeds; this one, at 4, decides nothing"


def test_comparisons_of_the_same_rows_count_once() -> None:
    """What has three names is one comparison; rows that are compared with equal ones are none."""
    found = [None, estimated(0.02), estimated(0.02), estimated(0.02), estimated(0.5), estimated(1.0, 0.0)]
    once = family(found, alike=[0, "a", "a", "a", "b", None])
    assert (once.comparisons, once.repeated) == (2, 3)
    assert once.adjusted == pytest.approx((None, 0.04, 0.04, 0.04, 0.5, 1.0))
    assert once.clear(found, 1) == (False, True, True, True, False, False)
    assert once.sentence == "p values adjusted by Holm over 2 comparisons (comparisons of equal rows count once)"
    assert family(found).adjusted == pytest.approx((None, 0.1, 0.1, 0.1, 1.0, 1.0))
    assert holm_once([None, 0.01, None], ["a", None, "a"]) == ([None, 0.01, None], 0)


def test_worse_goes_by_the_same_rule_as_better() -> None:
    found = [None, estimated(0.001), estimated(0.001, -0.1), estimated(0.001, -0.1, seeds=2), estimated(0.04, -0.1)]
    assert family(found).clear(found, -1) == (False, False, True, False, True)
    assert family(found, level_of(2, 1, 3)).clear(found, -1) == (False, False, True, False, False)
