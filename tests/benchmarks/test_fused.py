"""Trials fused into one network train as they do apart, to rounding."""

from __future__ import annotations

import pytest
import torch

from benchmarks.fused import FusedModelC, FusedSGD, convolution, losses, norm, step
from classifier.losses import focal
from classifier.models import build
from classifier.weights import initialise

FIXED = {"model.name": "model_c", "model.activation": "relu", "data.size": 16}
CLASSES, BATCH = 5, 6


def models(count):
    found = []
    for seed in range(count):
        found.append(build(FIXED, CLASSES))
        initialise(found[-1], seed)
    return found


def batches(count, steps):
    torch.manual_seed(0)
    return [(torch.randn(count, BATCH, 3, 16, 16), torch.randint(CLASSES, (count, BATCH))) for _ in range(steps)]


def beside(images):
    """[K, n, 3, h, w] to [n, K x 3, h, w]."""
    return images.transpose(0, 1).reshape(images.shape[1], -1, *images.shape[3:])


@pytest.mark.slow
def test_two_trials_train_as_they_do_apart():
    """Own weights, images, labels and learning rates; losses, weights and running statistics after three steps."""
    apart = [model.double() for model in models(2)]
    rates = [0.01, 0.002]
    fused = FusedModelC(apart).double().train()
    together = FusedSGD(fused, rates, 0.9)
    alone = [torch.optim.SGD(m.parameters(), lr=rate, momentum=0.9) for m, rate in zip(apart, rates, strict=True)]
    for images, labels in batches(2, 3):
        found = step(fused, together, beside(images).double(), labels)
        for trial, (model, optimizer) in enumerate(zip(apart, alone, strict=True)):
            loss = focal(model.train()(images[trial].double()), labels[trial], 0.0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            assert found[trial].item() == pytest.approx(loss.item(), rel=1e-9)
    again = FusedModelC(apart)
    for name, value in again.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(fused.state_dict()[name], value.double(), rtol=1e-6, atol=1e-6)
    assert found[0] != found[1]


@pytest.mark.slow
def test_fused_in_single_precision_the_logits_agree_to_rounding():
    apart = models(3)
    images, _ = batches(3, 1)[0]
    logits = FusedModelC(apart).train()(beside(images))
    assert logits.shape == (3, BATCH, CLASSES)
    for trial, model in enumerate(apart):
        torch.testing.assert_close(logits[trial], model.train()(images[trial]), rtol=1e-3, atol=1e-4)


def test_what_one_trial_sees_does_not_reach_another():
    images, labels = batches(2, 1)[0]
    other = images.clone()
    other[1] = torch.randn_like(other[1])
    found = []
    for given in (images, other):
        fused = FusedModelC(models(2)).train()
        optimizer = FusedSGD(fused, [0.01, 0.01], 0.9)
        step(fused, optimizer, beside(given), labels)
        found.append([parameter.chunk(2)[0].detach().clone() for parameter in fused.parameters()])
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-7)


def test_pieces_have_the_weights_of_all_trials():
    first, second = models(2)
    both = convolution([first.stem, second.stem])
    assert both.weight.shape == (128, 3, 3, 3)
    assert both.groups == 2
    assert torch.equal(both.weight[64:], second.stem.weight)
    assert norm([first.norm, second.norm]).num_features == 128


def test_each_trial_has_a_loss_of_its_own():
    logits = torch.randn(2, 4, 3)
    labels = torch.tensor([[0, 1, 2, 0], [1, 1, 0, 2]])
    expected = [torch.nn.functional.cross_entropy(logits[trial], labels[trial]).item() for trial in range(2)]
    assert losses(logits, labels).tolist() == pytest.approx(expected)
