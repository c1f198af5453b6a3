"""Which seeds are added next, and when enough is known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.judge.blocks import Answer, answer, first_seeds, looks_left, looks_planned, settled


@pytest.mark.parametrize(
    ("stated", "most", "planned"),
    [
        (None, None, (3, 5, 7, 10)),
        (4, None, (3, 5, 7, 10)),
        ((4, 8), None, (4, 8)),
        ((4, 8), 20, (4, 8)),
        (None, 7, (3, 5, 7)),
        (None, 6, (3, 5, 6)),
        (None, 3, (3,)),
        ((4, 8), 3, (3,)),
    ],
)
def test_looks_are_those_of_the_file_cut_at_what_is_paid_for(
    stated: int | tuple[int, ...] | None, most: int | None, planned: tuple[int, ...]
) -> None:
    assert looks_planned(stated, most) == planned


@given(st.lists(st.integers(0, 20), unique=True, max_size=8), st.integers(1, 15))
def test_seeds_of_the_file_come_first_and_each_block_keeps_those_before(listed: list[int], number: int) -> None:
    seeds = first_seeds(listed, number)
    assert len(set(seeds)) == number
    assert seeds[: len(listed)] == listed[:number]
    assert first_seeds(listed, number + 3)[:number] == seeds


def test_a_look_that_was_interrupted_is_taken_again() -> None:
    assert looks_left((3, 5, 7), 0) == [3, 5, 7]
    assert looks_left((3, 5, 7), 3) == [3, 5, 7]
    assert looks_left((3, 5, 7), 4) == [5, 7]
    assert looks_left((3, 5, 7), 8) == []


@pytest.mark.parametrize(
    ("kinds", "result", "enough"),
    [
        (["supported"], Answer.SUPPORTED, True),
        (["supported", "contradicted"], Answer.CONTRADICTED, True),
        (["undecided", "contradicted"], Answer.CONTRADICTED, False),
        (["undecided", "supported"], Answer.UNDECIDED, False),
    ],
)
def test_a_contradicted_claim_outweighs_an_open_one(kinds: list[str], result: Answer, enough: bool) -> None:
    claims = [SimpleNamespace(kind=kind) for kind in kinds]
    assert (answer(claims), settled(claims)) == (result, enough)
    assert int(result) == {"SUPPORTED": 0, "CONTRADICTED": 4, "UNDECIDED": 5}[result.name]
