"""One training by a Trainer, driven one epoch at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import torch

from search.adapters.torch.driven import DrivenRun, global_generators
from search.adapters.torch.held import Held
from search.adapters.torch.rates import not_overwritten
from search.adapters.torch.seeding import derived, seed_all
from search.adapters.transformers.arguments import LENGTH, prepare
from search.adapters.transformers.making import DATA, Making
from search.adapters.transformers.network import offline
from search.core.values import Settings

TIMED = ("_runtime", "_per_second", "_preparation_time", "_compilation_time")
"""Endings of metrics that tell the time."""
UNTOLD = frozenset({"epoch", "step", "num_input_tokens_seen", "total_flos"})
"""What the Trainer logs that measures nothing."""
REMEDY = "write set_learning_rate(trainer, rate) from search.adapters.transformers, which the schedule then starts from"


class TransformersRun(DrivenRun):
    """One training by a Trainer."""

    def __init__(self, making: Making, fixed: Settings, cpus: int, gpus: float) -> None:
        self._making, self._fixed, self._gpus = making, fixed, gpus
        super().__init__(fixed["seed"], cpus)

    def begin(self) -> Held:
        """Do all that ``Trainer.train`` does before its first epoch."""
        from accelerate.state import AcceleratorState, GradientState
        from transformers import Trainer, TrainingArguments

        AcceleratorState._reset_state(reset_partial_state=True)  # of the training that was here before
        GradientState._reset_state()
        making = self._making
        more = {DATA: making.make_data(self._fixed)} if making.data else {}
        seed_all(self.seed, 0, "start")
        initialise = TrainingArguments.__post_init__

        def placed(args: Any) -> None:
            args.use_cpu = args.use_cpu or not self._gpus
            args.log_level = "error" if args.log_level == "passive" else args.log_level
            initialise(args)

        with (
            offline(making.trainer),
            patch.object(TrainingArguments, "should_save", False),  # or the Trainer makes a folder for checkpoints
            patch.object(TrainingArguments, "__post_init__", placed),
        ):
            trainer = making.handed.call(making.trainer, self._fixed, **more)
        if not isinstance(trainer, Trainer):
            raise TypeError(f"{making.trainer} returned a {type(trainer).__name__}; it must return the Trainer")
        self._trainer = trainer
        prepare(trainer, derived(self.seed, 0, "start") % 2**32, self._gpus)
        trainer._inner_training_loop = self._begin_loop
        with offline(making.trainer):
            trainer.train()
        for group in trainer.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])  # as schedules do, apart from those that look at results
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
        data |= {"collator": trainer.data_collator, "globals": global_generators(making.place)}
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

    def advance(self, settings: Settings) -> Mapping[str, float]:
        """Train an epoch as ``Trainer.train`` does, and measure."""
        trainer = self._trainer
        if self.epoch >= self._epochs:
            raise ValueError(
                f"the training of {self._epochs} epochs ({LENGTH}) is over; give TrainingArguments a {LENGTH} that is "
                "at least as large as epochs"
            )
        if (each_epoch := self._making.each_epoch) is not None:
            with not_overwritten([trainer.lr_scheduler], REMEDY):
                each_epoch(trainer, settings)
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
