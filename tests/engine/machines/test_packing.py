"""How many leases share a GPU: the decision, and what it promises whatever was measured."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from search.engine.machines.gauge import MEASURED_EPOCHS_PER_WORKER
from search.engine.machines.packing import (
    GPU_MEMORY_RESERVE_FRACTION,
    MAX_LEASES_PER_GPU,
    MIN_SPEEDUP,
    MIN_TRAINING_LEFT_S,
    SharingChoice,
    fraction,
    gain,
    leases_per_gpu,
)
from search.engine.worker.usage import Usage, usage_of

USUAL: dict[str, Any] = {
    "memory": 0.1,
    "busy": None,
    "fits": 32,
    "gpus": 2,
    "trials": 100,
    "epochs": 10_000,
    "seconds": 1.0,
}
"""Room for eight at once on each of two GPUs."""


@pytest.mark.parametrize(
    ("change", "number", "why"),
    [
        ({}, 8, "one trial takes 10 % of a GPU's memory, and 20 % stay free"),
        ({"memory": 0.01}, 8, "more than 8 are never tried"),
        ({"memory": 0.27}, 2, "one trial takes 27 % of a GPU's memory, and 20 % stay free"),
        ({"memory": 0.4}, 2, "one trial takes 40 % of a GPU's memory, and 20 % stay free"),
        ({"memory": 0.41}, 1, "one trial takes 41 % of a GPU's memory, and 20 % stay free"),
        ({"memory": 1.0}, 1, "one trial takes 100 % of a GPU's memory, and 20 % stay free"),
        ({"fits": 7}, 3, "there are CPU cores for no more"),
        ({"fits": 3}, 1, "there are CPU cores for no more"),
        ({"trials": 7}, 4, "there are no more trials"),
        ({"trials": 2}, 1, "there are no more trials"),
        ({"busy": 0.3}, 4, "one trial keeps a GPU busy 30 % of the time"),
        ({"busy": 0.9}, 2, "one trial keeps a GPU busy 90 % of the time"),
        ({"busy": 1.0}, 1, "one trial keeps a GPU busy 100 % of the time"),
        ({"busy": 0.0}, 8, "one trial takes 10 % of a GPU's memory, and 20 % stay free"),
        ({"epochs": 119}, 1, "the 60 s of training that are left on each would not repay a change"),
        ({"epochs": 120}, 8, "one trial takes 10 % of a GPU's memory, and 20 % stay free"),
        ({"memory": 0.3, "epochs": 40}, 1, "the 20 s of training that are left on each would not repay a change"),
    ],
)
def test_choices(change: dict[str, Any], number: int, why: str) -> None:
    assert leases_per_gpu(**{**USUAL, **change}) == SharingChoice(number, why)


measured = st.fixed_dictionaries(
    {
        "memory": st.floats(0, 1, exclude_min=True),
        "busy": st.none() | st.floats(0, 1),
        "fits": st.integers(1, 256),
        "gpus": st.integers(1, 16),
        "trials": st.integers(0, 10_000),
        "epochs": st.integers(0, 1_000_000),
        "seconds": st.floats(0, 1e5),
    }
)


@given(measured)
@example({**USUAL, "memory": 5e-324})
@example({**USUAL, "busy": 5e-324})
def test_nothing_is_overrun(now: dict[str, Any]) -> None:
    number = leases_per_gpu(**now).number
    assert 1 <= number <= MAX_LEASES_PER_GPU
    if number > 1:
        assert number * now["memory"] <= 1 - GPU_MEMORY_RESERVE_FRACTION + 1e-6
        assert number * now["gpus"] <= now["fits"]
        assert (number - 1) * now["gpus"] < now["trials"]
        assert now["epochs"] * now["seconds"] / now["gpus"] >= MIN_TRAINING_LEFT_S
        assert not now["busy"] or (number - 1) * now["busy"] < 1


@given(measured, st.sampled_from(["memory", "busy"]), st.floats(0, 1))
def test_who_takes_more_shares_with_no_more(now: dict[str, Any], name: str, more: float) -> None:
    assume(now[name] is not None)
    heavier = {**now, name: now[name] + (1 - now[name]) * more}
    assert leases_per_gpu(**heavier).number <= leases_per_gpu(**now).number


@given(measured, st.sampled_from(["fits", "trials", "epochs"]), st.integers(0, 1000))
def test_where_there_is_more_room_or_work_no_fewer_share(now: dict[str, Any], name: str, more: int) -> None:
    assert leases_per_gpu(**{**now, name: now[name] + more}).number >= leases_per_gpu(**now).number


def test_the_page_says_these_numbers() -> None:
    page = " ".join((Path(__file__).parents[3] / "docs" / "explanation" / "gpu.md").read_text().split())
    assert f"as many as fit into {100 * (1 - GPU_MEMORY_RESERVE_FRACTION):.0f} % of the memory" in page
    assert f"So {100 * GPU_MEMORY_RESERVE_FRACTION:.0f} % of the memory stay free." in page
    assert f"more than {100 * (1 - GPU_MEMORY_RESERVE_FRACTION / 2):.0f} % of the memory are taken" in page
    assert (
        f"at most {MAX_LEASES_PER_GPU}. Where fewer than {MIN_TRAINING_LEFT_S:.0f} seconds of training are left" in page
    )
    assert f"at least {MIN_SPEEDUP} times the epochs per second" in page
    assert MEASURED_EPOCHS_PER_WORKER == 2
    assert (
        page.count("epochs per worker") == page.count("two epochs per worker") + page.count("two more epochs per") == 2
    )


# Whether it paid -----------------------------------------------------------------------------------------------

seconds = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=5)


def test_a_trial_is_compared_with_itself() -> None:
    """The dear one was seen in both ways; that a cheap one came to be beside it is no gain."""
    assert gain({0: [10, 10, 10]}, {0: [20, 20], 1: [0.1, 0.1, 0.1]}, 2) == 1.0
    assert gain({0: [10, 10, 10], 5: [1]}, {0: [12.5, 12.5], 1: [99]}, 2) == 1.6


def test_all_with_all_where_no_trial_was_seen_in_both_ways() -> None:
    assert gain({0: [2], 1: [2, 2]}, {2: [3, 3], 3: [3]}, 3) == 2.0


def test_epochs_too_short_for_the_clock() -> None:
    assert math.isfinite(gain({0: [0.0]}, {0: [0.0]}, 2))


@pytest.mark.slow
@given(seconds, st.integers(2, MAX_LEASES_PER_GPU))
def test_who_only_takes_turns_has_gained_nothing(alone: list[float], number: int) -> None:
    taken = gain({0: alone}, {0: [number * each for each in alone]}, number)
    assert taken == pytest.approx(1.0)
    assert taken < MIN_SPEEDUP


@given(seconds, st.integers(2, MAX_LEASES_PER_GPU))
def test_who_does_not_notice_the_others_has_gained_all(alone: list[float], number: int) -> None:
    assert gain({0: alone}, {0: alone}, number) == pytest.approx(number)


# A fraction of a GPU -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, MAX_LEASES_PER_GPU + 1))
@pytest.mark.parametrize("gpus", [1, 2, 3, 8, 16])
def test_fractions_fit_as_ray_counts(number: int, gpus: int) -> None:
    ten_thousandths = round(fraction(number) * 10_000)
    assert fraction(number) * 10_000 == pytest.approx(ten_thousandths, abs=1e-9), "Ray keeps four digits"
    assert number * ten_thousandths <= 10_000 < (number + 1) * ten_thousandths
    assert math.floor(gpus / fraction(number) + 1e-9) == gpus * number, "what `share_of` makes of it"


# What a run may say --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (None, None),
        ({"memory": 0.25}, Usage(0.25)),
        ({"memory": 1}, Usage(1.0)),
        ({"memory": 0.25, "busy": 0.5, "refused": 2.0}, Usage(0.25, 0.5, 2)),
    ],
)
def test_answers(answer: Any, usage: Usage | None) -> None:
    assert usage_of(answer) == usage


@pytest.mark.parametrize(
    "answer",
    [
        *({}, {"busy": 0.5}, 0.5, "much"),
        *({"memory": memory} for memory in (0.0, 25, -0.1, "much", math.nan)),
        {"memory": 0.5, "busy": 50},
    ],
)
def test_answers_that_are_none(answer: Any) -> None:
    with pytest.raises(TypeError) as refused:
        usage_of(answer)
    assert str(refused.value) == (
        f"usage() returned {answer!r}; it must return None, or a mapping with memory, a fraction above 0"
    )
