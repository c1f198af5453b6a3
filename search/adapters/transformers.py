"""A Trainer of the transformers library as a workload.

The training is that of ``Trainer.train``, epoch by epoch, without its checkpoints and its resume. Nothing is logged,
shown or written by the library, and nothing is fetched from the network.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

import search.adapters.torch.content  # noqa: F401  # tensors are known to fingerprints from here on
from search.adapters.fingerprint import card_of
from search.adapters.handed import Handed, called, ruled
from search.adapters.needed import needed
from search.adapters.torch.driven import DrivenRun, global_generators, settled
from search.adapters.torch.held import Held
from search.adapters.torch.seeding import derived, left_alone, seed_all
from search.core.trial import DataCard
from search.core.values import Settings
from search.workload import Description, SettingFaults, Workload

needed(__name__, "transformers", "transformers")
needed(__name__, "transformers", "accelerate")

LENGTH = "num_train_epochs"
DATA = "data"
"""The parameter that takes what the function of the data returned."""
OFFLINE = "HF_HUB_OFFLINE"
TIMED = ("_runtime", "_per_second", "_preparation_time", "_compilation_time")
"""Endings of metrics that tell the time."""
UNTOLD = frozenset({"epoch", "step", "num_input_tokens_seen", "total_flos"})
"""What the Trainer logs that measures nothing."""
OWN_CALLBACKS = frozenset({"PrinterCallback", "ProgressCallback", "NotebookProgressCallback"})
REFUSED_ARGUMENTS = {
    "auto_find_batch_size": "a training must not depend on what a machine can hold; make the batch size a setting",
    "deepspeed": "a trial is one process",
    "fsdp": "a trial is one process",
    "push_to_hub": "nothing is sent",
    "load_best_model_at_end": "a training has no end here; the report names the best epoch",
}


def workload(
    settings: Mapping[str, object], *, data: Callable[..., object] | None = None
) -> Callable[[Callable[..., Any]], TransformersWorkload]:
    """Make a workload of a function that returns a `transformers.Trainer`.

    A setting goes to each of the two functions that has a parameter of its name; the function of the Trainer is given
    what that of the data returned as ``data``.

    Args:
        settings: name -> rule, as in `search.workload.Description`, or a default value alone: ``{"layers": 2}``.
        data: returns the data sets, whatever the seed; None: the function of the Trainer makes them itself, and a
            change of the data cannot be noticed.

    Raises:
        TypeError: a setting that nobody takes, a parameter that no setting fills, or a setting that may differ from
            epoch to epoch.
    """
    return lambda trainer: TransformersWorkload(trainer, ruled(settings), data)


class TransformersWorkload(Workload):
    """A Trainer as a workload; made by `workload`."""

    adapter_version = "transformers 1"

    def __init__(
        self, trainer: Callable[..., object], settings: Description, data: Callable[..., object] | None
    ) -> None:
        self.settings, self.source_module = settings, trainer.__module__
        self.trainer, self.data_name = f"trainer {called(trainer)}", f"data {called(data)}" if data is not None else ""
        for name, rule in settings.items():
            if rule.get("epoch"):
                raise TypeError(
                    f"the setting {name!r} may differ from epoch to epoch, which a Trainer cannot; give it a "
                    "lr_scheduler_type, or an optimizer and scheduler of its own"
                )
        receivers = {self.trainer: trainer}
        if data is not None:
            receivers[self.data_name] = data
        self.handed = Handed(receivers, settings, given={self.trainer: [DATA] if data is not None else []})
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
        if not self.data_name:
            return None
        key = repr(sorted(self.handed.settings_of(self.data_name, fixed).items()))
        if key not in self._cards:
            self._cards[key] = card_of(self.make_data(fixed), self.data_name.partition(" ")[2])
        return self._cards[key]

    def make_data(self, fixed: Settings) -> object:
        """Return the data sets, made with the same random numbers whatever the seed."""
        with left_alone(), _offline(self.data_name):
            seed_all(0, 0, "data")
            return self.handed.call(self.data_name, fixed)

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Name what can change bits, the libraries' versions among it."""
        return settled(super().execution_class(cpus, gpus), "transformers", "accelerate")

    def start(self, fixed: Settings, cpus: int, gpus: float) -> TransformersRun:
        """Begin a training at epoch 0."""
        return TransformersRun(self, fixed, cpus, gpus)

    def weights(self, run: TransformersRun) -> Mapping[str, Any]:
        """Return the model's state dict."""
        return run.weights()

    def about(self, run: TransformersRun) -> Mapping[str, Any]:
        """Return ``config``, the model's own, where it has one."""
        return run.about()


