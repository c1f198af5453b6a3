"""A first space file for somebody's images: they are looked at, a few steps are timed, and what fits is chosen.

What this file promises:

* nothing is asked, and nothing is trained but a few steps on noise, which take as long as steps on images;
* the file passes ``check`` on these images as they are: a batch is no larger than the training split, no image is
  brought to more pixels than it has, and a folder that nothing can be compared on is refused with a reason;
* all of its runs together take about `WAIT_S` on this machine. First images get smaller, then fewer.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.data import load, look_for
from classifier.data.check import MIN_VALIDATION_IMAGES
from classifier.data.formats import opened
from classifier.data.groups import proposed
from classifier.data.settings import USUAL_SIZE_PX
from classifier.data.source import LONG, Decoded, Source
from classifier.first_text import RATES, SEEDS, Facts, text_of
from classifier.models import MIN_INPUT_PX
from search.workload import SettingFaults

WAIT_S = 600.0
"""Seconds that a person waits for a first table."""

MIN_EPOCHS, ENOUGH_EPOCHS, MAX_EPOCHS = 10, 20, 60
"""Fewer epochs are bought with fewer images, enough ones with smaller images; more than the last tell little."""

SMALLER_PX = (128, 96, 64, 48, 32)
"""Sizes that are tried in turn, as far as images have them."""

LARGEST_PX = {"cpu": 64, "cuda": 128}
LEAST_BATCH_IMAGES, MAX_BATCH_IMAGES = 8, 64
MAX_HEADERS_READ = 200
TIMED_STEPS = 3
TIMED_BATCH_IMAGES = 32

Rates = Callable[[int], tuple[float, float]]
"""Size in pixels -> images per second in training and in evaluation."""


@dataclass(frozen=True)
class Choice:
    """What fits into the time.

    Attributes:
        size: width and height in pixels.
        epochs: of each run.
        counts: images of each split that is there, perhaps fewer than there are.
        seconds: of all runs together.
        rate: images per second that one run trains on.
    """

    size: int
    epochs: int
    counts: Sequence[int]
    seconds: float
    rate: float


def first_file(data: str, file: str) -> str:
    """Return the text of a space file that compares learning rates on some images.

    Args:
        data: a set known by name, or a folder, as ``data`` takes it.
        file: the path of the file, which its commands name.

    Raises:
        SettingFaults: they cannot be trained on, or are too few to compare anything.
    """
    source = look_for(data)
    digests = [name.encode() for name in source.names]  # nothing is decoded yet: the draw of a split needs any
    parts = source.split(Decoded(digests, {}))
    counts = [len(parts[split]) for split in source.splits]
    _refuse_few(data, source, counts)
    device = _device()
    choice = choose(_sizes(data, source, device), counts, _workers(device), lambda size: _rates(size, device))
    limit = None if list(choice.counts) == counts else (*choice.counts, *[1] * (3 - len(counts)))
    settings = {"data": data, "data.size": choice.size, **({} if limit is None else {"data.limit": limit})}
    dataset = load(settings)
    train, val = dataset.labels["train"], dataset.labels["val"]
    of_class = np.bincount(train, minlength=len(source.classes))
    usual = np.bincount(val, minlength=len(source.classes))
    return text_of(
        Facts(
            data=data,
            file=file,
            groups=proposed(source.names, len(source.classes)) if source.paths and not source.known else None,
            name=dataset.card.name,
            size=choice.size,
            counts=tuple(len(dataset.labels[split]) for split in source.splits),
            limit=limit,
            there=tuple(counts),
            classes=len(source.classes),
            smallest=int(of_class.min()),
            largest=int(of_class.max()),
            usual=source.classes[int(usual.argmax())],
            usual_share=float(usual.max() / len(val)),
            grey=_grey(dataset.images["val"]),
            batch=batch_size(len(train)),
            epochs=choice.epochs,
            seconds=choice.seconds,
            rate=choice.rate,
            device="GPU" if device == "cuda" else "CPU core",
        )
    )


def choose(sizes: Sequence[int], counts: Sequence[int], workers: int, rates: Rates) -> Choice:
    """Choose size, epochs and perhaps fewer images, so that all runs together take `WAIT_S` at most.

    Args:
        sizes: sizes to try, the largest first.
        counts: images of each split, training images first.
        workers: runs at once.
        rates: measures a size.
    """
    runs = len(RATES) * len(SEEDS)
    turns = -(-runs // workers)  # the last runs leave workers idle
    for size in sizes:
        training, evaluating = rates(size)
        epoch = counts[0] / training + sum(counts[1:]) / evaluating
        epochs = int(WAIT_S / (turns * epoch))
        if epochs >= ENOUGH_EPOCHS or (size == sizes[-1] and epochs >= MIN_EPOCHS):
            epochs = min(epochs, MAX_EPOCHS)
            return Choice(size, epochs, counts, turns * epochs * epoch, training)
    share = WAIT_S / (turns * MIN_EPOCHS * epoch)
    fewer = [min(count, max(int(count * share), MIN_VALIDATION_IMAGES)) for count in counts]
    epoch = fewer[0] / training + sum(fewer[1:]) / evaluating
    return Choice(size, MIN_EPOCHS, fewer, turns * MIN_EPOCHS * epoch, training)


def batch_size(images: int) -> int:
    """Return images per step: some ten steps an epoch at least, as far as that leaves batches to normalise over.

    A last batch of two or three images is avoided: batch normalisation over so few may make losses jump.
    """
    largest = max(2, min(MAX_BATCH_IMAGES, max(LEAST_BATCH_IMAGES, images // 10), images // 2))
    sizes = range(largest, max(2, largest // 2) - 1, -1)
    return next((size for size in sizes if images % size not in (2, 3)), largest)


def _refuse_few(data: str, source: Source, counts: Sequence[int]) -> None:
    if counts[1] >= MIN_VALIDATION_IMAGES:
        return
    sizes = ", ".join(f"{count:,} {LONG[split]}" for split, count in zip(source.splits, counts, strict=True))
    sentence = (
        f"{data} holds {len(source.names):,} images of {len(source.classes)} classes, which makes {sizes} images; a "
        f"comparison needs at least {MIN_VALIDATION_IMAGES} validation images, so add images to its classes, or write "
        "a file by hand with more of them for validation (data.ratio)"
    )
    raise SettingFaults([("data", sentence)])


def _sizes(data: str, source: Source, device: str) -> list[int]:
    """Return the sizes to try, the largest first: no image is blown up, but for the smallest that a model takes."""
    if data in USUAL_SIZE_PX:
        largest = USUAL_SIZE_PX[data]
    else:
        step = max(1, len(source.paths) // MAX_HEADERS_READ)
        sides = [side for path in source.paths[::step] if (side := _side(path.read_bytes()))]
        there = int(statistics.median(sides)) if sides else LARGEST_PX[device]
        largest = min(LARGEST_PX[device], there)
    largest = max(largest, *MIN_INPUT_PX.values())
    return [largest, *(size for size in SMALLER_PX if size < largest)]


def _side(content: bytes) -> int:
    """Return the shorter side of an image in pixels, 0 where it cannot be read."""
    try:
        return min(opened(content).size)
    except (OSError, ValueError):
        return 0


def _grey(images: np.ndarray) -> bool:
    """Whether images, uint8 [n, channels, h, w], have no colour."""
    return images.shape[1] == 1 or all(bool((images[:, 0] == images[:, channel]).all()) for channel in (1, 2))


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _workers(device: str) -> int:
    return 1 if device == "cuda" else max(1, min(len(RATES) * len(SEEDS), len(os.sched_getaffinity(0))))


def _rates(size: int, device: str) -> tuple[float, float]:
    """Time steps on noise of this size, on one thread or the GPU."""
    import torch
    from torch.nn import functional

    from classifier.models import build
    from classifier.process import undisturbed

    threads = torch.get_num_threads()
    with undisturbed(device):
        torch.set_num_threads(1)
        try:
            model = build({"model.name": "model_c", "model.activation": "relu", "data.size": size}, 10)
            model = model.to(device, memory_format=torch.channels_last)
            images = torch.rand(TIMED_BATCH_IMAGES, 3, size, size, device=device)
            images = images.contiguous(memory_format=torch.channels_last)
            labels = torch.zeros(TIMED_BATCH_IMAGES, dtype=torch.int64, device=device)
            optimizer = torch.optim.Adam(model.parameters())

            def train() -> None:
                optimizer.zero_grad()
                functional.cross_entropy(model(images), labels).backward()
                optimizer.step()

            def evaluate() -> None:
                with torch.inference_mode():
                    model(images)

            return _per_second(train, device), _per_second(evaluate, device)
        finally:
            torch.set_num_threads(threads)


def _per_second(step: Callable[[], None], device: str) -> float:
    """Return images per second of a step; the first one, which makes things ready, does not count."""
    import torch

    step()
    seconds = []
    for _ in range(TIMED_STEPS):
        begun = time.perf_counter()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    return TIMED_BATCH_IMAGES / statistics.median(seconds)
