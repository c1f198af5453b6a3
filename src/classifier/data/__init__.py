"""Data sets: found by name or folder, decoded once, split, and described by content."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifier.data.assemble import assemble, pool_key
from classifier.data.card import DataCard, Dataset
from classifier.data.digits import digits
from classifier.data.errors import DataError, nearest
from classifier.data.flowers17 import flowers17
from classifier.data.folder import folder
from classifier.data.source import Source

__all__ = ["KNOWN", "RATIO", "DataCard", "DataError", "Dataset", "load"]

KNOWN = ("digits", "flowers-17")
RATIO = (0.6, 0.2, 0.2)
"""Training, validation and test shares of a folder that is not split, unless ``data.ratio`` says otherwise."""

_REMEMBERED = 4
_memory: OrderedDict[tuple[Any, ...], Dataset] = OrderedDict()


def load(settings: Mapping[str, Any]) -> Dataset:
    """Return the data set that canonical settings name, remembered by this process until its files change.

    Args:
        settings: ``data`` (one of `KNOWN` or the path of a folder), ``data.size`` in pixels, ``data.split_seed``,
            and for one folder of class folders ``data.ratio``; others are not looked at.

    Raises:
        DataError: no such data, or data that cannot be split into classes and splits.
    """
    size = settings["data.size"]
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise DataError([("data.size", f"found {size!r}, must be a whole number of pixels, at least 1")])
    seed, ratio = int(settings.get("data.split_seed", 0)), settings.get("data.ratio", RATIO)
    ratio = tuple(ratio) if isinstance(ratio, (list, tuple)) else (ratio,)
    source = _find(str(settings["data"]), seed, ratio)
    known_by = (pool_key(source, size), source.name, seed, ratio)
    if known_by not in _memory:
        _memory[known_by] = assemble(source, size)
        if len(_memory) > _REMEMBERED:
            _memory.popitem(last=False)
    return _memory[known_by]


def _find(name: str, seed: int, ratio: tuple[float, ...]) -> Source:
    if name == "digits":
        return digits(seed)
    if name == "flowers-17":
        return flowers17(seed)
    kind = f"is neither a known data set ({', '.join(KNOWN)}) nor a folder"
    try:
        path = Path(name).expanduser()
        if name and path.is_dir():
            return folder(path, seed, ratio)
        if path.is_file():
            kind = "is a file; name the folder that holds the classes"
    except (OSError, RuntimeError) as error:  # no permission, a name too long, ~ of nobody
        kind = f"cannot be looked at: {getattr(error, 'strerror', None) or error}"
    raise DataError([("data", f"found {name!r}, which {kind}{nearest(name, KNOWN)}")])