class TransformersRun(DrivenRun):
    """One training by a Trainer."""

    def __init__(self, workload: TransformersWorkload, fixed: Settings, cpus: int, gpus: float) -> None:
        self._workload, self._fixed, self._gpus = workload, fixed, gpus
        super().__init__(fixed["seed"], cpus)

    def begin(self) -> Held:
        """Do all that ``Trainer.train`` does before its first epoch."""
        from accelerate.state import AcceleratorState, GradientState
        from transformers import Trainer, TrainingArguments

        AcceleratorState._reset_state(reset_partial_state=True)  # of the training that was here before
        GradientState._reset_state()
        workload = self._workload
        more = {DATA: workload.make_data(self._fixed)} if workload.data_name else {}
        seed_all(self.seed, 0, "start")
        initialise = TrainingArguments.__post_init__

        def placed(args: Any) -> None:
            args.use_cpu = args.use_cpu or not self._gpus
            args.log_level = "error" if args.log_level == "passive" else args.log_level
            initialise(args)

        with (
            _offline(workload.trainer),
            patch.object(TrainingArguments, "should_save", False),  # or the Trainer makes a folder for checkpoints
            patch.object(TrainingArguments, "__post_init__", placed),
        ):
            trainer = workload.handed.call(workload.trainer, self._fixed, **more)
        if not isinstance(trainer, Trainer):
            raise TypeError(f"{workload.trainer} returned a {type(trainer).__name__}; it must return the Trainer")
        self._trainer = trainer
        _prepare(trainer, derived(self.seed, 0, "start") % 2**32, self._gpus)
        trainer._inner_training_loop = self._begin_loop
        with _offline(workload.trainer):
            trainer.train()
        self._measured: dict[str, float] = {}
        parts = {"model": trainer.model, "optimizer": trainer.optimizer.optimizer, "scheduler": trainer.lr_scheduler}
        if trainer.accelerator.scaler is not None:
            parts["scaler"] = trainer.accelerator.scaler
        called_back = trainer.callback_handler.callbacks
        callbacks = {f"callback {type(item).__name__} {at}": item for at, item in enumerate(called_back)}
        others = [
            trainer.args,
            trainer.accelerator,
            trainer.callback_handler,
            trainer.optimizer,
            trainer._memory_tracker,
        ]
        data = {"train data": trainer.train_dataset, "eval data": trainer.eval_dataset, "loader": self._loader}
        data |= {"collator": trainer.data_collator, "globals": global_generators(workload.source_module)}
        ignored = {
            Trainer: frozenset(
                {"train_dataset", "eval_dataset", "data_collator", "model", "model_wrapped", "is_in_train"}
            ),
            torch.utils.data.DataLoader: frozenset({"_iterator"}),
        }
        roots = {"model": trainer.model, "trainer": trainer, **callbacks}
        return Held(parts, roots, data, ignored, others)

    def _begin_loop(self, args: Any = None, **_: object) -> None:
        """Stand in for the loop of ``Trainer.train``: all that it does before its first epoch."""
        trainer = self._trainer
        trainer.accelerator.free_memory()
        seed_all(self.seed, 0, "loader")  # the order of batches is a function of this and of the epoch
        loader = trainer.get_train_dataloader()
        epochs, self._updates, _, _, _, self._batches, steps = trainer.set_initial_training_values(args, loader)
        self._epochs = epochs
        trainer._init_training_state(steps, self._updates, epochs, None, None)
        self._model, self._loader = trainer._prepare_for_training(steps, loader, None)
        trainer._initial_num_input_tokens_seen = trainer._initial_global_step = trainer._globalstep_last_logged = 0
        trainer._tr_loss, trainer._total_loss_scalar = torch.tensor(0.0, device=args.device), 0.0
        self._model.zero_grad()
        trainer.control = trainer.callback_handler.on_train_begin(args, trainer.state, trainer.control)

    def weights(self) -> Mapping[str, Any]:
        """Return the model's state dict."""
        weights: Mapping[str, Any] = self._trainer.model.state_dict()
        return weights

    def about(self) -> Mapping[str, Any]:
        """Return the model's configuration as JSON, from which `transformers` makes such a model."""
        config = getattr(self._trainer.model, "config", None)
        as_json = getattr(config, "to_json_string", None)
        return {"config": as_json(use_diff=False)} if as_json is not None else {}

    def advance(self, settings: Settings) -> Mapping[str, float]:  # noqa: ARG002 - none differs from epoch to epoch
        """Train an epoch as ``Trainer.train`` does, and measure."""
        trainer = self._trainer
        if self.epoch >= self._epochs:
            raise ValueError(
                f"the training of {self._epochs} epochs ({LENGTH}) is over; give TrainingArguments a {LENGTH} that is "
                "at least as large as epochs"
            )
        trainer.state.log_history.clear()  # it holds times
        trainer.control = trainer.callback_handler.on_epoch_begin(trainer.args, trainer.state, trainer.control)
        trainer._run_epoch(
            model=self._model,
            epoch=self.epoch,
            train_dataloader=self._loader,
            steps_in_epoch=self._batches,
            num_update_steps_per_epoch=self._updates,
            trial=None,
            ignore_keys_for_eval=None,
            start_time=time.time(),
            resume_from_checkpoint=None,
            epochs_trained=0,
            steps_trained_in_current_epoch=0,
        )
        if trainer.control.should_training_stop and self.epoch + 1 < self._epochs:
            raise ValueError(
                "a callback ended the training by itself; say when to stop in the space file, stop: {rule: ...}"
            )
        trainer.control.should_training_stop = False
        row: dict[str, float] = {}
        for logged in trainer.state.log_history:
            row.update({name: float(value) for name, value in logged.items() if _is_measured(name, value)})
        trainer.state.log_history.clear()
        return row


