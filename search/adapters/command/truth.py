"""True classes of a command's data, from a JSON file: what predictions in its rows are compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CLASSES = "classes"
"""Name in the file under which names of classes may stand, in the order of their numbers."""

RULE = 'must be a JSON object such as {"val": [0, 2, 1]}: the class of each item, a whole number from 0 on'


class BadTruth(ValueError):
    """A file that holds no true classes; the message names the value, the rule and the remedy."""


@dataclass(frozen=True)
class Truth:
    """True classes.

    Attributes:
        splits: split -> class of each item, integers [n_items].
        classes: names in the order of their numbers.
    """

    splits: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: Sequence[str] = ()


def read_truth(path: str) -> Truth:
    """Read a file of true classes.

    Raises:
        BadTruth: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise BadTruth(f"found {path!r}, which cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise BadTruth(f"found {path!r}, which holds no JSON; it {RULE}") from None
    splits = {name: items for name, items in content.items() if name != CLASSES} if isinstance(content, dict) else {}
    if not splits:
        raise BadTruth(f"found {path!r}, which names no split; it {RULE}")
    for name, items in splits.items():
        if not isinstance(items, list) or not items or not all(type(item) is int and item >= 0 for item in items):
            raise BadTruth(f"found {path!r}, whose split {name!r} is no list of classes; it {RULE}")
    count = 1 + max(max(items) for items in splits.values())
    names = content.get(CLASSES, [str(number) for number in range(count)])
    if not isinstance(names, list) or len(names) < count or not all(isinstance(name, str) for name in names):
        raise BadTruth(
            f"found {path!r}, whose {CLASSES!r} must be a list of {count} names or more, for there are as many"
        )
    return Truth({name: np.array(items) for name, items in splits.items()}, names)
