"""A LightningModule and its DataModule, as they are, as a workload.

The training is that of ``Trainer.fit``, epoch by epoch. Lightning's own resume is not used: it goes on with other bits
after an epoch's end. Nothing is logged, shown or written by Lightning.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import search.adapters.torch.content  # noqa: F401  # tensors are known to fingerprints from here on
from search.adapters.declared import check_varying, ruled
from search.adapters.fingerprint import card_of
from search.adapters.handed import Handed, called
from search.adapters.lightning.beginning import LENGTH, TRAINER_ARGUMENTS, Making, begun, loaders_of, own_loaders
from search.adapters.lightning.run import LightningRun
from search.adapters.needed import needed
from search.adapters.torch.driven import settled
from search.adapters.torch.seeding import left_alone, seed_all
from search.core.trial import DataCard
from search.core.values import Settings
from search.workload import Description, SettingFaults, Workload

_PACKAGES = {"lightning": "lightning", "pytorch-lightning": "pytorch_lightning"}
"""Under which names the library is installed, and imported."""
needed(__name__, "lightning", *_PACKAGES.values())


def workload(
    module: Callable[..., object],
    data: Callable[..., object] | None = None,
    *,
    settings: Mapping[str, object],
    trainer: Mapping[str, object] | None = None,
    callbacks: Callable[..., object] | None = None,
    each_epoch: Callable[[Any, Settings], object] | None = None,
) -> LightningWorkload:
    """Make a workload of a LightningModule.

    A setting goes to each of `module`, `data` and `callbacks` that has a parameter of its name, and to the
    Trainer where it is one of its arguments (`TRAINER_ARGUMENTS`).

    Args:
        module: the LightningModule's class, or a function that returns one.
        data: the LightningDataModule's class, or a function that returns one, or a loader for training, or a pair of
            loaders for training and validation. None: the module has the loaders itself.
        settings: name -> rule, as in `search.workload.Description`, or a default value alone: ``{"width": 64}``.
        trainer: arguments of the Trainer that are not settings.
        callbacks: a function that returns a list of callbacks, made anew for each run.
        each_epoch: called with the module and the settings of the epoch, before it begins; needed where a setting has
            ``"epoch": True``.

    Raises:
        TypeError: a setting that nobody takes, a parameter that no setting fills, or an argument that has no place.
    """
    place = sys._getframe(1).f_globals["__name__"]
    return LightningWorkload(module, data, ruled(settings), trainer or {}, callbacks, each_epoch, place)


class LightningWorkload(Workload):
    """A LightningModule as a workload; made by `workload`."""

    adapter_version = "lightning 1"

    def __init__(
        self,
        module: Callable[..., object],
        data: Callable[..., object] | None,
        settings: Description,
        trainer: Mapping[str, object],
        callbacks: Callable[..., object] | None,
        each_epoch: Callable[[Any, Settings], object] | None,
        place: str,
    ) -> None:
        self.settings, self.source_module = settings, place
        if callbacks is not None and not callable(callbacks):
            raise TypeError("callbacks is no function; write a function that returns the list, made anew for each run")
        makers = {"module": module, "data": data, "callbacks": callbacks}
        names = {kind: f"{kind} {called(maker)}" if maker is not None else "" for kind, maker in makers.items()}
        receivers = {names[kind]: maker for kind, maker in makers.items() if maker is not None}
        check_varying(settings, each_epoch, "the module")
        for argument in trainer:
            if argument not in TRAINER_ARGUMENTS:
                allowed = ", ".join(sorted(TRAINER_ARGUMENTS))
                raise TypeError(f"trainer: {argument} has no place here; what may be given is {allowed}")
        handed = Handed(receivers, settings, TRAINER_ARGUMENTS)
        self._making = Making(handed, place, trainer=dict(trainer), each_epoch=each_epoch, **names)
        self._cards: dict[str, DataCard] = {}

    def idle(self, settings: Settings, epochs: int) -> Iterable[tuple[str, str]]:
        """Say that all settings act; a training cannot be longer than the length that it is told.

        Raises:
            SettingFaults: it is.
        """
        if LENGTH in settings and settings[LENGTH] not in (-1, None) and settings[LENGTH] < epochs:
            raise SettingFaults([(LENGTH, f"found {settings[LENGTH]}, must be at least {epochs}, the epochs trained")])
        return ()

    def data(self, fixed: Settings) -> DataCard:
        """Hash what the loaders of training and validation read; the seed does not enter."""
        making = self._making
        read = making.handed.settings_of(making.data, fixed) if making.data else dict(fixed)
        key = repr(sorted((name, value) for name, value in read.items() if name != "seed"))
        if key not in self._cards:
            with left_alone():
                seed_all(0, 0, "start")
                loaders = own_loaders(making, fixed) if making.data else loaders_of(begun(making, fixed, 0))
                sets = {name: getattr(loader, "dataset", loader) for name, loader in loaders.items()}
            self._cards[key] = card_of(sets, (making.data or making.module).partition(" ")[2])
        return self._cards[key]

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Name what can change bits, Lightning's version among it."""
        installed = [name for name, package in _PACKAGES.items() if importlib.util.find_spec(package)]
        return settled(super().execution_class(cpus, gpus), *installed)

    def start(self, fixed: Settings, cpus: int, gpus: float) -> LightningRun:
        """Begin a training at epoch 0."""
        return LightningRun(self._making, fixed, cpus, gpus)

    def weights(self, run: LightningRun) -> Mapping[str, Any]:
        """Return the module's state dict."""
        return run.weights()

    def about(self, run: LightningRun) -> Mapping[str, Any]:
        """Return ``hyper_parameters``, as the module saved them, where they are plain data."""
        return run.about()
