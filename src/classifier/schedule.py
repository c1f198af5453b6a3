"""Learning-rate schedules as functions of the epoch, without state: a rate never depends on how long a run is.

Epochs are counted from 1, and "behind epoch 50" means that epoch 51 is the first one that is changed, as with
`torch.optim.lr_scheduler` stepped once after each epoch. With e the epoch, b the base rate and f the factor:

- exponential: b f^(e - start) behind `start` (ExponentialLR from there on).
- step: b f^k, k = 1 behind `start`, 2 behind `start + every`, and so on (StepLR from there on).
- multistep: b f^k, k the number of milestones that e is behind (MultiStepLR).
- cosine: b (floor + (1 - floor) (1 + cos(pi t)) / 2), t = (e - 1 - warmup) / (end - 1 - warmup): b in the first epoch
  behind the warm-up, floor b in epoch `end` and ever after (Loshchilov and Hutter 2017, without restarts;
  CosineAnnealingLR with T_max = end - 1 - warmup).
- wsd, warm-up, stable, decay (Hu et al. 2024, "MiniCPM"): b up to `start`, then linearly down to floor b, which epoch
  `start + length` is trained at, and ever after (LinearLR from there on). Cooldowns of different starts have one trunk.
- Before any of them, epochs 1 to `warmup` rise linearly to the rate of the first epoch behind them: epoch e has the
  share e / (warmup + 1) of it, so none is trained at 0 (LinearLR with start_factor = 1 / (warmup + 1)).

A floor of 0 is allowed. An epoch at rate 0 leaves the weights alone; running statistics and the optimiser's moments
still move.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from search.workload import Settings, tidy

MAX_EPOCHS = 1_000_000
"""The latest epoch that a schedule may name; no run is longer."""

_FACTOR = ["exponential", "step", "multistep"]
_FLOOR = ["cosine", "wsd"]

DECAY_SETTINGS: dict[str, dict[str, Any]] = {
    "decay.name": {
        "enum": ["none", "exponential", "step", "multistep", "cosine", "wsd"],
        "default": "none",
        "description": "how the learning rate falls",
    },
    "decay.start": {
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_EPOCHS,
        "default": 50,
        "description": "last epoch at the base rate",
        "unit": "epochs",
        "when": {"decay.name": ["exponential", "step", "wsd"]},
    },
    "decay.every": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_EPOCHS,
        "default": 30,
        "description": "epochs between two steps",
        "unit": "epochs",
        "when": {"decay.name": ["step"]},
    },
    "decay.milestones": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": MAX_EPOCHS},
        "minItems": 1,
        "default": [50, 80],
        "description": "epochs, ascending, behind each of which the rate is multiplied by the factor",
        "unit": "epochs",
        "when": {"decay.name": ["multistep"]},
    },
    "decay.factor": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 0.1,
        "description": "what the rate is multiplied by: at each step, or each epoch (exponential)",
        "when": {"decay.name": _FACTOR},
    },
    "decay.end": {
        "type": "integer",
        "minimum": 2,
        "maximum": MAX_EPOCHS,
        "default": 100,
        "description": "first epoch at the floor",
        "unit": "epochs",
        "when": {"decay.name": ["cosine"]},
    },
    "decay.length": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_EPOCHS,
        "default": 20,
        "description": "epochs of the cooldown",
        "unit": "epochs",
        "when": {"decay.name": ["wsd"]},
    },
    "decay.floor": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.0,
        "description": "where the rate ends, as a fraction of the base rate",
        "when": {"decay.name": _FLOOR},
    },
    "decay.warmup": {
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_EPOCHS,
        "default": 0,
        "description": "epochs of a linear rise before everything else",
        "unit": "epochs",
    },
}


def learning_rate(epoch: int, base: float, decay: Settings) -> float:
    """Return the learning rate of an epoch.

    Args:
        epoch: counted from 1.
        base: rate that the schedule is relative to: of the first epoch, unless that one belongs to a warm-up.
        decay: the active ``decay.*`` settings.

    Returns:
        the rate with 12 significant digits: 0.005 * 0.1 * 0.1 and 0.005 * 0.1**2 must train the same epoch.
    """
    rate: float = tidy(base * share(epoch, decay))
    return rate


def share(epoch: int, decay: Settings) -> float:
    """Return an epoch's share of the base rate, at most 1; arguments as in `learning_rate`."""
    warmup: int = decay.get("decay.warmup", 0)
    if epoch <= warmup:
        return epoch / (warmup + 1) * share(warmup + 1, decay)
    late = epoch - decay.get("decay.start", 0)
    match decay.get("decay.name", "none"):
        case "exponential":
            return float(decay["decay.factor"] ** max(0, late))
        case "step":
            return float(decay["decay.factor"] ** (1 + (late - 1) // decay["decay.every"] if late > 0 else 0))
        case "multistep":
            return float(decay["decay.factor"] ** sum(milestone < epoch for milestone in decay["decay.milestones"]))
        case "cosine":
            passed = _passed(epoch - 1 - warmup, decay["decay.end"] - 1 - warmup)
            return _between(decay["decay.floor"], 1.0, (1 + math.cos(math.pi * passed)) / 2)
        case "wsd":
            return _between(decay["decay.floor"], 1.0, 1 - _passed(late, decay["decay.length"]))
    return 1.0


def _passed(epochs: int, length: int) -> float:
    """The part of a stretch that lies behind, from 0 to 1."""
    return 1.0 if epochs >= length else max(0, epochs) / length


def _between(low: float, high: float, place: float) -> float:
    """The value at `place` (0 to 1) between two, exact at both ends."""
    return low * (1 - place) + high * place


def decay_faults(settings: Settings) -> list[tuple[str, str]]:
    """Say what is wrong with active ``decay.*`` settings, each sound by itself: pairs of (setting, sentence)."""
    faults = []
    milestones, end = settings.get("decay.milestones"), settings.get("decay.end")
    if milestones is not None and any(later <= earlier for earlier, later in pairwise(milestones)):
        faults.append(("decay.milestones", f"found {milestones}, must ascend; list every epoch once, in order"))
    # Not so for the others: a warm-up that ends behind their first steps rises to what these have left.
    if end is not None and end <= settings["decay.warmup"] + 1:
        sentence = f"found {end}, must be at least {settings['decay.warmup'] + 2}, two epochs behind decay.warmup"
        faults.append(("decay.end", f"{sentence}; warm up for fewer epochs or reach the floor later"))
    return faults
