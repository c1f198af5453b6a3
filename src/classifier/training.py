"""One run: start, train an epoch, evaluate, save, load.

All state of the process that can change a bit (thread count, deterministic algorithms, precision) is set before every
epoch, because several runs take turns in one process. Images lie on the device as uint8, or come to it ahead of their
time; they are augmented and normalised there, and nothing waits for the device inside an epoch.

`train_loss` is what was minimised, on augmented images, in training mode, as the epoch went by: the mean over
batches, each counted by its images. `train_accuracy` counts predictions on the same images in the same mode; of a
mixture of two images the label with the greater share counts, of equal shares the own one. `val_loss` and `test_loss`
are the cross-entropy in nats per image whatever was trained on, so that settings with different gamma compare.
Accuracies are fractions.
"""

from __future__ import annotations

import io
import math
import sys
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from classifier import machinery, pretrained
from classifier.augment import Augmentation
from classifier.data import Dataset
from classifier.draws import permutation
from classifier.losses import class_weights, focal
from classifier.machinery import Machinery, Shape
from classifier.measured import SECONDS, Asked, fastest
from classifier.network import uncounted
from classifier.optimisers import descend, set_rate, state
from classifier.prepared import constants, laid
from classifier.process import check_precision, configure, undisturbed
from classifier.steps import Work
from classifier.usage import Meter
from classifier.weights import initialise
from search.workload import Settings

EVALUATION_PIXELS = {"cpu": 512 * 64 * 64, "cuda": 2048 * 64 * 64}
"""Kind of device -> pixels per evaluation batch. Nothing else may count: how images are split can change bits."""


IMAGE_LOSS = {"better": "lower", "low": 0.0, "unit": "nats", "example": "image", "examples": "images"}
"""What is declared of the losses of images; that of a network which has learned nothing is the log of its classes."""


