"""Losses: functions of logits and labels, means over images, in nats.

The focal loss of Lin et al. 2017 in its general form, with q the (smoothed) label and w the class weights:

    FL = -sum_k q_k w_k (1 - p_k)^gamma log p_k,   q_k = (1 - smoothing) [k = label] + smoothing / classes

With gamma 0 it is PyTorch's `cross_entropy(weight=, label_smoothing=)`, gradients included: to the bit without
smoothing and weights, else within rounding. As there, a mean under class weights is a weighted one: the sum over images
divided by the sum of the weights of their labels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

MIN_WRONG_PROBABILITY = 1e-12
"""Floor of 1 - p_t: below it (1 - p_t)^gamma has, for gamma < 1, a slope that overflows times a loss that vanishes."""


def focal(
    logits: Tensor, labels: Tensor, gamma: float, smoothing: float = 0.0, weights: Tensor | None = None
) -> Tensor:
    """Return the focal loss as a mean over images; see the module.

    Args:
        logits: float [n, classes].
        labels: int64 [n].
        gamma: focusing parameter, at least 0.
        smoothing: share of each label that is spread over all classes, its own too (Szegedy et al. 2016), below 1.
        weights: float [classes], or None: all 1.
    """
    if not smoothing and weights is None:
        cross_entropy = functional.cross_entropy(logits, labels, reduction="none")
        return (_modulation(cross_entropy, gamma) * cross_entropy).mean()
    classes = logits.shape[1]
    surprise = -functional.log_softmax(logits, dim=1)
    # Compared rather than gathered: the backward of a gather adds up in any order on a GPU.
    hit = labels[:, None] == torch.arange(classes, device=labels.device)
    target = hit.to(logits.dtype) * (1 - smoothing) + smoothing / classes
    if weights is not None:
        target = target * weights
    total = (target * _modulation(surprise, gamma) * surprise).sum()
    return total / (len(labels) if weights is None else weights[labels].sum())


def _modulation(surprise: Tensor, gamma: float) -> Tensor:
    """Return (1 - p)^gamma from -log p."""
    return (-torch.expm1(-surprise)).clamp_min(MIN_WRONG_PROBABILITY) ** gamma  # 1 - p without cancellation


def class_weights(name: str, labels: Tensor, classes: int) -> Tensor | None:
    """Return what each class counts in the loss, float32 [classes], or None: all the same.

    Args:
        name: a value of ``loss.class_weights``; ``balanced`` is n / (classes * n_class), so that every class has the
            same sum and the mean over images is 1. A class without images counts 0 and is none of the classes.
        labels: int64 [n], of the training split.
        classes: outputs of the model.
    """
    if name == "none":
        return None
    counts = torch.bincount(labels.cpu(), minlength=classes).double()
    balanced = len(labels) / (counts.count_nonzero() * counts)
    return torch.where(counts > 0, balanced, 0.0).float().to(labels.device)
