"""What the objects of a training hold: states, and beside them counters, lists, flags and generators.

Libraries save what their ``state_dict`` has. A counter that a module keeps as a plain attribute, a buffer that is not
persistent, a parameter that was frozen on the way, an averaged model in a callback: these are found here by looking
through the objects, and saved where they differ from the beginning.
"""

from __future__ import annotations

import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from search.adapters.plain import NotPlain, named_type
from search.adapters.torch.marks import MAX_SEARCHED_ITEMS, Mark, bytes_of, device_of, is_small, moved
from search.adapters.torch.seeding import derived
from search.adapters.torch.state import Stateful, pack, unpack

MAX_DEPTH_LEVELS = 12
_LIBRARY = frozenset(sys.stdlib_module_names) - {"types"}
"""Modules of Python's own, whose objects (loggers, locks, files) are of a process; `types` has a plain namespace."""
_CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, torch.dtype)
_MADE: dict[type, Callable[[], Any]] = {
    torch.Generator: torch.Generator,
    np.random.Generator: np.random.default_rng,
    np.random.RandomState: np.random.RandomState,
    random.Random: random.Random,
}
GENERATORS = tuple(_MADE)
_SAID = {f"{kind.__module__}.{kind.__qualname__}": made for kind, made in _MADE.items()}
_OF_MODULES = frozenset(vars(nn.Module())) - {"training"}


@dataclass
class Seen:
    """What a look through objects found; a path is a name as Python writes it, ``module.net.block``."""

    nodes: dict[str, Any] = field(default_factory=dict)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)  # attributes, by node and name
    parts: dict[str, Stateful] = field(default_factory=dict)
    generators: dict[str, Any] = field(default_factory=dict)
    frozen: dict[str, bool] = field(default_factory=dict)  # parameter -> whether it is not trained
    ids: dict[int, Any] = field(default_factory=dict)  # objects that were looked at, held so that none is mistaken


