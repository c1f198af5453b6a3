"""What a score is: its range, its good direction, its unit, and how a metric comes of the scores of all examples.

A run gives one score per example: right or wrong, a loss, a squared error, an overlap. The metric that is printed is
their mean, or a function of it, or a metric that is no mean, of which the scores are influence values. Everything a
text or an interval has to know about a score is declared here; nothing is guessed from the numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from search.core.scores import HIGHER, ROOT_MEAN, ScoreRule
from search.core.shown import is_accuracy

LARGEST = 1e100
"""Largest size of a score; a figure or an end of an interval beyond this is given as this, so none is infinite."""


class Form(StrEnum):
    """How a metric comes of one run's scores."""

    MEAN = "mean"
    """Their mean: accuracy, loss, mean absolute error, IoU per image, pass@k per task."""
    ROOT_MEAN = "root_mean"
    """The root of their mean: RMSE of squared errors."""
    EXP_MEAN = "exp_mean"
    """e to their mean: perplexity of negative log likelihoods. Differences are those of the mean, ratios exact."""
    INFLUENCE = "influence"
    """Their mean, where a single value has no range of its own: see `search.core.influence`."""


@dataclass(frozen=True)
class Measure:
    """A metric and the scores that it comes of.

    Attributes:
        low: least score there can be; None where there is none. For influence values: least value of the metric.
        high: largest.
        higher_is_better: the good direction of the metric.
        untrained: mean score of a model that learned nothing (1 / C, log C, the variance of the target); None where it
            is not known.
        unit: "pt" for a fraction that is written times 100, else the unit after a figure; "" for none.
        example: what one score belongs to.
        examples: several of them.
        form: how the metric comes of the scores.
        correctness: scores say right (1) or wrong (0); fractions are means of several.
        grouped: intervals count groups of examples that belong together, not examples.
    """

    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    untrained: float | None = None
    unit: str = ""
    example: str = "example"
    examples: str = "examples"
    form: Form = Form.MEAN
    correctness: bool = False
    grouped: bool = False

    @property
    def sampled(self) -> str:
        """What several of those are called that intervals count: "documents", "groups of images"."""
        return f"groups of {self.examples}" if self.grouped else self.examples

    def of_split(self, split: str, one: bool = False) -> str:
        """Return the same of a split: "test documents", "groups of test images"; of "" `sampled`."""
        what = f"{split} {self.example if one and not self.grouped else self.examples}".strip()
        return f"group{'' if one else 's'} of {what}" if self.grouped else what

    @property
    def sample(self) -> str:
        """One of `sampled`."""
        return f"group of {self.examples}" if self.grouped else self.example

    @property
    def span(self) -> float:
        """Largest difference that two settings can have; infinite where a side is open."""
        if self.low is None or self.high is None:
            return math.inf
        if self.form is Form.ROOT_MEAN:
            return math.sqrt(self.high) - math.sqrt(self.low)
        return self.high - self.low

    def printed(self, mean: float) -> float:
        """Return the metric of a mean of analysed values: e to it for a perplexity, else the mean itself."""
        if self.form is not Form.EXP_MEAN:
            return mean
        return math.exp(mean) if mean < math.log(LARGEST) else LARGEST

    def amount(self, value: float, signed: bool = False) -> str:
        """Return a size in the metric's unit: "1.5 pt", "-0.034" (signed), "0.31 degrees".

        Perplexities are compared by the logarithm of their ratio: "0.2 in log (a factor of 1.22)".
        """
        sign = "+" if signed else ""
        if self.unit == "pt":
            return f"{100 * value:+.1f} pt" if signed else f"{100 * value:.3g} pt"
        if self.form is Form.EXP_MEAN:
            return f"{value:{sign}.3g} in log (a factor of {self.printed(value):.3g})"
        return f"{value:{sign}.3g} {self.unit}".rstrip()


ACCURACY = Measure(0.0, 1.0, unit="pt", example="image", examples="images", correctness=True)
"""The share of images that a run has right."""


def measure_of(metric: str, rule: ScoreRule) -> Measure:
    """Return what the statistics must know of a metric; accuracies, by their name, are read in per cent."""
    root = rule.form == ROOT_MEAN  # whose scores are 0 or more, declared or not
    return Measure(
        max(rule.low or 0.0, 0.0) if root else rule.low,
        rule.high,
        higher_is_better=rule.better == HIGHER,
        untrained=rule.untrained,
        unit="pt" if is_accuracy(metric) else rule.unit,
        example=rule.example,
        examples=rule.examples,
        form=Form.INFLUENCE if rule.of_classes else Form(rule.form),
    )
