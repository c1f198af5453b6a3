"""What can be set of augmentation, and how values given from elsewhere are checked.

A training image goes through what is on in this order: rotation, crop, flips, colour jitter (its four in an order of
the image's own), greyscale, policy, erasing, mixing; then it is normalised. Everything is drawn per image and epoch, as
torchvision's v2 transform of that name draws it, and depends on the seed, the epoch and the image's number alone:
neither on batches nor on what else is on. Mixing depends on how many training images there are, too.

- `policy`: of identity, shear_x, shear_y, translate_x, translate_y, rotate, brightness, saturation, contrast,
  sharpness, posterize, solarize, autocontrast and equalize, with torchvision's 31 strengths of `RandAugment` and of
  `TrivialAugmentWide`. Pixels are rounded to 256 levels first; where an image moves, the nearest pixel is taken, and
  outside it is black.
- `erase`: a box of 2 to 33 % of the image, its sides 0.3 to 3.3 to 1 (`RandomErasing`). It becomes black, for it is
  erased before the image is normalised; where it is erased behind that, it becomes the mean colour.
- `mixup`, `cutmix`: each training image is mixed with one other, its partner in this epoch, as both come out of all
  the rest; each is the partner of exactly one. The share is drawn per image, where torchvision draws it once per batch.
  Twice as many images are augmented. *Losses* says what is minimised. `train_accuracy` counts the label with the
  greater share, and where shares are equal the image's own: it stays below 1 where labels are mixed half and half, and
  compares with no accuracy of images that are not mixed.

On one CPU thread, an epoch of Model C on 680 cropped images of 32 px takes about 1.05 times as long with mixup, and
1.25 times with RandAugment's two operations (CPU seconds; an AMD EPYC). All images walk through all operations, so that
shapes depend on no draw: on a GPU nothing waits for the host, and steps can be recorded.
"""

from __future__ import annotations

from typing import Any

from search.workload import Settings

MAX_JITTER = 1000
"""What makes an image white or a mask already; factors beyond float32 would leave nothing but NaN."""

MAX_MAGNITUDE = 30
"""The last of the 31 strengths that an operation of a policy has."""

MAX_OPERATIONS = 14
"""As many operations in turn as there are to draw from."""

MAX_CONCENTRATION = 100
"""Of the two equal parameters of a Beta distribution, which by then draws halves."""


def _setting(kind: str, default: float | bool, description: str, **more: object) -> dict[str, object]:
    """The JSON-Schema fragment of one setting; every one may change from epoch to epoch."""
    return {"type": kind, "default": default, "description": description, "epoch": True, **more}


