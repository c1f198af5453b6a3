"""States as bytes: plain data by `search.adapters.plain`, tensors in torch's format, loaded with ``weights_only``.

Tensors come back on the CPU, to the bit, in the memory format they had; whoever loads them brings them to a device.
"""

from __future__ import annotations

import io
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from search.adapters.plain import decode, encode


@runtime_checkable
class Stateful(Protocol):
    """What has a state of its own: modules, optimisers, schedulers, scalers, loaders."""

    def state_dict(self) -> Any:
        """Return the state as plain data and tensors."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Take on a state that `state_dict` returned."""


_TENSORS = (Tensor, torch.nn.Parameter, torch.nn.Buffer)
"""A subclass of another library may hold more than its numbers."""


def pack(value: object) -> bytes:
    """Return plain data, arrays and tensors as bytes; equal values give equal bytes.

    Raises:
        NotPlain: something in there is none of these; nothing is pickled.
    """
    tensors: list[Tensor] = []

    def put(item: object) -> int | None:
        if type(item) not in _TENSORS and type(item) is not Tensor:
            return None
        assert isinstance(item, Tensor)
        if item.is_meta or item.is_nested:
            return None
        tensors.append(on_cpu(item))
        return len(tensors) - 1

    text = encode(value, put)
    buffer = io.BytesIO()
    torch.save([torch.from_numpy(np.frombuffer(text, np.uint8).copy()), *tensors], buffer)
    return buffer.getvalue()


def unpack(data: bytes) -> Any:
    """Return what `pack` made these bytes of, tensors on the CPU.

    Raises:
        ValueError: these bytes are no such state.
    """
    try:
        text, *tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever a part of it finds wrong first
        raise ValueError(f"a state that cannot be read: {error}") from error
    return decode(text.numpy().tobytes(), tensors)


def on_cpu(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU with memory of its own, in the same memory format."""
    return tensor.detach().resolve_conj().resolve_neg().to("cpu", copy=True)
