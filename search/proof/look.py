"""What a run holds, as a list of hashes: two lists tell what a state left out, or a trial left behind.

A look walks from a run, its workload and the variables of its module to plain data, arrays, tensors and generators.
It knows torch's classes where torch is loaded, and imports nothing. It runs in the fresh process.
"""

from __future__ import annotations

import hashlib
import random
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

MAX_THINGS = 20_000
"""Objects that a look walks over at most."""

MAX_DEPTH = 12
"""Steps from the run to what is looked at."""

MAX_ITEMS = 500
"""Items of a list or a mapping that are looked at."""

RUN = "run"
"""Name of the root that is the run."""

KINDS = ("generator", "optimiser", "scheduler", "buffer", "weights", "counter", "array", "value", "cache")
"""What may differ, the most telling first."""

_WORDS = {
    "optimiser": ("momentum", "velocity", "optim", "exp_avg"),
    "buffer": ("running_", "ema", "average"),
    "weights": ("weight", "bias", "param", "coef"),
    "counter": ("epoch", "step", "count", "iteration"),
}
"""Kind -> what the names of plain numbers and arrays of that kind hold."""

_IMPLAUSIBLE = {("counter", "array"), ("weights", "value")}
"""Kinds that a name makes of an array or of a plain value and that these cannot be."""


@dataclass(frozen=True)
class Seen:
    """One thing that a look came by.

    Attributes:
        kind: one of `KINDS`.
        digest: equal for equal contents.
        text: what it is, for people; "" for what is too large.
        of_run: whether the run leads to it, and not a variable of a module or a library.
    """

    kind: str
    digest: str
    text: str = ""
    of_run: bool = False


class Differing(NamedTuple):
    """What differs between two looks.

    Attributes:
        path: where it is.
        here, there: what the two looks saw, None for nothing; never both.
    """

    path: str
    here: Seen | None
    there: Seen | None

    @property
    def seen(self) -> Seen:
        """What the first look saw, or the second one where the first saw nothing."""
        seen = self.here or self.there
        assert seen is not None
        return seen


@dataclass(frozen=True)
class Whole:
    """A thing of which nothing but its hash is told."""

    digest: str


@dataclass(frozen=True)
class Variable:
    """A variable of a module or a class, as a root of a look."""

    holder: object
    name: str
    value: object


@dataclass(frozen=True)
class Part:
    """A thing on the way of a look.

    Attributes:
        path: where it is.
        thing: itself.
        sense: kind that leaves below it are of, "" where their names say.
        holder: what it is a part of, None of a root.
        slot: how it is put there: "item", "attribute", or "" where it cannot be.
        name: the key or the attribute.
        root: name of the root that leads to it.
        stateful: the optimiser or scheduler whose `state_dict` it is in, if any.
    """

    path: str
    thing: Any
    sense: str = ""
    holder: Any = None
    slot: str = ""
    name: Any = None
    root: str = ""
    stateful: Any = None


def look(roots: Mapping[str, object]) -> dict[str, Seen]:
    """Return path -> what is there, from every root, each thing by the first path that leads to it."""
    seen: dict[str, Seen] = {}
    for part, leaf in walk(roots):
        if leaf is not None:
            kind, digest, text = leaf
            seen[part.path] = Seen(part.sense or _named(kind, part.path), digest, text, part.root == RUN)
    return seen


def walk(roots: Mapping[str, object]) -> Iterator[tuple[Part, tuple[str, str, str] | None]]:
    """Yield all that the roots lead to, with kind, digest and text of what is looked at as a whole."""
    met: set[int] = set()
    ahead = [_root(name, root) for name, root in reversed(list(roots.items()))]
    keep = []  # what is made on the way, so that no other object gets its number
    while ahead and len(met) < MAX_THINGS:
        part, depth = ahead.pop()
        try:
            leaf = _leaf(part.thing)
            if leaf is None:
                if id(part.thing) in met or depth > MAX_DEPTH:
                    continue
                met.add(id(part.thing))
                parts = _parts(part)
                keep.append(parts)
                ahead += [(below, depth + 1) for below in reversed(parts)]
        except Exception:  # code of the thing's own that raises when it is looked at
            continue
        yield part, leaf


def _root(name: str, root: object) -> tuple[Part, int]:
    if isinstance(root, Variable):
        return Part(name, root.value, "", root.holder, "attribute", root.name, name), 0
    return Part(name, root, root=name), 0


def differing(one: Mapping[str, Seen], other: Mapping[str, Seen]) -> list[Differing]:
    """Return what differs between two looks, the most telling kinds first."""
    paths = [path for path in {**one, **other} if one.get(path) != other.get(path)]

    def rank(path: str) -> int:
        kinds = [KINDS.index(look[path].kind) for look in (one, other) if path in look]
        return min(kinds)

    return [Differing(path, one.get(path), other.get(path)) for path in sorted(paths, key=rank)]


