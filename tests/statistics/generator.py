"""Tables whose true difference is known: the generator of the simulations.

A run has image i right where mu_a + b_i + u_s + v_as + w_si + z_ai + e > 0, all normal: image, seed, setting x seed
("run noise"), seed x image, image x setting, rest. mu_a is set so that every setting has the accuracy asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SD_IMAGE, SD_SEED, SD_SEED_IMAGE = 2.0, 0.05, 0.3
BASE = SD_IMAGE**2 + SD_SEED**2 + SD_SEED_IMAGE**2 + 1.0

SIZES = ((137, 0.57), (360, 0.90), (1020, 0.75))


@dataclass(frozen=True)
class Scenario:
    """Run noise in percentage points (the baseline's own where it differs), and sd of image x setting effects."""

    name: str
    noise: float
    mixed: float = 0.0
    baseline_noise: float | None = None


SCENARIOS = (
    Scenario("none", 0),
    Scenario("1 pt", 1),
    Scenario("2.5 pt", 2.5),
    Scenario("1 pt, mixed", 1, 0.7),
    Scenario("mixed", 0, 0.7),
)

HETEROSCEDASTIC = Scenario("H", 1, 0.0, 3)


def draw(
    rng: np.random.Generator,
    scenario: Scenario,
    replicates: int,
    settings: int,
    seeds: int,
    images: int,
    accuracies: float | Sequence[float],
) -> np.ndarray:
    """Return booleans of shape replicates x settings x seeds x images."""
    accuracy = np.broadcast_to(np.asarray(accuracies, dtype=float), settings)
    noise = np.full(settings, float(scenario.noise))
    if scenario.baseline_noise is not None:
        noise[0] = scenario.baseline_noise
    quantile = stats.norm.ppf(accuracy)
    sd_run = noise / (100 * stats.norm.pdf(quantile) / np.sqrt(BASE))
    mean = quantile * np.sqrt(BASE + sd_run**2 + scenario.mixed**2)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal((replicates, *shape), dtype=np.float32)

    run = (mean[:, None] + sd_run[:, None] * normal(settings, seeds)).astype(np.float32)
    latent = normal(settings, seeds, images)
    latent += run[..., None]
    latent += np.float32(SD_SEED) * normal(1, seeds, 1)
    latent += np.float32(SD_SEED_IMAGE) * normal(1, seeds, images)
    latent += np.float32(SD_IMAGE) * normal(1, 1, images)
    if scenario.mixed:
        latent += np.float32(scenario.mixed) * normal(settings, 1, images)
    return latent > 0