AUGMENT_SETTINGS: dict[str, dict[str, Any]] = {
    "augment.rotation": _setting(
        "number", 0, "rotate by an angle between minus and plus this; 0: off", minimum=0, maximum=180, unit="degrees"
    ),
    "augment.crop": _setting("boolean", False, "cut out a box of random area and aspect ratio and enlarge it"),
    "augment.crop_scale": _setting(
        "number",
        0.08,
        "smallest area of the box that is cut out",
        exclusiveMinimum=0,
        maximum=1,
        unit="fraction of the image",
        when={"augment.crop": [True]},
    ),
    "augment.hflip": _setting("number", 0, "mirror left and right", minimum=0, maximum=1, unit="probability"),
    "augment.vflip": _setting("number", 0, "turn upside down", minimum=0, maximum=1, unit="probability"),
    "augment.brightness": _setting(
        "number",
        0,
        "jitter of the brightness: factor between max(0, 1 - this) and 1 + this",
        minimum=0,
        maximum=MAX_JITTER,
        unit="factor",
    ),
    "augment.contrast": _setting(
        "number",
        0,
        "jitter of the contrast: factor between max(0, 1 - this) and 1 + this",
        minimum=0,
        maximum=MAX_JITTER,
        unit="factor",
    ),
    "augment.saturation": _setting(
        "number",
        0,
        "jitter of the saturation: factor between max(0, 1 - this) and 1 + this",
        minimum=0,
        maximum=MAX_JITTER,
        unit="factor",
    ),
    "augment.hue": _setting(
        "number", 0, "jitter of the hue: shift between minus and plus this", minimum=0, maximum=0.5, unit="turns"
    ),
    "augment.greyscale": _setting("number", 0, "make grey", minimum=0, maximum=1, unit="probability"),
    "augment.policy": {
        "enum": ["none", "randaugment", "trivialaugment"],
        "default": "none",
        "description": "out of 14 operations, drawn for each image; randaugment: some in turn, at one strength (Cubuk "
        "et al. 2020); trivialaugment: one, at a strength drawn too (Müller and Hutter 2021, the wide one)",
        "epoch": True,
    },
    "augment.operations": _setting(
        "integer",
        2,
        "operations in turn",
        minimum=1,
        maximum=MAX_OPERATIONS,
        when={"augment.policy": ["randaugment"]},
    ),
    "augment.magnitude": _setting(
        "integer",
        9,
        f"strength of every operation: 0 is the weakest, {MAX_MAGNITUDE} the strongest",
        minimum=0,
        maximum=MAX_MAGNITUDE,
        when={"augment.policy": ["randaugment"]},
    ),
    "augment.erase": _setting(
        "number", 0, "make a box black, of random area and aspect ratio", minimum=0, maximum=1, unit="probability"
    ),
    "augment.mixup": _setting(
        "number",
        0,
        "mix each image, and its label, with another one's: the own share is drawn from Beta(this, this) (Zhang et al. "
        "2018); 0: off",
        minimum=0,
        maximum=MAX_CONCENTRATION,
    ),
    "augment.cutmix": _setting(
        "number",
        0,
        "fill a box of each image from another one, and mix their labels by area: the share outside the box is drawn "
        "from Beta(this, this) (Yun et al. 2019); with mixup, each image gets one of the two; 0: off",
        minimum=0,
        maximum=MAX_CONCENTRATION,
    ),
}
"""Setting -> what it may be, as `search check` reads it."""


def checked(settings: Settings) -> dict[str, Any]:
    """Return all values by short name, defaults filled in; names outside "augment." are not looked at.

    Raises:
        ValueError: a name or a value that `AUGMENT_SETTINGS` does not allow.
    """
    given = {name: value for name, value in settings.items() if name.startswith("augment.")}
    if unknown := sorted(set(given) - set(AUGMENT_SETTINGS)):
        raise ValueError(f"unknown: {', '.join(unknown)}; augmentation has {', '.join(AUGMENT_SETTINGS)}")
    for name, value in given.items():
        if fault := _fault(AUGMENT_SETTINGS[name], value):
            raise ValueError(f"{name} is {value!r}; it must be {fault}")
    whole = {name: given.get(name, rule["default"]) for name, rule in AUGMENT_SETTINGS.items()}
    return {name.removeprefix("augment."): value for name, value in whole.items()}


def _fault(rule: dict[str, Any], value: Any) -> str:
    """What a value must be, where it is not."""
    if "enum" in rule:
        return "" if value in rule["enum"] else f"one of {', '.join(rule['enum'])}"
    kind = rule["type"]
    types: dict[str, Any] = {"boolean": bool, "integer": int, "number": int | float}
    if isinstance(value, bool) != (kind == "boolean") or not isinstance(value, types[kind]):
        return f"{'an' if kind == 'integer' else 'a'} {kind}"
    low, high = rule.get("minimum", rule.get("exclusiveMinimum", 0)), rule.get("maximum", float("inf"))
    outside = not low <= value <= high or value == float("inf")  # NaN is outside too
    if outside or ("exclusiveMinimum" in rule and value == low):
        bounds = f"above {low}" if "exclusiveMinimum" in rule else f"at least {low}"
        return bounds + (f" and at most {high}" if "maximum" in rule else " and finite")
    return ""
