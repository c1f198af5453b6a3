"""A setting that is new, at what was done before it, must not change a recorded configuration's keys."""

from __future__ import annotations

from typing import Any

import pytest

from classifier.config import SETTINGS, canonical, schedule
from search.core.prefix import path, root_key, without_defaults
from search.study.leaf import hashed

USUAL: dict[str, Any] = {}
STEPPED = {
    "seed": 0,
    "loss.gamma": 0.5,
    "optimizer.lr": 0.005,
    "optimizer.weight_decay": 1e-4,
    "decay.name": "step",
    "augment.crop": True,
    "model.activation": "leaky_relu",
}


def keys(settings: dict[str, Any], epochs: int) -> list[str]:
    fixed, each = schedule(canonical(settings), epochs)
    root = root_key({}, "data", {}, without_defaults(hashed(fixed, SETTINGS), SETTINGS), {})
    return path(root, [without_defaults(settings, SETTINGS) for settings in each])


@pytest.mark.parametrize(
    ("settings", "first", "last"),
    [
        (USUAL, "07c7a5ae1667d3c2b94fe7f16a1a759c44df2484", "4db8312a5d85af21e26731f6ea5825ce4e534bc2"),
        (STEPPED, "4822808d5f5ad9e2156525fd4807600f89c7986e", "ef4553828ed042404b022fb4b8eefdc2f6b4aad3"),
    ],
)
def test_keys_are_those_of_recorded_runs(settings: dict[str, Any], first: str, last: str) -> None:
    found = keys(settings, 81)
    assert (found[0], found[80]) == (first, last)


@pytest.mark.parametrize(
    "change",
    [
        {"loss.label_smoothing": 0.1},
        {"loss.class_weights": "balanced"},
        {"input.normalise": "half"},
        {"input.greyscale": True},
        {"optimizer.nesterov": True},
        {"optimizer.name": "adam"},
        {"optimizer.name": "adamw"},
        {"decay.warmup": 1},
        {"precision": "bf16"},
        {"augment.policy": "randaugment"},
        {"augment.policy": "trivialaugment"},
        {"augment.erase": 0.25},
        {"augment.mixup": 0.2},
        {"augment.cutmix": 1},
    ],
)
def test_a_setting_that_trains_something_else_has_another_key(change: dict[str, Any]) -> None:
    assert keys({**STEPPED, **change}, 1) != keys(STEPPED, 1)


@pytest.mark.parametrize("policy", ["none", "trivialaugment"])
def test_what_randaugment_alone_has_is_in_no_other_policys_key(policy: str) -> None:
    usual = {**STEPPED, "augment.policy": policy}
    assert keys({**usual, "augment.operations": 5, "augment.magnitude": 3}, 1) == keys(usual, 1)
    assert keys({**usual, "augment.policy": "randaugment", "augment.operations": 2, "augment.magnitude": 9}, 1) == keys(
        {**usual, "augment.policy": "randaugment"}, 1
    )
