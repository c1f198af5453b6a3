"""The bridge to the service: implements its contract for a workload, by form, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classifier import config

if TYPE_CHECKING:
    from classifier.data import Dataset


class ClassifierWorkload:
    """Trains one image classifier per trial."""

    settings = config.SETTINGS
    recipe = "1"  # raise it when the same settings train other bits
    evaluation = "1"  # raise it when the same state gives another row

    def canonical(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the one spelling of these settings; see `config.canonical`."""
        return config.canonical(settings)

    def schedule(self, settings: Mapping[str, Any], epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Split canonical settings into the fixed part and those of each epoch; see `config.schedule`."""
        return config.schedule(settings, epochs)

    def data(self, fixed: Mapping[str, Any]) -> Any:
        """Decode the images once and describe them by content.

        Raises:
            ValueError: the data cannot be read, or hold fewer training images than a batch; ``faults`` says why.
        """
        return _load(fixed).card

    def inputs(self, fixed: Mapping[str, Any]) -> dict[str, str]:
        """No run starts from a file of weights."""
        return {}

    def execution_class(self, cpus: int, gpus: float) -> dict[str, str]:
        """Return everything about this machine that can change a bit."""
        import torch

        from classifier.process import execution_class

        return execution_class(cpus, gpus > 0 and torch.cuda.is_available())

    def start(self, fixed: Mapping[str, Any], cpus: int, gpus: float) -> Any:
        """Begin a run at epoch 0, on a GPU where one is given and there, else on that many CPU threads.

        Raises:
            ValueError: see `data`.
        """
        import torch

        from classifier.training import Training

        device = "cuda" if gpus > 0 and torch.cuda.is_available() else "cpu"
        return Training(fixed, _load(fixed), cpus, device)


def _load(fixed: Mapping[str, Any]) -> Dataset:
    from classifier.data import load

    dataset = load(fixed)
    config.check_batch(fixed["batch_size"], len(dataset.labels["train"]))
    return dataset


workload = ClassifierWorkload()