def _is_measured(name: str, value: object) -> bool:
    return name not in UNTOLD and not name.endswith(TIMED) and isinstance(value, (int, float))


def _prepare(trainer: Any, seed: int, gpus: float) -> None:
    """Check a Trainer's arguments, and let it measure every epoch, show and write nothing.

    Raises:
        TypeError, ValueError: it cannot be trained epoch by epoch; the message names the argument.
    """
    from transformers import EarlyStoppingCallback

    args = trainer.args
    for name, reason in REFUSED_ARGUMENTS.items():
        if getattr(args, name, None):
            raise ValueError(f"TrainingArguments: {name}={getattr(args, name)!r} cannot be used: {reason}")
    if args.max_steps > 0:
        raise ValueError(f"TrainingArguments: max_steps={args.max_steps} cannot be used: say {LENGTH} instead")
    if trainer.train_dataset is None:
        raise ValueError("the Trainer has no train_dataset")
    device = args.device.type
    if (device == "cpu") != (gpus == 0) or args.n_gpu > 1 or args.world_size > 1:
        raise ValueError(
            f"the Trainer is on {max(args.n_gpu, args.world_size)} x {device}, and the trial has {gpus:g} GPUs; "
            "set resources.gpus in the space file to 0 or 1, and use_cpu to match"
        )
    for callback in list(trainer.callback_handler.callbacks):
        if isinstance(callback, EarlyStoppingCallback):
            raise TypeError(
                "EarlyStoppingCallback cannot be used: say it in the space file, stop: {rule: patience, ...}"
            )
        if type(callback).__name__ in OWN_CALLBACKS or type(callback).__module__.startswith(
            "transformers.integrations"
        ):
            trainer.remove_callback(callback)
    args.seed = seed
    args.dataloader_persistent_workers = False  # they would go on with their own random numbers
    args.logging_strategy, args.save_strategy, args.disable_tqdm = "epoch", "no", True
    args.eval_strategy = "epoch" if trainer.eval_dataset is not None else "no"
    args.logging_first_step = args.eval_on_start = False


@contextmanager
def _offline(name: str) -> Iterator[None]:
    """Keep the library off the network, unless the environment says otherwise.

    Raises:
        ConnectionError: something was wanted from there.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    if OFFLINE in os.environ:
        offline = huggingface_hub.constants.HF_HUB_OFFLINE
    else:
        offline = True
    try:
        with patch.object(huggingface_hub.constants, OFFLINE, offline):
            yield
    except Exception as error:
        chain: BaseException | None = error
        while chain is not None:
            if isinstance(chain, (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled)):
                raise ConnectionError(
                    f"{name} wants something from the Hugging Face hub that is not on this machine; fetch it first "
                    "(`hf download NAME --revision COMMIT`), or make the model from a config; a training itself is "
                    f"kept off the network unless {OFFLINE}=0"
                ) from error
            chain = chain.__cause__ or chain.__context__
        raise
