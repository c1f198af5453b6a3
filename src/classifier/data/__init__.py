"""Data sets: found by name or folder, decoded once, split, and described by content."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from classifier.data.assemble import assemble, pool_key
from classifier.data.card import Dataset
from classifier.data.check import report
from classifier.data.cifar10 import cifar10
from classifier.data.digits import digits
from classifier.data.flowers17 import flowers17
from classifier.data.flowers102 import flowers102
from classifier.data.folder import folder
from classifier.data.groups import SETTING, Rule, groups_of
from classifier.data.kinds import what_is
from classifier.data.links import broken
from classifier.data.settings import USUAL_SIZE_PX
from classifier.data.source import SPLITS, Source
from search.workload import SettingFaults, Settings, nearest

__all__ = ["KNOWN", "RATIO", "Dataset", "check", "load", "look_for", "write_groups"]

KNOWN = tuple(USUAL_SIZE_PX)
DEFAULT_RATIO = (0.6, 0.2, 0.2)
"""Training, validation and test shares of a folder that is not split, unless ``data.ratio`` says otherwise."""

_MAX_REMEMBERED_DATASETS = 4
_memory: OrderedDict[tuple[Any, ...], Dataset] = OrderedDict()


def load(settings: Settings) -> Dataset:
    """Return the data set that canonical settings name, remembered by this process until its files change.

    Args:
        settings: ``data`` (one of `KNOWN` or the path of a folder), ``data.size`` in pixels, ``data.split_seed``,
            ``data.limit``, for ``flowers-102`` ``data.split``, ``data.groups``, and for a folder ``data.classes`` and
            ``data.ratio``; others are not looked at.

    Raises:
        SettingFaults: no such data, or data that cannot be split into classes and splits.
    """
    source, size, seed, limit = _asked(settings)
    split_by = (settings.get("data.split"), settings.get("data.classes"), _ratio(settings))
    known_by = (pool_key(source, size), source.name, seed, split_by, limit, tuple(source.groups))
    if known_by not in _memory:
        _memory[known_by] = assemble(source, size, seed, limit)
        if len(_memory) > _MAX_REMEMBERED_DATASETS:
            _memory.popitem(last=False)
    return _memory[known_by]


def check(settings: Settings) -> list[str]:
    """Return lines of text on the data that canonical settings name: see `classifier.data.check`.

    Args:
        settings: as for `load`; with ``batch_size``, a last batch of very few images is named.

    Raises:
        SettingFaults: see `load`.
    """
    return report(*_asked(settings), settings.get("batch_size"))


def write_groups(settings: Settings, file: str) -> list[str]:
    """Write near-duplicates as groups; return lines of text: see `classifier.data.kin`.

    Raises:
        SettingFaults: see `load`; or the file cannot be written.
    """
    from classifier.data.kin import write

    source, size, *_ = _asked(settings)
    return write(source, size, Path(file))


def look_for(name: str) -> Source:
    """Return a data set that is known by name, or the images of a folder, listed as settings leave them by default.

    Raises:
        SettingFaults: see `load`.
    """
    return _find(name, 0, DEFAULT_RATIO, "official", False, None)


def _asked(settings: Settings) -> tuple[Source, int, int, tuple[int, ...] | None]:
    """Return the source, the size in pixels, the split seed and the limit that settings ask for."""
    size = settings["data.size"]
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise SettingFaults([("data.size", f"found {size!r}, must be a whole number of pixels, at least 1")])
    seed = int(settings.get("data.split_seed", 0))
    top = settings.get("data.classes") == "top"
    name, parts = str(settings["data"]), settings.get("data.split", "official")
    source = _find(name, seed, _ratio(settings), parts, top, settings.get(SETTING))
    return source, size, seed, _limit(settings.get("data.limit"), source)


def _limit(limit: Sequence[object] | None, source: Source) -> tuple[int, ...] | None:
    """Return most images of each split of a source."""
    if limit is None:
        return None
    whole = [most for most in limit if isinstance(most, int) and not isinstance(most, bool) and most >= 1]
    if len(whole) < len(limit) or not len(source.splits) <= len(limit) <= len(SPLITS):
        wanted = "three whole numbers of at least 1: training, validation and test"
        if len(source.splits) < len(SPLITS):
            wanted = "two or three whole numbers of at least 1: training, validation and test, of which there is none"
        raise SettingFaults([("data.limit", f"found {limit!r}, must be {wanted}")])
    return tuple(whole[: len(source.splits)])


def _ratio(settings: Settings) -> tuple[float, ...]:
    ratio = settings.get("data.ratio", DEFAULT_RATIO)
    return tuple(ratio) if isinstance(ratio, (list, tuple)) else (ratio,)


def _find(name: str, seed: int, ratio: tuple[float, ...], split: str, top: bool, rule: Rule | None) -> Source:
    sets = {
        "digits": lambda: digits(seed),
        "flowers-17": lambda: flowers17(seed),
        "flowers-102": lambda: flowers102(split),
        "cifar10": lambda: cifar10(seed),
    }
    if name in sets:
        source = sets[name]()
        return replace(source, groups=groups_of(rule, source.names))
    kind = f"is neither a known data set ({', '.join(KNOWN)}) nor a folder"
    try:
        path = Path(name).expanduser()
        if name and path.is_dir():
            return folder(path, seed, ratio, top, rule)
        if what := what_is(path):
            kind = f"is {what}; name the folder that holds the classes"
        elif lost := broken(path):
            kind = f"is {lost}; mend it, or name the folder that holds the classes"
    except (OSError, RuntimeError) as error:  # no permission, a name too long, ~ of nobody
        kind = f"cannot be looked at: {getattr(error, 'strerror', None) or error}"
    raise SettingFaults([("data", f"found {name!r}, which {kind}{nearest(name, KNOWN)}")])