class Training:
    """A run under fixed settings, at epoch 0 until it trains or loads.

    It is freed as soon as nobody holds it, with all that it has on its device: nothing it holds may hold it. What steps
    were recorded on stays for a next run of this shape: `classifier.machinery`.

    Args:
        fixed: canonical fixed settings with the seed.
        data: its images.
        threads: CPU threads.
        device: where it trains.
    """

    def __init__(self, fixed: Settings, data: Dataset, threads: int, device: str) -> None:
        configure(threads)
        self._threads, self._device = threads, torch.device(device)
        self._seed, self._batch = fixed.get("seed", 0), fixed["batch_size"]
        self._epoch, self._classes = 0, tuple(data.card.classes)
        self._graphs = fixed["cuda_graphs"]
        check_precision(fixed["precision"], self._device)
        self._loss_rule = {**IMAGE_LOSS, "untrained": math.log(len(data.card.classes))}
        self._asked = Asked(fixed, len(data.card.classes))
        self._small = np.uint8 if len(data.card.classes) <= 256 else np.uint16
        grey = fixed["input.greyscale"]
        shape = Shape(data, fixed, self._device) if self._graphs else None
        with undisturbed(self._device.type):
            taken_over = machinery.taken_over(shape)  # first of all: what is not taken over is free for what comes
            self._meter = Meter(self._device)
            self._images, self._labels = laid(data, grey, fixed["data.held"], self._device)
            self._constants = constants(data, grey, fixed["input.normalise"])
            self._machinery = taken_over or Machinery(fixed, len(self._classes), self._constants, self._device)
            self._model, self._network = self._machinery.model, self._machinery.network
            self._optimizer = self._machinery.optimizer
            self._total, self._correct = self._machinery.total, self._machinery.correct
            pretrained_from = {name: fixed[name] for name in pretrained.SETTINGS if name in fixed}
            self._undrawn: partial[None] | None = partial(_draw, self._model, self._seed, pretrained_from)
        if shape is not None:
            at_end = weakref.finalize(self, machinery.leave, shape, self._machinery, self._meter.refused)
            at_end.atexit = False

    def _drawn(self) -> None:
        """See to it that the weights are there: drawn now, at epoch 0, unless a state was loaded in their place."""
        if self._undrawn is not None:
            draw, self._undrawn = self._undrawn, None
            with undisturbed(self._device.type):
                draw()

    def train_epoch(self, settings: Settings) -> dict[str, object]:
        """Train the next epoch and evaluate it.

        Args:
            settings: ``optimizer.lr``, ``loss.*`` without its name, and the active ``augment.*``.

        Returns:
            ``lr``; loss and accuracy on train, val and, where the data have a test split, test; ``predictions``: val
            and test -> class per image; ``scores``: val and test -> ``loss`` -> cross-entropy per image, float32 [n];
            beside them what `classifier.measured` was asked for.
        """
        configure(self._threads)
        self._drawn()
        self._epoch += 1
        self._machinery.sound = False
        set_rate(self._optimizer, settings["optimizer.lr"])
        predictions, losses, more = {}, {}, {}
        with undisturbed(self._device.type):
            row: dict[str, Any] = {"lr": settings["optimizer.lr"], **self._train(settings)}
            for split in ("val", "test") if "test" in self._labels else ("val",):
                measured, predictions[split], losses[split] = self._evaluate(split)
                row |= measured
                more[split] = self._asked.scores()
            if self._asked.seconds:
                row[SECONDS] = self._seconds_per_image()
        self._machinery.sound = True
        metrics, rules = self._asked.row(more)
        return {
            **row,
            **metrics,
            "predictions": predictions,
            "scores": {split: {"loss": values, **more[split]} for split, values in losses.items()},
            "score_rules": {**{f"{split}_loss": self._loss_rule for split in losses}, **rules},
        }

    def _train(self, settings: Settings) -> dict[str, float]:
        images, labels = self._images["train"], self._labels["train"]
        count, (_, _, height, width) = len(labels), images.shape
        augmentation = Augmentation(settings, self._seed, self._epoch, count)
        order = torch.from_numpy(augmentation.order(permutation(self._seed, self._epoch, count)))
        step = self._step(settings, augmentation)
        for sum_ in (self._total, self._correct):
            sum_.zero_()
        self._model.train()
        steps = 0
        with uncounted(self._model) as counters:
            for index, pixels in images.batches(order, self._batch):
                step(pixels, labels[index], augmentation.rows(index, height, width))
                steps += 1
        for counter in counters:
            counter.add_(steps)
        return {"train_loss": self._total.item() / count, "train_accuracy": self._correct.item() / count}

    def _step(self, settings: Settings, augmentation: Augmentation) -> Work:
        """Return what trains on a batch: uint8 [n, 1 or 3, h, w], labels [n], and rows of the augmentation [n, r].

        Where images are mixed, n is twice the images of the batch: behind them come their partners.
        """
        if not self._graphs:
            return self._made(settings, augmentation)
        same = {name: value for name, value in settings.items() if name != "optimizer.lr"}
        return self._machinery.steps(same, lambda: self._made(settings, augmentation))

    def _made(self, settings: Settings, augmentation: Augmentation) -> Work:
        """Return the step itself; see `_step`."""
        gamma, smoothing = settings["loss.gamma"], settings["loss.label_smoothing"]
        weights = class_weights(settings["loss.class_weights"], self._labels["train"], len(self._classes))
        # Not this run itself, which holds the recordings of this function.
        network, optimizer, total, correct = self._network, self._optimizer, self._total, self._correct

        def step(pixels: Tensor, target: Tensor, rows: Tensor) -> None:
            batch = pixels.expand(-1, 3, -1, -1)  # grey images lie there as one channel
            images, mixed = augmentation.change(batch, rows), None
            if augmentation.partners is not None:
                images, share = augmentation.mix(images, rows)
                target, others = target.chunk(2)
                mixed = others, share
            logits = network.logits(images)
            loss = focal(logits, target, gamma, smoothing, weights, mixed)
            loss.backward()
            descend(optimizer)
            total.add_(loss.detach().double() * len(target))
            counted = target if mixed is None else torch.where(share < 0.5, others, target)
            correct.add_((logits.detach().argmax(1) == counted).sum())

        return step

    @torch.inference_mode()
    def _evaluate(self, split: str) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
        """Return loss and accuracy of a split, and per image its class and its loss."""
        images, labels = self._images[split], self._labels[split]
        self._model.eval()
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        predicted, losses = [], []
        for where, pixels in images.slices(self._evaluation_batch(split)):
            logits = self._network.logits(pixels.float() / 255)
            losses.append(functional.cross_entropy(logits, labels[where], reduction="none"))
            total += losses[-1].double().sum()
            predicted.append(logits.argmax(1))
            self._asked.look(logits, labels[where])
        classes = torch.cat(predicted)
        accuracy = (classes == labels).sum().item() / len(labels)
        measured = {f"{split}_loss": total.item() / len(labels), f"{split}_accuracy": accuracy}
        return measured, classes.cpu().numpy().astype(self._small), torch.cat(losses).cpu().numpy()

    @torch.inference_mode()
    def _seconds_per_image(self) -> float:
        """Return the seconds of a prediction, of one validation image among many."""
        images, count = self._images["val"], len(self._labels["val"])

        def predict() -> None:
            for _, pixels in images.slices(self._evaluation_batch("val")):
                self._network.logits(pixels.float() / 255).argmax(1)

        wait = torch.cuda.synchronize if self._device.type == "cuda" else lambda: None
        return fastest(predict, wait) / count

    def _evaluation_batch(self, split: str) -> int:
        _, _, height, width = self._images[split].shape
        return evaluation_batch(height, width, self._device.type)

    def save(self) -> bytes:
        """Return everything the next epoch depends on: weights, running statistics, moments, the epoch's number.

        Equal states give equal bytes, wherever they were trained up to here: tensors are written in standard layout
        and their names as one object each, because a pickle tells layouts and identities apart.
        """
        self._drawn()
        with undisturbed(self._device.type):
            moments = {number: _plain(tensors) for number, tensors in state(self._optimizer).items()}
            buffer = io.BytesIO()
            torch.save({"epoch": self._epoch, "model": _plain(self._model.state_dict()), "optimizer": moments}, buffer)
        return buffer.getvalue()

    def load(self, saved: bytes) -> None:
        """Go on from what `save` returned, on any device; weights stay in the memory format they are trained in."""
        with undisturbed(self._device.type):
            found = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
            self._machinery.load(found["model"], found["optimizer"])
            self._undrawn = None
            self._epoch = found["epoch"]

    def usage(self) -> dict[str, float] | None:
        """Return what is taken of its GPU, None on the CPU; see `classifier.usage`."""
        return self._meter.usage()

    # Looking inside: nothing here changes a bit of what is trained later ----------------------------------------

    @property
    def model(self) -> torch.nn.Module:
        """The network in its present state."""
        self._drawn()
        self._machinery.handed_out = True
        return self._model

    @property
    def classes(self) -> Sequence[str]:
        """Class names in label order."""
        return self._classes

    @property
    def channels(self) -> int:
        """Channels of its images: 3, or 1 where they are grey."""
        return self._images["train"].shape[1]

    def weights(self) -> dict[str, Tensor]:
        """Return the network's state dict, on the CPU and in standard layout."""
        self._drawn()
        with undisturbed(self._device.type):
            return _plain(self._model.state_dict())

    def about(self) -> dict[str, Any]:
        """Return what one must know to use the weights, as plain data.

        Returns:
            ``classes``: names in label order; ``input_size``: width and height in pixels; ``greyscale``: whether images
            are made grey first; ``mean`` and ``std``: of red, green and blue in [0, 1], by which they are normalised.
        """
        _, channels, _, width = self._images["train"].shape
        mean, std = map(list, self._constants)
        return {
            "classes": list(self._classes),
            "input_size": width,
            "greyscale": channels == 1,
            "mean": mean,
            "std": std,
        }

    def normalise(self, batch: Tensor) -> Tensor:
        """Bring float [b, 1 or 3, h, w] in [0, 1] to what the network takes."""
        return self._network.normalise(batch)

    def features(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the features before the classifier, float32 [n, f], and the classes, int64 [n], of a split's images.

        In evaluation mode, without augmentation.
        """
        configure(self._threads)
        self._drawn()
        found = []
        with undisturbed(self._device.type), torch.inference_mode():
            self._model.eval()
            for _, images in self._images[split].slices(self._evaluation_batch(split)):
                found.append(self._network.features(images.float() / 255).cpu())
        return torch.cat(found).numpy(), self._labels[split].cpu().numpy()


def evaluation_batch(height: int, width: int, device: str) -> int:
    """Return how many images of this size are evaluated at once on a kind of device."""
    return min(2048 if device == "cuda" else 512, max(16, EVALUATION_PIXELS[device] // (height * width)))


def _draw(model: torch.nn.Module, seed: int, fixed: Settings) -> None:
    """Give a model its first weights: drawn by the seed, or pretrained where the settings say so."""
    initialise(model, seed)
    pretrained.load_into(model, fixed)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU, in the order of dimensions, each with memory of its own."""
    return {
        sys.intern(name): torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
        for name, tensor in tensors.items()
    }
