"""Where the images of a split lie while a run trains, and how it comes by them batch by batch.

`Resident`: all of them on the run's device, as uint8. `Streamed`: on the host, for sets that are too large for the
device; a thread of its own gathers the next batches and copies them over while one is trained. Which of the two holds
them changes no bit of what is trained, and so is in no key.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

PREFETCHED_BATCHES = 3
"""Batches that are fetched while one is trained."""

BLOCK_IMAGES = 256
"""Images that are brought to a device in one go: at 224 pixels 38 MB."""

MAX_FREE_MEMORY_FRACTION = 0.5
"""Most of a device's free memory that images may take; the network wants the rest."""


class Images(Protocol):
    """The images of one split, uint8 [n, 1 or 3, h, w], handed out in batches."""

    shape: tuple[int, int, int, int]

    def batches(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the images in an order, in batches; a last one of a single image joins the one before.

        Args:
            order: int64 [m] on the CPU, the numbers of images; or [k, m]: a batch then has images of each row in turn.
            size: images per batch, of each row.

        Yields:
            the numbers, int64 [b], and their images, uint8 [b, 1 or 3, h, w], both on the device.
        """
        ...

    def slices(self, size: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield all images as they lie: which ones, and uint8 [b, 1 or 3, h, w] on the device."""
        ...


def hold(images: Mapping[str, np.ndarray], device: torch.device, held: str) -> dict[str, Images]:
    """Lay the images of all splits where they will be trained from.

    Args:
        images: split -> uint8 [n, 1 or 3, h, w].
        device: of the run.
        held: a value of ``data.held``: ``device``, ``host``, or ``auto`` for the device where they fit.
    """
    if held == "auto":
        bytes_free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
        held = "device" if fits(sum(array.nbytes for array in images.values()), bytes_free) else "host"
    kind = Resident if held == "device" else Streamed
    return {split: kind(array, device) for split, array in images.items()}


def fits(needed: int, free: int | None) -> bool:
    """Return whether so many bytes go on a device with so many free; None: it is the host, whose pages are shared."""
    return free is None or needed <= MAX_FREE_MEMORY_FRACTION * free


class Resident:
    """All images on the device; on the CPU without a copy, so that processes share the pages of the cache."""

    def __init__(self, images: np.ndarray, device: torch.device) -> None:
        self.shape = _shape(images)
        tensor = _tensor(images)
        self._images = tensor if device.type == "cpu" else copied(tensor, device)

    def batches(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Images`."""
        for index in cut(order.to(self._images.device), size):
            yield index, self._images[index]

    def slices(self, size: int) -> Iterator[tuple[slice, Tensor]]:
        """See `Images`."""
        for where in spans(len(self._images), size):
            yield where, self._images[where]


class Streamed:
    """All images on the host; batches come over ahead of their time, in a thread and on a CUDA stream of their own."""

    def __init__(self, images: np.ndarray, device: torch.device) -> None:
        self.shape = _shape(images)
        self._images, self._device = _tensor(images), device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def batches(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Images`."""
        numbers = order.to(self._device)
        yield from zip(cut(numbers, size), self._fetched(cut(order, size)), strict=True)

    def slices(self, size: int) -> Iterator[tuple[slice, Tensor]]:
        """See `Images`."""
        wanted = list(spans(len(self._images), size))
        yield from zip(wanted, self._fetched(wanted), strict=True)

    def _fetched(self, wanted: Iterable[Tensor | slice]) -> Iterator[Tensor]:
        """Yield the images asked for in turn, `PREFETCHED_BATCHES` of them on their way."""
        waiting: deque[Future[tuple[Tensor, torch.cuda.Event | None]]] = deque()
        pool = ThreadPoolExecutor(1, "fetch")
        try:
            for where in wanted:
                waiting.append(pool.submit(self._fetch, where))
                if len(waiting) > PREFETCHED_BATCHES:
                    yield self._arrived(waiting.popleft())
            while waiting:
                yield self._arrived(waiting.popleft())
        finally:  # also where nobody wants the rest
            pool.shutdown(cancel_futures=True)

    def _fetch(self, where: Tensor | slice) -> tuple[Tensor, torch.cuda.Event | None]:
        """Gather images and start their way to the device; runs in the thread."""
        chosen = self._images[where]
        if self._stream is None:
            return chosen, None
        # Pinned: a copy from elsewhere would make this thread wait, and the device's other copies with it. PyTorch
        # gives the memory out again only when the copy is done.
        with torch.cuda.stream(self._stream):
            arriving = chosen.pin_memory().to(self._device, non_blocking=True)
            done = torch.cuda.Event()
            done.record()
        return arriving, done

    def _arrived(self, fetched: Future[tuple[Tensor, torch.cuda.Event | None]]) -> Tensor:
        """Let the device wait for the copy; the host goes on."""
        images, done = fetched.result()
        if done is None:
            return images
        done.wait()  # what is queued from now on; not this thread
        images.record_stream(torch.cuda.current_stream(self._device))
        return images.contiguous(memory_format=torch.channels_last)


def copied(images: Tensor, device: torch.device, block: int = BLOCK_IMAGES) -> Tensor:
    """Return images [n, c, h, w] on another device, in channels-last layout, which the host gives them block by block.

    Asked to change the layout of all at once, PyTorch would hold them twice on the device.
    """
    there = torch.empty(images.shape, dtype=images.dtype, device=device, memory_format=torch.channels_last)
    for where in spans(len(images), block):
        there[where].copy_(images[where].contiguous(memory_format=torch.channels_last))
    return there


def cut(order: Tensor, size: int) -> Iterator[Tensor]:
    """Cut an epoch's order, [m] or [k, m], into batches; see `Images.batches`.

    A last one of a single image joins the one before: batch norm needs two.
    """
    images = order.shape[-1]
    starts = list(range(0, images, size))
    if images - starts[-1] == 1 and len(starts) > 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], images], strict=True):
        yield order[..., start:end].reshape(-1)


def spans(images: int, size: int) -> Iterator[slice]:
    """Cut the numbers 0 to images - 1 into slices of this size, the last one perhaps shorter."""
    for start in range(0, images, size):
        yield slice(start, min(start + size, images))


def _shape(images: np.ndarray) -> tuple[int, int, int, int]:
    count, channels, height, width = images.shape
    return count, channels, height, width


def _tensor(images: np.ndarray) -> Tensor:
    """Return the array as a tensor, without a copy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")  # nobody writes to it
        return torch.from_numpy(images)
