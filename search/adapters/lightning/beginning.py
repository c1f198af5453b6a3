"""All that ``Trainer.fit`` does before its first epoch, and the checks of what it is given."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from torch.utils._pytree import tree_leaves

from search.adapters.handed import Handed
from search.adapters.torch.seeding import left_alone, seed_all
from search.core.values import Settings

LENGTH = "max_epochs"
TRAINER_ARGUMENTS = frozenset(
    {
        "accelerator",
        "accumulate_grad_batches",
        "benchmark",
        "detect_anomaly",
        "deterministic",
        "gradient_clip_algorithm",
        "gradient_clip_val",
        "inference_mode",
        "limit_train_batches",
        "limit_val_batches",
        "log_every_n_steps",
        LENGTH,
        "overfit_batches",
        "plugins",
        "precision",
        "reload_dataloaders_every_n_epochs",
        "use_distributed_sampler",
        "val_check_interval",
    }
)
"""Arguments of `Trainer` that may be given; the others write, show, stop, or spread a training over processes."""
REFUSED_CALLBACKS = {
    "EarlyStopping": "say it in the space file, stop: {rule: patience, ...}",
    "StochasticWeightAveraging": "its state is not kept whole; EMAWeightAveraging is",
    "Timer": "a training must not depend on the time",
    "BatchSizeFinder": "a training must not depend on what a machine can hold; make the batch size a setting",
    "LearningRateFinder": "make the learning rate a setting",
    "ModelPruning": "its state is not kept",
}
LEFT_OUT_CALLBACKS = ("Checkpoint", "DeviceStatsMonitor", "ModelSummary", "ProgressBar", "ThroughputMonitor")
"""They write or show, and change no bit."""
_LOGGERS = ("lightning.pytorch", "lightning.fabric", "pytorch_lightning", "lightning_fabric")
DATA_HOOKS = ("prepare_data", "setup", "train_dataloader", "val_dataloader")


@dataclass(frozen=True)
class Making:
    """What a training is made of: names of receivers of settings, "" of what is not given."""

    handed: Handed
    place: str  # the Python module it stands in
    module: str
    data: str
    callbacks: str
    trainer: Mapping[str, Any]
    each_epoch: Callable[[Any, Settings], object] | None


def begun(making: Making, fixed: Settings, gpus: float) -> Any:
    """Return a trainer that has done all that comes before the first epoch."""
    handed = making.handed
    with _constant_chance():
        data = handed.call(making.data, fixed) if making.data else None
    module = handed.call(making.module, fixed)
    given = {**making.trainer, **{name: fixed[name] for name in sorted(TRAINER_ARGUMENTS & fixed.keys())}}
    if given.get("reload_dataloaders_every_n_epochs", 0) not in (0, 1):
        raise ValueError(
            "reload_dataloaders_every_n_epochs must be 0 or 1: a training that goes on would miss the turn"
        )
    callbacks = handed.call(making.callbacks, fixed) if making.callbacks else []
    package = package_of(module)
    logger = importlib.import_module(f"{package}.loggers.logger").DummyLogger()  # takes all, and does nothing
    with quiet():
        trainer = _trainer_class(package)(
            **{"max_epochs": -1, "accelerator": "gpu" if gpus else "cpu", **given},
            devices=1,
            logger=logger,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            callbacks=_allowed(callbacks),
        )
        trainer.length_declared = LENGTH in given
        is_datamodule = hasattr(data, "prepare_data")
        for owner in (data if is_datamodule else None, module):
            for hook in DATA_HOOKS:
                if owner is not None and not (owner is module and hook == "setup"):
                    _with_constant_chance(owner, hook)
        loaders = data if isinstance(data, tuple) else (data,)
        given_data = {"datamodule": data} if is_datamodule else dict(zip(_LOADERS, loaders, strict=False))
        trainer.begin(module, given_data if data is not None else {})
    end_workers(trainer)
    return trainer


def end_workers(trainer: Any) -> None:
    """End the processes of loaders: ones that persist would go on with random numbers of their own."""
    for combined in (trainer.fit_loop._combined_loader, trainer.fit_loop.epoch_loop.val_loop._combined_loader):
        if combined is not None:
            combined.reset()


_LOADERS = ("train_dataloaders", "val_dataloaders")


def _trainer_class(package: str) -> Any:
    """Return a Trainer that stands at the beginning of its first epoch after `begin`.

    Args:
        package: ``lightning.pytorch`` or ``pytorch_lightning``, whichever the module was made with.
    """
    base: Any = importlib.import_module(package).Trainer
    states = importlib.import_module(f"{package}.trainer.states")

    class EpochTrainer(base):  # type: ignore[misc]
        """A Trainer whose `fit` stops where its loop would begin."""

        length_declared = False

        def begin(self, module: object, data: Mapping[str, object]) -> None:
            self.strategy._lightning_module = module
            self.state.fn, self.state.status = states.TrainerFn.FITTING, states.TrainerStatus.RUNNING
            self.training, self.should_stop = True, False
            self._signal_connector.register_signal_handlers = lambda: None  # signals are the service's
            self._data_connector.attach_data(module, **data)
            with suppress(_Begun):
                self._run(module)

        def _run_stage(self) -> None:
            trainer: Any = self
            trainer.callbacks = _allowed(trainer.callbacks)  # those of configure_callbacks are among them now
            self.lightning_module.zero_grad()
            self.fit_loop.setup_data()
            if self.fit_loop.skip:
                raise ValueError("there are no training batches")
            self.fit_loop.reset()
            self.fit_loop.on_run_start()
            raise _Begun

        @property
        def max_epochs(self) -> Any:
            self._check_length()
            return self.fit_loop.max_epochs

        @property
        def estimated_stepping_batches(self) -> object:
            self._check_length()
            return base.estimated_stepping_batches.fget(self)

        def _check_length(self) -> None:
            """Refuse to tell a length that nobody has said; Lightning's own trainer reads it without need."""
            caller = sys._getframe(2).f_globals["__name__"]
            if not self.length_declared and not caller.startswith(f"{package}.trainer."):
                raise ValueError(
                    f"{caller} reads the length of the training, which nobody has said: declare a setting {LENGTH!r} "
                    '({"type": "integer", "minimum": 1}), and give it in the space file beside epochs'
                )

    return EpochTrainer


