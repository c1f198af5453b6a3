"""The bridge to the service: implements its contract for a workload, by form, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier import config


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
            ValueError: the data cannot be read; ``faults`` says why.
        """
        from classifier.data import load

        return load(fixed).card

    def inputs(self, fixed: Mapping[str, Any]) -> dict[str, str]:
        """No run starts from a file of weights."""
        return {}

    def execution_class(self, cpus: int, gpus: float) -> dict[str, str]:
        """Return everything about this machine that can change a bit."""
        import numpy
        import torch

        cuda = gpus > 0 and torch.cuda.is_available()
        return {
            "device": torch.cuda.get_device_name() if cuda else f"CPU {torch.backends.cpu.get_cpu_capability()}",
            "threads": str(cpus),
            "precision": "float32, no TF32",
            "memory format": "channels_last",
            "mode": "eager",
            "deterministic": "yes",
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            **({"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())} if cuda else {}),
        }

    def start(self, fixed: Mapping[str, Any], cpus: int, gpus: float) -> Any:
        """Begin a run at epoch 0."""
        import torch

        from classifier.data import load
        from classifier.training import Training

        device = "cuda" if gpus > 0 and torch.cuda.is_available() else "cpu"
        return Training(fixed, load(fixed), cpus, device)


workload = ClassifierWorkload()
