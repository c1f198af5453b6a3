"""Plain Python data as nodes, by the rules that hold for files."""

from __future__ import annotations

import enum
import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from search.space.nodes import MAX_NESTING_LEVELS, Node, Problems, bad_text, text_of

PYTHON = "<python>"


def from_python(data: object, problems: Problems, file: str = PYTHON, key: str = "", depth: int = 0) -> Node:
    """Turn plain Python data into nodes, with the same rules that hold for files.

    Arrays and ranges are lists, members of an enumeration their values, paths text, exact fractions numbers.
    """
    if depth > MAX_NESTING_LEVELS:
        problems.at(
            file, 0, key, f"is nested deeper than {MAX_NESTING_LEVELS} levels; a search space needs at most seven"
        )
        return Node("broken", None, key, file)
    data = _plain(data)
    if isinstance(data, Mapping):
        entries, keys = {}, {}
        for name, value in data.items():
            name_node = _scalar(_plain(name), problems, file, f"{key}.{name}" if key else str(name))
            if name_node.kind == "scalar" and name_node.text not in entries:
                entries[name_node.text] = from_python(value, problems, file, name_node.key, depth + 1)
                keys[name_node.text] = name_node
            elif name_node.kind == "scalar":
                problems.add(name_node, "is given twice; keep one")
        return Node("mapping", entries, key, file, keys=keys)
    if isinstance(data, list):
        items = [from_python(item, problems, file, f"{key}[{index}]", depth + 1) for index, item in enumerate(data)]
        return Node("list", tuple(items), key, file)
    return _scalar(data, problems, file, key)


def _plain(data: Any) -> object:
    """Return what stands for a value among numbers, text, lists and mappings; itself where nothing does."""
    if isinstance(data, enum.Enum):
        data = data.value
    if isinstance(data, os.PathLike):
        return os.fspath(data)
    if isinstance(data, (Decimal, Fraction)) and math.isfinite(data):
        return int(data) if data == int(data) else float(data)
    if hasattr(data, "tolist"):  # of numpy, pandas and torch, single numbers as well
        data = data.tolist()
    lists = isinstance(data, (Sequence, deque)) and not isinstance(data, (str, bytes, bytearray, memoryview))
    return list(data) if lists else data


def _scalar(data: object, problems: Problems, file: str, key: str) -> Node:
    if isinstance(data, str):
        reason = bad_text(data)
    elif isinstance(data, float) and not math.isfinite(data):
        reason = f"found {data!r}, must be a finite number"
    elif isinstance(data, int) and not isinstance(data, bool) and data.bit_length() > 1000:
        reason = "is a number of more than 300 digits; write a smaller one"
    elif not isinstance(data, (bool, int, float, type(None))):
        reason = f"holds a {type(data).__name__}; use text, numbers, true or false, null, lists and mappings"
    else:
        reason = ""
    if reason:
        problems.at(file, 0, key, reason)
        return Node("broken", None, key, file)
    return Node("scalar", data, key, file, text=text_of(data))