class Held:
    """Objects of a training, and what of them a later epoch depends on."""

    def __init__(
        self,
        parts: Mapping[str, Stateful],
        roots: Mapping[str, object],
        data: Mapping[str, object],
        ignored: Mapping[type, Set[str]],
        others: Sequence[object] = (),
        gradients: bool = False,
    ) -> None:
        """Note what the objects hold at the beginning.

        Args:
            parts: what has a state of its own, under a name each.
            roots: objects whose attributes are looked through.
            data: data sets, loaders and samplers: small attributes and generators of theirs alone are looked at.
            ignored: class -> attributes of its instances that are no state.
            others: objects that are not looked into.
            gradients: whether those that an epoch leaves behind may go into the next one's steps.
        """
        self._gradients = gradients
        self._parts, self._roots, self._data = dict(parts), roots, data
        self._ignored, self._others = ignored, others
        first = self._look()
        self._first = {place: Mark(value) for place, value in first.values.items()}
        self._first_parts = {name: _groups(part) for name, part in first.parts.items()}
        self._first_frozen, self._first_generators = dict(first.frozen), set(first.generators)

    def reseed(self, seed: int, epoch: int) -> None:
        """Set each generator that the objects hold to the start of a stream of its own."""
        for path, generator in self._look().generators.items():
            number = derived(seed, epoch, "generator", path)
            if isinstance(generator, torch.Generator):
                generator.manual_seed(number)
            elif isinstance(generator, np.random.Generator):
                kind: Any = type(generator.bit_generator)
                generator.bit_generator.state = kind(number).state
            elif isinstance(generator, np.random.RandomState):
                generator.seed([number & 0xFFFFFFFF, number >> 32])
            else:
                generator.seed(number)

    def state(self) -> dict[str, Any]:
        """Return the states of all parts, and the attributes that differ from the beginning.

        Raises:
            NotPlain: an attribute changed to something that has no bytes, or something with a state of its own came
                after the beginning: a training that starts from the state would not have it.
        """
        seen = self._look()
        groups = {name: self._new_groups(name, part, seen) for name, part in seen.parts.items()}
        changed: dict[str, dict[str, Any]] = {}
        for (path, name), value in seen.values.items():
            if (mark := self._first.get((path, name))) is not None and mark.fits(value):
                continue
            if bytes_of(value) is None:
                where, kind = f"{path}.{name}", named_type(value)
                raise NotPlain(where, kind, "which changed and has no bytes; keep numbers, text or tensors there")
            changed.setdefault(path, {})[name] = (value, device_of(value, f"{path}.{name}"))
        frozen = {name: now for name, now in seen.frozen.items() if self._first_frozen.get(name) != now}
        gone = [
            (path, name)
            for path, name in self._first
            if path in seen.nodes and name not in _attributes_of(seen.nodes[path], name)
        ]
        parts = {name: part.state_dict() for name, part in seen.parts.items()}
        late = {path: _kind(seen, path) for path in seen.generators if path not in self._first_generators}
        gradients = {
            name: parameter.grad
            for name, parameter in _parameters(seen)
            if self._gradients and parameter.grad is not None
        }
        return {
            "parts": parts,
            "changed": changed,
            "frozen": frozen,
            "gone": gone,
            "late": late,
            "gradients": gradients,
            "groups": {name: added for name, added in groups.items() if added},
        }

    def _new_groups(self, name: str, part: Stateful, seen: Seen) -> list[list[str]]:
        """Return the names of parameters in each group that an optimizer got after the training began.

        Raises:
            NotPlain: the part itself came later, or its first groups are others now.
        """
        if name not in self._first_parts:
            raise NotPlain(name, named_type(part), "that was made after the training began")
        first, now = self._first_parts[name], _groups(part)
        if now[: len(first)] != first:
            raise NotPlain(name, named_type(part), "whose parameter groups changed after the training began")
        names = {id(parameter): path for path, parameter in _parameters(seen)}
        if unknown := [number for group in now[len(first) :] for number in group if number not in names]:
            reason = f"that got a group with {len(unknown)} parameters of no module after the training began"
            raise NotPlain(name, named_type(part), reason)
        return [[names[number] for number in group] for group in now[len(first) :]]

    def load(self, state: Mapping[str, Any]) -> None:
        """Bring the objects, which are as they began, to a state from `state`.

        Raises:
            ValueError: a part does not take its state back to the bit; the message names it.
        """
        seen = self._look()
        parameters = dict(_parameters(seen))
        for name, groups in state["groups"].items():
            optimizer: Any = seen.parts[name]
            for group in groups:  # what else it says is in the optimizer's state
                optimizer.add_param_group({"params": [parameters[path] for path in group]})
        for name, value in state["parts"].items():
            before = pack(value)
            seen.parts[name].load_state_dict(unpack(before))
            if pack(seen.parts[name].state_dict()) != before:
                raise ValueError(f"{name}, {named_type(seen.parts[name])}, does not take its own state back to the bit")
        for path, named in state["changed"].items():
            if path not in seen.nodes:
                raise ValueError(f"{path}, which the state has attributes of, is not there when a training begins")
            for name, (value, device) in named.items():
                _attributes_of(seen.nodes[path], name)[name] = moved(value, device)
        for path, name in state["gone"]:
            _attributes_of(seen.nodes[path], name).pop(name, None)
        for path, kind in state["late"].items():  # seeded with the others, at the head of the next epoch
            node, _, name = path.rpartition(".")
            vars(seen.nodes[node])[name] = _SAID[kind]()
        for name, frozen in state["frozen"].items():
            parameters[name].requires_grad_(not frozen)
        for name, gradient in state["gradients"].items():
            parameters[name].grad = gradient.to(parameters[name].device)

    def _look(self) -> Seen:
        seen = Seen(parts=dict(self._parts))
        for thing in self._others:
            seen.ids[id(thing)] = thing
        for part in self._parts.values():
            if isinstance(part, (Optimizer, LRScheduler)):
                seen.ids[id(part)] = part
        known = {id(part) for part in self._parts.values()}
        for name, root in self._data.items():  # first: what is reached from both sides is data
            self._enter(name, root, seen, 0, is_data=True, known=known)
        for name, root in self._roots.items():
            self._enter(name, root, seen, 0, is_data=False, known=known)
        seen.frozen = {name: not parameter.requires_grad for name, parameter in _parameters(seen)}
        return seen

    def _enter(self, path: str, thing: object, seen: Seen, depth: int, *, is_data: bool, known: Set[int]) -> None:
        """Look at one object, and through it where it has attributes or items."""
        if id(thing) in seen.ids or depth > MAX_DEPTH_LEVELS or isinstance(thing, (*_CODE, Tensor, np.ndarray)):
            return
        seen.ids[id(thing)] = thing
        deeper: list[tuple[str, Any]] = []
        if isinstance(thing, GENERATORS):
            seen.generators[path] = thing
            return
        if isinstance(thing, (list, tuple, dict, deque, Set)):
            if len(thing) <= MAX_SEARCHED_ITEMS:
                items = thing.items() if isinstance(thing, dict) else enumerate(thing)
                deeper = [(f"{path}[{key!r}]", item) for key, item in items]
        elif hasattr(thing, "__dict__") and type(thing).__module__.partition(".")[0] not in _LIBRARY:
            if (
                not is_data
                and isinstance(thing, Stateful)
                and id(thing) not in known
                and _is_outermost(thing, path, seen)
            ):
                seen.parts[path] = thing
            if isinstance(thing, (Optimizer, LRScheduler)):
                return
            seen.nodes[path] = thing
            for name, value in self._attributes(thing):
                deeper.append((f"{path}.{name}", value))
                if isinstance(value, (*_CODE, *GENERATORS, nn.Parameter)):
                    continue
                if is_data and not is_small(value):
                    continue
                seen.values[path, name] = value
            if isinstance(thing, nn.Module):
                deeper += [(f"{path}.{name}", child) for name, child in thing._modules.items() if child is not None]
        for name, value in deeper:
            self._enter(name, value, seen, depth + 1, is_data=is_data, known=known)

    def _attributes(self, thing: object) -> Iterator[tuple[str, Any]]:
        """Yield attributes that may be state."""
        ignored = set().union(*(names for kind, names in self._ignored.items() if isinstance(thing, kind)))
        if isinstance(thing, nn.Module):
            ignored |= _OF_MODULES
            yield from ((name, thing._buffers[name]) for name in sorted(thing._non_persistent_buffers_set))
        yield from ((name, value) for name, value in list(vars(thing).items()) if name not in ignored)


