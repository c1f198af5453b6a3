"""Each setting under odd values: refused with a sentence, or brought into a spelling that stays as it is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from classifier.config import SETTINGS, canonical
from classifier.workload import workload
from search.core.prefix import path, root_key, without_defaults
from search.space.settings import spelled
from search.study.leaf import hashed
from search.workload import SettingFaults, complete
from search.workload.settings import why_not

HUGE = (10**300, 10**400, -(10**400), 10**5000)
WHOLE = (0, 1, 2, -1, 48, 10**12 + 1, 2**53 + 1, 2**63 - 1, 2**63, 10**20, *HUGE)
TINY = (5e-324, 1e-320, -5e-324)
FLOATS = (0.0, -0.0, 1.0, 2.0, 2.5, 0.1 + 0.2, 1e308, -1e308, *TINY, math.nan, math.inf, -math.inf, 1234567890123.0)
ON_A_BOUND = (0.9999999999999, 1.0000000000001, 100.00000000001, -1e-13, 1023.9999999999999)
OTHERS = (True, False, None, "", "1", "2.5", "none", "digits", "\ud800", {}, {"a": 1}, {"a": 10**400})
LISTS = ([], [1, 2], [2.0, 1], [2, 1.0, 3], [0.1 + 0.2, 1], [True, 2], ["1", 2], [[1]], [10**400, 1], [math.nan, 1])
VALUES: tuple[Any, ...] = (*WHOLE, *FLOATS, *ON_A_BOUND, *OTHERS, *LISTS)


def context(name: str) -> dict[str, Any]:
    """Settings under which a setting is active."""
    above: dict[str, Any] = {}
    for parent, values in SETTINGS[name].get("when", {}).items():
        above |= {**context(parent), parent: values[0]}
    return above


def key(settings: Mapping[str, Any]) -> str:
    fixed, schedule = workload.schedule(settings, 3)
    root = root_key({}, "data", {}, without_defaults(hashed(fixed, SETTINGS), SETTINGS), {})
    return path(root, [without_defaults(epoch, SETTINGS) for epoch in schedule])[-1]


Settings = dict[str, Any]


def tried(canon: Callable[[Settings], Settings], settings: Settings) -> tuple[Settings | None, list[tuple[str, str]]]:
    """What is canonical, or the faults; every other exception is a failure."""
    try:
        return canon(settings), []
    except SettingFaults as refused:
        return None, refused.faults


@pytest.mark.parametrize("name", [*SETTINGS, "seed"])
def test_a_value_is_refused_with_a_sentence_or_has_one_spelling(name: str) -> None:
    above = context(name) if name in SETTINGS else {}
    accepted = 0
    for value in VALUES:
        once, faults = tried(canonical, {"seed": 0, **above, name: value})
        if once is None:
            assert faults
            assert all(sentence for _, sentence in faults)
            continue
        accepted += 1
        twice = canonical(once)
        assert repr(twice) == repr(once), value
        assert key(twice) == key(once)
        assert json.loads(json.dumps(once, allow_nan=False)) == once
    assert accepted or "enum" in SETTINGS[name] or name == "model.weights_file"
    assert len(VALUES) * len(SETTINGS) > 1650


KINDS: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "number"},
    {"type": ["integer", "number"]},
    {"type": ["integer", "null"], "maximum": 1024},
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array", "items": {"type": "number"}},
    {"type": "array", "items": {"type": ["integer", "number"]}},
    {"type": "object", "properties": {"a": {"type": ["integer", "number"]}}},
    {"type": ["string", "boolean", "number", "null"]},
    {"enum": [1, True, 2.5, "1", None]},
]


@pytest.mark.parametrize("rule", KINDS, ids=str)
def test_so_it_is_under_every_kind_of_rule_and_in_a_space_file(rule: dict[str, Any]) -> None:
    """A space file spells values too, before they come here: that must not lead to another value."""
    accepted = 0
    for value in VALUES:
        once, faults = tried(partial(complete, {"x": rule}), {"x": value})
        if once is None:
            assert [name for name, _ in faults] == ["x"]
            continue
        accepted += 1
        assert repr(complete({"x": rule}, once)) == repr(once)
        assert not why_not(value, rule)
        assert repr(complete({"x": rule}, {"x": spelled(value, rule)})) == repr(once), value
    assert accepted


@pytest.mark.parametrize("kinds", [["integer", "number"], ["number", "integer"]])
def test_a_setting_that_may_be_whole_keeps_its_fraction(kinds: list[str]) -> None:
    assert complete({"x": {"type": kinds}}, {"x": 2.5}) == {"x": 2.5}
    assert spelled(2.5, {"type": kinds}) == 2.5
