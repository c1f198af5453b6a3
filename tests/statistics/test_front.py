"""The front of settings under several objectives, against brute force."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from search.statistics.front import Order, Place, front, undecided, undominated

FIGURES = st.integers(0, 3).map(float)


def dominates(one: list[float], other: list[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(FIGURES, min_size=n, max_size=n), max_size=8)), st.data())
def test_by_values_those_remain_that_no_other_one_dominates(rows: list[list[float]], data: st.DataObject) -> None:
    objectives = len(rows[0]) if rows else 1
    maximize = data.draw(st.lists(st.booleans(), min_size=objectives, max_size=objectives))
    signed = [[a if up else -a for a, up in zip(row, maximize, strict=True)] for row in rows]
    wanted = [a for a, row in enumerate(signed) if not any(dominates(other, row) for other in signed)]
    assert undominated(rows, maximize) == wanted


@given(st.integers(0, 2).flatmap(lambda n: st.lists(st.lists(FIGURES, min_size=n, max_size=n), max_size=6)), st.data())
def test_costs_alone_say_what_the_whole_comparison_says_while_the_noise_is_open(
    costs: list[list[float]], data: st.DataObject
) -> None:
    objectives = len(costs[0]) if costs else 0
    maximize = data.draw(st.lists(st.booleans(), min_size=objectives, max_size=objectives))
    noisy: Order = [[0 if a == b else None for b in range(len(costs))] for a in range(len(costs))]
    known: list[Order] = [noisy]
    for column, up in zip(zip(*costs, strict=True), maximize, strict=True):
        sign = 1 if up else -1
        known.append([[sign * ((a > b) - (a < b)) for b in column] for a in column])
    if costs:
        assert undecided(costs, maximize) == front(known)


def test_a_search_of_ten_thousand_settings_is_placed() -> None:
    rows = [[float(n % 97), float(n % 89)] for n in range(10_000)]
    assert [rows[one] for one in undominated(rows, [True, True])] == [[96.0, 88.0]]
    assert {placed.place for placed in undecided([row[:1] for row in rows], [False])} == {Place.OPEN}


@st.composite
def orders(draw: st.DrawFn) -> list[list[list[int | None]]]:
    """Comparisons of three settings by two objectives, some of them open."""
    found: list[list[list[int | None]]] = []
    for _ in range(2):
        order: list[list[int | None]] = [[0] * 3 for _ in range(3)]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            one = draw(st.sampled_from([-1, 0, 1, None]))
            order[a][b], order[b][a] = one, None if one is None else -one
        found.append(order)
    return found


def completions(known: list[list[list[int | None]]]) -> list[list[list[list[int]]]]:
    """Every way in which the open comparisons may come out."""
    open_ones = [(i, a, b) for i, order in enumerate(known) for a in range(3) for b in range(a) if order[a][b] is None]
    result = []
    for answers in product((-1, 0, 1), repeat=len(open_ones)):
        whole = [[[one or 0 for one in row] for row in order] for order in known]
        for (i, a, b), answer in zip(open_ones, answers, strict=True):
            whole[i][a][b], whole[i][b][a] = answer, -answer
        result.append(whole)
    return result


def is_dominated(whole: list[list[list[int]]], a: int) -> bool:
    over = ([order[b][a] for order in whole] for b in range(3) if b != a)
    return any(min(pair) >= 0 and max(pair) == 1 for pair in over)


@given(orders())
def test_a_place_is_said_only_where_it_is_the_same_however_open_comparisons_come_out(
    known: list[list[list[int | None]]],
) -> None:
    every = completions(known)
    for a, placed in enumerate(front(known)):
        dominated = {is_dominated(whole, a) for whole in every}
        if placed.place is Place.ON:
            assert dominated == {False}
        elif placed.place is Place.OPEN:
            assert False in dominated
            assert not all(is_dominated(whole, a) for whole in every)
        else:
            assert dominated == {True}
            for b in placed.dominated_by:
                assert all(min(order[b][a] for order in whole) >= 0 for whole in every)
        if dominated == {False}:
            assert placed.place is Place.ON


def test_an_open_comparison_leaves_a_cheaper_setting_sure_and_a_dearer_one_open() -> None:
    noisy: Order = [[0, None], [None, 0]]
    cost: Order = [[0, 1], [-1, 0]]
    assert [placed.place for placed in front([noisy, cost])] == [Place.ON, Place.OPEN]
    clear: Order = [[0, 1], [-1, 0]]
    assert front([clear, cost])[1] == (Place.OFF, (0,))
