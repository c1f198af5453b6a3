"""What torch adds to fingerprints of data: tensors, and loaders of datasets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset

from search.adapters.fingerprint import GENERATORS, Generators, content
from search.adapters.torch.state import on_cpu

GENERATORS.append(Generators(torch.manual_seed, torch.get_rng_state, torch.set_rng_state))


@content.register
def _tensor(value: Tensor) -> list[object]:
    """A tensor is its type, shape and bits; its device and memory format do not count."""
    if value.is_sparse or value.layout != torch.strided:
        dense = value.to_dense()
        return ["sparse", *_tensor(dense)]
    bits = on_cpu(value).contiguous().reshape(-1).view(torch.uint8) if value.numel() else torch.empty(0)
    return [str(value.dtype), list(value.shape), bits.numpy()]


@content.register
def _rows(value: TensorDataset) -> list[object]:
    """Rows of tensors are these tensors: no item is made."""
    return list(value.tensors)


@content.register
def _subset(value: Subset) -> list[object] | None:  # type: ignore[type-arg]  # the class itself is what is registered
    """A part of such rows is the same as a set of its own; of other data, items are hashed one by one."""
    if type(value.dataset) is not TensorDataset:
        return None
    indices = torch.as_tensor(value.indices)
    return [TensorDataset(*(tensor[indices] for tensor in value.dataset.tensors))]


@content.register
def _loader(value: DataLoader) -> list[object]:  # type: ignore[type-arg]  # the class itself is what is registered
    """A loader is what it loads: how it does stands in code, which is in the key by itself."""
    return [value.dataset]
