"""Focal loss by identity and by ratio."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from classifier.losses import focal


def sample(seed: int = 0, n: int = 64, classes: int = 10, spread: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(n, classes, generator=draws)
    return logits.requires_grad_(), torch.randint(classes, (n,), generator=draws)


def test_gamma_zero_is_cross_entropy_to_the_bit_with_gradients() -> None:
    logits, labels = sample()
    ours = focal(logits, labels, 0.0)
    theirs = functional.cross_entropy(logits, labels, reduction="none").mean()
    assert torch.equal(ours, theirs)
    (gradient,) = torch.autograd.grad(ours, logits)
    (expected,) = torch.autograd.grad(theirs, logits)
    assert torch.equal(gradient, expected)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0, 5.0])
def test_ratio_to_cross_entropy_is_the_modulating_factor(gamma: float) -> None:
    logits, labels = sample()
    for row in range(8):
        one, label = logits[row : row + 1], labels[row : row + 1]
        ratio = focal(one, label, gamma) / functional.cross_entropy(one, label)
        p_t = one.softmax(1)[0, label]
        torch.testing.assert_close(ratio, ((1 - p_t) ** gamma).squeeze(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.5, 1.0, 2.0])
def test_gradients_agree_with_finite_differences(gamma: float) -> None:
    logits, labels = sample(n=3, classes=4, spread=1.0)
    doubles = logits.detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal(x, labels[:3], gamma), (doubles,))


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("sure", [50.0, 200.0, -200.0])
def test_finite_where_the_model_is_sure(gamma: float, sure: float) -> None:
    logits = torch.tensor([[sure, 0.0, 0.0]], requires_grad=True)
    loss = focal(logits, torch.tensor([0]), gamma)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
