"""Images of two splits that look alike: a thumbnail, a smaller copy or another encoding of one that is trained on.

A perceptual hash finds candidates: ImageHash's phash, 64 bits that say which of the coarse waves of brightness are
stronger than most. Of these, pairs count whose brightness correlates. Copies differ in few bits and correlate almost
wholly; colours do not enter. Images of nearly one brightness have nothing to tell them apart by and are not compared.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from classifier.data.decode import BLOCK_IMAGES, threads
from classifier.data.progress import ReadingProgress

MIN_SIDE_PX = 64
"""Width and height at which images are looked at, or more."""

MAX_DIFFERENT_BITS = 8
"""Two images may look alike where at most so many of the 64 bits differ."""

MIN_CORRELATION = 0.93
"""They do where their greys, averaged over 8 x 8 fields, correlate at least so much."""

MIN_GREY_DEVIATION = 4.0
"""Images whose greys (0 to 255) have a smaller standard deviation are not compared."""

_FIELDS = 8
_ROWS, _COLUMNS = 32, 8192  # blocks of pairs that stay in a processor's cache


@dataclass(frozen=True)
class Look:
    """What images look like.

    Attributes:
        codes: uint64 [images], the perceptual hash.
        greys: float32 [images, fields], centred and of length 1, so that a product of two is their correlation.
        flat: bool [images], of nearly one brightness.
    """

    codes: np.ndarray
    greys: np.ndarray
    flat: np.ndarray


def across(look: Look, parts: Mapping[str, np.ndarray], same: np.ndarray, most: int) -> tuple[int, list[list[int]]]:
    """Find images that look alike in two splits.

    Every image of a split is compared with every one of the others.

    Args:
        look: of all images.
        parts: split -> image numbers.
        same: per image a number, which equal images share; equal images are no near-duplicates.
        most: how many pairs to name.

    Returns:
        The number of pairs, and the nearest `most` of them, each as two image numbers.
    """
    pairs, nearest = 0, list[tuple[int, int, int]]()
    compared = [images[~look.flat[images]] for images in parts.values()]
    with ThreadPoolExecutor(threads()) as pool:
        for one, other in itertools.combinations(compared, 2):
            blocks = [one[start : start + _ROWS] for start in range(0, len(one), _ROWS)]
            for count, found in pool.map(functools.partial(_near, look, same, most, columns=other), blocks):
                pairs += count
                nearest = sorted([*nearest, *found])[:most]
    return pairs, [images for _, *images in nearest]


def within(look: Look, other: Look, images: np.ndarray) -> list[tuple[int, int]]:
    """Find images that look alike, or of which one looks as another does in another way: mirrored.

    Args:
        look: of all images.
        other: `look`, or another one of the same images.
        images: numbers of those to compare, ascending; all with all.

    Returns:
        pairs of two image numbers, the smaller first.
    """
    compared = images[~look.flat[images]]
    blocks = [compared[start : start + _ROWS] for start in range(0, len(compared), _ROWS)]
    pairs: list[tuple[int, int]] = []
    with ThreadPoolExecutor(threads()) as pool:
        for of_block in pool.map(lambda rows: list(_alike(look, other, rows, compared)), blocks):
            for _, row, column in of_block:
                first = row < column
                pairs += zip(row[first].tolist(), column[first].tolist(), strict=True)
    return pairs


def look_at(pixels: np.ndarray, images: np.ndarray, progress: ReadingProgress, mirrored: bool = False) -> Look:
    """Look at some images.

    Args:
        pixels: uint8 [all images, 3, height, width], at least `MIN_SIDE_PX` high and wide.
        images: numbers of those to look at; of others nothing is known.
        progress: counts them.
        mirrored: look at them with left and right exchanged.
    """
    turn = -1 if mirrored else 1
    codes = np.zeros(len(pixels), dtype=np.uint64)
    greys = np.zeros((len(pixels), _FIELDS**2), dtype=np.float32)
    flat = np.ones(len(pixels), dtype=bool)
    with ThreadPoolExecutor(threads()) as pool:
        for start in range(0, len(images), BLOCK_IMAGES):
            some = images[start : start + BLOCK_IMAGES]
            found = list(pool.map(lambda image: _look(pixels[image][:, :, ::turn]), some))
            codes[some], greys[some], flat[some] = (list(column) for column in zip(*found, strict=True))
            progress.reached(start + len(some))
    return Look(codes, greys, flat)


def _look(pixels: np.ndarray) -> tuple[np.uint64, np.ndarray, bool]:
    import imagehash  # for the data check alone, not for every process that trains

    grey = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("L")
    (code,) = np.packbits(imagehash.phash(grey).hash).view(np.uint64)
    fields = np.asarray(grey.resize((_FIELDS, _FIELDS), Image.Resampling.BOX), dtype=np.float32).ravel()
    centred = fields - fields.mean()
    return code, centred / max(float(np.linalg.norm(centred)), 1e-6), float(np.asarray(grey).std()) < MIN_GREY_DEVIATION


def _near(
    look: Look, same: np.ndarray, most: int, rows: np.ndarray, columns: np.ndarray
) -> tuple[int, list[tuple[int, int, int]]]:
    """Return how many images of `rows` and `columns` look alike, and (bits that differ, row, column) of the nearest."""
    count, nearest = 0, list[tuple[int, int, int]]()
    for found in _alike(look, look, rows, columns):
        differ = same[found[1]] != same[found[2]]
        bits, row, column = (numbers[differ] for numbers in found)
        count += len(row)
        first = np.argsort(bits, kind="stable")[:most]
        pairs = zip(bits[first].tolist(), row[first].tolist(), column[first].tolist(), strict=True)
        nearest = sorted([*nearest, *pairs])[:most]
    return count, nearest


def _alike(
    look: Look, other: Look, rows: np.ndarray, columns: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, block by block, the bits that differ and the two image numbers of each pair that looks alike."""
    for start in range(0, len(columns), _COLUMNS):
        block = columns[start : start + _COLUMNS]
        bits = np.bitwise_count(look.codes[rows][:, None] ^ other.codes[block][None, :])
        row, column = np.nonzero(bits <= MAX_DIFFERENT_BITS)
        if not len(row):
            continue
        ours, our = np.unique(row, return_inverse=True)
        theirs, their = np.unique(column, return_inverse=True)
        correlation = look.greys[rows[ours]] @ other.greys[block[theirs]].T
        near = correlation[our, their] >= MIN_CORRELATION
        row, column = row[near], column[near]
        yield bits[row, column], rows[row], block[column]
