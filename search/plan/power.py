"""What a study will be able to show, said before it is run: the power of its seeds and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.space.model import Space
from search.study.leaf import Planner

if TYPE_CHECKING:
    from search.statistics.prospect import Prospect

ASSUMED_ACCURACY = 0.8
"""Accuracy that noise is assumed for where nothing is on record; it is said beside the figures."""

_ACCURACIES = ("val_accuracy", "val_balanced_accuracy")


def foreseen(space: Space, planner: Planner, settings: int) -> Prospect | None:
    """Return what a table of so many settings will be able to show.

    None where nothing is compared (no baseline and no claim, or a search chooses what is shown), where no accuracy is
    judged, and where the data do not say how many images judge it.
    """
    report = space.report
    compared = report.has_baseline or any("runs" not in claim for claim in report.claims)
    images = planner.judged("val")
    if space.search.sampler != "grid" or not compared or settings < 2 or images < 2:
        return None
    if space.search.objective.metric not in _ACCURACIES:
        return None
    from search.statistics.power import assumed
    from search.statistics.prospect import prospect, without_record

    margins = [claim["within"] for claim in report.claims if "within" in claim]
    bys = [claim["by"] for claim in report.claims if "by" in claim]
    delta = assumed(min(bys, default=None), None, report.margin).value
    return prospect(
        without_record(ASSUMED_ACCURACY, settings),
        len(space.seeds),
        images,
        delta,
        min(margins, default=report.margin),
        strict=report.noise == "strict",
    )
