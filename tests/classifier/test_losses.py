"""Focal loss by identity and by ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from classifier.losses import class_weights, focal

WEIGHTS = torch.linspace(0.2, 3, 10)
GENERAL: list[dict[str, Any]] = [
    {"smoothing": 0.1},
    {"weights": WEIGHTS},
    {"smoothing": 0.1, "weights": WEIGHTS},
    {"smoothing": 0.9, "weights": WEIGHTS},
]


def sample(seed: int = 0, n: int = 64, classes: int = 10, spread: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(n, classes, generator=draws)
    return logits.requires_grad_(), torch.randint(classes, (n,), generator=draws)


def named(settings: dict[str, Any]) -> str:
    return " and ".join(settings)


def test_gamma_zero_is_cross_entropy_to_the_bit_with_gradients() -> None:
    logits, labels = sample()
    ours = focal(logits, labels, 0.0)
    theirs = functional.cross_entropy(logits, labels, reduction="none").mean()
    assert torch.equal(ours, theirs)
    (gradient,) = torch.autograd.grad(ours, logits)
    (expected,) = torch.autograd.grad(theirs, logits)
    assert torch.equal(gradient, expected)


@pytest.mark.parametrize("settings", GENERAL, ids=named)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gamma_zero_is_torchs_smoothed_and_weighted_cross_entropy(settings: dict[str, Any], dtype: torch.dtype) -> None:
    logits, labels = sample()
    logits = logits.detach().to(dtype).requires_grad_()
    weights = settings.get("weights")
    weights = weights.to(dtype) if weights is not None else None
    smoothing = settings.get("smoothing", 0.0)
    ours = focal(logits, labels, 0.0, smoothing, weights)
    theirs = functional.cross_entropy(logits, labels, weights, label_smoothing=smoothing)
    within: dict[str, float] = {"rtol": 1e-6, "atol": 1e-8} if dtype == torch.float32 else {"rtol": 1e-13, "atol": 0}
    torch.testing.assert_close(ours, theirs, **within)
    (gradient,) = torch.autograd.grad(ours, logits)
    (expected,) = torch.autograd.grad(theirs, logits)
    torch.testing.assert_close(gradient, expected, rtol=within["rtol"], atol=1e-8 if dtype == torch.float32 else 1e-16)


@pytest.mark.parametrize("settings", [{}, *GENERAL], ids=lambda settings: named(settings) or "plain")
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_the_formula_summed_by_hand(settings: dict[str, Any], gamma: float) -> None:
    logits, labels = sample(n=5)
    smoothing = settings.get("smoothing", 0.0)
    weights = settings.get("weights", torch.ones(10)).double().numpy()
    scores = np.exp(logits.detach().double().numpy())
    p = scores / scores.sum(1, keepdims=True)
    q = (1 - smoothing) * np.eye(10)[labels] + smoothing / 10
    total = -(q * weights * (1 - p) ** gamma * np.log(p)).sum()
    expected = total / weights[labels].sum()
    ours = focal(logits.double(), labels, gamma, **{**settings, "weights": torch.tensor(weights)})
    assert ours.item() == pytest.approx(expected, rel=1e-12)
    assert focal(logits, labels, gamma, **settings).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0, 5.0])
def test_ratio_to_cross_entropy_is_the_modulating_factor(gamma: float) -> None:
    logits, labels = sample()
    for row in range(8):
        one, label = logits[row : row + 1], labels[row : row + 1]
        ratio = focal(one, label, gamma) / functional.cross_entropy(one, label)
        p_t = one.softmax(1)[0, label]
        torch.testing.assert_close(ratio, ((1 - p_t) ** gamma).squeeze(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"smoothing": 0.2, "weights": WEIGHTS[:4]}], ids=["plain", "general"])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.5, 1.0, 2.0])
def test_gradients_agree_with_finite_differences(gamma: float, settings: dict[str, Any]) -> None:
    logits, labels = sample(n=3, classes=4, spread=1.0)
    doubles = logits.detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal(x, labels[:3], gamma, **settings), (doubles,))


@pytest.mark.parametrize("settings", [{}, {"smoothing": 0.2, "weights": WEIGHTS[:3]}], ids=["plain", "general"])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("sure", [50.0, 200.0, -200.0])
def test_finite_where_the_model_is_sure(gamma: float, sure: float, settings: dict[str, Any]) -> None:
    logits = torch.tensor([[sure, 0.0, 0.0]], requires_grad=True)
    loss = focal(logits, torch.tensor([0]), gamma, **settings)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("settings", [{}, *GENERAL], ids=lambda settings: named(settings) or "plain")
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_mixed_label_is_a_mixture_of_losses(settings: dict[str, Any], gamma: float) -> None:
    logits, labels = sample(n=6)
    _, others = sample(seed=1, n=6)
    share = torch.tensor([0.0, 0.25, 0.5, 0.9, 1.0, 1.0])
    each = [
        [focal(logits[row : row + 1], of[row : row + 1], gamma, **settings) for row in range(6)]
        for of in (labels, others)
    ]
    weights = settings.get("weights", torch.ones(10))
    own, theirs = share * weights[labels], (1 - share) * weights[others]
    # The loss of one image is divided by its weight, so each counts by it.
    expected = (own * torch.stack(each[0]) + theirs * torch.stack(each[1])).sum() / (own + theirs).sum()
    torch.testing.assert_close(focal(logits, labels, gamma, mixed=(others, share), **settings), expected)


@pytest.mark.parametrize("settings", GENERAL, ids=named)
def test_an_own_share_of_one_is_the_label_itself(settings: dict[str, Any]) -> None:
    logits, labels = sample()
    mixed = labels.flip(0), torch.ones(len(labels))
    assert torch.equal(focal(logits, labels, 0.5, mixed=mixed, **settings), focal(logits, labels, 0.5, **settings))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gamma_zero_is_torchs_cross_entropy_of_mixed_labels(smoothing: float) -> None:
    logits, labels = sample()
    others, share = labels.flip(0), torch.linspace(0, 1, len(labels))
    hot, other = (functional.one_hot(of, 10).float() for of in (labels, others))
    target = share[:, None] * hot + (1 - share[:, None]) * other
    ours = focal(logits, labels, 0.0, smoothing, mixed=(others, share))
    theirs = functional.cross_entropy(logits, target, label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-8)
    (gradient,), (expected,) = torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-8)


def test_balanced_classes_have_equal_sums_and_a_mean_of_one() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [2] * 1)
    weights = class_weights("balanced", labels, 3)
    assert weights is not None
    assert weights.tolist() == pytest.approx([10 / 18, 10 / 9, 10 / 3])
    assert torch.equal(weights, class_weights("balanced", labels.flip(0), 3))
    assert (weights[labels].sum() / len(labels)).item() == pytest.approx(1)
    assert class_weights("balanced", torch.arange(4), 4).tolist() == [1, 1, 1, 1]  # type: ignore[union-attr]


def test_a_class_without_training_images_counts_nothing() -> None:
    weights = class_weights("balanced", torch.tensor([0, 0, 2, 2, 2, 2]), 4)
    assert weights is not None
    assert weights.tolist() == [1.5, 0, 0.75, 0]


def test_without_class_weights_there_are_none() -> None:
    assert class_weights("none", torch.tensor([0, 1, 1]), 2) is None
