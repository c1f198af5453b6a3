"""Settings: one spelling, and one sentence for what is wrong with them."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.values import rounded
from search.workload.settings import SettingFaults, complete, why_not

RULES: dict[str, dict[str, Any]] = {
    "lr": {"type": "number", "exclusiveMinimum": 0},
    "momentum": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.9},
    "batch_size": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 32},
    "nesterov": {"type": "boolean", "default": False},
    "clip": {"type": ["number", "null"], "default": None},
    "drop_after": {"type": ["integer", "null"], "default": None},
    "loss.kind": {"enum": ["cross_entropy", "focal"], "default": "cross_entropy"},
    "loss.gamma": {"type": "number", "default": 2, "minimum": 0, "when": {"loss.kind": ["focal"]}},
    "loss.warmup": {"type": "integer", "when": {"loss.gamma": [0.3, 2]}},
    "betas": {
        "type": "array",
        "items": {"type": "number", "maximum": 1},
        "minItems": 2,
        "maxItems": 3,
        "default": [0.9, 0.999],
    },
    "milestones": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "default": []},
    "rotation": {"enum": [0, 90, "any"], "default": 0},
    "name": {"type": "string", "minLength": 1, "default": "c"},
}


def faults(**settings: Any) -> list[tuple[str, str]]:
    with pytest.raises(SettingFaults) as refused:
        complete(RULES, {"lr": 0.1, **{name.replace("__", "."): value for name, value in settings.items()}})
    return refused.value.faults


def spelt(value: Any) -> str:
    """With types: 1, 1.0 and True are spelt apart."""
    return repr(sorted(value.items()))


def test_defaults_are_filled_in_and_inactive_settings_dropped():
    assert complete(RULES, {"lr": 1}) == {
        "lr": 1.0,
        "momentum": 0.9,
        "batch_size": 32,
        "nesterov": False,
        "clip": None,
        "drop_after": None,
        "loss.kind": "cross_entropy",
        "betas": [0.9, 0.999],
        "milestones": [],
        "rotation": 0,
        "name": "c",
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"momentun": 1}, ("momentun", "unknown setting; did you mean 'momentum'?")),
        ({"loss__gama": 1}, ("loss.gama", "unknown setting; did you mean 'loss.gamma'?")),
        ({"zzz": 1}, ("zzz", "unknown setting")),
        ({"lr": "0.1"}, ("lr", "found '0.1', must be a number")),
        ({"lr": True}, ("lr", "found True, must be a number")),
        ({"lr": None}, ("lr", "found None, must be a number")),
        ({"lr": [0.1]}, ("lr", "found [0.1], must be a number")),
        ({"lr": math.nan}, ("lr", "found nan, must be a finite number")),
        ({"lr": -math.inf}, ("lr", "found -inf, must be a finite number")),
        ({"lr": 0}, ("lr", "found 0, must be greater than 0")),
        ({"momentum": -0.5}, ("momentum", "found -0.5, must be at least 0")),
        ({"momentum": 1}, ("momentum", "found 1, must be less than 1")),
        ({"batch_size": 5000}, ("batch_size", "found 5000, must be at most 4096")),
        ({"batch_size": 8.5}, ("batch_size", "found 8.5, must be a whole number")),
        ({"batch_size": True}, ("batch_size", "found True, must be a whole number")),
        ({"nesterov": 1}, ("nesterov", "found 1, must be true or false")),
        ({"nesterov": "yes"}, ("nesterov", "found 'yes', must be true or false")),
        ({"clip": "none"}, ("clip", "found 'none', must be a number or null")),
        ({"name": 3}, ("name", "found 3, must be text")),
        ({"name": ""}, ("name", "found '', must not be empty")),
        ({"betas": 0.9}, ("betas", "found 0.9, must be a list")),
        ({"betas": [0.9]}, ("betas", "found [0.9], must have at least 2 entries")),
        ({"betas": [0.9, 0.5, 0.5, 0.5]}, ("betas", "found [0.9, 0.5, 0.5, 0.5], must have at most 3 entries")),
        ({"betas": [0.9, "x"]}, ("betas", "found 'x', must be a number")),
        ({"betas": [0.9, 1.5]}, ("betas", "found 1.5, must be at most 1")),
        ({"betas": [0.9, math.nan]}, ("betas", "found nan, must be a finite number")),
        ({"milestones": [3, 3]}, ("milestones", "found [3, 3], must not list a value twice")),
        (
            {"loss__kind": "focall"},
            ("loss.kind", "found 'focall', must be one of cross_entropy, focal; did you mean 'focal'?"),
        ),
        ({"loss__kind": None}, ("loss.kind", "found None, must be one of cross_entropy, focal")),
        ({"rotation": False}, ("rotation", "found False, must be one of 0, 90, any")),
        ({"seed": 1.5}, ("seed", "found 1.5, must be a whole number")),
        ({"seed": -1}, ("seed", "found -1, must be at least 0")),
        ({"seed": True}, ("seed", "found True, must be a whole number")),
        ({"seed": "0"}, ("seed", "found '0', must be a whole number")),
        (
            {"momentum": 0.9999999999999},
            ("momentum", "found 0.9999999999999, in 12 significant digits 1.0, must be less than 1"),
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(settings, sentence):
    assert faults(**settings) == [sentence]


def test_a_number_beyond_every_float_is_not_finite():
    assert why_not(10**400, {"type": "number"}) == f"found {10**400}, must be a finite number"
    assert why_not(10**300, {"type": "number"}) == ""


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingFaults) as refused:
        complete(RULES, {"momentum": 2, "what": 1, "batch_size": 0})
    assert refused.value.faults == [
        ("momentum", "found 2, must be less than 1"),
        ("what", "unknown setting"),
        ("batch_size", "found 0, must be at least 1"),
        ("lr", "is required and has no default"),
    ]
    assert str(refused.value) == (
        "momentum: found 2, must be less than 1; what: unknown setting; batch_size: found 0, must be at least 1; "
        "lr: is required and has no default"
    )


def test_faults_survive_a_process_boundary():
    error = SettingFaults([("lr", "is required"), ("x", "unknown setting")])
    again = pickle.loads(pickle.dumps(error))
    assert (again.faults, str(again)) == (error.faults, str(error))


def test_inactive_settings_are_checked_all_the_same():
    assert faults(loss__gamma=-1) == [("loss.gamma", "found -1, must be at least 0")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"loss.gamma": 0.5}, {}),  # hangs on focal
        ({"loss.gamma": 2, "loss.warmup": 3}, {}),  # hangs on gamma, which hangs on focal
        ({"loss.kind": "focal", "loss.warmup": 3}, {"loss.gamma": 2.0, "loss.warmup": 3}),  # gamma by default
        ({"loss.kind": "focal", "loss.gamma": 2.0, "loss.warmup": 3}, {"loss.gamma": 2.0, "loss.warmup": 3}),
        ({"loss.kind": "focal", "loss.gamma": 1, "loss.warmup": 3}, {"loss.gamma": 1.0}),
        ({"loss.kind": "focal", "loss.gamma": 0.1 + 0.2, "loss.warmup": 3}, {"loss.gamma": 0.3, "loss.warmup": 3}),
    ],
)
def test_conditions_hold_along_the_chain(given, expected):
    result = complete(RULES, {"lr": 0.1, **given})
    assert {name: value for name, value in result.items() if name in ("loss.gamma", "loss.warmup")} == expected


def test_what_is_required_is_required_where_it_is_active():
    assert faults(loss__kind="focal") == [("loss.warmup", "is required and has no default")]
    assert faults(loss__kind="focal", loss__gamma=0.1 + 0.2) == [("loss.warmup", "is required and has no default")]
    assert "loss.warmup" not in complete(RULES, {"lr": 0.1, "loss.kind": "focal", "loss.gamma": 0.25})


def test_two_spellings_of_a_number_become_one():
    one, other = 0.005 * 0.1 * 0.1, 0.005 * 0.1**2
    assert one != other
    assert complete(RULES, {"lr": one}) == complete(RULES, {"lr": other})
    assert complete(RULES, {"lr": one})["lr"] == 5e-05


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("lr", 1, "1.0"),
        ("lr", 123456789012345, "123456789012000.0"),
        ("lr", 1e-300, "1e-300"),
        ("momentum", -0.0, "0.0"),
        ("momentum", 0, "0.0"),
        ("batch_size", 8.0, "8"),
        ("batch_size", 4096, "4096"),
        ("clip", 1, "1.0"),
        ("clip", -0.0, "0.0"),
        ("clip", None, "None"),
        ("drop_after", 3.0, "3"),
        ("drop_after", None, "None"),
        ("nesterov", True, "True"),
        ("betas", (1, 0.1 + 0.2), "[1.0, 0.3]"),
        ("betas", [-0.0, 0], "[0.0, 0.0]"),
        ("milestones", [40.0, 70], "[40, 70]"),
        ("rotation", 90.0, "90"),
        ("name", "0.30000000000000004", "'0.30000000000000004'"),
    ],
)
def test_every_value_has_one_spelling(name, given, expected):
    if isinstance(given, tuple):
        assert repr(rounded(given, RULES[name])) == expected
    else:
        assert repr(complete(RULES, {"lr": 0.1, name: given})[name]) == expected


def test_defaults_are_spelt_like_given_values():
    rules = {"a": {"type": "number", "default": 1}, "b": {"type": "integer", "default": 2.0}}
    assert spelt(complete(rules, {})) == spelt(complete(rules, {"a": 1, "b": 2})) == "[('a', 1.0), ('b', 2)]"


def test_a_choice_is_spelt_as_the_rule_spells_it():
    rule = {"enum": [1, True, 0.30000000000000004]}
    assert [repr(rounded(value, rule)) for value in (1.0, 1, True, 0.1 + 0.2)] == ["1", "1", "True", repr(0.1 + 0.2)]


def test_mappings_are_rounded_inside():
    rule = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert (
        repr(rounded({"p": 0.1 + 0.2, "n": 3.0, "deep": {"x": -0.0}}, rule)) == "{'p': 0.3, 'n': 3, 'deep': {'x': 0.0}}"
    )


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_the_seed_need_not_be_described(seed):
    assert complete(RULES, {"lr": 0.1, "seed": seed})["seed"] == seed
    assert "seed" not in complete(RULES, {"lr": 0.1})


def test_a_described_seed_follows_its_rule():
    rules = {"seed": {"type": "integer", "maximum": 9, "default": 3}}
    assert complete(rules, {}) == {"seed": 3}
    assert complete(rules, {"seed": 4}) == {"seed": 4}
    with pytest.raises(SettingFaults) as refused:
        complete(rules, {"seed": 10})
    assert refused.value.faults == [("seed", "found 10, must be at most 9")]


SOME = st.fixed_dictionaries(
    {"lr": st.floats(1e-9, 1e9) | st.integers(1, 10**15)},
    optional={
        "momentum": st.floats(0, 0.9999) | st.just(-0.0) | st.just(0),
        "batch_size": st.integers(1, 4096) | st.sampled_from([1.0, 64.0]),
        "nesterov": st.booleans(),
        "clip": st.none() | st.floats(-1e300, 1e300) | st.integers(-(10**20), 10**20),
        "drop_after": st.none() | st.integers(-5, 5) | st.just(2.0),
        "loss.kind": st.sampled_from(["cross_entropy", "focal"]),
        "loss.gamma": st.sampled_from([0, 0.3, 0.1 + 0.2, 2, 2.0, 1]),
        "betas": st.lists(st.floats(-1, 1), min_size=2, max_size=3),
        "rotation": st.sampled_from([0, 0.0, 90, 90.0, "any"]),
        "seed": st.integers(0, 2**32),
    },
).map(lambda settings: {**settings, "loss.warmup": 1})


@given(SOME, st.randoms(use_true_random=False))
def test_canonical_settings_are_idempotent_and_blind_to_order(settings, chance):
    once = complete(RULES, settings)
    assert spelt(complete(RULES, once)) == spelt(once)
    items = list(settings.items())
    chance.shuffle(items)
    assert spelt(complete(RULES, dict(items))) == spelt(once)


@given(st.floats(1e-300, 1e300))
def test_rounding_moves_a_number_by_less_than_one_part_in_a_hundred_billion(number):
    result = rounded(number, {"type": "number"})
    assert math.isclose(result, number, rel_tol=1e-11)
    assert rounded(result, {"type": "number"}) == result


@pytest.mark.parametrize(
    "rule", [{"type": "number"}, {"type": "integer", "maximum": 9}, {"enum": [1]}, {"type": "array"}]
)
@pytest.mark.parametrize("shape", [lambda number: number, lambda number: [1, number]], ids=["number", "list"])
def test_a_number_that_python_does_not_write_out(rule, shape):
    for number in (10**5000, -(10**5000)):
        assert why_not(shape(number), rule) == "found a number of some 5,000 digits, must be a finite number"


def test_a_seed_of_more_than_64_bits():
    assert faults(seed=2**63) == [("seed", f"found {2**63}, must be at most {2**63 - 1}")]
