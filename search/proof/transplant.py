"""Copies what one run holds into another: a difference in rows that goes away with it tells the cause.

Runs in the fresh process.
"""

from __future__ import annotations

import contextlib
import pickle
import random
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from search.proof.look import Part, walk


@dataclass(frozen=True)
class Copy:
    """A thing of one run on its way to another.

    Attributes:
        holder: path of what it is a part of, "" of a root.
        slot: how it is put there, as `Part` has it, or "state" of what is loaded by `load_state_dict`.
        name: the key or the attribute.
        content: pickled.
    """

    holder: str
    slot: str
    name: Any
    content: bytes


def copies(roots: Mapping[str, object], paths: Iterable[str]) -> dict[str, Copy]:
    """Return path -> what is there, of those that can be copied.

    Args:
        roots: what a look begins from.
        paths: as a look names them.
    """
    wanted, path_of, copied = set(paths), dict[int, str](), dict[str, Copy]()
    for part, leaf in walk(roots):
        if leaf is None:
            path_of.setdefault(id(part.thing), part.path)
        if part.path not in wanted:
            continue
        with contextlib.suppress(Exception):  # what cannot be pickled is not tried
            if part.stateful is None:
                copied[part.path] = Copy(
                    path_of.get(id(part.holder), ""), part.slot, part.name, pickle.dumps(part.thing)
                )
            elif holder := path_of.pop(id(part.stateful), ""):  # once for all that is in it
                copied[part.path] = Copy(holder, "state", None, pickle.dumps(part.stateful.state_dict()))
    return copied


def put(roots: Mapping[str, object], copied: Mapping[str, Copy]) -> None:
    """Put copies where a look finds their paths, or what they were parts of; what has no place there is left out."""
    parts: dict[str, Part] = {}
    for part, _ in walk(roots):
        parts.setdefault(part.path, part)
    for path, copy in copied.items():
        with contextlib.suppress(Exception):  # the rows tell whether it helped
            value, holder = pickle.loads(copy.content), parts.get(copy.holder)  # from our own process
            if copy.slot == "state" and holder is not None:
                holder.thing.load_state_dict(value)
            elif path in parts:
                _replace(parts[path], value)
            elif holder is not None:
                _into(holder.thing, copy.slot, copy.name, value)


def _replace(part: Part, value: Any) -> None:
    """Give a thing the value of another one: in place where others may hold it too."""
    thing, (numpy, torch) = part.thing, (sys.modules.get(name) for name in ("numpy", "torch"))
    if isinstance(thing, random.Random):
        thing.setstate(value.getstate())
    elif numpy is not None and isinstance(thing, numpy.random.Generator):
        thing.bit_generator.state = value.bit_generator.state
    elif numpy is not None and isinstance(thing, numpy.random.BitGenerator):
        thing.state = value.state
    elif numpy is not None and isinstance(thing, numpy.random.RandomState):
        thing.set_state(value.get_state())  # as torch's is below
    elif torch is not None and isinstance(thing, torch.Generator):
        thing.set_state(value.get_state())
    elif torch is not None and isinstance(thing, torch.Tensor) and isinstance(value, torch.Tensor):
        with torch.no_grad():
            thing.copy_(value)
    elif part.slot:
        _into(part.holder, part.slot, part.name, value)
    else:
        thing[...] = value


def _into(holder: Any, slot: str, name: Any, value: object) -> None:
    if slot == "attribute":
        setattr(holder, name, value)
    elif slot == "item":
        holder[name] = value