def _kind(seen: Seen, path: str) -> str:
    """Return the kind of a generator that was made after the training began, perhaps when it was first needed.

    Raises:
        NotPlain: a training that goes on from a state could not make it.
    """
    generator, (node, _, name) = seen.generators[path], path.rpartition(".")
    kind = f"{type(generator).__module__}.{type(generator).__qualname__}"
    usual = not isinstance(generator, np.random.Generator) or isinstance(generator.bit_generator, np.random.PCG64)
    if kind not in _SAID or not usual or node not in seen.nodes or name not in vars(seen.nodes[node]):
        raise NotPlain(path, named_type(generator), "that was made after the training began; make it before")
    return kind


def _attributes_of(node: object, name: str) -> dict[str, Any]:
    """Return where an object keeps an attribute of this name."""
    return node._buffers if isinstance(node, nn.Module) and name in node._buffers else vars(node)


def _is_outermost(thing: object, path: str, seen: Seen) -> bool:
    """Whether a module is not part of another one whose state has it."""
    parent = seen.nodes.get(path.rpartition(".")[0])
    return not (isinstance(thing, nn.Module) and isinstance(parent, nn.Module) and thing in parent._modules.values())


def _parameters(seen: Seen) -> Iterator[tuple[str, nn.Parameter]]:
    for path, node in seen.nodes.items():
        if isinstance(node, nn.Module):
            yield from (
                (f"{path}.{name}", parameter) for name, parameter in node._parameters.items() if parameter is not None
            )


def _groups(part: Stateful) -> list[list[int]]:
    """Return the parameters in each group of an optimizer, as numbers of objects; none of what is no optimizer."""
    if not isinstance(part, Optimizer):
        return []
    return [[id(parameter) for parameter in group["params"]] for group in part.param_groups]
