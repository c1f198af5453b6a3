"""What the service tunes: its contract for a workload, implemented over the modules of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from classifier import config
from classifier.idle import idle
from classifier.measured import ON_DEMAND, check_classes
from search.workload import DataCard, Settings, Workload, trains_on_gpu

if TYPE_CHECKING:
    from torch import Tensor

    from classifier.data import Dataset
    from classifier.training import Training


class ClassifierWorkload(Workload):
    """Trains one image classifier per trial."""

    settings = config.SETTINGS
    recipe = "1"  # raise it when the same settings train other bits
    landmarks = (50, 80)  # where the decays' defaults change the rate: what other studies will branch off
    evaluation = "1"  # raise it when the same state gives another row
    metrics = (
        "lr",
        *(f"{split}_{kind}" for split in ("train", "val", "test") for kind in ("loss", "accuracy")),
        # Worked out of the predictions on record.
        *(f"{split}_{kind}" for split in ("val", "test") for kind in ("macro_f1", "balanced_accuracy")),
        *ON_DEMAND,
    )
    on_demand = ON_DEMAND
    cost_metrics = ("parameters", "multiply_adds", "weight_bytes")

    def canonical(self, settings: Settings) -> dict[str, Any]:
        """Return the one spelling of these settings; see `config.canonical`."""
        return config.canonical(settings)

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Split canonical settings into the fixed part and those of each epoch; see `config.schedule`."""
        return config.schedule(settings, epochs)

    def idle(self, settings: Settings, epochs: int) -> list[tuple[str, str]]:
        """Return what never acts in a run of so many epochs; see `classifier.idle`.

        Raises:
            ValueError: no data there are have as many training images as a batch; ``faults`` says so.
        """
        config.check_batch(settings["batch_size"], config.most_images(settings))
        return list(idle(settings, epochs))

    def data(self, fixed: Settings) -> DataCard:
        """Decode the images once and describe them by content.

        Raises:
            ValueError: the data cannot be read, or hold fewer training images than a batch; ``faults`` says why.
        """
        return _load(fixed).card

    def warm(self, fixed: Settings) -> None:
        """Open the decoded images, and what is made of them before training, for all runs of this process's forks.

        Raises:
            ValueError: see `data`.
        """
        from classifier.prepared import constants, pixels

        data, grey = _load(fixed), fixed["input.greyscale"]
        pixels(data, grey)
        constants(data, grey, fixed["input.normalise"])

    def check_data(self, fixed: Settings) -> list[str]:
        """Return lines of text on the images: what there is, and what is odd about it; see `classifier.data.check`.

        Raises:
            ValueError: the data cannot be used; ``faults`` says why.
        """
        from classifier.data import check

        return check(fixed)

    def write_groups(self, fixed: Settings, file: str) -> list[str]:
        """Write images that look alike into a CSV file as groups; see `classifier.data.kin`.

        Raises:
            ValueError: the data cannot be used, or the file cannot be written; ``faults`` says why.
        """
        from classifier.data import write_groups

        return write_groups(fixed, file)

    def first_file(self, data: str, file: str) -> str:
        """Return a commented space file that compares learning rates on these images; see `classifier.first`.

        Raises:
            ValueError: they cannot be used, or are too few to compare anything; ``faults`` says why.
        """
        from classifier.first import first_file

        return first_file(data, file)

    def inputs(self, fixed: Settings) -> dict[str, str]:
        """Return ``model.weights`` -> hash of the pretrained weights a run starts from, by content; else nothing.

        Raises:
            ValueError: they cannot be downloaded or read, or do not fit the model; ``faults`` says why.
        """
        if fixed.get("model.weights") != "imagenet":
            return {}
        from classifier import pretrained

        return {"model.weights": pretrained.content(fixed)}

    def execution_class(self, cpus: int, gpus: float) -> dict[str, str]:
        """Return everything about this machine that can change a bit.

        Raises:
            ValueError: PyTorch cannot use the GPU that a run is given; ``faults`` says why.
        """
        import torch

        from classifier.process import execution_class

        return execution_class(cpus, trains_on_gpu(torch, gpus))

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Training:
        """Begin a run at epoch 0, on a GPU where one is given, else on that many CPU threads.

        Raises:
            ValueError: see `data` and `execution_class`.
        """
        import torch

        from classifier.training import Training

        device = "cuda" if trains_on_gpu(torch, gpus) else "cpu"
        return Training(fixed, _load(fixed), cpus, device)

    def check_pictures(self, fixed: Settings, options: Mapping[str, object]) -> None:
        """Check what `pictures` will be asked for, before anything is trained.

        Raises:
            ValueError: a filter that is named does not exist; ``faults`` says which there are.
        """
        from classifier.inspect.pictures import check

        check(fixed, options)

    def pictures(self, run: Training, options: Mapping[str, object]) -> dict[str, dict[str, Any]]:
        """Draw the features of a run's images and what its filters answer to; see `inspect.pictures`.

        Raises:
            ValueError: see `check_pictures`.
        """
        from classifier.inspect.pictures import pictures

        return pictures(run, options)

    def weights(self, run: Training) -> dict[str, Tensor]:
        """Return the network's state dict; that of a ResNet as torchvision has it. See `Training.weights`."""
        return run.weights()

    def about(self, run: Training) -> dict[str, Any]:
        """Return classes, input size and normalisation; see `Training.about`."""
        return run.about()

    def describe(self, names: Sequence[str], options: Mapping[str, str]) -> str:
        """Return the layers of a model, or several models side by side, as text; see `inspect.layers.describe`.

        Raises:
            ValueError: no such model or option; ``faults`` says which.
        """
        from classifier.inspect.layers import describe

        return describe(names, options)

    def layers(self, names: Sequence[str], options: Mapping[str, str]) -> dict[str, dict[str, object]]:
        """Return the same as data; see `inspect.layers.layers`.

        Raises:
            ValueError: no such model or option; ``faults`` says which.
        """
        from classifier.inspect.layers import layers

        return layers(names, options)

    def costs(self, fixed: Settings) -> dict[str, float]:
        """Return parameters, multiply-adds of one image, and bytes of the weights; see `inspect.costs`.

        Raises:
            ValueError: see `data`.
        """
        from classifier.inspect.costs import costs

        return costs(fixed, len(_load(fixed).card.classes))

    def parameters(self, name: str, settings: Settings, classes: int) -> int:
        """Return how many parameters a model has; see `inspect.parameters`.

        Raises:
            ValueError: no such model, or not with these settings; ``faults`` says why.
        """
        from classifier.inspect.parameters import parameters

        return parameters(name, settings, classes)


def _load(fixed: Settings) -> Dataset:
    from classifier.data import load

    dataset = load(fixed)
    config.check_batch(fixed["batch_size"], len(dataset.labels["train"]))
    check_classes(fixed, len(dataset.card.classes))
    return dataset


workload = ClassifierWorkload()
