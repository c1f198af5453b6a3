"""The weights among what a script keeps, as whoever uses its model loads them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor


def weights_of(kept: Mapping[str, object]) -> dict[str, Tensor]:
    """Return name -> tensor of the state dicts of modules, and of tensors of fractions that are kept themselves.

    A module's state holds tensors by name; those of optimisers, schedulers and counters hold none. Where one module is
    kept and nothing else of the kind, names stand as in its state dict, else behind what it is kept as: ``ema.weight``.

    Args:
        kept: name -> state, as `search.adapters.torch.kept.saved` returns it.
    """
    modules: dict[str, dict[str, Tensor]] = {}
    for name, state in kept.items():
        if isinstance(state, Mapping):
            tensors = OrderedDict((key, value) for key, value in state.items() if isinstance(value, Tensor))
            vars(tensors).update(getattr(state, "__dict__", {}))  # versions that modules note in their state dicts
            if tensors:
                modules[name] = tensors
        elif isinstance(state, Tensor) and state.is_floating_point():
            modules[name] = {"": state}
    if len(modules) == 1 and "" not in next(iter(modules.values())):
        return next(iter(modules.values()))
    return {f"{name}.{key}".rstrip("."): tensor for name, tensors in modules.items() for key, tensor in tensors.items()}
