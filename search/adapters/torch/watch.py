"""What changes between epochs without being kept: seen in the frame of the script, and named.

Looked at are the names that last from one epoch to the next (`search.adapters.torch.loop`): numbers, text, containers,
arrays, tensors, random generators, what has a state_dict, loaders, and objects of classes that the script's own package
defines. What is kept is passed over, also under another name or as a part of something else.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from search.adapters.fingerprint import Hash
from search.adapters.torch.errors import ScriptError
from search.adapters.torch.kept import Kept, address, owned, state_of
from search.adapters.torch.state import Stateful

MAX_HASHED_BYTES = 1 << 16
"""Of an array or tensor that is compared whole; of a larger one a sample, or the counter of its changes."""

MAX_ITEMS = 1000
"""Of a container that is compared whole; of a longer one its length and its ends."""

MAX_NESTING_LEVELS = 6

_LISTED = 100

_PLAIN = (bool, int, float, str, bytes, tuple, type(None))
"""Read and set by what `run.keep` returns, for they cannot change in their place."""

_GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


def snapshot(value: object, package: str = "", kept: Kept | None = None) -> bytes:
    """Return a hash that changes when a value does, as far as it can be seen at little cost.

    Args:
        value: anything; what cannot be looked at has one hash.
        package: whose classes' objects are looked into.
        kept: whose changes do not count.
    """
    ids, addresses = owned(kept) if kept is not None else (set(), set())
    digest = hashlib.blake2b(digest_size=16)
    _Looking(digest, package, ids, addresses).enter(value, 0)
    return digest.digest()


class _Looking:
    def __init__(self, digest: Hash, package: str, ids: set[int], addresses: set[int]) -> None:
        self.digest, self.package, self.ids, self.addresses = digest, package, ids, addresses

    def enter(self, value: Any, depth: int) -> None:
        if id(value) in self.ids or depth > MAX_NESTING_LEVELS:
            return
        self.digest.update(type(value).__name__.encode())
        match value:
            case bool() | int() | float() | complex() | str() | bytes() | None | np.generic():
                self.digest.update(repr(value).encode())
            case Tensor():
                self._tensor(value)
            case np.ndarray():
                self._array(value)
            case list() | tuple() | set() | frozenset() | dict() | deque():
                self._container(value, depth)
            case _ if isinstance(value, _GENERATORS):
                self.enter(state_of(value), depth + 1)
            case TensorDataset():
                self.enter(value.tensors, depth + 1)
            case Subset():
                self.enter(value.dataset, depth + 1)
            case Dataset():  # it may rightly remember what it has read, but not where a generator has come to
                self.enter([part for part in vars(value).values() if isinstance(part, _GENERATORS)], depth + 1)
            case DataLoader():
                for part in (value.dataset, *generators_of(value)):
                    self.enter(part, depth + 1)
            case Stateful() if not isinstance(value, type):
                self.enter(value.state_dict(), depth + 1)
            case _ if self._is_own(value):
                self.enter(vars(value), depth + 1)

    def _is_own(self, value: object) -> bool:
        package = type(value).__module__.partition(".")[0]
        return bool(self.package) and package == self.package and hasattr(value, "__dict__")

    def _tensor(self, tensor: Tensor) -> None:
        if address(tensor) in self.addresses:
            return
        small = tensor.numel() * tensor.element_size() <= MAX_HASHED_BYTES
        if small and tensor.device.type == "cpu" and tensor.layout == torch.strided:
            plain = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
            self.digest.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
            return
        changes = 0 if tensor.is_inference() else tensor._version
        self.digest.update(repr((changes, tensor.shape, tensor.dtype, address(tensor))).encode())

    def _array(self, array: np.ndarray) -> None:
        self.digest.update(repr((array.shape, str(array.dtype))).encode())
        if array.dtype.hasobject:
            return
        step = 1 if array.nbytes <= MAX_HASHED_BYTES else array.size // (MAX_HASHED_BYTES // array.itemsize + 1) + 1
        self.digest.update(array.flat[::step].tobytes())

    def _container(self, value: Any, depth: int) -> None:
        self.digest.update(b"%d" % len(value))
        if isinstance(value, (set, frozenset)):
            self.digest.update(repr(sorted(map(repr, value))[:MAX_ITEMS]).encode())
            return
        items = list(value.items()) if isinstance(value, dict) else list(value) if isinstance(value, deque) else value
        if len(items) > MAX_ITEMS:
            items = [*items[:_LISTED], *items[-_LISTED:]]
        for item in items:
            self.enter(item, depth + isinstance(item, (list, dict, set)))


def generators_of(loader: DataLoader[object]) -> Iterator[object]:
    """Yield the generators of its own that a loader draws its order from."""
    for part in (loader, loader.sampler, getattr(loader.batch_sampler, "sampler", None)):
        if (generator := getattr(part, "generator", None)) is not None:
            yield generator


class Watch:
    """Compares the lasting names of a script's frame, epoch after epoch.

    Args:
        name: of the script.
        lasting: names that are looked at.
        package: whose classes' objects are looked into.
    """

    def __init__(self, name: str, lasting: Iterable[str], package: str) -> None:
        self._name, self._lasting, self._package = name, sorted(lasting), package
        self._before: dict[str, bytes] = {}

    def begin(self, frame: Mapping[str, object], kept: Kept) -> None:
        """Note what there is before an epoch.

        Raises:
            ScriptError: a name stands for something whose place or state nobody can save.
        """
        for name in self._lasting:
            value = frame.get(name)
            if isinstance(value, Iterator) and not hasattr(value, "write") and not _is_run(value):
                raise ScriptError(
                    f"{self._name}: `{name}` is an iterator that is made before the loop, and its place is in no "
                    "state; make it inside the loop, or take run.batches(..., steps=...) for a stream of batches"
                )
            if isinstance(value, DataLoader) and value.persistent_workers:
                raise ScriptError(
                    f"{self._name}: the workers of `{name}` live from epoch to epoch, and their random numbers are in "
                    "no state; leave out persistent_workers=True, or take run.batches(..., workers=...)"
                )
        self._before = self._look(frame, kept)

    def check(self, frame: Mapping[str, object], kept: Kept) -> None:
        """Compare what there is behind an epoch with what was before it.

        Raises:
            ScriptError: names hold something else, and are not kept; all of them are named, or a script would be
                mended by as many tries as it has names.
        """
        now = self._look(frame, kept)
        if changed := {name: frame[name] for name, seen in now.items() if self._before.get(name, seen) != seen}:
            raise ScriptError(f"{self._name}: {_changed(changed, kept)}")
        self._before = now

    def _look(self, frame: Mapping[str, object], kept: Kept) -> dict[str, bytes]:
        ids, addresses = owned(kept)
        seen = {}
        for name in self._lasting:
            if name in frame and not isinstance(frame[name], Kept):
                digest = hashlib.blake2b(digest_size=16)
                _Looking(digest, self._package, ids, addresses).enter(frame[name], 0)
                seen[name] = digest.digest()
        return seen


def _is_run(value: object) -> bool:
    return hasattr(value, "measured") and hasattr(value, "keep")


def _changed(changed: Mapping[str, object], kept: Kept) -> str:
    """Say that names changed and are not kept, and how they are kept."""
    plain = [name for name, value in changed.items() if isinstance(value, _PLAIN)]
    together = [name for name, value in changed.items() if name in plain or _is_kept_whole(value)]
    parts = []
    if together:
        it = "them" if len(together) > 1 else "it"
        given = ", ".join(f"{name}={'...' if name in plain else name}" for name in together)
        remedy = f"write run.keep({given}), or make {it} inside of the loop"
        if plain:
            again = ", ".join(name for name in plain if name in vars(kept))
            named = f" for {again}" if len(together) > 1 else ""
            lost = f"the value that run.keep was given{named} is no longer its own; " if again else ""
            inside = ", ".join(f"`memory.{name}`" for name in plain)
            read = "they are read" if len(together) > 1 else "it is read"
            remedy = f"{lost}write `memory = run.keep({given})` before the loop, and {inside} inside, or assign {it} "
            remedy += f"inside of the loop before {read}"
        parts.append(f"{_begin(together)}; {remedy}")
    parts += [_changed_alone(name, value) for name, value in changed.items() if name not in together]
    return ". Besides, ".join(parts)


def _begin(names: Sequence[str]) -> str:
    several = len(names) > 1
    listed = ", ".join(f"`{name}`" for name in names)
    verbs = "change from epoch to epoch and are" if several else "changes from epoch to epoch and is"
    return f"{listed} {verbs} not kept: a training that starts from a saved state lacks {'them' if several else 'it'}"


def _is_kept_whole(value: object) -> bool:
    """Whether `run.keep` takes a value as it is, and nothing else is to be said of it."""
    if isinstance(value, (Dataset, DataLoader)):
        return False
    return isinstance(value, (Tensor, np.ndarray, list, dict, Stateful)) or state_of(value) is not value


def _changed_alone(name: str, value: object) -> str:
    begin = _begin([name])
    if isinstance(value, Dataset) or (isinstance(value, DataLoader) and not any(True for _ in generators_of(value))):
        return (
            f"{begin}: its items draw from a generator that is seeded once; let them draw from Python's, numpy's or "
            "torch's, which are seeded in every epoch, and take run.batches(...) where workers make them"
        )
    if isinstance(value, DataLoader):
        return (
            f"{begin}: its generator is seeded once; leave out generator=..., for the epoch seeds the order, "
            f"or keep it: run.keep(order={name}.generator)"
        )
    return (
        f"{begin}; give {type(value).__name__} the methods state_dict and load_state_dict and write "
        f"run.keep({name}={name}), or make it inside of the loop"
    )
