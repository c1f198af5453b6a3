"""A Trainer of the transformers library as a workload.

The training is that of ``Trainer.train``, epoch by epoch, without its checkpoints and its resume. Nothing is logged,
shown or written by the library, and nothing is fetched from the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import search.adapters.torch.content  # noqa: F401  # tensors are known to fingerprints from here on
from search.adapters.declared import check_varying, ruled
from search.adapters.fingerprint import card_of
from search.adapters.handed import Handed, called
from search.adapters.needed import needed
from search.adapters.torch.driven import settled
from search.adapters.transformers.arguments import LENGTH
from search.adapters.transformers.making import DATA, Making
from search.adapters.transformers.rates import set_learning_rate
from search.adapters.transformers.run import TransformersRun
from search.core.trial import DataCard
from search.core.values import Settings
from search.workload import Description, SettingFaults, Workload

needed(__name__, "transformers", "transformers")
needed(__name__, "transformers", "accelerate")

__all__ = ["TransformersRun", "TransformersWorkload", "set_learning_rate", "workload"]


def workload(
    settings: Mapping[str, object],
    *,
    data: Callable[..., object] | None = None,
    each_epoch: Callable[[Any, Settings], object] | None = None,
) -> Callable[[Callable[..., Any]], TransformersWorkload]:
    """Make a workload of a function that returns a `transformers.Trainer`.

    A setting goes to each of the two functions that has a parameter of its name; the function of the Trainer is given
    what that of the data returned as ``data``.

    Args:
        settings: name -> rule, as in `search.workload.Description`, or a default value alone: ``{"layers": 2}``.
        data: returns the data sets, whatever the seed; None: the function of the Trainer makes them itself, and a
            change of the data cannot be noticed.
        each_epoch: called with the Trainer and the settings of the epoch, before it begins; needed where a setting has
            ``"epoch": True``. For learning rates see `set_learning_rate`.

    Raises:
        TypeError: a setting that nobody takes, or a parameter that no setting fills.
    """
    return lambda trainer: TransformersWorkload(trainer, ruled(settings), data, each_epoch)


class TransformersWorkload(Workload):
    """A Trainer as a workload; made by `workload`."""

    adapter_version = "transformers 1"

    def __init__(
        self,
        trainer: Callable[..., object],
        settings: Description,
        data: Callable[..., object] | None,
        each_epoch: Callable[[Any, Settings], object] | None,
    ) -> None:
        self.settings, self.source_module = settings, trainer.__module__
        name, data_name = f"trainer {called(trainer)}", f"data {called(data)}" if data is not None else ""
        check_varying(settings, each_epoch, "the Trainer")
        receivers = {name: trainer} if data is None else {name: trainer, data_name: data}
        handed = Handed(receivers, settings, given={name: [DATA] if data is not None else []})
        self._making = Making(handed, self.source_module, name, data_name, each_epoch)
        self._cards: dict[str, DataCard] = {}

    def idle(self, settings: Settings, epochs: int) -> Iterable[tuple[str, str]]:
        """Say that all settings act; a training cannot be longer than the length that it is told.

        Raises:
            SettingFaults: it is.
        """
        if settings.get(LENGTH, epochs) < epochs:
            raise SettingFaults([(LENGTH, f"found {settings[LENGTH]}, must be at least {epochs}, the epochs trained")])
        return ()

    def data(self, fixed: Settings) -> DataCard | None:
        """Hash what the function of the data returns; the seed does not enter."""
        making = self._making
        if not making.data:
            return None
        import search.adapters.transformers.content  # noqa: F401  # tokenizers are known to fingerprints from here on

        key = repr(sorted(making.handed.settings_of(making.data, fixed).items()))
        if key not in self._cards:
            self._cards[key] = card_of(making.make_data(fixed), making.data.partition(" ")[2])
        return self._cards[key]

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Name what can change bits, the libraries' versions among it."""
        return settled(super().execution_class(cpus, gpus), "transformers", "accelerate")

    def start(self, fixed: Settings, cpus: int, gpus: float) -> TransformersRun:
        """Begin a training at epoch 0."""
        return TransformersRun(self._making, fixed, cpus, gpus)

    def weights(self, run: TransformersRun) -> Mapping[str, Any]:
        """Return the model's state dict."""
        return run.weights()

    def about(self, run: TransformersRun) -> Mapping[str, Any]:
        """Return ``config``, the model's own, where it has one."""
        return run.about()
