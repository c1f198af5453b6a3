"""Losses: functions of logits and labels, means over images, in nats."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST = 1e-12
"""Floor of 1 - p_t: below it (1 - p_t)^gamma has, for gamma < 1, a slope that overflows times a loss that vanishes."""


def focal(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Return the focal loss, FL = -(1 - p_t)^gamma log p_t (Lin et al. 2017, equation 4), as a mean over images.

    With gamma 0 it is the cross-entropy, gradients included.

    Args:
        logits: float [n, classes].
        labels: int64 [n].
        gamma: focusing parameter, at least 0.
    """
    cross_entropy = functional.cross_entropy(logits, labels, reduction="none")
    weight = (-torch.expm1(-cross_entropy)).clamp_min(SMALLEST) ** gamma  # 1 - p_t without cancellation
    return (weight * cross_entropy).mean()
