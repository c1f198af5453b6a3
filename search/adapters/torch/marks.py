"""What an attribute is worth: its bytes, whether it changed, and on which device it lies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set
from contextlib import suppress

import numpy as np
from torch import Tensor

from search.adapters.plain import NotPlain, encode, named_type
from search.adapters.torch.state import pack

MAX_SEARCHED_ITEMS = 1000
"""Of a list or dictionary; a longer one holds data, and is not looked through."""
MAX_KEPT_BYTES = 1 << 16
"""Of an attribute of data: what is larger is data and no counter."""


class Mark:
    """What an attribute was at the beginning: its bytes, or where it has none, the objects that it was."""

    def __init__(self, value: object) -> None:
        self._kind, self._bytes = type(value), bytes_of(value)
        self._objects = _objects(value) if self._bytes is None else []

    def fits(self, value: object) -> bool:
        """Whether it is that still."""
        if self._bytes is not None or type(value) is not self._kind:
            return type(value) is self._kind and bytes_of(value) == self._bytes
        now = _objects(value)
        return len(now) == len(self._objects) and all(
            new is old or _equal(new, old) for new, old in zip(now, self._objects, strict=True)
        )


def _objects(value: object) -> list[object]:
    """Return what a container holds, or the value itself."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, (list, tuple, deque, Set)) else [value]


def _equal(new: object, old: object) -> bool:
    """Whether two values without bytes are equal and have no attributes that might differ."""
    try:
        return type(new) is type(old) and not hasattr(new, "__dict__") and bool(new == old)
    except Exception:  # arrays, and classes that refuse to be compared
        return False


def bytes_of(value: object) -> bytes | None:
    """Return an attribute's bytes, None where it has none."""
    for written in (encode, pack):  # what has no tensors needs no file of torch's, which takes ten times as long
        with suppress(NotPlain):
            return written(value)
    return None


def is_small(value: object) -> bool:
    """Whether an attribute of data may be a counter or a flag rather than data."""
    if isinstance(value, (Tensor, np.ndarray)):
        return bool(value.nbytes <= MAX_KEPT_BYTES)
    if isinstance(value, (list, tuple, dict)):
        return len(value) <= MAX_SEARCHED_ITEMS and all(
            isinstance(item, (int, float, str, type(None)))
            for item in (value.values() if isinstance(value, dict) else value)
        )
    return isinstance(value, (int, float, str, type(None)))


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def device_of(value: object, where: str) -> str:
    """Return the device on which all tensors of a value lie, "" where it has none."""
    devices = sorted({str(tensor.device) for tensor in _tensors(value)})
    if len(devices) > 1:
        raise NotPlain(where, named_type(value), f"with tensors on {' and '.join(devices)}; keep them on one")
    return devices[0] if devices else ""


def moved(value: object, device: str) -> object:
    """Return a value with its tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, (list, tuple)):
        return type(value)(moved(item, device) for item in value)
    return {key: moved(item, device) for key, item in value.items()} if isinstance(value, dict) else value
