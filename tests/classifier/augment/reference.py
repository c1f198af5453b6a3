"""Torchvision, image by image, with the parameters that were drawn."""

from typing import Any

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from classifier.augment import Augmentation

ADJUST = {
    "brightness": reference.adjust_brightness,
    "contrast": reference.adjust_contrast,
    "saturation": reference.adjust_saturation,
    "hue": reference.adjust_hue,
}


def augmented(settings: dict[str, Any], batch: torch.Tensor, index: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """The class under test, settings by their short names."""
    return Augmentation(named(settings), seed, 1, 50).apply(batch, index)


def named(settings: dict[str, Any]) -> dict[str, Any]:
    return {f"augment.{name}": value for name, value in settings.items()}


def torchvision(settings: dict[str, Any], batch: torch.Tensor, index: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """The same pipeline by torchvision: rotation, crop, flips, jitters in the image's order, greyscale."""
    augmentation = Augmentation(named(settings), seed, 1, 50)
    drawn, keys = augmentation.drawn, augmentation.keys
    height, width = batch.shape[-2:]
    boxes = augmentation.boxes(height, width) if "crop" in drawn else None
    images = []
    for image, number in zip(batch.float() / 255 if batch.dtype == torch.uint8 else batch, index.tolist(), strict=True):
        if "rotation" in drawn:
            # fill=None is black too, blended once at the border; fill=0 darkens the border a second time.
            angle = float(drawn["rotation"][number])
            image = reference.rotate(image, angle, InterpolationMode.BILINEAR, fill=None)
        if boxes is not None:
            image = reference.resized_crop(image, *boxes[number].tolist(), [height, width], antialias=True)
        if "hflip" in drawn and drawn["hflip"][number]:
            image = reference.horizontal_flip(image)
        if "vflip" in drawn and drawn["vflip"][number]:
            image = reference.vertical_flip(image)
        for name in sorted(keys, key=lambda name: keys[name][number]):
            image = ADJUST[name](image, float(drawn[name][number]))
        if "greyscale" in drawn and drawn["greyscale"][number]:
            image = reference.rgb_to_grayscale(image, num_output_channels=3)
        images.append(image)
    return torch.stack(images)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference of a pixel."""
    assert ours.shape == theirs.shape
    return float(np.abs(ours.numpy() - theirs.numpy()).max())
