"""What rows hold beside loss and accuracy where a file asks for it: top-5 accuracy, calibration, and the time of a
prediction.

Each needs more of the network than rows keep otherwise, so a setting asks for it, and rows without it stay what they
are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from search.workload import SettingFaults, Settings, calibration

if TYPE_CHECKING:
    from torch import Tensor

TOP = 5
"""Likeliest classes among which the true one counts as found."""

TOP5, CALIBRATION, SECONDS = "top5_accuracy", "calibration_error", "seconds_per_image"

TIMED_PASSES, TIMED_S = 3, 0.25
"""At least so many passes over the validation images, and as many as begin within so many seconds: the fastest is the
time of a prediction, for what else the machine does only makes a pass slower."""

MEASURE_SETTINGS: dict[str, dict[str, Any]] = {
    "measure.top5": {
        "type": "boolean",
        "default": False,
        "description": f"rows hold {TOP5} of validation and test images: the share whose true class is among the five "
        "likeliest, ties found",
    },
    "measure.calibration": {
        "type": "boolean",
        "default": False,
        "description": f"rows hold {CALIBRATION} of validation and test images: how far the probability of the "
        "predicted class lies from how often it is right, as the mean over 15 bins of equal width (Guo et al. 2017)",
    },
    "measure.seconds": {
        "type": "boolean",
        "default": False,
        "description": f"rows hold {SECONDS}: the seconds in which the class of one validation image is predicted, in "
        f"batches, the fastest of {TIMED_PASSES} or more passes; a time, compared with no other row's",
    },
}

ON_DEMAND = {SECONDS: "measure.seconds"} | {
    f"{split}_{name}": setting
    for name, setting in ((TOP5, "measure.top5"), (CALIBRATION, "measure.calibration"))
    for split in ("val", "test")
}
"""Metric -> the setting by which rows hold it."""


def check_classes(fixed: Settings, classes: int) -> None:
    """Refuse to look for the true class among the five likeliest of no more than five.

    Raises:
        SettingFaults: so few are there.
    """
    if fixed["measure.top5"] and classes <= TOP:
        reason = f"found true, but the data have {classes} classes: each image is found; set it to false"
        raise SettingFaults([("measure.top5", reason)])


def fastest(predict: Callable[[], None], wait: Callable[[], None]) -> float:
    """Return the seconds of the fastest of several passes.

    Args:
        predict: makes a pass.
        wait: returns when the device has done all it was asked for.
    """
    taken: list[float] = []
    while len(taken) < TIMED_PASSES or sum(taken) < TIMED_S:
        wait()
        began = time.perf_counter()
        predict()
        wait()
        taken.append(time.perf_counter() - began)
    return min(taken)


class Asked:
    """What the settings of a run ask for, of the logits of one split after the other.

    Args:
        fixed: canonical fixed settings.
        classes: number of classes.

    Attributes:
        seconds: whether a prediction is to be timed.
    """

    def __init__(self, fixed: Settings, classes: int) -> None:
        self._top5, self._calibration = fixed["measure.top5"], fixed["measure.calibration"]
        self.seconds: bool = fixed["measure.seconds"]
        rule = {"example": "image", "examples": "images"}
        self._rules = {
            TOP5: {**rule, "better": "higher", "low": 0.0, "high": 1.0, "untrained": TOP / classes},
            CALIBRATION: {**rule, "better": "lower", "low": 0.0, "high": 1.0, "form": "influence"},
        }
        self._found: dict[str, list[Tensor]] = {}

    def look(self, logits: Tensor, labels: Tensor) -> None:
        """Take note of the logits [b, classes] of some images, and of their true classes [b]."""
        if self._top5:
            own = logits.gather(1, labels[:, None])
            before = (~(own >= logits)).sum(1)  # a NaN, of whichever class, finds nothing
            self._note("top5", before < TOP)
        if self._calibration:
            probabilities, classes = logits.float().softmax(1).max(1)
            self._note("probability", probabilities)
            self._note("right", classes == labels)

    def _note(self, name: str, values: Tensor) -> None:
        self._found.setdefault(name, []).append(values)

    def scores(self) -> dict[str, np.ndarray]:
        """Return name of a metric -> what it is the mean of, float32 [n], of all images since the last call."""
        import torch

        arrays = {name: torch.cat(parts).cpu().numpy() for name, parts in self._found.items()}  # one wait, not one each
        self._found.clear()
        scores = {}
        if self._top5:
            scores[TOP5] = arrays["top5"].astype(np.float32)
        if self._calibration:
            scores[CALIBRATION] = calibration(arrays["right"], arrays["probability"]).astype(np.float32)
        return scores

    def row(self, splits: Mapping[str, Mapping[str, np.ndarray]]) -> tuple[dict[str, float], dict[str, Any]]:
        """Return the metrics of these scores, and how they come from them."""
        metrics, rules = {}, {}
        for split, scores in splits.items():
            for name, values in scores.items():
                finite = bool(np.isfinite(values).all())
                metrics[f"{split}_{name}"] = float(values.mean(dtype=np.float64)) if finite else math.nan
                rules[f"{split}_{name}"] = self._rules[name]
        return metrics, rules
