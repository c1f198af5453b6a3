"""Images per second of trials fused into one network, against the same trials one after the other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks import conditions
from benchmarks.fused import FusedModelC, FusedSGD, step
from benchmarks.loops import settings_of, wait
from benchmarks.rates import Case
from classifier.losses import focal
from classifier.models import build
from classifier.optimisers import optimiser, set_rate
from classifier.process import configure, precision, undisturbed
from classifier.weights import initialise

RATE = 0.005
"""Learning rate of the trials."""

CLASSES = 17
COMPARED = 3
"""Steps behind which the losses of both ways are compared."""


@dataclass(frozen=True)
class Fused:
    """K trials as one network and one after the other: images per second of each way, and how far losses lie apart."""

    trials: int
    together: Sequence[float]
    apart: Sequence[float]
    difference: float

    @property
    def ratio(self) -> float:
        """Median over the repeats of fused by one after the other."""
        return statistics.median(one / other for one, other in zip(self.together, self.apart, strict=True))


def fused_table(found: Sequence[Fused]) -> list[str]:
    """Return one line per number of trials."""
    lines = [f"{'fused':>8}{'images/s':>12}{'one by one':>12}{'ratio':>8}{'losses differ by':>19}"]
    for of in found:
        together, apart = statistics.median(of.together), statistics.median(of.apart)
        lines.append(f"{of.trials:8d}{together:12.1f}{apart:12.1f}{of.ratio:8.2f}{of.difference:19.1e}")
    return lines


def fuse(case: Case, trials: int, device: str, name: str, steps: int, repeats: int) -> Fused:
    """Train K trials as one network and one after the other, in turns, with the product's flags.

    Args:
        case: Model C.
        trials: how many.
        device: ``cpu`` or ``cuda``.
        name: of the precision.
        steps: of each way in each repeat.
        repeats: how many.
    """
    configure(len(conditions.cores()))
    fixed, _ = settings_of(case, name)
    with undisturbed(device):
        models = []
        for seed in range(trials):
            models.append(build(fixed, CLASSES))
            initialise(models[-1], seed)
        layout = torch.channels_last
        fused = FusedModelC(models).to(device, memory_format=layout).train()
        models = [model.to(device, memory_format=layout).train() for model in models]
        optimizer = FusedSGD(fused, [RATE] * trials, 0.9)
        optimizers = [optimiser(model, fixed) for model in models]
        for own in optimizers:
            set_rate(own, RATE)
        draws = torch.Generator(device).manual_seed(0)
        shape = case.batch, 3, case.size, case.size
        images = [torch.randn(shape, generator=draws, device=device) for _ in range(trials)]
        beside = torch.cat(images, 1).contiguous(memory_format=layout)
        images = [one.contiguous(memory_format=layout) for one in images]
        labels = torch.randint(CLASSES, (trials, case.batch), generator=draws, device=device)

        def together() -> torch.Tensor:
            return step(fused, optimizer, beside, labels, name)

        def apart() -> torch.Tensor:
            losses = []
            for model, own, one, known in zip(models, optimizers, images, labels, strict=True):
                with precision(name, device):
                    logits = model(one).float()
                loss = focal(logits, known, 0.0)
                own.zero_grad(set_to_none=True)
                loss.backward()
                own.step()
                losses.append(loss.detach())
            return torch.stack(losses)

        for _ in range(COMPARED):
            one, other = together(), apart()
        difference = ((one - other).abs() / other.abs()).max().item()

        def rate(train: Callable[[], Any]) -> float:
            wait(device)
            began = time.perf_counter()
            for _ in range(steps):
                train()
            wait(device)
            return steps * trials * case.batch / (time.perf_counter() - began)

        pairs = [(rate(together), rate(apart)) for _ in range(repeats)]
    return Fused(trials, [one for one, _ in pairs], [other for _, other in pairs], difference)
