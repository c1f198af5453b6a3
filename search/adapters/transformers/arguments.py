"""The arguments of a Trainer: which are refused, and how it comes to measure every epoch, and to show nothing."""

from __future__ import annotations

from typing import Any

LENGTH = "num_train_epochs"
OWN_CALLBACKS = frozenset({"PrinterCallback", "ProgressCallback", "NotebookProgressCallback"})
REFUSED_ARGUMENTS = {
    "auto_find_batch_size": "a training must not depend on what a machine can hold; make the batch size a setting",
    "deepspeed": "a trial is one process",
    "fsdp": "a trial is one process",
    "push_to_hub": "nothing is sent",
}


def prepare(trainer: Any, seed: int, gpus: float) -> None:
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
    args.load_best_model_at_end = False  # a training has no end here
