"""The data check: what a person should know of a data set before training on it, as lines of text.

It says what is there (classes, images per split and class, original sizes and colour modes) and what is odd: files that
cannot be read, images that were converted on the way in, byte-identical files across splits or within one, images that
decode to the same pixels in two splits or under two labels, images that look alike in two splits, and classes with few
images. Oddities are no faults: data that cannot be used at all raise `SettingFaults`, as they do in training.
"""

from __future__ import annotations

import hashlib
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from classifier.data import alike, decode
from classifier.data.assemble import Split, pool, split
from classifier.data.card import notes
from classifier.data.formats import bits, opened
from classifier.data.groups import described
from classifier.data.listing import named
from classifier.data.progress import ReadingProgress
from classifier.data.source import LONG, Source

FEW_TRAINING_IMAGES = 5
"""A class with fewer training images than this is named."""

MIN_VALIDATION_IMAGES = 10
"""With fewer images to measure on, every interval covers nearly everything."""

SMALL_BATCH_IMAGES = 4
"""A last batch of fewer images than this is named: on small images batch normalisation over them may run off."""

MAX_NAMED_ITEMS = 10
AS_GROUPS = "`check --data --write-groups FILE` writes such images as groups, for `data.groups`"
NO_NEAR_DUPLICATES = "near-duplicates across splits: none"
_MAX_LINE_LETTERS = 110


@dataclass(frozen=True)
class Original:
    """What the file of an image holds, before anything is converted.

    Attributes:
        size: width and height in pixels.
        mode: Pillow's name of the colour mode.
        converted: what was done to it beyond making it RGB; empty for most.
        sha256: hash of the file's bytes; empty where images have no files of their own.
    """

    size: tuple[int, int]
    mode: str
    converted: tuple[str, ...] = ()
    sha256: str = ""


def report(source: Source, size: int, seed: int, limit: Sequence[int] | None, batch: int | None = None) -> list[str]:
    """Return the lines of the data check.

    Args:
        source: a data set.
        size: width and height in pixels it is used at.
        seed: the split seed.
        limit: most images of each split, or None.
        batch: images per training step, where that is known.

    Raises:
        SettingFaults: the data cannot be used.
    """
    ready = split(source, size, seed, limit)
    source, parts, failed = ready.source, ready.parts, ready.decoded.failed
    used = np.sort(np.concatenate([parts[name] for name in source.splits])).tolist()
    originals = dict(zip(used, _originals(source, used), strict=True))
    card = notes(source, parts, ready.decoded, size, ready.before)
    lines = [f"{source.name}: {card[0]}"]
    lines += [note for note in card[1:] if not note.startswith("left out ")]
    lines += source.remarks
    lines += described(source, parts)
    lines += _classes(source, parts)
    lines += _sizes(originals.values())
    left_out = [*source.left_out, *((source.names[image], reason) for image, reason in failed.items())]
    lines += _listed("left out, cannot be read", [f"{name} ({reason})" for name, reason in sorted(left_out)])
    for what in sorted({what for original in originals.values() for what in original.converted}):
        lines += _listed(what, [source.names[image] for image in used if what in originals[image].converted])
    lines += _identical(source, parts, originals)
    lines += _look_alikes(ready, size)
    lines += _few(source, parts)
    lines += _last_batch(len(parts["train"]), batch)
    return lines


def _originals(source: Source, images: Sequence[int]) -> list[Original]:
    found: list[Original] = []
    doing = f"reading {source.name}"
    with ThreadPoolExecutor(decode.threads()) as pool, ReadingProgress(doing, len(images)) as progress:
        for start in range(0, len(images), decode.BLOCK_IMAGES):
            found += pool.map(lambda image: _original(source, image), images[start : start + decode.BLOCK_IMAGES])
            progress.reached(len(found))
    return found


def _original(source: Source, image: int) -> Original:
    if not source.paths:
        picture = source.read(image)
        return Original(picture.size, picture.mode)
    data = source.paths[image].read_bytes()
    picture = opened(data)  # reads the header alone; decoding has shown that it is an image
    converted = []
    if decode.turn(picture) is not None:
        converted.append("turned upright, as EXIF says")
    if picture.mode.startswith("I"):
        converted.append(f"{12 if bits(picture) == 12 else 16}-bit grey, scaled to 8 bits")
    elif bits(picture, data) == 16:
        converted.append("16-bit colour, the upper 8 bits kept")
    if picture.has_transparency_data:
        converted.append("transparent, laid on white")
    if picture.mode == "CMYK":
        converted.append("CMYK, converted to RGB")
    return Original(picture.size, picture.mode, tuple(converted), hashlib.sha256(data).hexdigest())


