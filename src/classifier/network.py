"""A network with what its images go through before it sees them; knows nothing of the run that trains it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from classifier.process import precision


class Network:
    """A model on its device, and how images become what it takes.

    Args:
        model: on its device.
        constants: means and standard deviations of the channels, in [0, 1].
        precision: a value of the setting ``precision``.
        device: where the model lies.
    """

    def __init__(
        self, model: nn.Module, constants: Sequence[Sequence[float]], precision: str, device: torch.device
    ) -> None:
        self.model = model
        self._precision, self._kind = precision, device.type
        self._mean, self._std = (_channels(values, device) for values in constants)

    def logits(self, batch: Tensor) -> Tensor:
        """Return float32 logits [b, classes] of float [b, 1 or 3, h, w] in [0, 1]; losses are always of float32."""
        with precision(self._precision, self._kind):
            logits: Tensor = self.model(self.normalise(batch))
        return logits.float()

    def features(self, batch: Tensor) -> Tensor:
        """Return float32 features [b, f] before the classifier, of float [b, 1 or 3, h, w] in [0, 1]."""
        with precision(self._precision, self._kind):
            features: Tensor = self.model.features(self.normalise(batch))  # type: ignore[operator]
        return features.float()

    def normalise(self, batch: Tensor) -> Tensor:
        """Normalise float [b, 1 or 3, h, w] in [0, 1] as ``input.normalise`` says, to [b, 3, h, w]."""
        return (batch - self._mean).div_(self._std).contiguous(memory_format=torch.channels_last)


def _channels(values: Sequence[float], device: torch.device) -> Tensor:
    """Return one number per channel as float32 [1, channels, 1, 1]."""
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1).to(device)


@contextlib.contextmanager
def uncounted(model: nn.Module) -> Iterator[list[Tensor]]:
    """Keep the layers of batch norm from counting their batches one by one, a kernel for each layer and step.

    Yields:
        the counters, int64 [], of those that train; whoever trains with them adds the steps, once.
    """
    layers = [
        (layer, layer.num_batches_tracked)
        for layer in model.modules()
        if isinstance(layer, nn.BatchNorm2d) and layer.training and layer.momentum is not None
    ]
    try:
        for layer, _ in layers:
            layer.num_batches_tracked = None
        yield [counter for _, counter in layers if counter is not None]
    finally:
        for layer, counter in layers:
            layer.num_batches_tracked = counter
