"""Stratified splits, drawn from the split seed and what an image is, never from how much was drawn before.

Within its class an image is ranked by a hash of the split seed and its identity; the first ones are for training,
the next for validation, the next for the test. So the draw is the same on every platform and under every version
of every library, does not depend on the order of files, and leaves most images where they were when one is added.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from classifier.data.source import SPLITS
from search.workload import merged

Sizes = Sequence[int]


def draw(
    labels: np.ndarray, identities: Sequence[bytes], seed: int, sizes: Callable[[int, int], Sizes]
) -> dict[str, np.ndarray]:
    """Split the images of every class.

    Args:
        labels: class number per image.
        identities: what tells an image from others, per image; empty leaves the image out.
        seed: the split seed.
        sizes: (class number, images in it) -> how many of them go to each of `SPLITS`.

    Returns:
        split -> image numbers, in no particular order.
    """
    ranks = [hashlib.sha256(b"split %d " % seed + identity).digest() for identity in identities]
    parts: dict[str, list[int]] = {split: [] for split in SPLITS}
    members: dict[int, list[int]] = {}
    for image, label in enumerate(labels):
        if identities[image]:
            members.setdefault(int(label), []).append(image)
    for label, images in sorted(members.items()):
        images.sort(key=lambda image: (ranks[image], image))
        start = 0
        for split, size in zip(SPLITS, sizes(label, len(images)), strict=True):
            parts[split] += images[start : start + size]
            start += size
    return {split: np.array(images, dtype=np.int64) for split, images in parts.items()}


def drawn_whole(
    labels: np.ndarray,
    identities: Sequence[bytes],
    groups: Sequence[str],
    seed: int,
    sizes: Callable[[int, int], Sizes],
) -> dict[str, np.ndarray]:
    """Split the images of every class as `draw` does, and keep images of one group together, and equal ones.

    Groups of several images come first, by the least rank of their images: each goes where the least share of its
    classes' images is, half of its own counted (the method of Sainte-Lague), and to the training split where that has
    no image of one of its classes yet. Images that stand alone fill what is left. Where all do, this is `draw`.

    Args:
        labels, identities, seed, sizes: as in `draw`; sizes are kept as nearly as whole groups allow.
        groups: the name of each image's group.
    """
    kept = [image for image in range(len(labels)) if identities[image]]
    together = merged([groups[image] for image in kept], [identities[image].hex() for image in kept])
    members: dict[int, list[int]] = {}
    for image, group in zip(kept, together, strict=True):
        members.setdefault(group, []).append(image)
    ranks = {image: hashlib.sha256(b"split %d " % seed + identities[image]).digest() for image in kept}
    counts = Counter(int(labels[image]) for image in kept)
    wanted = {label: list(sizes(label, count)) for label, count in sorted(counts.items())}
    filled = {label: [0] * len(SPLITS) for label in wanted}
    parts: dict[str, list[int]] = {split: [] for split in SPLITS}

    def share(of_class: Mapping[int, int], place: int) -> float:
        return sum(
            count * (filled[label][place] + count / 2) / wanted[label][place] if wanted[label][place] else math.inf
            for label, count in of_class.items()
        )

    several = [images for images in members.values() if len(images) > 1]
    for images in sorted(several, key=lambda images: min((ranks[image], image) for image in images)):
        of_class = Counter(int(labels[image]) for image in images)
        untrained = any(not filled[label][0] for label in of_class)
        place = 0 if untrained else min(range(len(SPLITS)), key=lambda place: (share(of_class, place), place))
        parts[SPLITS[place]] += images
        for label, count in of_class.items():
            filled[label][place] += count
    alone = [b""] * len(labels)
    for images in members.values():
        if len(images) == 1:
            alone[images[0]] = identities[images[0]]
    rest = draw(labels, alone, seed, lambda label, count: _room(wanted[label], filled[label], count))
    return {split: np.concatenate([np.array(parts[split], dtype=np.int64), rest[split]]) for split in SPLITS}


def _room(wanted: Sizes, filled: Sizes, count: int) -> list[int]:
    """Return how `count` more images of a class are split; where groups took too much, the largest part lacks it."""
    room = [max(size - taken, 0) for size, taken in zip(wanted, filled, strict=True)]
    while sum(room) > count:
        room[room.index(max(room))] -= 1
    return room


def shares(count: int, ratio: Sequence[float]) -> list[int]:
    """Divide `count` images by `ratio`, largest remainders first, each part at least one where `count` allows."""
    exact = [count * part / sum(ratio) for part in ratio]
    parts = [int(number) for number in exact]
    # Rounded, or 6 : 2 : 2 and 0.6 : 0.2 : 0.2 would break ties by the last bit of their remainders.
    by_remainder = sorted(range(len(parts)), key=lambda part: (round(parts[part] - exact[part], 9), part))
    for part in by_remainder[: count - sum(parts)]:
        parts[part] += 1
    while count >= len(parts) and min(parts) == 0:
        parts[parts.index(max(parts))] -= 1
        parts[parts.index(0)] += 1
    return parts


def limited(
    parts: Mapping[str, np.ndarray], labels: np.ndarray, identities: Sequence[bytes], seed: int, limit: Sequence[int]
) -> dict[str, np.ndarray]:
    """Return at most so many images of each split, classes in proportion.

    Within its class an image of a split has the rank that `draw` gives it. The first image of every class comes
    first, largest classes ahead; then the others by (rank + 1/2) / (size of the class). A smaller limit is the
    beginning of the same list, hence a subset; a limit of at least the number of classes takes one image of each.

    Args:
        parts: split -> image numbers.
        labels, identities, seed: as in `draw`.
        limit: most images of each of `SPLITS` that is among them.
    """
    chosen = {}
    for split, most in zip([split for split in SPLITS if split in parts], limit, strict=True):
        members: dict[int, list[tuple[bytes, int]]] = {}
        for image in parts[split].tolist():
            rank = hashlib.sha256(b"split %d " % seed + identities[image]).digest()
            members.setdefault(int(labels[image]), []).append((rank, image))
        places = [
            (position > 0, (position + 0.5) / len(images), rank, image)
            for images in members.values()
            for position, (rank, image) in enumerate(sorted(images))
        ]
        chosen[split] = np.array([image for *_, image in sorted(places)[:most]], dtype=np.int64)
    return chosen
