"""Data by content: one hash of all that a training reads, equal wherever the same data are made again.

Taken are plain data, arrays, files and folders (as `pathlib.Path`), data classes, whatever has items by number
(a map-style dataset), and whatever says its own: an object with a method ``fingerprint() -> str``. Libraries add their
own kinds with `content.register`. Each kind and length enters, so that nothing runs into what stands behind it.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from search.adapters.plain import NotPlain, encode, named_type
from search.core.errors import UserError
from search.core.trial import DataCard

HASH_BYTES = 16
FILE_CHUNK_BYTES = 1 << 20
MAX_NESTING_LEVELS = 50
"""Of containers in containers; what is deeper holds itself."""

REMEDY = (
    "return arrays, tensors, datasets with items by number, plain data or pathlib.Path, "
    "or give it a method `fingerprint()` that returns text"
)


class Hash(Protocol):
    """What bytes go into."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take in more bytes."""


class NotHashable(TypeError):
    """Data whose content cannot be hashed: the message names where they are, what they are, and the remedy."""

    def __init__(self, where: str, kind: str) -> None:
        self.where, self.kind = where, kind
        super().__init__(f"{where} is {kind}, whose content cannot be hashed; {REMEDY}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.where, self.kind)


def fingerprint(data: object, name: str = "data") -> str:
    """Return the hash of data by their content, as hex digits.

    Items that a dataset makes with random numbers of Python's or numpy's global generators are hashed as these give
    them from one fixed seed; the generators are left as they were.

    Args:
        data: what is hashed.
        name: what errors call it.

    Raises:
        NotHashable: something in there has no content that can be hashed.
        OSError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    with _left_alone():
        _enter(data, name, 0, digest)
    return digest.hexdigest()


def card_of(data: object, name: str) -> DataCard:
    """Return the data card of data that a workload trains on.

    Raises:
        NotHashable, OSError: see `fingerprint`.
    """
    return DataCard(fingerprint(data, name), name)


def with_truth(card: DataCard, truth: Mapping[str, object]) -> DataCard:
    """Return a data card with the true class of each item, so that predictions can be judged item by item.

    Args:
        card: of the data.
        truth: split -> class of each item, integers [n] counted from 0, as arrays, tensors or lists.

    Raises:
        ValueError: classes are no whole numbers from 0 on.
    """
    classes: dict[str, np.ndarray] = {}
    for split, given in truth.items():
        labels = np.asarray(given.cpu() if hasattr(given, "cpu") else given)
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or labels.min(initial=0) < 0:
            raise ValueError(
                f"the true classes of {split!r} have the shape {labels.shape} and the type {labels.dtype}; "
                "they must be one whole number from 0 on for each item"
            )
        classes[split] = labels
    count = 1 + max((int(labels.max(initial=0)) for labels in classes.values()), default=0)
    return dataclasses.replace(card, truth=classes, classes=[str(number) for number in range(count)])


def with_groups(card: DataCard, groups: Mapping[str, Iterable[object]]) -> DataCard:
    """Return a data card with the group that each item belongs to; see `search.core.trial.DataCard`.

    Args:
        card: of the data.
        groups: split -> a name or a number for each item, equal where items belong together.

    Raises:
        UserError: they are something else, or a name is missing: items without one would be taken for one group.
    """
    rule = "they must be split -> a name or a number for each item"
    if not isinstance(groups, Mapping):
        raise UserError(f"groups are of type {type(groups).__name__}; {rule}")
    named: dict[str, list[str]] = {}
    for split, names in groups.items():
        named[split] = []
        for place, name in enumerate(names):
            value = name.item() if hasattr(name, "item") else name
            if value is None or (isinstance(value, float) and math.isnan(value)):
                raise UserError(f"groups of {split!r} hold {value} for item {place}; {rule}")
            named[split].append(str(value))
    return dataclasses.replace(card, groups=named)


@functools.singledispatch
def content(value: object) -> Iterable[object] | None:  # noqa: ARG001  # of a kind that is registered
    """Return what stands for a value in its hash: simpler values, in sequence; None where nothing does.

    A library registers its own kinds here; its kind and the length are hashed besides.
    """
    return None


class Generators(NamedTuple):
    """The global random numbers of a library, which items of datasets may be made with."""

    seed: Callable[[int], object]
    state: Callable[[], Any]
    restore: Callable[[Any], object]


GENERATORS = [
    Generators(random.seed, random.getstate, random.setstate),
    Generators(lambda number: np.random.seed(number % 2**32), np.random.get_state, np.random.set_state),
]
"""Of Python and numpy; a library adds its own."""


@contextmanager
def _left_alone() -> Iterator[None]:
    """Leave the global generators as they were."""
    states = [library.state() for library in GENERATORS]
    try:
        yield
    finally:
        for library, state in zip(GENERATORS, states, strict=True):
            library.restore(state)


def _enter(value: object, where: str, depth: int, digest: Hash) -> None:
    if depth > MAX_NESTING_LEVELS:
        raise NotHashable(where[:80], f"nested deeper than {MAX_NESTING_LEVELS} levels, or in itself")
    said = getattr(value, "fingerprint", None)
    if callable(said) and not isinstance(value, type):
        text = said()
        if not isinstance(text, str):
            raise NotHashable(f"{where}.fingerprint()", f"{named_type(text)} and no text")
        _label(digest, "said", 1)
        digest.update(encode(text))
    elif (parts := content(value)) is not None:
        listed = list(parts)
        _label(digest, type(value).__qualname__, len(listed))
        for index, part in enumerate(listed):
            _enter(part, f"{where} ({index})", depth + 1, digest)
    elif isinstance(value, Path):
        _enter_path(value, digest)
    elif _is_array(value):
        for name, part in _beside_numbers(value):
            _enter(part, f"{where}.{name}", depth + 1, digest)
        _enter_array(np.asarray(value), where, depth, digest)
    elif isinstance(value, Mapping):
        _label(digest, "mapping", len(value))
        for key, item in value.items():
            _enter_plain(key, f"{where}[{key!r}]", digest)
            _enter(item, f"{where}[{key!r}]", depth + 1, digest)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        _label(digest, type(value).__qualname__, len(names))
        for name in names:
            _enter(getattr(value, name), f"{where}.{name}", depth + 1, digest)
    elif isinstance(value, (list, tuple, range)) or _has_items(value):
        _enter_items(value, where, depth, digest)
    else:
        _enter_plain(value, where, digest)


def _is_array(value: object) -> bool:
    """Whether numpy makes an array of this: arrays, images, data frames."""
    return not isinstance(value, type) and (hasattr(value, "__array__") or hasattr(value, "__array_interface__"))


def _beside_numbers(value: Any) -> Iterator[tuple[str, object]]:
    """Yield what such an object is beside the numbers that numpy makes of it: name -> value."""
    if hasattr(value, "columns"):  # a data frame
        yield "columns", list(value.columns)
    if isinstance(value, np.ma.MaskedArray):
        yield "mask", np.ma.getmaskarray(value)
    if hasattr(value, "getpalette"):  # an image of Pillow's, whose numbers may be places in a list of colours
        yield "mode", value.mode
        yield "palette", value.getpalette()


def _has_items(value: object) -> bool:
    """Whether this is a sequence or a map-style dataset; text, bytes and sets are none."""
    if isinstance(value, (str, bytes, bytearray, Set, type)):
        return False
    return isinstance(value, Sequence) or (hasattr(value, "__getitem__") and hasattr(value, "__len__"))


def _enter_items(value: Any, where: str, depth: int, digest: Hash) -> None:
    try:
        length = len(value)
    except (TypeError, NotImplementedError):
        raise NotHashable(where, named_type(value)) from None
    _label(digest, "items", length)
    listed = isinstance(value, (list, tuple, range))
    for index in range(length):
        if not listed:  # an item is made as it is asked for, perhaps with random numbers
            for library in GENERATORS:
                library.seed(index)
        _enter(value[index], f"{where}[{index}]", depth + 1, digest)


def _enter_array(array: np.ndarray, where: str, depth: int, digest: Hash) -> None:
    if array.dtype.hasobject and array.dtype.names is None:
        _label(digest, f"objects {array.shape}", array.size)
        for index, item in enumerate(array.reshape(-1).tolist()):
            _enter(item, f"{where} ({index})", depth + 1, digest)
        return
    if array.dtype.hasobject:
        raise NotHashable(where, "a record array of Python objects")
    _label(digest, f"array {np.lib.format.dtype_to_descr(array.dtype)} {array.shape}", array.size)
    if array.nbytes:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _enter_path(path: Path, digest: Hash) -> None:
    """Enter a file's content, or names and contents of all files in a folder; where it lies does not count."""
    if not path.is_dir():
        _label(digest, "file", path.stat().st_size)
        with path.open("rb") as file:
            while chunk := file.read(FILE_CHUNK_BYTES):
                digest.update(chunk)
        return
    files = sorted((inner.relative_to(path).as_posix(), inner) for inner in path.rglob("*") if inner.is_file())
    _label(digest, "folder", len(files))
    for name, inner in files:
        digest.update(encode(name))
        _enter_path(inner, digest)


def _enter_plain(value: object, where: str, digest: Hash) -> None:
    try:
        text = encode(value)
    except NotPlain as error:
        raise NotHashable(f"{where}{error.where}", error.kind) from None
    _label(digest, "plain", len(text))
    digest.update(text)


def _label(digest: Hash, kind: str, length: int) -> None:
    text = kind.encode()
    digest.update(b"%d:%s:%d:" % (len(text), text, length))