def _classes(source: Source, parts: Mapping[str, np.ndarray]) -> list[str]:
    counts = [np.bincount(source.labels[parts[name]], minlength=len(source.classes)) for name in source.splits]
    each = [
        f"{name} {'/'.join(str(count[label]) for count in counts)}".replace(" ", "\0")  # no line ends inside an entry
        for label, name in enumerate(source.classes)
    ]
    lines = textwrap.wrap(", ".join(each), _MAX_LINE_LETTERS, break_long_words=False, break_on_hyphens=False)
    return [
        f"images of each class, {'/'.join(LONG[name] for name in source.splits)}:",
        *("  " + line.replace("\0", " ") for line in lines),
    ]


def _sizes(originals: Iterable[Original]) -> list[str]:
    originals = list(originals)
    sentences = []
    for axis, what in enumerate(("width", "height")):
        values = [original.size[axis] for original in originals]
        low, high, median = min(values), max(values), statistics.median(values)
        sentences.append(f"{what} {low} px" if low == high else f"{what} {low} to {high} px, median {median:g}")
    modes = Counter(original.mode for original in originals).most_common()
    return [
        f"original sizes: {'; '.join(sentences)}",
        f"colour modes: {', '.join(f'{count:,} {mode}' for mode, count in modes)}",
    ]


def _identical(source: Source, parts: Mapping[str, np.ndarray], originals: Mapping[int, Original]) -> list[str]:
    """Name byte-identical files: across splits, and within a split, saying whether their labels differ."""
    where = {image: name for name in source.splits for image in parts[name].tolist()}
    same: dict[str, list[int]] = {}
    for image in sorted(originals):
        if originals[image].sha256:
            same.setdefault(originals[image].sha256, []).append(image)
    if not same:
        return []
    across: list[str] = []
    within: list[str] = []
    for images in same.values():
        if len(images) == 1:
            continue
        differ = len({int(source.labels[image]) for image in images}) > 1
        each = [f"{source.names[image]} ({LONG[where[image]]}{_label(source, image, differ)})" for image in images]
        text = named(each, MAX_NAMED_ITEMS, " = ")
        (across if len({where[image] for image in images}) > 1 else within).append(text)
    lines = _listed("byte-identical files across splits", across)
    lines += _listed("byte-identical files within a split", within)
    return lines or ["byte-identical files: none"]


def _look_alikes(ready: Split, size: int) -> list[str]:
    """Name images of two splits that look alike without being equal, nearest first."""
    source, parts = ready.source, {name: ready.parts[name] for name in ready.source.splits}
    if not source.paths:
        return []
    entry = ready.pool() if size >= alike.MIN_SIDE_PX else pool(source, alike.MIN_SIDE_PX)
    used = np.concatenate(list(parts.values()))
    with ReadingProgress(f"comparing {source.name}", len(used)) as progress:
        look = alike.look_at(entry.array, used, progress)
    same = np.unique(np.array(ready.decoded.digests, dtype=bytes), return_inverse=True)[1]
    count, nearest = alike.across(look, parts, same, MAX_NAMED_ITEMS)
    where = {image: name for name in parts for image in parts[name].tolist()}
    pairs = []
    for images in nearest:
        differ = len({int(source.labels[image]) for image in images}) > 1
        pairs.append(
            " ~ ".join(
                f"{source.names[image]} ({LONG[where[image]]}{_label(source, image, differ)})" for image in images
            )
        )
    more = f"; and {count - len(pairs):,} more" if count > len(pairs) else ""
    if not pairs:
        return [NO_NEAR_DUPLICATES]
    lines = [f"near-duplicates across splits: {count:,}: {'; '.join(pairs)}{more}"]
    return lines if source.groups else [*lines, AS_GROUPS]


def _label(source: Source, image: int, shown: bool) -> str:
    return f", class {source.classes[source.labels[image]]}" if shown else ""


def _few(source: Source, parts: Mapping[str, np.ndarray]) -> list[str]:
    counts = np.bincount(source.labels[parts["train"]], minlength=len(source.classes))
    few = [
        f"{source.classes[label]} ({counts[label]})" for label in np.flatnonzero(counts < FEW_TRAINING_IMAGES).tolist()
    ]
    lines = _listed(f"classes with fewer than {FEW_TRAINING_IMAGES} training images", few)
    validation = len(parts["val"])
    if validation < MIN_VALIDATION_IMAGES:
        lines.append(
            f"only {validation:,} validation images, where a comparison needs at least {MIN_VALIDATION_IMAGES}: "
            "add images, or take more of them for validation (data.ratio)"
        )
    return lines


def _listed(what: str, things: Sequence[str]) -> list[str]:
    """Return nothing, or one line that counts `things` and names the first of them."""
    return [f"{what}: {len(things):,}: {named(things, MAX_NAMED_ITEMS, '; ')}"] if things else []


def _last_batch(images: int, batch: int | None) -> list[str]:
    """Name a last batch of two or three images; a single one joins the batch before."""
    left = images % batch if batch and images > batch else 0
    if not 1 < left < SMALL_BATCH_IMAGES:
        return []
    return [
        f"a last batch of {left}: {images:,} training images in batches of {batch:,}; batch normalisation over so few "
        "may make losses jump, another batch_size leaves more"
    ]
