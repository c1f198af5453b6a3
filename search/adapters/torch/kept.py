"""What a script keeps: its parts as plain data and tensors, and back into the same objects."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from search.adapters.plain import KEEPABLE, NotPlain, encode
from search.adapters.torch.errors import ScriptError
from search.adapters.torch.state import Stateful

_MISSING = object()


class Kept:
    """What `keep` returns: the kept objects by name; numbers and text are read and set here.

    A number is a value and no object that could be restored where a local holds it: ``memory = run.keep(best=0.0)``
    lets the loop say ``memory.best = max(memory.best, accuracy)``.
    """

    def __init__(self, objects: Mapping[str, object]) -> None:
        vars(self).update(objects)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in vars(self):
            raise ScriptError(f"{name!r} is not kept; give it to run.keep before the loop: run.keep({name}=...)")
        vars(self)[name] = value


def _remedy(name: str, value: object) -> str:
    """Say how an object of a class of the script's own is kept: by what it holds."""
    held = [attribute for attribute, item in getattr(value, "__dict__", {}).items() if isinstance(item, Stateful)]
    if not held or isinstance(value, (Stateful, type)):
        return ""
    return f"; keep what it holds: run.keep({', '.join(f'{name}_{each}={name}.{each}' for each in held)})"


def check(objects: Mapping[str, object]) -> None:
    """Refuse what cannot be kept, by its name.

    Raises:
        ScriptError: it has no state, or one that is neither plain data nor tensors.
    """
    for name, value in objects.items():
        try:
            encode(state_of(value), lambda item: 0 if isinstance(item, Tensor) else None)
        except NotPlain as error:
            own = isinstance(value, Stateful) and not isinstance(value, type)
            raise ScriptError(
                f"run.keep({name}=...): {name}{'.state_dict()' if own else ''}{error.where} is {error.kind}"
                f"{f', {error.reason}' if error.reason else ''}; kept are {KEEPABLE}, tensors, random generators, "
                f"and what has state_dict and load_state_dict{_remedy(name, value)}"
            ) from None


def saved(kept: Kept) -> dict[str, object]:
    """Return name -> state of everything kept, as plain data, arrays and tensors.

    Raises:
        ScriptError: see `check`.
    """
    objects = vars(kept)
    check(objects)
    return {name: state_of(value) for name, value in objects.items()}


def state_of(value: object) -> object:
    """Return the state of one object; itself where it is data."""
    match value:
        case torch.Generator():
            return value.get_state()
        case np.random.Generator():
            return value.bit_generator.state
        case np.random.RandomState():
            return value.get_state(legacy=False)
        case random.Random() if type(value) is random.Random:
            return value.getstate()
        case Stateful() if not isinstance(value, type):
            return value.state_dict()
        case defaultdict() | Counter():
            return dict(value)
        case deque():
            return list(value)
    return value


def restore(kept: Kept, states: Mapping[str, Any]) -> None:
    """Put everything kept into these states, in place: whoever holds one of the objects sees it restored.

    Raises:
        ScriptError: other things were kept, or an array or tensor has another shape or type.
    """
    objects = vars(kept)
    if objects.keys() != states.keys():
        raise ScriptError(
            f"the state holds {', '.join(sorted(states)) or 'nothing'}, but run.keep was given "
            f"{', '.join(sorted(objects)) or 'nothing'}; keep the same under all settings that share epochs"
        )
    for name, state in states.items():
        value = objects[name]
        match value:
            case torch.Generator():
                value.set_state(state)
            case np.random.Generator():
                value.bit_generator.state = state
            case np.random.RandomState():
                value.set_state(state)
            case random.Random() if type(value) is random.Random:
                value.setstate(state)
            case torch.optim.Optimizer():
                _load_optimizer(value, state)
            case Stateful():
                value.load_state_dict(state)
            case _:
                objects[name] = _put(value, state, name)


def _load_optimizer(optimizer: torch.optim.Optimizer, state: Any) -> None:
    """Load a state into the groups and the mapping that there are: torch would put others into their place."""
    groups, moments = optimizer.param_groups, optimizer.state
    optimizer.load_state_dict(state)
    for old, new in zip(groups, optimizer.param_groups, strict=True):
        old.clear()
        old.update(new)
    loaded = dict(optimizer.state)
    moments.clear()
    moments.update(loaded)
    optimizer.param_groups, optimizer.state = groups, moments


def _put(old: Any, new: Any, name: str) -> object:
    """Return a value like `new`: the old object with the new content where it has one, else the new one."""
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        if (old.shape, old.dtype) == (new.shape, new.dtype):
            with torch.no_grad():
                return old.copy_(new)
        raise ScriptError(
            f"run.keep({name}=...): the state holds a tensor {list(new.shape)} of {new.dtype}, and there is one "
            f"{list(old.shape)} of {old.dtype}; keep one that has its shape from the start, or a list"
        )
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if (old.shape, old.dtype) == (new.shape, new.dtype):
            old[...] = new
            return old
        raise ScriptError(
            f"run.keep({name}=...): the state holds an array {list(new.shape)} of {new.dtype}, and there is one "
            f"{list(old.shape)} of {old.dtype}; keep one that has its shape from the start, or a list"
        )
    if type(old) is list and type(new) is list:
        pairs = itertools.zip_longest(old[: len(new)], new, fillvalue=_MISSING)
        old[:] = [item if before is _MISSING else _put(before, item, name) for before, item in pairs]
        return old
    if isinstance(old, deque):
        old.clear()
        old.extend(new)
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        items = {key: _put(old[key], item, name) if key in old else item for key, item in new.items()}
        old.clear()
        old.update(items)
        return old
    return new


def clear_gradients(kept: Kept) -> None:
    """Forget the gradients of all that is kept: they are in no state, so none may last from one epoch to the next."""
    for value in vars(kept).values():
        for part in _parts(value):
            if isinstance(part, Tensor) and part.is_leaf:
                part.grad = None


def owned(kept: Kept) -> tuple[set[int], set[int]]:
    """Return the ids of all objects that are kept, parts of modules included, and the addresses of their tensors."""
    ids, addresses = set(), set()
    for value in vars(kept).values():
        for part in _parts(value):
            ids.add(id(part))
            if isinstance(part, Tensor):
                addresses.add(address(part))
    return ids, addresses


def _parts(value: Any) -> Iterator[object]:
    yield value
    if isinstance(value, torch.nn.Module):
        yield from value.modules()
        yield from value.parameters()
        yield from value.buffers()
    elif isinstance(value, torch.optim.Optimizer):
        yield from (value.state, value.param_groups, *value.param_groups)
        for group in value.param_groups:
            yield from group["params"]
    elif type(value) in (list, tuple, dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts(item)


def address(tensor: Tensor) -> int:
    """Return where a tensor's memory lies; 0 where it has none of its own."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return 0
