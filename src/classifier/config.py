"""Every setting of a run, with type, range, unit and meaning; their one spelling; and how they spread over the epochs.

Does not import torch: reading a file of settings takes no time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from classifier.augment_settings import AUGMENT_SETTINGS
from classifier.data.groups import SETTING, rule_fault
from classifier.data.kinds import what_is
from classifier.data.settings import (
    DATA_SETTINGS,
    FOLDER_SIZE_PX,
    SWAPPED_TRAINING_IMAGES,
    TRAINING_IMAGES,
    USUAL_SIZE_PX,
)
from classifier.data.source import SPLITS
from classifier.inputs import INPUT_SETTINGS
from classifier.measured import MEASURE_SETTINGS
from classifier.models import MIN_INPUT_PX, MODEL_SETTINGS
from classifier.optimisers import OPTIMISER_SETTINGS, resolved
from classifier.schedule import DECAY_SETTINGS, decay_faults, learning_rate
from search.workload import SettingFaults, Settings, complete, nearest

_Told = TypeVar("_Told", bool, str)

SETTINGS: dict[str, dict[str, Any]] = {
    **DATA_SETTINGS,
    "batch_size": {
        "type": "integer",
        "minimum": 2,
        "maximum": 65536,
        "default": 48,
        "description": "images per step; a last batch of one image joins the one before",
        "unit": "images",
    },
    "precision": {
        "enum": ["fp32", "bf16"],
        "default": "fp32",
        "description": "of the network's forward and backward pass; bf16: bfloat16 where PyTorch's autocast thinks it "
        "safe, with weights, losses and optimiser in float32",
    },
    "cuda_graphs": {
        "type": "boolean",
        "default": False,
        "description": "record a step's kernels once and replay them, for networks so small that a GPU waits for its "
        "host; without effect on a CPU",
    },
    **INPUT_SETTINGS,
    **MODEL_SETTINGS,
    "loss.name": {
        "enum": ["focal", "cross_entropy"],
        "default": "focal",
        "description": "training loss; cross-entropy is focal loss with gamma 0",
    },
    "loss.gamma": {
        "type": "number",
        "minimum": 0,
        "maximum": 20,
        "default": 0.0,
        "description": "focusing parameter of the focal loss (Lin et al. 2017)",
        "epoch": True,
        "when": {"loss.name": ["focal"]},
    },
    "loss.label_smoothing": {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.0,
        "description": "share of each label that is spread evenly over all classes (Szegedy et al. 2016)",
        "epoch": True,
    },
    "loss.class_weights": {
        "enum": ["none", "balanced"],
        "default": "none",
        "description": "balanced: a class counts as images / (classes * images of it), from the training split",
        "epoch": True,
    },
    **OPTIMISER_SETTINGS,
    **DECAY_SETTINGS,
    **AUGMENT_SETTINGS,
    **MEASURE_SETTINGS,
}


def canonical(settings: Settings) -> dict[str, Any]:
    """Return the one spelling of these settings: complete, without inactive ones, synonyms resolved.

    Raises:
        SettingFaults: everything that is wrong with them.
    """
    result = complete(SETTINGS, settings, plans=False)
    if result["loss.name"] == "cross_entropy":
        result |= {"loss.name": "focal", "loss.gamma": 0.0}
    result |= resolved(result)
    data = result["data"]
    if result["data.size"] is None:
        result["data.size"] = USUAL_SIZE_PX.get(data, FOLDER_SIZE_PX)
    faults = decay_faults(result)
    if fault := rule_fault(result[SETTING]):
        faults.append((SETTING, fault))
    if data in USUAL_SIZE_PX:
        del result["data.ratio"], result["data.classes"]  # their splits have fixed sizes
        if result["data.limit"] is not None and len(result["data.limit"]) != len(SPLITS):
            wanted = "three whole numbers of at least 1: training, validation and test"
            faults.append(("data.limit", f"found {result['data.limit']}, must be {wanted}"))
    if data not in USUAL_SIZE_PX and not _is(data, Path.exists, unknown=True):
        known, hint = ", ".join(USUAL_SIZE_PX), nearest(data, USUAL_SIZE_PX)
        faults.append(("data", f"found {data!r}, which is neither a known data set ({known}) nor a folder{hint}"))
    elif data not in USUAL_SIZE_PX and (what := _is(data, what_is, unknown="")):
        faults.append(("data", f"found {data!r}, which is {what}; name the folder that holds the classes"))
    file = result.get("model.weights_file")
    if file is not None and not _is(file, Path.is_file, unknown=True):
        faults.append(("model.weights_file", no_weights(file)))
    smallest = MIN_INPUT_PX[result["model.name"]]
    if result["data.size"] < smallest:
        faults.append(
            (
                "data.size",
                f"found {result['data.size']}, must be at least {smallest} px for {result['model.name']}; "
                "use larger images or another model",
            )
        )
    if result.get("model.stem") == "small" and result["model.weights"] == "imagenet":
        sentence = "found 'small', but pretrained weights have the stem imagenet; set model.weights to random"
        faults.append(("model.stem", sentence))
    if faults:
        raise SettingFaults(faults)
    return result


def _is(path: str, kind: Callable[[Path], _Told], unknown: _Told) -> _Told:
    try:
        return kind(Path(path).expanduser())
    except (OSError, RuntimeError):  # no permission, or ~ of nobody: reading it will say what is wrong
        return unknown


def no_weights(file: str) -> str:
    """Say what is wrong with a path of weights that is no file."""
    return f"found {file!r}, which is no file; give one that torch.save wrote a state dict to"


def most_images(settings: Settings) -> float:
    """Return the most training images there can be under canonical settings, before any is read."""
    swapped = settings.get("data.split") == "swapped"
    images = SWAPPED_TRAINING_IMAGES if swapped else TRAINING_IMAGES.get(settings["data"], math.inf)
    limit: float = (settings["data.limit"] or [math.inf])[0]
    return min(images, limit)


def check_batch(batch_size: int, images: float) -> None:
    """Check a batch size against the data it is drawn from, once these are known.

    Args:
        batch_size: canonical.
        images: size of the training split.

    Raises:
        SettingFaults: a batch would never be full, so the setting would not say what is trained.
    """
    if batch_size > images:
        sentence = f"found {batch_size}, must be at most {images}, the number of training images"
        raise SettingFaults([("batch_size", sentence)])


def schedule(settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Split canonical settings into the fixed part and those of each epoch.

    Of a decay only the resulting rates count: two decays that agree for 50 epochs share them.
    """
    decay = {name: value for name, value in settings.items() if name in DECAY_SETTINGS}
    varying = {name: value for name, value in settings.items() if SETTINGS.get(name, {}).get("epoch")}
    fixed = {name: value for name, value in settings.items() if name not in decay and name not in varying}
    base = varying["optimizer.lr"]
    return fixed, [{**varying, "optimizer.lr": learning_rate(epoch + 1, base, decay)} for epoch in range(epochs)]
