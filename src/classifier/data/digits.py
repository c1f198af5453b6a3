"""The digits that come inside scikit-learn: 1,797 images of 8 x 8 pixels, so that everything runs without a download.

Made small and uneven on purpose, like the data sets this product is for: 240 training images, from 45 of the digit
zero down to 10 of the digit nine, and 300 each for validation and test, 30 per class.
"""

from __future__ import annotations

import functools
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from classifier.data.source import Decoded, Source
from classifier.data.splits import draw

TRAINING_IMAGES_OF_DIGIT = (45, 38, 33, 28, 23, 20, 17, 14, 12, 10)
HELD_OUT_IMAGES_OF_DIGIT = 30
"""For validation, and as many for the test."""


@functools.cache
def _read() -> tuple[np.ndarray, np.ndarray, str]:
    """Return grey images uint8 [1797, 8, 8], labels int64 [1797], and the version they come from."""
    shades, labels = _table()
    return np.rint(shades * (255 / 16)).astype(np.uint8), labels.astype(np.int64), version("scikit-learn")


def _table() -> tuple[np.ndarray, np.ndarray]:
    """Return shades 0 to 16, [1797, 8, 8], and labels [1797], as `sklearn.datasets.load_digits` does.

    The file is read without scikit-learn where it lies as usual: importing it takes every process two seconds.
    """
    spec = find_spec("sklearn")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = Path(place, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images, bunch.target


def digits(split_seed: int) -> Source:
    """Return the digits, split by `split_seed`."""
    grey, labels, edition = _read()

    def split(_decoded: Decoded) -> dict[str, np.ndarray]:
        identities = [b"digit %d" % image for image in range(len(labels))]
        return draw(
            labels,
            identities,
            split_seed,
            lambda label, _: (TRAINING_IMAGES_OF_DIGIT[label], HELD_OUT_IMAGES_OF_DIGIT, HELD_OUT_IMAGES_OF_DIGIT),
        )

    return Source(
        name="digits",
        classes=[str(digit) for digit in range(10)],
        names=[f"digit {image}" for image in range(len(labels))],
        labels=labels,
        identity=f"digits, scikit-learn {edition}",
        read=lambda image: Image.fromarray(grey[image]),
        split=split,
        known=True,
    )
