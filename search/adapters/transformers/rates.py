"""The learning rate of a Trainer, which its schedule sets anew behind every step."""

from __future__ import annotations

from typing import Any

from torch.optim.lr_scheduler import LambdaLR


def set_learning_rate(trainer: Any, rate: float) -> None:
    """Let a Trainer's schedule go on from where it is with another learning rate, as if it had begun with this one.

    To give ``trainer.optimizer.param_groups[0]["lr"]`` a value would last for one step. Where groups of parameters
    have rates of their own, these keep their ratio to that of the first group. The rate that is there changes no bit.

    Args:
        trainer: a `transformers.Trainer` that trains.
        rate: per step, where the schedule's factor is 1; in the place of ``learning_rate`` of `TrainingArguments`.

    Raises:
        ValueError: the rate is not above 0, or it was not: a schedule multiplies it.
    """
    groups, schedule = trainer.optimizer.param_groups, trainer.lr_scheduler
    before = groups[0]["initial_lr"]
    if not (rate > 0 and before > 0):
        raise ValueError(
            f"set_learning_rate: found {rate}, and {before} before; both must be above 0, for the schedule multiplies "
            "them"
        )
    if rate == before:
        return
    for group in groups:
        initial = group["initial_lr"]
        group["lr"] = group["lr"] / initial * (initial / before * rate) if initial else group["lr"]
        group["initial_lr"] = initial / before * rate
    if hasattr(schedule, "base_lrs"):
        schedule.base_lrs = [group["initial_lr"] for group in groups]
    if type(schedule) is LambdaLR:  # whose rate is this product, to the last bit
        for group, factor in zip(groups, schedule.lr_lambdas, strict=True):
            group["lr"] = group["initial_lr"] * factor(schedule.last_epoch)
    schedule._last_lr = [group["lr"] for group in groups]
