"""The settings that say which images are used, in which size, and how they are split.

None of them is hashed: the fingerprint of the data covers what they lead to, which is pixels, labels and splits.
"""

from __future__ import annotations

from typing import Any

USUAL_SIZE_PX = {"digits": 12, "flowers-17": 64, "flowers-102": 224, "cifar10": 32}
"""Data set known by name -> width and height in pixels where ``data.size`` is not set."""

FOLDER_SIZE_PX = 64
"""The same for folders of images."""

TRAINING_IMAGES = {"digits": 240, "flowers-17": 680, "flowers-102": 1020, "cifar10": 45_000}
"""The same -> its training images; of flowers-102 in its official split."""

SWAPPED_TRAINING_IMAGES = 6149
"""Of flowers-102 in its swapped split: the test images of the official one."""

MAX_IMAGES = 10**9
"""More than any data set holds."""

DATA_SETTINGS: dict[str, dict[str, Any]] = {
    "data": {
        "hashed": False,
        "type": "string",
        "minLength": 1,
        "default": "digits",
        "description": f"data set: {', '.join(USUAL_SIZE_PX)}, or a folder of images with one folder per class",
    },
    "data.size": {
        "hashed": False,
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 1024,
        "default": None,
        "description": "width and height images are brought to; null is "
        + ", ".join(f"{size} for {name}" for name, size in USUAL_SIZE_PX.items())
        + f", {FOLDER_SIZE_PX} for a folder",
        "unit": "px",
    },
    "data.split": {
        "hashed": False,
        "enum": ["official", "swapped"],
        "default": "official",
        "description": "which of the official parts trains; swapped: the test images train, the training images test",
        "when": {"data": ["flowers-102"]},
    },
    "data.split_seed": {
        "hashed": False,
        "type": "integer",
        "minimum": 0,
        "maximum": 10**18,
        "default": 0,
        "description": "seed of the split into training, validation and test images; the same for all seeds",
    },
    "data.classes": {
        "hashed": False,
        "enum": ["auto", "top"],
        "default": "auto",
        "description": "what the folders in a folder of images are; auto: their names and what they hold tell splits "
        "from classes; top: all are classes, whatever they are called and hold",
    },
    "data.ratio": {
        "hashed": False,
        "type": "array",
        "items": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_IMAGES},
        "minItems": 2,
        "maxItems": 3,
        "default": [0.6, 0.2, 0.2],
        "description": "shares of training, validation and test images of a folder that is not split yet; where only a "
        "folder of validation images is missing, the first two say how they are drawn from the training images",
    },
    "data.groups": {
        "hashed": False,
        "type": ["object", "null"],
        "properties": {
            "regex": {"type": "string", "minLength": 1, "description": "its first group in parentheses is the group"},
            "csv": {"type": "string", "minLength": 1, "description": "a file with the columns file and group"},
        },
        "examples": [{"regex": r"(\w+)_\d+\.png"}],
        "default": None,
        "description": "images that belong together (a patient, a plant, near-duplicates): {regex: ...} takes the name "
        "of the group from the name of each file, {csv: ...} from a file; intervals count groups, and a split that is "
        "drawn keeps each of them in one part; null: images stand alone",
    },
    "data.limit": {
        "hashed": False,
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": 1, "maximum": MAX_IMAGES},
        "minItems": 2,
        "maxItems": 3,
        "default": None,
        "description": "at most so many training, validation and test images, drawn class by class with the split "
        "seed; a smaller limit takes some of those of a larger one; where there are no test images, two numbers will "
        "do; null takes all",
    },
    "data.held": {
        "hashed": False,
        "enum": ["auto", "device", "host"],
        "default": "auto",
        "description": "where images lie while a run trains: on its device, or on the host, from where batches are "
        "fetched ahead; auto: on the device if that leaves it half of its free memory; changes no result",
    },
}
