"""What runs make of their images before they train: grey or not, laid on the device, and what normalises them.

Runs on one data set follow one another in a process, or in forks of one. So it is made once: the process keeps it, and
where the images are known by content (`Dataset.content`) grey images and constants lie on disk beside them. None of
this changes a bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from classifier.data import Dataset, cache
from classifier.images import Images, hold
from classifier.inputs import CONSTANTS, Constants, grey, measured

Pixels = Mapping[str, np.ndarray]
"""Split -> uint8 [n, 1 or 3, h, w]."""

GREY_VERSION, CONSTANTS_VERSION = "1", "1"
"""Part of the names that things have on disk; raised where `grey` or `measured` give other numbers."""

BLOCK_IMAGES = 256
"""Images that are made grey, and written, in one go."""

_greys: WeakKeyDictionary[Dataset, Pixels] = WeakKeyDictionary()
_constants: WeakKeyDictionary[Dataset, dict[bool, Constants]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class _Laid:
    """The last data set that was laid on a device, and what became of it."""

    data: Dataset
    how: tuple[bool, str, torch.device]
    images: Mapping[str, Images]
    labels: Mapping[str, Tensor]


_last: list[_Laid] = []
"""One at the most: the next data set takes its place on the device."""


def pixels(data: Dataset, greyscale: bool) -> Pixels:
    """Return the images of all splits, grey or as they are."""
    if not greyscale:
        return data.images
    if data not in _greys:
        _greys[data] = {split: _grey(data, split) for split in data.images}
    return _greys[data]


def _grey(data: Dataset, split: str) -> np.ndarray:
    images = data.images[split]
    if not data.content:
        return grey(images)

    def blocks(_: object) -> Iterator[np.ndarray]:
        for start in range(0, len(images), BLOCK_IMAGES):
            yield grey(images[start : start + BLOCK_IMAGES])

    shape = (len(images), 1, *images.shape[2:])
    return cache.obtain(cache.key("grey", GREY_VERSION, data.content, split), shape, blocks).array


def constants(data: Dataset, greyscale: bool, name: str) -> Constants:
    """Return the means and standard deviations that channels are normalised by.

    Args:
        data: the images; looked at for ``train`` alone.
        greyscale: whether they are made grey first.
        name: a value of ``input.normalise``.
    """
    if name in CONSTANTS:
        return CONSTANTS[name]
    kept = _constants.setdefault(data, {})
    if greyscale not in kept:
        kept[greyscale] = _measured(data, greyscale)
    return kept[greyscale]


def _measured(data: Dataset, greyscale: bool) -> Constants:
    def make() -> dict[str, list[float]]:
        means, deviations = measured(pixels(data, greyscale)["train"])
        return {"means": [*means], "deviations": [*deviations]}

    name = cache.key("constants", CONSTANTS_VERSION, data.content, "grey" if greyscale else "colour")
    figures = cache.recall(name, make) if data.content else make()
    (red, green, blue), (reds, greens, blues) = figures["means"], figures["deviations"]
    return (red, green, blue), (reds, greens, blues)


def laid(
    data: Dataset, greyscale: bool, held: str, device: torch.device
) -> tuple[Mapping[str, Images], Mapping[str, Tensor]]:
    """Return images and labels of all splits where a run trains from; those of the last run where they are the same.

    Args:
        data: the images.
        greyscale: whether they are made grey first.
        held: a value of ``data.held``.
        device: of the run.
    """
    how = greyscale, held, device
    if not _last or _last[0].data is not data or _last[0].how != how:
        _last.clear()  # before others are laid there, so that both need not fit
        images = hold(pixels(data, greyscale), device, held)
        labels = {split: torch.tensor(array, device=device) for split, array in data.labels.items()}
        _last.append(_Laid(data, how, images, labels))
    return _last[0].images, _last[0].labels
