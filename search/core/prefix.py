"""Epoch keys: a name for the state after an epoch, equal exactly when two runs agree up to there.

    key(0)   = hash(workload identity, data fingerprint, hashes of input weights, fixed settings with the seed,
                    execution class)
    key(t+1) = hash(key(t), settings of epoch t)

Trials whose settings agree up to some epoch have equal keys up to there; together the paths of all trials form the
stage tree (Hippo, VLDB 2022). Not in any key: stop rule, pruning, length, names, file paths, number of workers.
Values equal to a recipe's default are left out, so that a new setting does not void old keys.

Pure: no clock, no disk, no global state.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.errors import InternalError
from search.core.values import Rule, Settings, same

KEY_BYTES = 20
"""160 bits: the chance that two of 10^12 keys collide is below 10^-24."""


def fingerprint(value: object) -> str:
    """Return the hash of plain data (mappings in any order, lists, text, numbers, null) as 40 hex digits.

    Raises:
        InternalError: for NaN, infinities, names that are not text and anything else that is not plain data.
    """
    return _hash(_canonical_json(value))


def root_key(
    identity: Mapping[str, str],
    data: str,
    inputs: Mapping[str, str],
    fixed: Mapping[str, object],
    execution_class: Mapping[str, str],
    salt: str = "",
) -> str:
    """Return the key of the state before the first epoch.

    Args:
        identity: workload id, recipe and evaluation version (`search.workload.identity`).
        data: fingerprint of decoded data, labels and splits.
        inputs: content hashes of the weights a run starts from.
        fixed: canonical fixed settings with the seed, defaults left out.
        execution_class: everything about the machine that can change bits.
        salt: study and trial where sharing is off, else "".
    """
    return fingerprint([dict(identity), data, dict(inputs), dict(fixed), dict(execution_class), salt])


def next_key(key: str, settings: Mapping[str, object]) -> str:
    """Return the key of the state after one more epoch trained under `settings`, defaults left out."""
    return fingerprint([key, dict(settings)])


def path(root: str, schedule: Sequence[Settings]) -> list[str]:
    """Return the keys after each epoch of a schedule: ``path(...)[t]`` names the state after epoch t + 1."""
    keys = []
    key, before, text = root, None, ""
    for settings in schedule:
        if settings is not before:  # epochs in a row are often trained under one object: it is spelled once
            before, text = settings, _canonical_json(dict(settings))
        key = _hash(f'["{key}",{text}]')  # as `next_key` spells it
        keys.append(key)
    return keys


def shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many epochs two paths share. Keys are chained: once they differ they differ for good."""
    length = min(len(one), len(other))
    return bisect_left(range(length), True, key=lambda epoch: one[epoch] != other[epoch])


def without_defaults(settings: Settings, description: Mapping[str, Rule]) -> dict[str, Any]:
    """Drop the settings that equal their default; ``1`` and ``1.0`` are equal here, ``True`` and ``1`` are not."""
    return {
        name: value
        for name, value in settings.items()
        if not ("default" in description.get(name, {}) and same(value, description[name]["default"]))
    }


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).hexdigest()


def _canonical_json(value: object) -> str:
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    """Give equal numbers one spelling: 1.0 is written like 1, as spaces may say either."""
    if isinstance(value, Mapping):
        if unnamed := [name for name in value if not isinstance(name, str)]:
            raise InternalError(f"{unnamed[0]!r} names an entry; settings are named by text")
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    raise InternalError(f"{value!r} ({type(value).__name__}) has no canonical spelling; settings are plain and finite")
