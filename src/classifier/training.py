"""One run: start, train an epoch, evaluate, save, load.

All state of the process that can change a bit (thread count, deterministic algorithms, precision) is set before every
epoch, because several runs take turns in one process. Data lie on the device as uint8, are augmented and normalised
there, and nothing waits for the device inside an epoch.

`train_loss` is what was minimised, on augmented images, in training mode, as the epoch went by. `val_loss` and
`test_loss` are the cross-entropy in nats per image whatever was trained on, so that settings with different gamma
compare. Accuracies are fractions.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from classifier.augment import Augmentation
from classifier.data import Dataset
from classifier.draws import permutation
from classifier.losses import focal
from classifier.models import build
from classifier.process import configure, undisturbed
from classifier.weights import initialise

EVALUATION_PIXELS = 512 * 64 * 64
"""Pixels per evaluation batch: a function of the image size alone, because its split can change bits."""

SMALLEST_DEVIATION = 1e-3
"""Floor of a channel's standard deviation in [0, 1]: a channel of one colour is not blown up."""


class Training:
    """A run under fixed settings, at epoch 0 until it trains or loads.

    Args:
        fixed: canonical fixed settings with the seed.
        data: its images.
        threads: CPU threads.
        device: where it trains.
    """

    def __init__(self, fixed: Mapping[str, Any], data: Dataset, threads: int, device: str) -> None:
        configure(threads)
        self._threads, self._device = threads, torch.device(device)
        self._seed, self._batch = fixed.get("seed", 0), fixed["batch_size"]
        self._epoch = 0
        self._small = np.uint8 if len(data.card.classes) <= 256 else np.uint16
        with undisturbed(self._device.type):
            self._images = {split: _tensor(array, self._device) for split, array in data.images.items()}
            self._labels = {split: torch.tensor(array, device=self._device) for split, array in data.labels.items()}
            self._mean, self._std = _statistics(data.images["train"], self._device)
            model = build(
                fixed["model.name"], len(data.card.classes), fixed["model.activation"], fixed.get("model.slope", 0.01)
            )
            initialise(model, self._seed)
            self._model = model.to(self._device, memory_format=torch.channels_last)
            self._optimizer = torch.optim.SGD(
                self._model.parameters(),
                lr=0.0,
                momentum=fixed["optimizer.momentum"],
                weight_decay=fixed["optimizer.weight_decay"],
                foreach=True,
            )

    def train_epoch(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Train the next epoch and evaluate it.

        Args:
            settings: ``optimizer.lr``, ``loss.gamma`` and the active ``augment.*``.

        Returns:
            ``lr``; loss and accuracy on train, val and test; ``predictions``: val and test -> class per image.
        """
        configure(self._threads)
        self._epoch += 1
        for group in self._optimizer.param_groups:
            group["lr"] = settings["optimizer.lr"]
        predictions = {}
        with undisturbed(self._device.type):
            row: dict[str, Any] = {"lr": settings["optimizer.lr"], **self._train(settings)}
            for split in ("val", "test"):
                measured, predictions[split] = self._evaluate(split)
                row |= measured
        return {**row, "predictions": predictions}

    def _train(self, settings: Mapping[str, Any]) -> dict[str, float]:
        images, labels = self._images["train"], self._labels["train"]
        augmentation = Augmentation(settings, self._seed, self._epoch, len(images))
        order = torch.from_numpy(permutation(self._seed, self._epoch, len(images))).to(self._device)
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        correct = torch.zeros((), dtype=torch.int64, device=self._device)
        self._model.train()
        for index in _batches(order, self._batch):
            target = labels[index]
            logits = self._model(self._normalise(augmentation.apply(images[index], index)))
            loss = focal(logits, target, settings["loss.gamma"])
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            total += loss.detach().double() * len(index)
            correct += (logits.detach().argmax(1) == target).sum()
        return {"train_loss": total.item() / len(images), "train_accuracy": correct.item() / len(images)}

    @torch.inference_mode()
    def _evaluate(self, split: str) -> tuple[dict[str, float], np.ndarray]:
        images, labels = self._images[split], self._labels[split]
        self._model.eval()
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        predicted = []
        size = min(512, max(16, EVALUATION_PIXELS // (images.shape[2] * images.shape[3])))
        for start in range(0, len(images), size):
            batch = slice(start, start + size)
            logits = self._model(self._normalise(images[batch].float() / 255))
            total += functional.cross_entropy(logits, labels[batch], reduction="none").double().sum()
            predicted.append(logits.argmax(1))
        classes = torch.cat(predicted)
        accuracy = (classes == labels).sum().item() / len(labels)
        measured = {f"{split}_loss": total.item() / len(labels), f"{split}_accuracy": accuracy}
        return measured, classes.cpu().numpy().astype(self._small)

    def _normalise(self, batch: Tensor) -> Tensor:
        """Bring float [b, 3, h, w] in [0, 1] to mean 0 and standard deviation 1 of the training images."""
        return ((batch - self._mean) / self._std).contiguous(memory_format=torch.channels_last)

    def save(self) -> bytes:
        """Return everything the next epoch depends on: weights, running statistics, momentum, the epoch's number."""
        buffer = io.BytesIO()
        state = {"epoch": self._epoch, "model": self._model.state_dict(), "optimizer": self._optimizer.state_dict()}
        torch.save(state, buffer)
        return buffer.getvalue()

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned."""
        with undisturbed(self._device.type):
            found = torch.load(io.BytesIO(state), map_location=self._device, weights_only=True)
            self._model.load_state_dict(found["model"])
            self._optimizer.load_state_dict(found["optimizer"])
            self._epoch = found["epoch"]


def _batches(order: Tensor, size: int) -> Iterator[Tensor]:
    """Cut an epoch's order into batches; a last one of a single image joins the one before: batch norm needs two."""
    images = len(order)
    starts = list(range(0, images, size))
    if images - starts[-1] == 1 and len(starts) > 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], images], strict=True):
        yield order[start:end]


def _tensor(images: np.ndarray, device: torch.device) -> Tensor:
    """Return uint8 [n, 3, h, w]; on the CPU without a copy, so that processes share the pages of the cache."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")  # nobody writes to it
        tensor = torch.from_numpy(images)
    return tensor if device.type == "cpu" else tensor.to(device, memory_format=torch.channels_last)


def _statistics(images: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of the training images per channel, [1, 3, 1, 1] each, in [0, 1].

    From integer histograms, so that neither the order of the images nor how a library sums matters.
    """
    values = range(256)
    means, deviations = [], []
    for channel in range(3):
        counts = np.bincount(images[:, channel].ravel(), minlength=256).tolist()
        pixels = sum(counts)
        first = sum(count * value for count, value in zip(counts, values, strict=True))
        second = sum(count * value**2 for count, value in zip(counts, values, strict=True))
        means.append(first / pixels / 255)
        # Whole numbers up to the last division: no digits cancel, and a channel of one colour has exactly 0.
        deviations.append(max(math.sqrt((second * pixels - first**2) / pixels**2) / 255, SMALLEST_DEVIATION))
    mean, deviation = (torch.tensor(x, dtype=torch.float32).view(1, 3, 1, 1).to(device) for x in (means, deviations))
    return mean, deviation
