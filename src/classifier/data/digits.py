"""The digits that come inside scikit-learn: 1,797 images of 8 x 8 pixels, so that everything runs without a download.

Made small and uneven on purpose, like the data sets this product is for: 240 training images, from 45 of the digit
zero down to 10 of the digit nine, and 300 each for validation and test, 30 per class.
"""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from classifier.data.source import Decoded, Source
from classifier.data.splits import draw

TRAINING = (45, 38, 33, 28, 23, 20, 17, 14, 12, 10)
HELD_OUT = 30


@functools.cache
def _read() -> tuple[np.ndarray, np.ndarray, str]:
    """Return grey images uint8 [1797, 8, 8], labels int64 [1797], and the version they come from."""
    import sklearn  # two seconds, for those who use them
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.rint(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64), sklearn.__version__


def digits(split_seed: int) -> Source:
    """Return the digits, split by `split_seed`."""
    grey, labels, version = _read()

    def split(decoded: Decoded) -> dict[str, np.ndarray]:
        identities = [b"digit %d" % image for image in range(len(labels))]
        return draw(labels, identities, split_seed, lambda label, _: (TRAINING[label], HELD_OUT, HELD_OUT))

    return Source(
        name="digits",
        classes=[str(digit) for digit in range(10)],
        names=[f"digit {image}" for image in range(len(labels))],
        labels=labels,
        identity=f"digits, scikit-learn {version}",
        read=lambda image: Image.fromarray(grey[image]),
        split=split,
        known=True,
    )
