"""What never acts in a run of so many epochs is named, and nothing that acts is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.config import canonical, schedule
from classifier.idle import idle
from classifier.schedule import DECAY_SETTINGS


def told(epochs: int, **decay: Any) -> list[tuple[str, str]]:
    return list(idle(canonical({f"decay.{name}": value for name, value in decay.items()}), epochs))


@pytest.mark.parametrize(
    ("epochs", "decay", "setting", "sentence"),
    [
        (
            10,
            {"name": "exponential"},
            "name",
            "never acts: the rate first changes behind epoch 50 (decay.start), and the last epoch is 10",
        ),
        (
            50,
            {"name": "step"},
            "name",
            "never acts: the rate first changes behind epoch 50 (decay.start), and the last epoch is 50",
        ),
        (
            40,
            {"name": "multistep", "milestones": [40, 70]},
            "name",
            "never acts: the rate first changes behind epoch 40 (decay.milestones), and the last epoch is 40",
        ),
        (
            60,
            {"name": "multistep", "milestones": [40, 60, 70]},
            "milestones",
            "never acts in full: nothing changes behind epoch 60 and 70, for the last epoch is 60",
        ),
        (
            80,
            {"name": "step", "start": 50, "every": 30},
            "every",
            "never acts in full: the second step comes behind epoch 80, and the last epoch is 80",
        ),
        (
            10,
            {"name": "cosine", "end": 100},
            "end",
            "never acts in full: the floor is reached in epoch 100, and the last epoch is 10",
        ),
        (
            1,
            {"name": "cosine", "end": 100},
            "name",
            "never acts: the first epoch behind the warm-up has the base rate, and the last epoch is 1",
        ),
        (
            60,
            {"name": "wsd", "start": 50, "length": 20},
            "length",
            "never acts in full: the floor is reached in epoch 70, and the last epoch is 60",
        ),
        (
            10,
            {"warmup": 10},
            "warmup",
            "never acts in full: the rate rises until epoch 10, and the last epoch is 10",
        ),
        (99, {"name": "step", "factor": 1}, "factor", "never acts: a factor of 1 leaves the rate as it is"),
        (99, {"name": "wsd", "floor": 1}, "floor", "never acts: a floor of 1 is the base rate itself"),
    ],
)
def test_what_never_acts(epochs: int, decay: dict[str, Any], setting: str, sentence: str) -> None:
    assert told(epochs, **decay) == [(f"decay.{setting}", sentence)]


@pytest.mark.parametrize(
    ("epochs", "decay"),
    [
        (1, {}),
        (51, {"name": "exponential"}),
        (81, {"name": "step", "start": 50, "every": 30}),
        (71, {"name": "multistep", "milestones": [40, 70]}),
        (100, {"name": "cosine", "end": 100}),
        (70, {"name": "wsd", "start": 50, "length": 20}),
        (11, {"warmup": 10}),
    ],
)
def test_what_acts_is_not_named(epochs: int, decay: dict[str, Any]) -> None:
    assert told(epochs, **decay) == []


@given(
    st.sampled_from(DECAY_SETTINGS["decay.name"]["enum"]), st.integers(0, 12), st.integers(1, 12), st.integers(1, 14)
)
def test_a_decay_is_said_never_to_act_just_where_it_changes_no_rate(name, start, every, epochs) -> None:
    given_ = {
        "name": name,
        "start": start,
        "every": every,
        "length": every,
        "milestones": [start + 1],
        "end": start + 2,
    }
    active = canonical({"decay.name": name}).keys()
    decay = {key: value for key, value in given_.items() if f"decay.{key}" in active}
    rates = {
        each["optimizer.lr"] for each in schedule(canonical({f"decay.{k}": v for k, v in decay.items()}), epochs)[1]
    }
    said = [setting for setting, sentence in told(epochs, **decay) if sentence.startswith("never acts:")]
    base = canonical({})["optimizer.lr"]
    assert said == (["decay.name"] if name != "none" and rates == {base} else [])
