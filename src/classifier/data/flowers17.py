"""Oxford 17 Category Flowers: 1,360 photographs, 80 of each of 17 flowers (Nilsback and Zisserman, CVPR 2006).

Read from ``flowers-17/jpg/image_0001.jpg`` to ``image_1360.jpg``; images 1 to 80 are of the first class, 81 to 160 of
the second, and so on. Split into 40 training, 20 validation and 20 test images per class, drawn from the
split seed and the number of an image, so that copies of the set in other resolutions are split alike.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import numpy as np

from classifier.data.decode import open_image
from classifier.data.fetch import Remote, located
from classifier.data.files import identity
from classifier.data.listing import named
from classifier.data.source import Decoded, Source
from classifier.data.splits import draw
from search.workload import SettingFaults

URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz"
MD5 = "b59a65d8d1a99cd66944d474e1289eab"
IMAGES_PER_CLASS = 80
SPLIT_IMAGES_PER_CLASS = (40, 20, 20)
CLASSES = (
    "daffodil",
    "snowdrop",
    "lily of the valley",
    "bluebell",
    "crocus",
    "iris",
    "tiger lily",
    "tulip",
    "fritillary",
    "sunflower",
    "daisy",
    "coltsfoot",
    "dandelion",
    "cowslip",
    "buttercup",
    "windflower",
    "pansy",
)
IMAGES = IMAGES_PER_CLASS * len(CLASSES)


def _get(into: Path) -> None:
    from torchvision.datasets.utils import download_url  # imports torch: two seconds, for those who fetch

    download_url(URL, into, md5=MD5)
    unpack(into / URL.rpartition("/")[2], into / "flowers-17/jpg")


def unpack(archive: Path, folder: Path) -> None:
    """Write the images of an archive into `folder`, under names of our own choice: no member can lead elsewhere.

    Raises:
        RuntimeError: it does not hold all of them.
    """
    folder.mkdir(parents=True)
    unpacked = set()
    with tarfile.open(archive) as tar:
        for member in tar:
            name = re.fullmatch(r"(?:\./)?jpg/(image_\d{4}\.jpg)", member.name)
            content = tar.extractfile(member) if name and member.isreg() else None
            if name and content:
                (folder / name[1]).write_bytes(content.read())
                unpacked.add(name[1])
    if missing := sorted(set(_names()) - unpacked):
        raise RuntimeError(f"the archive lacks {len(missing):,} of {IMAGES:,} images ({named(missing, 3)})")


REMOTE = Remote(
    name="flowers-17",
    folder="flowers-17",
    sign="jpg",
    url=URL,
    megabytes=60,
    layout="$SEARCH_DATA/flowers-17/jpg/image_0001.jpg exists",
    get=_get,
)


def flowers17(split_seed: int) -> Source:
    """Return the flowers, split by `split_seed`.

    Raises:
        SettingFaults: they are not there and cannot be fetched, or not all of them are.
    """
    folder = located(REMOTE) / "jpg"
    names = _names()
    paths = [folder / name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        lacks = f"{folder} lacks {len(missing):,} of {IMAGES:,} images ({named(missing, 3)})"
        raise SettingFaults([("data", f"{lacks}; {REMOTE.remedy}")])
    labels = np.arange(IMAGES, dtype=np.int64) // IMAGES_PER_CLASS

    def split(_: Decoded) -> dict[str, np.ndarray]:
        return draw(labels, [name.encode() for name in names], split_seed, lambda *_: SPLIT_IMAGES_PER_CLASS)

    return Source(
        name="flowers-17",
        classes=CLASSES,
        names=names,
        labels=labels,
        identity=identity(folder, paths),
        read=lambda image: open_image(paths[image]),
        split=split,
        known=True,
        remedy=REMOTE.remedy,
        paths=paths,
    )


def _names() -> list[str]:
    return [f"image_{number:04d}.jpg" for number in range(1, IMAGES + 1)]
