"""Optimisers: what can be set, PyTorch's classes under those settings, and their state as plain tensors.

What a caller may rely on:

- The learning rate is 0 until it is set for an epoch (`set_rate`). Weight decay of SGD and Adam is an L2 penalty in the
  gradient, that of AdamW is decoupled (Loshchilov and Hutter 2019).
- Parameters without gradients (frozen ones) belong to no optimiser.
- `state` and `restore` are inverse to the bit, and `state` says nothing about where tensors lie or in which layout.

Importing this module does not import torch: the settings can be listed without it.
"""

from __future__ import annotations

import inspect
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from search.workload import Settings

if TYPE_CHECKING:
    import torch

_ADAM = ["adam", "adamw"]


def _beta(default: float, moment: str) -> dict[str, object]:
    return {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": default,
        "description": f"decay of Adam's running mean of {moment} (Kingma and Ba 2015)",
        "when": {"optimizer.name": _ADAM},
    }


OPTIMISER_SETTINGS: dict[str, dict[str, Any]] = {
    "optimizer.name": {
        "enum": ["sgd", "adam", "adamw"],
        "default": "sgd",
        "description": "optimiser",
    },
    "optimizer.lr": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 100,
        "default": 0.005,
        "description": "base learning rate: of the first epoch, unless there is a warm-up",
        "epoch": True,
    },
    "optimizer.momentum": {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.9,
        "description": "momentum of SGD",
        "when": {"optimizer.name": ["sgd"]},
    },
    "optimizer.nesterov": {
        "type": "boolean",
        "default": False,
        "description": "Nesterov's momentum; without momentum the same as false",
        "when": {"optimizer.name": ["sgd"]},
    },
    "optimizer.beta1": _beta(0.9, "gradients"),
    "optimizer.beta2": _beta(0.999, "squared gradients"),
    "optimizer.epsilon": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 1e-8,
        "description": "what Adam adds to the root of the squared gradients' mean",
        "when": {"optimizer.name": _ADAM},
    },
    "optimizer.weight_decay": {
        "type": "number",
        "minimum": 0,
        "maximum": 10,
        "default": 0.0,
        "description": "L2 penalty on all weights; for adamw decoupled from the gradient",
    },
}
"""Setting -> what it may be, as `search check` reads it."""


def resolved(settings: Settings) -> dict[str, Any]:
    """Return the active ``optimizer.*`` settings that synonyms have another value for.

    Nesterov's momentum of 0 is plain SGD, and AdamW without weight decay is Adam: one spelling, one training.
    """
    if settings["optimizer.name"] == "sgd" and not settings["optimizer.momentum"]:
        return {"optimizer.nesterov": False}
    if settings["optimizer.name"] == "adamw" and not settings["optimizer.weight_decay"]:
        return {"optimizer.name": "adam"}
    return {}


def optimiser(model: torch.nn.Module, fixed: Settings) -> torch.optim.Optimizer:
    """Return the optimiser of a model's trainable parameters, in its starting state and with a learning rate of 0.

    Args:
        model: where it will train, on its device and in its memory format.
        fixed: canonical settings; the active ``optimizer.*`` count.

    Raises:
        KeyError: a setting that the optimiser needs is missing.
    """
    import torch

    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    name, on_gpu = fixed["optimizer.name"], trained[0].is_cuda
    recorded = on_gpu and fixed.get("cuda_graphs", False)
    shared: dict[str, Any] = {
        # A recorded step reads the rate from the device, where `set_rate` changes it.
        "lr": torch.zeros((), device=trained[0].device) if recorded else 0.0,
        "weight_decay": fixed["optimizer.weight_decay"],
        # One kernel for all parameters, or on the CPU one call.
        **({"fused": True} if on_gpu else {"foreach": True}),
    }
    with _compiler_left_out(torch.optim.Optimizer.add_param_group):
        if name == "sgd":
            momentum, nesterov = fixed["optimizer.momentum"], fixed["optimizer.nesterov"]
            return torch.optim.SGD(trained, momentum=momentum, nesterov=nesterov, **shared)
        kind: type[torch.optim.Adam] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
        betas = fixed["optimizer.beta1"], fixed["optimizer.beta2"]
        return kind(trained, betas=betas, eps=fixed["optimizer.epsilon"], capturable=recorded, **shared)


@contextmanager
def _compiler_left_out(method: Callable[..., object]) -> Iterator[None]:
    """Call a method of PyTorch's without the compiler that it imports only to be kept out of what is compiled.

    That import takes a process more than a second, and nothing is compiled here. Where PyTorch does not look for the
    name, or has the compiler already, nothing is changed but the time.
    """
    plain: Any = inspect.unwrap(method)
    if "torch._dynamo" in sys.modules or plain is method:
        yield
        return
    plain.__dynamo_disable = plain  # what `torch._disable_dynamo` remembers of an earlier call
    try:
        yield
    finally:
        del plain.__dynamo_disable


def descend(optimizer: torch.optim.Optimizer) -> None:
    """Change the parameters by their gradients and forget the gradients: `Optimizer.step` and `zero_grad`, to the bit.

    Calls what these wrap: the wrappers count steps for learning rate schedulers of PyTorch's, name the step for its
    profiler, and import its compiler.
    """
    import torch

    with torch.no_grad():
        inspect.unwrap(type(optimizer).step)(optimizer)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Train with this learning rate from now on; on a GPU as float32 has it, as recorded steps read it there."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], float):
            group["lr"] = rate_read(rate, group["params"][0].is_cuda)
        else:
            group["lr"].fill_(rate)


def rate_read(rate: float, on_gpu: bool) -> float:
    """Return the rate that a step multiplies by: a recorded one and one that is not must read the same."""
    return struct.unpack("f", struct.pack("f", rate))[0] if on_gpu else rate


def state(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, torch.Tensor]]:
    """Return number of a parameter -> name -> tensor: momentum, or Adam's moments and steps; empty before a step.

    Settings are no part of it: they come with the run that loads it.
    """
    held = enumerate(optimizer.param_groups[0]["params"])
    return {
        number: {name: optimizer.state[parameter][name] for name in sorted(optimizer.state[parameter])}
        for number, parameter in held
        if parameter in optimizer.state
    }


def restore(optimizer: torch.optim.Optimizer, found: Mapping[int, Mapping[str, torch.Tensor]]) -> None:
    """Go on from what `state` returned, on any device; a parameter's tensors get its device and its memory format.

    Raises:
        IndexError: it is the state of another model's optimiser.
    """
    import torch

    group = optimizer.param_groups[0]
    parameters = group["params"]
    optimizer.state.clear()
    for number, tensors in found.items():
        parameter = parameters[number]
        for name, tensor in tensors.items():
            # A count of steps lies where the optimiser makes it: beside its parameter for a fused one, else on the CPU,
            # because reading it must not wait for the device.
            counted = parameter.device if group.get("fused") else "cpu"
            like = torch.empty_like(parameter) if tensor.ndim else torch.empty_like(tensor, device=counted)
            optimizer.state[parameter][name] = like.copy_(tensor).detach()
