"""Plain data, arrays and tensors of every kind, for property tests."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**3000), 2**3000),
    st.floats(),
    st.text(),
    st.text(st.characters(categories=["Cs"])),
    st.binary(),
)
keys = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary())
keys = st.one_of(keys, st.tuples(keys, keys))
dtypes = st.one_of(
    arrays.scalar_dtypes(),
    arrays.byte_string_dtypes(),
    arrays.array_dtypes(max_size=3),
)


@st.composite
def numpy_arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = draw(dtypes)
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    bits = np.frombuffer(draw(st.binary(min_size=16, max_size=16)) * 64, np.uint8)
    count = int(np.prod(shape)) * dtype.itemsize
    if not count or dtype.kind in "USV":
        array = np.zeros(shape, dtype)
    else:
        array = np.resize(bits, count).view(dtype).reshape(shape)
    layout = draw(st.sampled_from("CFT"))
    return array.T if layout == "T" else np.array(array, order=layout, copy=True)


tensor_types = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.bool),
]


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Of any bits, so that every NaN is among them; some are views, transposed, channels last or parameters."""
    dtype = draw(st.sampled_from(tensor_types))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    count = int(np.prod(shape))
    size = count * torch.empty((), dtype=dtype).element_size()
    bits = np.resize(np.frombuffer(draw(st.binary(min_size=13, max_size=13)), np.uint8), size)
    if dtype == torch.bool:
        bits = bits % 2
    tensor = torch.from_numpy(bits.copy()).view(dtype).reshape(shape) if size else torch.empty(shape, dtype=dtype)
    match draw(st.sampled_from(["plain", "turned", "last", "view", "parameter", "conjugate"])):
        case "turned" if tensor.dim() == 2:
            return tensor.T
        case "last" if tensor.dim() == 4:
            return tensor.to(memory_format=torch.channels_last)
        case "view":
            return torch.stack([tensor, tensor])[1]
        case "parameter":
            return torch.nn.Parameter(tensor, requires_grad=False)
        case "conjugate" if tensor.is_complex():
            return tensor.conj()
    return tensor


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=4).map(tuple),
            st.dictionaries(keys, inner, max_size=4),
            st.dictionaries(keys, inner, max_size=4).map(OrderedDict),
            st.dictionaries(keys, st.integers(-3, 3), max_size=4).map(Counter),
        ),
        max_leaves=12,
    )


numpy_scalars = arrays.arrays(arrays.scalar_dtypes(), ()).map(lambda array: array[()])
plain_values = nested(st.one_of(scalars, numpy_arrays(), numpy_scalars))
states = nested(st.one_of(scalars, numpy_arrays(), tensors()))


def alike(one: Any, other: Any) -> bool:
    """Whether two values agree in type, order and bits, whatever ``==`` says."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        one, other = one.detach().resolve_conj(), other.detach()
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(bits(one), bits(other))
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray | np.generic):
        one, other = np.asarray(one), np.asarray(other)
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return np.float64(one).tobytes() == np.float64(other).tobytes()
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items(), strict=True)
        return len(one) == len(other) and all(alike(*names) and alike(*items) for names, items in map(zipped, pairs))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(alike(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def zipped(pair: Any) -> Any:
    return zip(*pair, strict=True)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.contiguous().reshape(-1)
    return flat.view(torch.uint8) if flat.numel() else torch.empty(0, dtype=torch.uint8)
