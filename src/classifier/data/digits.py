"""The digits that come inside scikit-learn: 1,797 images of 8 x 8 pixels, so that everything runs without a download.

Made small and uneven on purpose, like the data sets this product is for: 240 training images, from 45 of the digit
zero down to 10 of the digit nine, and 300 each for validation and test, 30 per class.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from classifier.data.source import Decoded, Source
from classifier.data.splits import draw

TRAINING = (45, 38, 33, 28, 23, 20, 17, 14, 12, 10)
HELD_OUT = 30


def digits(split_seed: int) -> Source:
    """Return the digits, split by `split_seed`."""
    import sklearn  # two seconds, for those who use them
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)

    def split(decoded: Decoded) -> dict[str, np.ndarray]:
        identities = [b"digit %d" % image for image in range(len(labels))]
        return draw(labels, identities, split_seed, lambda label, _: (TRAINING[label], HELD_OUT, HELD_OUT))

    return Source(
        name="digits",
        classes=[str(digit) for digit in range(10)],
        names=[f"digit {image}" for image in range(len(labels))],
        labels=labels,
        identity=f"digits, scikit-learn {sklearn.__version__}",
        read=lambda image: Image.fromarray(grey[image]),
        split=split,
    )
