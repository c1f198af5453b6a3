"""Plans: values by the epoch they hold from. ``{1: 0.1, 31: 0.01}`` is 0.1, and from epoch 31 on 0.01.

A setting that may differ from epoch to epoch takes one wherever a value stands. Trials whose plans agree up to some
epoch share their epochs up to there, for an epoch key holds the values of the epochs so far and no plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from search.core.values import Rule, kinds, rounded, same

EXAMPLE = "{1: 0.1, 31: 0.01}"

_EPOCH = re.compile(r"[1-9][0-9]{0,15}")


def takes_plans(rule: Rule) -> bool:
    """Whether a setting of this rule can have a plan: it differs between epochs, and its values are no mappings."""
    return bool(rule.get("epoch")) and "object" not in kinds(rule)


def is_plan(value: object, rule: Rule) -> bool:
    """Whether this stands for values by epoch, sound or not."""
    return isinstance(value, Mapping) and takes_plans(rule)


def epoch_of(key: object) -> int | None:
    """Return the epoch that a key of a plan names, as a whole number or in digits; None where it names none."""
    if isinstance(key, int) and not isinstance(key, bool) and key >= 1:
        return key
    return int(key) if isinstance(key, str) and _EPOCH.fullmatch(key) else None


def entries(plan: Mapping[object, object]) -> list[tuple[int, Any]]:
    """Return the epochs of a sound plan, ascending, each with the value that holds from there."""
    return sorted(((epoch_of(key) or 0, value) for key, value in plan.items()), key=lambda entry: entry[0])


def key_faults(plan: Mapping[object, object]) -> Iterator[tuple[Any, str]]:
    """Yield (key, sentence) for what is wrong with the epochs of a plan; the key is None for the plan as a whole."""
    seen: dict[int, object] = {}
    for key in plan:
        epoch = epoch_of(key)
        if epoch is None:
            yield key, f"found {str(key)[:40]} for an epoch, must be a whole number of at least 1, as in {EXAMPLE}"
        elif epoch in seen:
            yield key, f"gives a value for epoch {epoch} twice; keep one"
        else:
            seen[epoch] = key
        if isinstance(plan[key], Mapping):
            yield key, f"holds a plan inside of a plan; write epochs and values in one, as in {EXAMPLE}"
    if not plan:
        yield None, f"is an empty plan, must have a value from epoch 1 on, as in {EXAMPLE}"
    elif seen and 1 not in seen:
        yield None, f"says nothing of the epochs before {min(seen)}; let the plan begin with epoch 1, as in {EXAMPLE}"


def spelt(plan: Mapping[object, object], rule: Rule) -> Any:
    """Return the one spelling of a sound plan: text for epochs, ascending, rounded values, none that changes nothing.

    A plan of a single value is that value.
    """
    listed = [(epoch, rounded(value, rule)) for epoch, value in entries(plan)]
    changes = listed[:1] + [now for before, now in pairwise(listed) if not same(before[1], now[1])]
    return changes[0][1] if len(changes) == 1 else {str(epoch): value for epoch, value in changes}


def at(value: Any, rule: Rule, epoch: int) -> Any:
    """Return what a value, or the plan in its place, is in an epoch, counted from 1."""
    if not is_plan(value, rule):
        return value
    return [given for start, given in entries(value) if start <= epoch][-1]


def values_of(value: Any, rule: Rule) -> list[object]:
    """Return all values that a setting takes: those of its plan, or its one value."""
    return [given for _, given in entries(value)] if is_plan(value, rule) else [value]