class _Begun(Exception):
    """All that comes before the first epoch is done."""


def loaders_of(trainer: Any) -> dict[str, Any]:
    """Return a trainer's loaders of training and validation under a name each."""
    loop = trainer.fit_loop
    return _flat({"train": loop._combined_loader, "val": loop.epoch_loop.val_loop._combined_loader})


def own_loaders(making: Making, fixed: Settings) -> dict[str, object]:
    """Return the loaders that a data module, or a function of loaders, makes, without a model."""
    with _constant_chance():
        data = making.handed.call(making.data, fixed)
    if not hasattr(data, "prepare_data"):
        return _flat(dict(zip(("train", "val"), data if isinstance(data, tuple) else (data,), strict=False)))
    package = package_of(data)
    is_overridden = importlib.import_module(f"{package}.utilities.model_helpers").is_overridden
    loaders: dict[str, Any] = {}
    for hook, arguments in (
        ("prepare_data", ()),
        ("setup", ("fit",)),
        ("train_dataloader", ()),
        ("val_dataloader", ()),
    ):
        if is_overridden(hook, data):
            with _constant_chance():
                loaders[hook.partition("_")[0]] = getattr(data, hook)(*arguments)
    return _flat({split: loaders.get(split) for split in ("train", "val")})


def _flat(loaders: Mapping[str, object]) -> dict[str, object]:
    """Return one loader, or several in a list or a dictionary, of each split under a name each."""
    return {
        f"{split} {index}": loader
        for split, some in loaders.items()
        if some is not None
        for index, loader in enumerate(getattr(some, "flattened", None) or tree_leaves(some))
    }


def package_of(thing: object) -> str:
    """Return the package that a LightningModule or LightningDataModule was made with."""
    for kind in type(thing).__mro__:
        if kind.__name__ in ("LightningModule", "LightningDataModule"):
            return kind.__module__.partition(".core")[0]
    raise TypeError(f"{type(thing).__name__} is no LightningModule; give its class, or a function that returns one")


def _allowed(callbacks: Iterable[object]) -> list[Any]:
    """Return the callbacks without those that only write or show.

    Raises:
        TypeError: one of them cannot go on exactly.
    """
    kept = []
    for callback in callbacks:
        names = {kind.__name__ for kind in type(callback).__mro__}
        for name, remedy in REFUSED_CALLBACKS.items():
            if name in names:
                raise TypeError(f"the callback {type(callback).__name__} cannot be used: {remedy}")
        if not names & set(LEFT_OUT_CALLBACKS):
            kept.append(callback)
    return kept


def _with_constant_chance(owner: object, hook: str) -> None:
    """Let a hook that makes data draw the same random numbers whatever the seed of the run."""
    inner = getattr(owner, hook)

    def constant(*arguments: object, **named: object) -> object:
        with _constant_chance():
            return inner(*arguments, **named)

    constant.__wrapped__ = inner  # type: ignore[attr-defined]
    object.__setattr__(owner, hook, constant)


@contextmanager
def _constant_chance() -> Iterator[None]:
    with left_alone():
        seed_all(0, 0, "data")
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's remarks on loggers, devices and workers to itself."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in levels:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(lightning|pytorch_lightning)\..*")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
