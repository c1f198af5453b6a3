"""Configurations drawn from the settings' own description, and what they mean, said a second time.

`meaning` is written from the documentation of the settings, not from the code that makes them canonical: two
configurations train the same epochs exactly where their meanings agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from classifier.config import SETTINGS
from classifier.data.settings import USUAL_SIZE_PX
from classifier.models import MIN_INPUT_PX
from classifier.schedule import learning_rate

EPOCHS = 24

Configuration = dict[str, Any]


def numbers(rule: Mapping[str, Any]) -> st.SearchStrategy[float]:
    low = rule.get("minimum", rule.get("exclusiveMinimum", -10))
    high = rule.get("maximum", rule.get("exclusiveMaximum", max(low, 0) + 10))
    bounds = {"exclude_min": "exclusiveMinimum" in rule, "exclude_max": "exclusiveMaximum" in rule}
    free = st.floats(low, high, allow_subnormal=False, **bounds).map(lambda value: float(f"{value:.6g}"))
    few = [value for value in (0, 0.1, 0.25, 0.5, 1) if low < value < high]
    allowed = free.filter(lambda value: low < value < high) if any(bounds.values()) else free
    return st.sampled_from(few) | allowed if few else allowed


def values(name: str) -> st.SearchStrategy[Any]:
    """Values that a setting's rule allows, its default often among them."""
    rule = SETTINGS[name]
    if name == "data":
        return st.sampled_from(sorted(USUAL_SIZE_PX))
    if name == "model.weights_file":
        return st.sampled_from([None, __file__, st.__file__])  # a file that is there; what it holds is not read
    if name == "data.groups":
        return st.none()  # of folders alone
    if name == "decay.milestones":
        return st.lists(st.integers(1, 30), min_size=1, max_size=3, unique=True).map(sorted)
    if name == "decay.end":
        return st.integers(12, 40)
    if name == "decay.warmup":
        return st.integers(0, 6)
    if "enum" in rule:
        return st.sampled_from(rule["enum"])
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    found: list[st.SearchStrategy[Any]] = []
    for kind in kinds:
        low = rule.get("minimum", 0)
        match kind:
            case "null":
                found.append(st.none())
            case "boolean":
                found.append(st.booleans())
            case "integer":
                found.append(st.integers(low, min(rule.get("maximum", low + 30), low + 30)))
            case "number":
                found.append(numbers(rule))
            case "array":
                item = st.integers(1, 50) if rule["items"]["type"] == "integer" else st.sampled_from([0.2, 0.3, 0.5, 2])
                found.append(st.lists(item, min_size=3, max_size=3))
            case _:
                raise AssertionError(f"{name}: say here what its values are")
    if name == "data.size":  # no model takes less
        found = [st.none(), st.integers(max(MIN_INPUT_PX.values()), 40)]
    return st.one_of(found)


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Some settings given, some left to their defaults; always one that can be trained."""
    names = draw(st.lists(st.sampled_from(sorted(SETTINGS)), max_size=12, unique=True))
    # What others hang on is drawn often, or most of what is drawn would be inactive.
    parents = sorted({parent for rule in SETTINGS.values() for parent in rule.get("when", {})})
    names += [name for name in draw(st.lists(st.sampled_from(parents), max_size=5, unique=True)) if name not in names]
    chosen = {name: draw(values(name)) for name in names}
    chosen["seed"] = draw(st.integers(0, 3))
    if chosen.get("data.limit") and "batch_size" in chosen:  # no batch is larger than the training split
        chosen["data.limit"][0] = max(chosen["data.limit"][0], chosen["batch_size"])
    if chosen.get("model.stem") == "small":
        chosen.pop("model.weights", None)
    return chosen


def active(chosen: Mapping[str, Any], name: str) -> bool:
    """Whether a setting counts, by its own conditions and those of what it hangs on."""
    return all(
        chosen.get(parent, SETTINGS[parent]["default"]) in wanted and active(chosen, parent)
        for parent, wanted in SETTINGS[name].get("when", {}).items()
    )


def meaning(chosen: Mapping[str, Any]) -> tuple[Configuration, list[Configuration]]:
    """What is trained: what holds for the whole run, data and weights apart, and what holds for each epoch."""
    full = {
        name: twelve_digits(chosen.get(name, rule["default"]))
        for name, rule in SETTINGS.items()
        if active(chosen, name)
    }
    if full["loss.name"] == "cross_entropy":  # is the focal loss with gamma 0
        full["loss.gamma"] = 0
    del full["loss.name"]
    if full["optimizer.name"] == "sgd" and full["optimizer.momentum"] == 0:
        full["optimizer.nesterov"] = False
    if full["optimizer.name"] == "adamw" and full["optimizer.weight_decay"] == 0:
        full["optimizer.name"] = "adam"
    decay = {name: full.pop(name) for name in list(full) if name.startswith("decay.")}
    varying = {name: full.pop(name) for name in list(full) if SETTINGS[name].get("epoch")}
    fixed = {
        name: value for name, value in full.items() if not name.startswith("data") and name != "model.weights_file"
    }
    fixed["seed"] = chosen["seed"]
    rate = varying["optimizer.lr"]
    return fixed, [{**varying, "optimizer.lr": learning_rate(epoch, rate, decay)} for epoch in range(1, EPOCHS + 1)]


def twelve_digits(value: Any) -> Any:
    if isinstance(value, list):
        return [twelve_digits(item) for item in value]
    return float(f"{value:.12g}") + 0.0 if isinstance(value, float) else value


def agreed(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """Epochs that two configurations train alike."""
    (fixed, each), (fixed2, each2) = meaning(one), meaning(other)
    if fixed != fixed2:
        return 0
    return next((epoch for epoch in range(EPOCHS) if each[epoch] != each2[epoch]), EPOCHS)
