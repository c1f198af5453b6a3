"""McNemar's range, against every overlap counted out in whole numbers."""

from __future__ import annotations

import itertools
from math import comb

import pytest

from search.audit.differences import overlap
from search.statistics.single import mcnemar


def exact(b: int, c: int) -> float:
    return min(1.0, 2 * sum(comb(b + c, i) for i in range(min(b, c) + 1)) / 2 ** (b + c))


def every_overlap(one: int, other: int, n: int) -> list[float]:
    return [exact(one - a, other - a) for a in range(max(0, one + other - n), min(one, other) + 1)]


def test_the_exact_p() -> None:
    for b, c in itertools.product(range(25), repeat=2):
        assert mcnemar(b, c) == pytest.approx(exact(b, c), rel=1e-12)
    assert mcnemar(9, 5) == pytest.approx(0.423950, abs=1e-6)


def test_the_range_is_that_of_all_overlaps() -> None:
    for n in (1, 2, 9, 20):
        for one, other in itertools.product(range(n + 1), repeat=2):
            span = overlap(range(one, one + 1), range(other, other + 1), n)
            every = every_overlap(one, other, n)
            assert (span.smallest, span.largest) == pytest.approx((min(every), max(every)), rel=1e-12)
            assert list(span.apart) == [abs(one - other)]


@pytest.mark.slow
def test_the_range_of_figures_that_stand_for_several_counts() -> None:
    n = 8
    spans = [range(low, high + 1) for low in range(n + 1) for high in range(low, min(low + 4, n + 1))]
    for one, other in itertools.product(spans, repeat=2):
        span = overlap(one, other, n)
        every = [p for k in one for j in other for p in every_overlap(k, j, n)]
        assert (span.smallest, span.largest) == pytest.approx((min(every), max(every)), rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other", "smallest", "largest", "inseparable", "separate"),
    [
        (83, 74, 0.0039, 0.46, False, False),
        (116, 81, 5.8e-11, 8.2e-5, False, True),
        (75, 74, 1, 1, True, False),
        (79, 74, 0.0625, 0.716, True, False),
        (80, 74, 0.03125, 0.648, False, False),
    ],
)
def test_the_differences_of_report_a(one, other, smallest, largest, inseparable, separate) -> None:
    span = overlap(range(one, one + 1), range(other, other + 1), 137)
    assert (span.smallest, span.largest) == pytest.approx((smallest, largest), rel=0.02)
    assert (span.inseparable, span.separate) == (inseparable, separate)


def test_large_tables_take_no_time() -> None:
    span = overlap(range(600_000, 600_010), range(599_000, 599_010), 1_000_000)
    assert 0 <= span.smallest < span.largest < 1