def _leaf(thing: Any) -> tuple[str, str, str] | None:
    """Return kind, digest and text of what is looked at as a whole, None of what has parts."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if isinstance(thing, Whole):
        return "value", thing.digest, ""
    if thing is None or isinstance(thing, (bool, int, float, complex, str, bytes, bytearray)):
        return "value", hash_of(repr(thing).encode()), _short(thing)
    if isinstance(thing, random.Random):
        return "generator", hash_of(repr(thing.getstate()).encode()), ""
    if isinstance(thing, (set, frozenset)):
        return "value", hash_of(repr(sorted(map(repr, thing))).encode()), _short(thing)
    if numpy is not None:
        if isinstance(thing, numpy.random.Generator):
            return "generator", hash_of(repr(thing.bit_generator.state).encode()), ""
        if isinstance(thing, (numpy.random.RandomState, numpy.random.BitGenerator)):
            state = thing.get_state() if hasattr(thing, "get_state") else thing.state
            return "generator", hash_of(repr(state).encode()), ""
        if isinstance(thing, (numpy.ndarray, numpy.generic)):
            content = repr(thing.tolist()).encode() if thing.dtype.hasobject else thing.tobytes()
            return "array", hash_of(repr((thing.dtype, thing.shape)).encode() + content), ""
    if torch is not None:
        if isinstance(thing, torch.Generator):
            return "generator", hash_of(thing.get_state().numpy().tobytes()), ""
        if isinstance(thing, torch.Tensor):
            return "array", hash_of(_bytes(thing)), ""
    if callable(getattr(thing, "cache_info", None)):
        return "cache", hash_of(str(thing.cache_info()).encode()), ""
    return None


def _parts(whole: Part) -> list[Part]:
    """Return what a thing consists of."""
    thing, path, sense = whole.thing, whole.path, whole.sense

    def part(where: str, value: object, slot: str = "", name: object = None, own_sense: str = sense) -> Part:
        return Part(where, value, own_sense, thing, slot, name, whole.root, whole.stateful)

    if isinstance(thing, Mapping):
        items = list(thing.items())[:MAX_ITEMS]
        return [part(f"{path}[{_short(name)}]", item, "item", name) for name, item in items]
    if isinstance(thing, (list, tuple)):
        slot = "item" if isinstance(thing, list) else ""
        return [part(f"{path}[{place}]", item, slot, place) for place, item in enumerate(thing[:MAX_ITEMS])]
    if isinstance(thing, types.GeneratorType):
        frame = thing.gi_frame
        return [part(name, value) for name, value in frame.f_locals.items()] if frame is not None else []
    if isinstance(thing, types.MethodType):
        return [part(path, thing.__self__)]
    if isinstance(thing, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)):
        return []
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.nn.Module):
        weights = [part(f"{path}.{name}", value, own_sense="weights") for name, value in thing.named_parameters()]
        buffers = [part(f"{path}.{name}", value, own_sense="buffer") for name, value in thing.named_buffers()]
        own = {name: value for name, value in vars(thing).items() if not name.startswith("_")}
        others = [part(f"{path}.{name}", value, "attribute", name, "") for name, value in own.items()]
        return [*buffers, *weights, *others]
    if torch is not None and isinstance(thing, torch.optim.Optimizer):
        return [replace(part(path, thing.state_dict(), own_sense="optimiser"), stateful=thing)]
    if torch is not None and "lr_scheduler" in type(thing).__module__:
        return [replace(part(path, thing.state_dict(), own_sense="scheduler"), stateful=thing)]
    named = dict(getattr(thing, "__dict__", {}))
    for owner in type(thing).__mro__:
        slots = owner.__dict__.get("__slots__", ())
        named |= {
            name: getattr(thing, name)
            for name in ((slots,) if isinstance(slots, str) else slots)
            if isinstance(name, str) and not name.startswith("__") and hasattr(thing, name)
        }
    return [part(f"{path}.{name}", value, "attribute", name) for name, value in named.items()]


def _named(kind: str, path: str) -> str:
    """Return the kind of a plain number or array by what it is called."""
    if kind not in ("value", "array"):
        return kind
    name = path.rpartition(".")[2].lower()
    for sense, words in _WORDS.items():
        if any(word in name for word in words) and (sense, kind) not in _IMPLAUSIBLE:
            return sense
    return kind


def _bytes(tensor: Any) -> bytes:
    torch = sys.modules["torch"]
    plain = tensor.detach().cpu()
    if plain.layout != torch.strided or plain.is_quantized:
        return repr(plain).encode()
    form = repr((plain.dtype, tuple(plain.shape))).encode()
    flat = plain.contiguous().reshape(-1)
    content: bytes = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return form + content


def hash_of(content: bytes) -> str:
    """Return a hash that is equal for equal bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
