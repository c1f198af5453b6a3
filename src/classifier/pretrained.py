"""Weights pretrained on ImageNet: found, checked, named by content, and put into a ResNet.

They come from torchvision's weights API (``IMAGENET1K_V1`` of each depth, downloaded once into torch's own cache) or
from a local file with a state dict of the same names. The last layer and the counters of seen batches are not taken:
the one belongs to other classes and is drawn by the seed, the others do not act on anything.

All faults are `SettingFaults`, raised by `content` before any training begins.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from classifier.config import no_weights
from search.workload import SettingFaults, Settings

SETTINGS = ("model.name", "model.weights", "model.weights_file")
"""What decides whether a run starts from them, and from which."""

LAST = ("fc.weight", "fc.bias")
"""Not taken from the file."""

COUNTER = ".num_batches_tracked"
"""Ends the names of buffers that older state dicts do not hold."""

UNREADABLE = (
    RuntimeError,
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
)
"""What `torch.load` was seen to raise for damaged and foreign files."""


def wanted(fixed: Settings) -> bool:
    """Say whether a run under these canonical settings starts from pretrained weights."""
    return fixed.get("model.weights") == "imagenet"


def load_into(model: nn.Module, fixed: Settings) -> None:
    """Overwrite all weights and running statistics but the last layer's; nothing where none are wanted.

    Raises:
        SettingFaults: see `content`.
    """
    if wanted(fixed):
        state = _read(fixed["model.name"], fixed.get("model.weights_file"))
        model.load_state_dict(state, strict=False)  # the names were compared; what is missing is left out on purpose


def content(fixed: Settings) -> str:
    """Return the SHA-256 of the weights a run starts from: of names, shapes and values in sorted order.

    The same weights in another file have the same hash. Asked once per process for each file.

    Raises:
        SettingFaults: the file cannot be read or downloaded, or does not fit the model.
    """
    name, file = fixed["model.name"], fixed.get("model.weights_file")
    return _content(name, file, _version(Path(file).expanduser()) if file else None)


def _version(file: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written anew; None where there is none, which reading will tell."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@functools.cache
def _content(name: str, file: str | None, version: tuple[int, int] | None) -> str:  # noqa: ARG001  # a key of the cache
    digest = hashlib.sha256()
    for key, tensor in sorted(_read(name, file).items()):
        digest.update(f"{key}{tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def _read(name: str, file: str | None) -> dict[str, Tensor]:
    """Return parameter or buffer name -> float32 tensor, complete but for what is left out on purpose."""
    if file is None:
        return _fitting(_download(name), name, "model.weights", f"torchvision's weights of {name}")
    where = f"found {file!r}"
    path = Path(file).expanduser()
    if not path.is_file():
        raise _fault("model.weights_file", no_weights(file))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise _fault("model.weights_file", f"{where}, which cannot be read: {error.strerror or error}") from error
    except UNREADABLE as error:
        raise _fault(
            "model.weights_file",
            f"{where}, which is damaged or holds more than tensors (only tensors are read, never code); "
            "write it anew with torch.save(model.state_dict(), file)",
        ) from error
    return _fitting(state, name, "model.weights_file", where)


def _fitting(state: object, name: str, setting: str, where: str) -> dict[str, Tensor]:
    """Return what is taken of a state dict, or say in what it does not fit the model."""
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        remedy = "write it with torch.save(model.state_dict(), file)"
        raise _fault(setting, f"{where}, which holds no state dict (name -> tensor); {remedy}")
    shapes = _shapes(name)
    faults = [f"lacks {key}" for key in shapes if key not in state]
    known = {*shapes, *LAST}
    faults += [f"holds {key}, which {name} has not" for key in state if key not in known and not key.endswith(COUNTER)]
    faults += [
        f"{key} has shape {list(state[key].shape)}, must be {list(shape)}"
        for key, shape in shapes.items()
        if key in state and state[key].shape != shape
    ]
    faults += [
        f"{key} holds {str(state[key].dtype).removeprefix('torch.')}, must be floating-point numbers"
        for key in shapes
        if key in state and not state[key].is_floating_point()
    ]
    if not faults:
        taken = {key: state[key].detach().to(torch.float32).contiguous() for key in shapes}
        faults += [f"{key} holds numbers that are not finite" for key, tensor in taken.items() if not _finite(tensor)]
        if not faults:
            return taken
    more = f" and {len(faults) - 2} faults more" if len(faults) > 2 else ""
    raise _fault(
        setting, f"{where}, which does not fit {name}: {'; '.join(faults[:2])}{more}; take the weights of a {name}"
    )


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def _shapes(name: str) -> dict[str, torch.Size]:
    """Return name -> shape of everything that is taken; the depth alone decides."""
    from classifier.models.resnet import ResNet

    with torch.device("meta"):
        model = ResNet(int(name.removeprefix("resnet")), 1, nn.ReLU)
    state = model.state_dict()
    return {key: tensor.shape for key, tensor in state.items() if key not in LAST and not key.endswith(COUNTER)}


def _download(name: str) -> object:
    """Return torchvision's state dict, downloaded with a progress bar on first use and checked by its hash."""
    from torchvision import models

    weights = models.get_model_weights(name)["IMAGENET1K_V1"]
    remedy = "set model.weights_file to a local file with them, or leave out what asks for model.weights imagenet"
    kept = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    _check_kept(kept)
    try:
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True, map_location="cpu")
    except (OSError, *UNREADABLE) as error:  # urllib's errors are OSErrors; RuntimeError is another hash
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        sentence = f"found 'imagenet', but {weights.url} could not be downloaded ({reason}); {remedy}"
        raise _fault("model.weights", sentence) from error


def _check_kept(file: Path) -> None:
    """Compare a file of torch's cache with the hash in its name (resnet18-f37072fd.pth): torch does so only once."""
    if not file.is_file():
        if file.exists():  # a folder, or a pipe that torch would wait for
            raise _fault("model.weights", f"found 'imagenet', but {file} is no file; remove it and start again")
        return
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(file.stem.rpartition("-")[2]):
        sentence = f"found 'imagenet', but the downloaded {file} is damaged; delete it and start again"
        raise _fault("model.weights", sentence)


def _fault(setting: str, sentence: str) -> SettingFaults:
    return SettingFaults([(setting, sentence)])
