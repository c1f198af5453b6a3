"""Near-duplicates as groups: written to a CSV file that ``data.groups`` takes, for a person to look at and correct.

Images of equal pixels, near-duplicates in two splits or in one, and mirrored copies are put together, and what
``data.groups`` puts together already. Mirrored ones are looked for here alone: each image is looked at twice.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from classifier.data import alike
from classifier.data.assemble import pool
from classifier.data.groups import COLUMNS, SETTING
from classifier.data.progress import ReadingProgress
from classifier.data.source import Decoded, Source
from search.workload import SettingFaults, merged


def write(source: Source, size: int, file: Path) -> list[str]:
    """Write the group of each image; return lines of text on what was found, and on what to do with the file.

    Args:
        source: a data set.
        size: width and height in pixels it is used at.
        file: what is written; a file that is there is left alone.

    Raises:
        SettingFaults: its images have no files of their own, or the file is there or cannot be written.
    """
    if not source.paths:
        raise SettingFaults([("data", f"images of {source.name} have no files of their own, and are not compared")])
    entry = pool(source, max(size, alike.MIN_SIDE_PX))
    decoded = Decoded(
        [bytes.fromhex(digest) for digest in entry.extra["digests"]],
        {int(image): reason for image, reason in entry.extra["failed"].items()},
    )
    images = np.array([image for image, digest in enumerate(decoded.digests) if digest], dtype=np.int64)
    with ReadingProgress(f"comparing {source.name}", len(images)) as progress:
        look = alike.look_at(entry.array, images, progress)
    with ReadingProgress(f"comparing {source.name}, mirrored", len(images)) as progress:
        mirrored = alike.look_at(entry.array, images, progress, mirrored=True)
    pairs = [*alike.within(look, look, images), *alike.within(look, mirrored, images)]
    number = _together(source, decoded, pairs)
    first: dict[int, int] = {}
    for image, group in enumerate(number):
        first.setdefault(group, image)
    names = [source.groups[first[group]] if source.groups else source.names[first[group]] for group in number]
    sizes = [count for count in Counter(number).values() if count > 1]
    if not sizes:
        return ["near-duplicates: none, so that no groups are written"]
    _write(file, list(zip(source.names, names, strict=True)))
    span = f"{sizes[0]}" if len(set(sizes)) == 1 else f"{min(sizes)} to {max(sizes)}"
    groups = "1 group" if len(sizes) == 1 else f"{len(sizes):,} groups"
    return [
        f"images that belong together: {sum(sizes):,} in {groups} of {span}: equal, near-duplicates, mirrored",
        *_cut(source, decoded, number),
        f"{file}: the group of each of {len(number):,} images; look at them, then add to the space file under `fixed`:",
        f"  {SETTING}: {{csv: {file}}}",
    ]


def _together(source: Source, decoded: Decoded, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return a number for each image, equal where images belong together."""
    count = len(source.names)
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(one), dtype=bool), (one, other)), shape=(count, count))
    near = [str(number) for number in connected_components(graph, directed=False)[1].tolist()]
    own = [digest.hex() or f"unread {image}" for image, digest in enumerate(decoded.digests)]
    number = merged(near, own)
    return merged([str(one) for one in number], source.groups) if source.groups else number


def _cut(source: Source, decoded: Decoded, number: Sequence[int]) -> list[str]:
    """Say how many groups lie in several splits now."""
    parts = source.split(decoded)
    splits: dict[int, set[str]] = {}
    for split in source.splits:
        for image in parts[split].tolist():
            splits.setdefault(number[image], set()).add(split)
    count = sum(1 for found in splits.values() if len(found) > 1)
    if not count:
        return []
    lie = "1 of them lies" if count == 1 else f"{count:,} of them lie"
    return [f"{lie} in several splits now: a split that is drawn will keep each in one, mend any other by hand"]


def _write(file: Path, lines: Sequence[tuple[str, str]]) -> None:
    try:
        with file.expanduser().open("x", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(lines)
    except FileExistsError:
        raise SettingFaults([(SETTING, f"{file} is there already; name another file, or remove it")]) from None
    except OSError as error:
        raise SettingFaults([(SETTING, f"{file} cannot be written: {error.strerror or error}")]) from error
