"""K trials of Model C as one network: every convolution in K groups, every batch norm over K times the channels.

Nothing of one trial reaches another: a group sees its own channels alone, batch norm treats each channel for itself, so
that one over all of them is exact, and the losses are added up, so that each trial's weights get its own gradient. What
differs from K trials apart is the order in which sums are formed, a matter of rounding. After Wang et al.,
"Horizontally fused training array" (MLSys 2021). An experiment of the benchmarks, and no part of the product.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from classifier.losses import focal
from classifier.models.model_c import Bottleneck, ModelC
from classifier.process import precision


def convolution(trials: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """Return one convolution in as many groups."""
    first, count = trials[0], len(trials)
    fused = nn.Conv2d(
        count * first.in_channels,
        count * first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        first.dilation,  # type: ignore[arg-type]
        groups=count,
    )
    fused.load_state_dict(_joined(trials))
    return fused


def norm(trials: Sequence[nn.BatchNorm2d]) -> nn.BatchNorm2d:
    """Return one batch norm over the channels of all."""
    fused = nn.BatchNorm2d(len(trials) * trials[0].num_features)
    fused.load_state_dict(_joined(trials))
    return fused


def _joined(trials: Sequence[nn.Module]) -> dict[str, Tensor]:
    states = [trial.state_dict() for trial in trials]
    return {
        name: torch.cat([state[name] for state in states]) if states[0][name].ndim else states[0][name]
        for name in states[0]
    }


class FusedBottleneck(nn.Module):
    """As many `Bottleneck`s beside each other."""

    def __init__(self, trials: Sequence[Bottleneck]) -> None:
        super().__init__()
        self.count, self.stride, self.widening = len(trials), trials[0].stride, trials[0].widening
        for name in ("conv1", "conv2", "conv3"):
            setattr(self, name, convolution([getattr(trial, name) for trial in trials]))
        for name in ("norm1", "norm2", "norm3"):
            setattr(self, name, norm([getattr(trial, name) for trial in trials]))
        self.activation = trials[0].activation

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, K x inputs, h, w] to [n, K x outputs, h / stride, w / stride]."""
        y = self.activation(self.norm1(self.conv1(x)))
        y = self.activation(self.norm2(self.conv2(y)))
        return self.activation(self.norm3(self.conv3(y)) + self.shortcut(x))

    def shortcut(self, x: Tensor) -> Tensor:
        """Identity; where the shape changes, subsample, and pad each trial's channels with zeros."""
        if self.stride > 1:
            x = functional.avg_pool2d(x, 1, self.stride)
        if not self.widening:
            return x
        n, channels, height, width = x.shape
        apart = x.reshape(n, self.count, channels // self.count, height, width)
        padded = functional.pad(apart, (0, 0, 0, 0, 0, self.widening))
        together = padded.reshape(n, -1, height, width)
        return together.contiguous(memory_format=torch.channels_last)


class FusedModelC(nn.Module):
    """As many `ModelC` of one shape as one network, with their weights copied.

    Args:
        trials: at least one.
    """

    def __init__(self, trials: Sequence[ModelC]) -> None:
        super().__init__()
        self.count = len(trials)
        self.stem = convolution([trial.stem for trial in trials])
        self.norm = norm([trial.norm for trial in trials])
        self.activation = trials[0].activation
        blocks = zip(*(trial.blocks for trial in trials), strict=True)
        self.blocks = nn.Sequential(*(FusedBottleneck(same) for same in blocks))  # type: ignore[arg-type]
        self.weight = nn.Parameter(torch.stack([trial.head.weight.detach().T for trial in trials]))
        self.bias = nn.Parameter(torch.stack([trial.head.bias.detach()[None] for trial in trials]))

    def forward(self, x: Tensor) -> Tensor:
        """Map float [n, K x 3, size, size], a trial's channels beside each other, to logits [K, n, classes]."""
        pooled = self.blocks(self.activation(self.norm(self.stem(x)))).mean((2, 3))
        features = pooled.reshape(len(x), self.count, -1).transpose(0, 1)
        return torch.baddbmm(self.bias, features, self.weight)


class FusedSGD:
    """SGD with momentum, a learning rate per trial; of a parameter a trial has one K-th of the first dimension."""

    def __init__(self, model: FusedModelC, rates: Sequence[float], momentum: float) -> None:
        self.parameters = list(model.parameters())
        self.momentum = momentum
        self.moments = [torch.zeros_like(parameter) for parameter in self.parameters]
        like = self.parameters[0]
        wide = torch.tensor(rates, dtype=like.dtype, device=like.device)
        self.rates = [
            wide.repeat_interleave(len(parameter) // len(rates)).view(-1, *[1] * (parameter.ndim - 1))
            for parameter in self.parameters
        ]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change all weights by one step."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        torch._foreach_mul_(self.moments, self.momentum)
        torch._foreach_add_(self.moments, gradients)
        torch._foreach_sub_(self.parameters, torch._foreach_mul(self.moments, self.rates))


def losses(logits: Tensor, labels: Tensor, gamma: float = 0.0) -> Tensor:
    """Return the loss of each trial, float [K], from logits [K, n, classes] and labels [K, n]."""
    return torch.stack([focal(one, own, gamma) for one, own in zip(logits, labels, strict=True)])


def step(model: FusedModelC, optimizer: FusedSGD, images: Tensor, labels: Tensor, name: str = "fp32") -> Tensor:
    """Train all trials by one step.

    Args:
        model: in training mode.
        optimizer: its own.
        images: float [n, K x 3, h, w].
        labels: int64 [K, n].
        name: of the precision.

    Returns:
        the loss of each trial before the step, float [K].
    """
    with precision(name, images.device.type):
        logits = model(images).float() if name != "fp32" else model(images)
    found = losses(logits, labels)
    optimizer.zero_grad()
    found.sum().backward()
    optimizer.step()
    return found.detach()
