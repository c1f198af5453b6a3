"""What a study will be able to show, said before it is run: the power of its seeds and examples."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from search.core.shown import is_accuracy
from search.ledger.ledger import Ledger, StudyRecord
from search.plan.known import Inventory
from search.space.model import Space
from search.study.leaf import Planner

if TYPE_CHECKING:
    from search.statistics.prospect import Prospect

ASSUMED_ACCURACY = 0.8
"""Accuracy that noise is assumed for where nothing is on record; it is said beside the figures."""

_ACCURACIES = ("val_accuracy", "val_balanced_accuracy")


def foreseen(
    space: Space, planner: Planner, settings: int, ledger: Ledger, stock: Inventory, record: StudyRecord | None
) -> Prospect | None:
    """Return what a table of so many settings will be able to show, by the noise of similar studies on record.

    None where nothing is compared (no baseline and no claim, or a search chooses what is shown), and where nothing
    similar is on record of a metric that is no accuracy, or the data do not say how many examples judge it.
    """
    report, metric = space.report, space.search.objective.metric
    compared = report.has_baseline or any(
        kind in claim for claim in report.claims for kind in ("better", "equal", "best")
    )
    data = Counter(known.leaf.data for known in stock.trials).most_common(1)
    if space.search.sampler != "grid" or not compared or settings < 2 or not data:
        return None
    from search.plan.similar import noise_on_record
    from search.statistics.families import level_of
    from search.statistics.noise import without_record
    from search.statistics.power import assumed
    from search.statistics.prospect import prospect

    study = record.id if record is not None else None
    noise = noise_on_record(ledger, space.workload, data[0][0], metric, settings, study)
    if noise is None and metric in _ACCURACIES:
        noise = without_record(ASSUMED_ACCURACY, settings)
    images = noise.images or planner.judged("val") if noise is not None else 0
    if noise is None or images < 2:
        return None
    claims = [claim for claim in report.claims if claim.get("metric", metric) == metric]
    margins = [claim["within"] for claim in claims if "within" in claim]
    bys = [claim["by"] for claim in claims if "by" in claim]
    by = min(bys, default=None) or report.margin
    delta = assumed(by).value if by or is_accuracy(metric) else None
    return prospect(
        noise,
        len(space.seeds),
        images,
        delta,
        min(margins, default=report.margin),
        level_of(report.looks, 1, len(space.seeds)).last_alpha,
        report.noise == "strict",
    )
