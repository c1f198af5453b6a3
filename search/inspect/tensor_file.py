"""Files of named tensors, with text beside them: safetensors, or a state dict as PyTorch writes it.

Both hold the same: arrays under their names, and a mapping of text to text. A reader gets at the text by
``safe_open(file, "pt").metadata()``, or as the attribute ``metadata`` of what ``torch.load(file, weights_only=True)``
returns, which ``load_state_dict`` does not mind. Both libraries are imported where such a file is written.
"""

from __future__ import annotations

import importlib.util
import io
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search.core.errors import UserError
from search.system.writing import write_bytes

if TYPE_CHECKING:
    from torch import Tensor

_LIBRARIES = {".safetensors": "safetensors", ".pt": "torch"}
"""Ending of a file's name -> the library that writes it."""

_NUMERIC = "biuf"
"""Kinds of NumPy's types that both formats have, up to `MAX_ITEM_BYTES`."""

MAX_ITEM_BYTES = 8


def check_file(path: Path) -> None:
    """Refuse a file that could not be written, before anything is trained.

    Raises:
        UserError: its ending names no format, or the library of the format is missing.
    """
    library = _LIBRARIES.get(path.suffix)
    if library is None:
        ending = f"the ending {path.suffix!r}" if path.suffix else "no ending"
        raise UserError(f"weights {str(path)!r}: found {ending}, must be {' or '.join(_LIBRARIES)}")
    if not _is_there(library):
        others = [ending for ending, name in _LIBRARIES.items() if name != library and _is_there(name)]
        instead = f", or write a file that ends in {others[0]}" if others else ""
        raise UserError(
            f"weights {str(path)!r}: {path.suffix} is written by the package {library!r}, which is not installed; "
            f"`pip install {library}`{instead}"
        )


def _is_there(library: str) -> bool:
    try:
        return importlib.util.find_spec(library) is not None
    except ValueError:  # somebody took it out of sys.modules
        return False


def fault_of(name: object, array: Any) -> str:
    """Say what is wrong with one entry of what is to be written; "" where nothing is."""
    if not isinstance(name, str):
        return f"has the name {name!r}, which must be text"
    if isinstance(array, np.ndarray) and array.dtype.kind in _NUMERIC and array.dtype.itemsize <= MAX_ITEM_BYTES:
        return ""
    if _is_tensor(array) and not (array.is_complex() or array.is_meta or array.is_nested or array.is_quantized):
        return "" if str(array.layout) == "torch.strided" else f"{name!r} is a sparse tensor; make it dense"
    kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
    return f"{name!r} is {kind}, and must be a NumPy array or a tensor of numbers"


def write_tensors(path: Path, arrays: Mapping[str, Any], text: Mapping[str, str]) -> Path:
    """Write arrays and tensors, sound as `fault_of` says, each whole and in standard layout; all of it or nothing.

    Args:
        path: as `check_file` allows; what stands there is replaced.
        arrays: name -> NumPy array, or tensor on any device.
        text: what stands beside them.

    Raises:
        UserError: the file cannot be written.
    """
    tensors = any(map(_is_tensor, arrays.values()))
    text = {"format": "pt" if tensors else "np", **text}
    if path.suffix == ".pt":
        return write_bytes(path, _state_dict(arrays, text))
    if tensors:
        from safetensors.torch import save

        return write_bytes(path, save(_tensors(arrays), text))
    from safetensors.numpy import save as save_arrays

    return write_bytes(path, save_arrays({name: _native(array) for name, array in arrays.items()}, text))


def _state_dict(arrays: Mapping[str, object], text: Mapping[str, str]) -> bytes:
    import torch

    state: OrderedDict[str, Tensor] = OrderedDict(_tensors(arrays))
    versions = getattr(arrays, "_metadata", None)  # which modules note in their state dicts
    vars(state).update({"metadata": dict(text)}, **({"_metadata": versions} if versions is not None else {}))
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _tensors(arrays: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return tensors on the CPU, each with memory of its own, in standard layout."""
    import torch

    found = {}
    for name, array in arrays.items():
        tensor = array.detach().resolve_neg() if _is_tensor(array) else torch.from_numpy(_native(array))
        found[name] = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor)
    return found


def _native(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return a copy in standard layout, in this machine's order of bytes."""
    return array.astype(array.dtype.newbyteorder("="), order="C")


def _is_tensor(array: object) -> bool:
    """Return whether this is PyTorch's tensor; without importing it, for only who has it makes one."""
    return any(f"{kind.__module__}.{kind.__qualname__}" == "torch.Tensor" for kind in type(array).__mro__)
