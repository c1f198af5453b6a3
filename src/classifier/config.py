"""Every setting of a run, with type, range, unit and meaning; their one spelling; and how they spread over the epochs.

Imports neither torch nor numpy: reading a file of settings takes no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier.augment import AUGMENT_SETTINGS
from classifier.models import MODEL_SETTINGS, SMALLEST_INPUT
from classifier.rules import SettingError, complete
from classifier.schedule import DECAY_SETTINGS, learning_rate

USUAL_SIZE = {"digits": 12}
"""Data set -> input size where none is set; 64 for all others."""

SETTINGS: dict[str, dict[str, Any]] = {
    "data": {
        "type": "string",
        "minLength": 1,
        "default": "digits",
        "description": "data set: digits, flowers-17, or the path of a folder of images with one folder per class",
    },
    "data.size": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 1024,
        "default": None,
        "description": "width and height images are brought to; null is 12 for digits, 64 for others",
        "unit": "px",
    },
    "data.split_seed": {
        "type": "integer",
        "minimum": 0,
        "default": 0,
        "description": "seed of the split into training, validation and test images; the same for all seeds",
    },
    "data.ratio": {
        "type": "array",
        "items": {"type": "number", "exclusiveMinimum": 0},
        "minItems": 3,
        "maxItems": 3,
        "default": [0.6, 0.2, 0.2],
        "description": "shares of training, validation and test images of a folder that is not split yet",
    },
    "batch_size": {
        "type": "integer",
        "minimum": 2,
        "maximum": 65536,
        "default": 48,
        "description": "images per step; a last batch of one image joins the one before",
        "unit": "images",
    },
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
    "optimizer.name": {"enum": ["sgd"], "default": "sgd", "description": "optimiser"},
    "optimizer.lr": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 100,
        "default": 0.005,
        "description": "learning rate of the first epoch",
        "epoch": True,
    },
    "optimizer.momentum": {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.9,
        "description": "momentum of SGD",
    },
    "optimizer.weight_decay": {
        "type": "number",
        "minimum": 0,
        "maximum": 10,
        "default": 0.0,
        "description": "L2 penalty on all weights",
    },
    **DECAY_SETTINGS,
    **AUGMENT_SETTINGS,
}


def canonical(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one spelling of these settings: complete, without inactive ones, synonyms resolved.

    Raises:
        SettingError: everything that is wrong with them.
    """
    result = complete(SETTINGS, settings)
    if result["loss.name"] == "cross_entropy":
        result |= {"loss.name": "focal", "loss.gamma": 0.0}
    if result["data.size"] is None:
        result["data.size"] = USUAL_SIZE.get(result["data"], 64)
    smallest = SMALLEST_INPUT[result["model.name"]]
    if result["data.size"] < smallest:
        raise SettingError(
            [
                (
                    "data.size",
                    f"found {result['data.size']}, must be at least {smallest} px for {result['model.name']}; "
                    "use larger images or another model",
                )
            ]
        )
    return result


def schedule(settings: Mapping[str, Any], epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Split canonical settings into the fixed part and those of each epoch.

    Of a decay only the resulting rates count: two decays that agree for 50 epochs share them.
    """
    decay = {name: value for name, value in settings.items() if name in DECAY_SETTINGS}
    varying = {name: value for name, value in settings.items() if SETTINGS.get(name, {}).get("epoch")}
    fixed = {name: value for name, value in settings.items() if name not in decay and name not in varying}
    base = varying["optimizer.lr"]
    return fixed, [{**varying, "optimizer.lr": learning_rate(epoch + 1, base, decay)} for epoch in range(epochs)]
