"""Losses: functions of logits and labels, means over images, in nats.

The focal loss of Lin et al. 2017 in its general form, with q the (smoothed) label and w the class weights:

    FL = -sum_k q_k w_k (1 - p_k)^gamma log p_k,   q_k = (1 - smoothing) [k = label] + smoothing / classes

With gamma 0 it is PyTorch's `cross_entropy(weight=, label_smoothing=)`, gradients included: to the bit without
smoothing and weights, else within rounding. As there, a mean under class weights is a weighted one: the sum over images
divided by the sum of the weights of their labels.

Where mixup or CutMix mixes an image of label a with one of label b, whose share is 1 - s, [k = label] becomes
s [k = a] + (1 - s) [k = b]. The loss is linear in the label, so it is s FL(a) + (1 - s) FL(b), as Zhang et al. 2018
train mixup; with gamma 0 and no weights it is PyTorch's `cross_entropy` of such probabilities. The weight of a mixed
label is the mixture of the two weights.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

MIN_WRONG_PROBABILITY = 1e-12
"""Floor of 1 - p_t: below it (1 - p_t)^gamma has, for gamma < 1, a slope that overflows times a loss that vanishes."""


def focal(
    logits: Tensor,
    labels: Tensor,
    gamma: float,
    smoothing: float = 0.0,
    weights: Tensor | None = None,
    mixed: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Return the focal loss as a mean over images; see the module.

    Args:
        logits: float [n, classes].
        labels: int64 [n].
        gamma: focusing parameter, at least 0.
        smoothing: share of each label that is spread over all classes, its own too (Szegedy et al. 2016), below 1.
        weights: float [classes], or None: all 1.
        mixed: the labels of the images mixed in, int64 [n], and the share of ``labels``, float [n] in [0, 1]; or None.
    """
    if not smoothing and weights is None and mixed is None:
        cross_entropy = functional.cross_entropy(logits, labels, reduction="none")
        return (_modulation(cross_entropy, gamma) * cross_entropy).mean()
    classes = logits.shape[1]
    surprise = -functional.log_softmax(logits, dim=1)
    target = _one_hot(labels, classes, logits.dtype)
    if mixed is not None:
        others, share = mixed
        target = target * share[:, None] + _one_hot(others, classes, logits.dtype) * (1 - share[:, None])
    target = target * (1 - smoothing) + smoothing / classes
    if weights is not None:
        target = target * weights
    total = (target * _modulation(surprise, gamma) * surprise).sum()
    if weights is None:
        return total / len(labels)
    if mixed is None:
        return total / weights[labels].sum()
    return total / (weights[labels] * share + weights[others] * (1 - share)).sum()


def _one_hot(labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Compared rather than gathered: the backward of a gather adds up in any order on a GPU."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).to(dtype)


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
