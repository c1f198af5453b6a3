"""Learning-rate decay as functions of the epoch, without state.

Epochs are counted from 1. "From epoch 50" means that epochs 1 to 50 are trained at the base rate and the rate falls
behind epoch 50, as `torch.optim.lr_scheduler.MultiStepLR` does with a milestone at 50, stepped after each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier.rules import SIGNIFICANT

DECAY_SETTINGS: dict[str, dict[str, Any]] = {
    "decay.name": {
        "enum": ["none", "exponential", "multistep"],
        "default": "none",
        "description": "how the learning rate falls",
    },
    "decay.start": {
        "type": "integer",
        "minimum": 0,
        "default": 50,
        "description": "last epoch at the base rate",
        "unit": "epochs",
        "when": {"decay.name": ["exponential", "multistep"]},
    },
    "decay.every": {
        "type": "integer",
        "minimum": 1,
        "default": 30,
        "description": "epochs between two steps",
        "unit": "epochs",
        "when": {"decay.name": ["multistep"]},
    },
    "decay.factor": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 0.1,
        "description": "what the rate is multiplied by: at each step, or each epoch (exponential)",
        "when": {"decay.name": ["exponential", "multistep"]},
    },
}


def learning_rate(epoch: int, base: float, decay: Mapping[str, Any]) -> float:
    """Return the learning rate of an epoch.

    Args:
        epoch: counted from 1.
        base: rate of the first epoch.
        decay: the active ``decay.*`` settings.

    Returns:
        the rate with 12 significant digits: 0.005 * 0.1 * 0.1 and 0.005 * 0.1**2 must train the same epoch.
    """
    late = epoch - decay.get("decay.start", 0)
    if late <= 0:
        steps = 0
    elif decay["decay.name"] == "multistep":
        steps = 1 + (late - 1) // decay["decay.every"]
    elif decay["decay.name"] == "exponential":
        steps = late
    else:
        steps = 0
    rate = base * decay["decay.factor"] ** steps if steps else base
    return float(f"{rate:{SIGNIFICANT}}")
