"""One training by Lightning, driven one epoch at a time."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from search.adapters.lightning.beginning import (
    DATA_HOOKS,
    LENGTH,
    Making,
    begun,
    end_workers,
    loaders_of,
    package_of,
    quiet,
)
from search.adapters.torch.driven import DrivenRun, global_generators
from search.adapters.torch.held import Held
from search.adapters.torch.rates import not_overwritten
from search.core.values import Settings

REMEDY = "return no schedule from configure_optimizers where the rate is a setting, or change what the schedule goes by"


class LightningRun(DrivenRun):
    """One training by Lightning."""

    def __init__(self, making: Making, fixed: Settings, cpus: int, gpus: float) -> None:
        self._making, self._fixed, self._gpus = making, fixed, gpus
        super().__init__(fixed["seed"], cpus)

    def begin(self) -> Held:
        """Do all that ``Trainer.fit`` does before its first epoch."""
        self._trainer = trainer = begun(self._making, self._fixed, self._gpus)
        package = importlib.import_module(package_of(trainer.lightning_module))
        self._metrics: dict[str, Any] = {}
        parts = {
            "module": trainer.lightning_module,
            **{f"optimizer {index}": item for index, item in enumerate(trainer.optimizers)},
            **{f"scheduler {index}": item.scheduler for index, item in enumerate(trainer.lr_scheduler_configs)},
            "precision": trainer.precision_plugin,
            "loops": _Loops(trainer),
        }
        callbacks = {f"callback {type(item).__name__} {at}": item for at, item in enumerate(trainer.callbacks)}
        data = {f"loader {name}": loader for name, loader in loaders_of(trainer).items()}
        ignored = {
            package.LightningModule: frozenset(vars(package.LightningModule())),
            package.LightningDataModule: frozenset({*vars(package.LightningDataModule()), *DATA_HOOKS}),
            torch.utils.data.DataLoader: frozenset({"_iterator"}),
        }
        roots = {"module": trainer.lightning_module, **callbacks}
        data |= {"data": trainer.datamodule, "globals": global_generators(self._making.place)}
        by_hand = not trainer.lightning_module.automatic_optimization
        return Held(parts, roots, data, ignored, [trainer, *trainer.loggers], gradients=by_hand)

    def weights(self) -> Mapping[str, Any]:
        """Return the module's state dict."""
        weights: Mapping[str, Any] = self._trainer.lightning_module.state_dict()
        return weights

    def about(self) -> Mapping[str, Any]:
        """Return what the module noted with ``save_hyperparameters``, of that what is plain data."""
        plain = (bool, int, float, str, type(None))
        hparams = self._trainer.lightning_module.hparams
        noted = {name: value for name, value in hparams.items() if isinstance(value, plain)}
        return {"hyper_parameters": noted} if noted else {}

    def advance(self, settings: Settings) -> Mapping[str, float]:
        """Train an epoch as ``Trainer.fit`` does."""
        trainer, loop = self._trainer, self._trainer.fit_loop
        if loop.done:
            raise ValueError(
                f"the training of {loop.max_epochs} epochs ({LENGTH}) is over; give {LENGTH} as a setting that is at "
                "least as large as epochs"
            )
        before = dict(trainer.callback_metrics)
        with torch.autograd.set_detect_anomaly(trainer._detect_anomaly), quiet():
            if self._making.each_epoch is not None:
                stepping = [item.scheduler for item in trainer.lr_scheduler_configs if item.interval == "step"]
                with not_overwritten(stepping, REMEDY):
                    self._making.each_epoch(trainer.lightning_module, settings)
            if trainer.current_epoch == 0:
                iter(loop._data_fetcher)  # it was made before the epoch's random numbers were
            loop.on_advance_start()
            loop.advance()
            loop.on_advance_end()
            loop.on_iteration_done()
        end_workers(trainer)
        if trainer.should_stop:
            raise ValueError(
                "the module or a callback set trainer.should_stop, which ends a training by itself; say when to stop "
                "in the space file, stop: {rule: ...}"
            )
        row = {name: float(value) for name, value in trainer.callback_metrics.items() if value is not before.get(name)}
        if not row:
            raise ValueError("the module logged nothing in this epoch; log what is to be compared with self.log(...)")
        return row


class _Loops:
    """The counters of the loops, and the metrics of the epoch before, which schedulers may read."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def state_dict(self) -> dict[str, Any]:
        """Return them as plain data and tensors."""
        counters = self._trainer.fit_loop.state_dict()
        counters["state_dict"] = {}  # of loaders that resume within an epoch
        connector = self._trainer._logger_connector
        metrics = [dict(connector._callback_metrics), dict(connector._logged_metrics)]
        return {"counters": counters, "metrics": metrics}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take them back, with no loop in the belief that it resumes."""
        loop, connector = self._trainer.fit_loop, self._trainer._logger_connector
        loop.load_state_dict(state_dict["counters"])
        for each in _loops(loop):
            each.on_iteration_done()
        connector._callback_metrics, connector._logged_metrics = map(dict, state_dict["metrics"])


def _loops(loop: object) -> Iterator[Any]:
    yield loop
    for inner in vars(loop).values():
        if hasattr(inner, "on_iteration_done"):
            yield from _loops(inner)
