"""Oxford 102 Category Flowers: 8,189 photographs of 102 flowers (Nilsback and Zisserman, ICVGIP 2008).

Read from the folder that torchvision's ``Flowers102`` makes, ``flowers-102``: ``jpg/image_00001.jpg`` to
``image_08189.jpg``, the labels ``imagelabels.mat`` and the official split ``setid.mat``. The official split trains on
1,020 images, validates on 1,020 and tests on 6,149; swapped, as in many publications, the 6,149 train and the first
1,020 test. The files give the classes numbers and no names, so they are called 1 to 102 here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifier.data.decode import open_image
from classifier.data.fetch import Remote, located
from classifier.data.files import identity
from classifier.data.listing import named
from classifier.data.source import Source
from search.workload import SettingFaults

IMAGES, CLASSES = 8189, 102
SIZES = {"trnid": 1020, "valid": 1020, "tstid": 6149}
PARTS = {
    "official": {"train": "trnid", "val": "valid", "test": "tstid"},
    "swapped": {"train": "tstid", "val": "valid", "test": "trnid"},
}
"""``data.split`` -> split -> its name in ``setid.mat``."""


def _get(into: Path) -> None:
    from torchvision.datasets import Flowers102  # imports torch: two seconds, for those who fetch

    Flowers102(into, download=True)
    (into / "flowers-102/102flowers.tgz").unlink(missing_ok=True)


REMOTE = Remote(
    name="flowers-102",
    folder="flowers-102",
    sign="jpg",
    url="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    megabytes=345,
    layout="$SEARCH_DATA/flowers-102 holds jpg/image_00001.jpg, imagelabels.mat and setid.mat",
    get=_get,
)


def flowers102(split: str) -> Source:
    """Return the flowers under the official or the swapped split.

    Raises:
        SettingFaults: they are not there and cannot be fetched, or not all of them are.
    """
    folder = located(REMOTE)
    labels = _numbers(folder / "imagelabels.mat", "labels", 1, CLASSES)
    ids = {part: _numbers(folder / "setid.mat", part, 1, IMAGES) for part in SIZES}
    if len(labels) != IMAGES or sorted(np.concatenate(list(ids.values()))) != list(range(1, IMAGES + 1)):
        raise _fault(f"imagelabels.mat and setid.mat in {folder} do not label and split {IMAGES:,} images")
    names = [f"image_{number:05d}.jpg" for number in range(1, IMAGES + 1)]
    paths = [folder / "jpg" / name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise _fault(f"{folder / 'jpg'} lacks {len(missing):,} of {IMAGES:,} images ({named(missing, 3)})")
    parts = {ours: ids[theirs] - 1 for ours, theirs in PARTS[split].items()}
    return Source(
        name="flowers-102",
        classes=[str(number) for number in range(1, CLASSES + 1)],
        names=names,
        labels=labels - 1,
        identity=identity(folder, paths),
        read=lambda image: open_image(paths[image]),
        split=lambda _: parts,
        known=True,
        remedy=REMOTE.remedy,
        paths=paths,
        notes=["the official test split trains, the official training split tests"] if split == "swapped" else [],
    )


def _numbers(path: Path, key: str, low: int, high: int) -> np.ndarray:
    from scipy.io import loadmat

    try:
        numbers = np.asarray(loadmat(path, squeeze_me=True)[key]).astype(np.int64).reshape(-1)
    except Exception as error:  # scipy raises whatever it likes on files that are not MATLAB's
        raise _fault(f"{path} cannot be read ({error})") from error
    if key in SIZES and len(numbers) != SIZES[key]:
        raise _fault(f"{path} holds {len(numbers):,} images under {key}, not {SIZES[key]:,}")
    if not len(numbers) or numbers.min() < low or numbers.max() > high:
        raise _fault(f"{path} holds numbers outside {low} to {high} under {key}")
    return numbers


def _fault(sentence: str) -> SettingFaults:
    return SettingFaults([("data", f"{sentence}; {REMOTE.remedy}")])
