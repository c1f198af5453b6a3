"""Plain data and numpy arrays as bytes and back, bit for bit; everything else is refused by name. Nothing is pickled.

Plain data are None, booleans, whole numbers, floats, text, bytes, and lists, tuples, dictionaries, ordered dictionaries
and counters of these. Types count exactly: a subclass may hold what the bytes would not. Two names of one list come
back as two lists.

The format is a tag of one byte, lengths as eight bytes, and contents one after another, so that equal values give equal
bytes. Arrays are in numpy's own format, without its pickles.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MAX_NESTING_LEVELS = 100
"""Of containers in containers; what is deeper holds itself, or is a mistake."""

KEEPABLE = "numbers, text, bytes, None, lists, tuples and dictionaries of these, and numpy arrays"

Put = Callable[[object], "int | None"]
"""Takes what is stored elsewhere and returns its number there; None of what it does not take."""

_NUMBER = struct.Struct("<Q")
_FLOAT = struct.Struct("<d")
_CONSTANTS: dict[object, bytes] = {None: b"N", True: b"T", False: b"F"}
_CONTAINERS: dict[type, bytes] = {list: b"l", tuple: b"t", dict: b"d", OrderedDict: b"o", Counter: b"c"}
_MAPPINGS = (dict, OrderedDict, Counter)


class NotPlain(TypeError):
    """A value that has no bytes.

    Attributes:
        where: the path to it from the value that was given, as Python writes it: ``['history'][3]``; "" for itself.
        kind: its type, as a person writes it.
        reason: why it is refused, as the end of a sentence; "" where its type is the reason.
    """

    def __init__(self, where: str, kind: str, reason: str = "") -> None:
        self.where, self.kind, self.reason = where, kind, reason
        super().__init__(f"{where or 'the value'} is {kind}{f', {reason}' if reason else ''}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.where, self.kind, self.reason)


def encode(value: object, put: Put = lambda value: None) -> bytes:
    """Return a value as bytes; equal values give equal bytes.

    Args:
        value: plain data and arrays.
        put: stores elsewhere what is no plain data, such as tensors.

    Raises:
        NotPlain: something in there is neither plain, nor an array, nor taken by `put`.
    """
    pieces: list[bytes] = []
    _encode(value, "", 0, put, pieces)
    return b"".join(pieces)


def decode(data: bytes, stored: Sequence[object] = ()) -> Any:
    """Return the value that `encode` made these bytes of.

    Args:
        data: the bytes.
        stored: what `put` took, by its number.

    Raises:
        ValueError: these bytes are no such value.
    """
    reader = _Reader(data, stored)
    try:
        value = reader.value(0)
    except (IndexError, KeyError, EOFError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"bytes that hold no plain data: {error!r}") from error
    if reader.place != len(data):
        raise ValueError(f"{len(data) - reader.place} bytes stand behind the plain data")
    return value


def named_type(value: object) -> str:
    """Return the type of a value as a person writes it: ``a torch.Generator``."""
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _encode(value: Any, where: str, depth: int, put: Put, pieces: list[bytes]) -> None:
    kind = type(value)
    if depth > MAX_NESTING_LEVELS:
        raise NotPlain(where[:60], named_type(value), f"nested deeper than {MAX_NESTING_LEVELS} levels, or in itself")
    if value is None or kind is bool:
        pieces.append(_CONSTANTS[value])
    elif kind is int:
        content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        pieces += [b"i", _NUMBER.pack(len(content)), content]
    elif kind is float:
        pieces += [b"f", _FLOAT.pack(value)]
    elif kind is str:
        content = value.encode("utf-8", "surrogatepass")
        pieces += [b"s", _NUMBER.pack(len(content)), content]
    elif kind is bytes:
        pieces += [b"b", _NUMBER.pack(len(value)), value]
    elif kind in _CONTAINERS:
        pieces += [_CONTAINERS[kind], _NUMBER.pack(len(value))]
        if kind is OrderedDict:  # torch notes the versions of modules as an attribute of theirs
            _encode(vars(value), where, depth + 1, put, pieces)
        named = kind in _MAPPINGS
        for key, item in value.items() if named else enumerate(value):
            at = f"{where}[{_shown(key)}]"
            if named:
                _encode_key(key, at, pieces)
            _encode(item, at, depth + 1, put, pieces)
    elif kind is np.ndarray or isinstance(value, np.generic):
        content = _array_bytes(value, where)
        pieces += [b"a" if kind is np.ndarray else b"g", _NUMBER.pack(len(content)), content]
    elif (number := put(value)) is not None:
        pieces += [b"x", _NUMBER.pack(number)]
    else:
        raise NotPlain(where, named_type(value))


def _encode_key(key: object, where: str, pieces: list[bytes]) -> None:
    """Encode the key of a dictionary: NaN is none, for it is not found again."""
    not_found = isinstance(key, float) and math.isnan(key)
    if type(key) not in (str, int, float, bool, bytes, tuple, type(None)) or not_found:
        raise NotPlain(where, f"a key that is {named_type(key)}", "and keys are text, numbers and tuples of these")
    _encode(key, where, 0, lambda value: None, pieces)


def _array_bytes(value: object, where: str) -> bytes:
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise NotPlain(where, "an array of Python objects", "whose content has no bytes")
    buffer = io.BytesIO()
    with warnings.catch_warnings():  # of numpy from before 2019, which need not read this
        warnings.simplefilter("ignore", UserWarning)
        np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _shown(key: object) -> str:
    text = repr(key)
    return text if len(text) <= 40 else f"{text[:37]}..."


class _Reader:
    """Reads values one after another."""

    def __init__(self, data: bytes, stored: Sequence[object]) -> None:
        self.data, self.stored, self.place = data, stored, 0

    def take(self, count: int) -> bytes:
        content = self.data[self.place : self.place + count]
        if len(content) < count:
            raise EOFError("they end too early")
        self.place += count
        return content

    def number(self) -> int:
        return int(_NUMBER.unpack(self.take(_NUMBER.size))[0])

    def value(self, depth: int) -> Any:
        if depth > MAX_NESTING_LEVELS + 1:
            raise ValueError(f"bytes that hold no plain data: nested deeper than {MAX_NESTING_LEVELS} levels")
        tag = self.take(1)
        match tag:
            case b"N" | b"T" | b"F":
                return {b"N": None, b"T": True, b"F": False}[tag]
            case b"i":
                return int.from_bytes(self.take(self.number()), "little", signed=True)
            case b"f":
                return _FLOAT.unpack(self.take(_FLOAT.size))[0]
            case b"s":
                return self.take(self.number()).decode("utf-8", "surrogatepass")
            case b"b":
                return self.take(self.number())
            case b"l" | b"t":
                listed = [self.value(depth + 1) for _ in range(self.number())]
                return listed if tag == b"l" else tuple(listed)
            case b"d" | b"c":
                items = {self.value(depth + 1): self.value(depth + 1) for _ in range(self.number())}
                return items if tag == b"d" else Counter(items)
            case b"o":
                count = self.number()
                attributes = self.value(depth + 1)
                ordered = OrderedDict((self.value(depth + 1), self.value(depth + 1)) for _ in range(count))
                vars(ordered).update(attributes)
                return ordered
            case b"a" | b"g":
                array = np.lib.format.read_array(io.BytesIO(self.take(self.number())), allow_pickle=False)
                return array if tag == b"a" else array[()]
            case b"x":
                return self.stored[self.number()]
        raise ValueError(f"bytes that hold no plain data: {tag!r} begins no value")
