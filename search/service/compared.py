"""Settings of several studies side by side, with paired intervals where they were measured on the same examples.

It is asked for when all studies are on record, and whoever asks has chosen what to compare by looking: intervals are
those of single comparisons, and nothing is called better or worse. Runs of equal seeds are paired, as within a study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search.core.derived import rule_of
from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.ledger.scored import score_rules
from search.report.record.curves import Curve, Curves, by_setting, read_curves
from search.report.record.evidence import gather, gather_scores, keys_of
from search.report.record.looks import look_or_reason
from search.report.record.panel import Panel
from search.report.table.build import one_per_seed
from search.report.table.labels import setting_label
from search.report.text import figure, with_unit
from search.statistics.cell import cell
from search.statistics.crossed import compare
from search.statistics.results import Difference, Trust
from search.study.opened import OpenStudy

MAX_STUDIES = 10
MAX_LINES = 60

UNADJUSTED = (
    "Each interval holds with 95 % for itself alone: settings that were picked by looking, or many of them, differ by "
    "chance more often. For a verdict, write the settings into one space file and state a claim."
)

AT_BEST = (
    "Figures are those of each run's best epoch, which was chosen on these examples: they are too good, and have no "
    "interval of their own."
)

WHY = {Trust.ONE_RUN: "one run each: a rerun may reverse it", Trust.SAME_RUN: "the same run"}
"""What is said of a difference that is no estimate for new runs."""


def compared(ledger: Ledger, names: Sequence[str], base: int) -> dict[str, object]:
    """Return a table of all settings of some studies.

    Args:
        ledger: where they are.
        names: of the studies.
        base: place of the line that the others are compared with.

    Returns:
        ``metric``, ``base``, ``lines`` (study, setting, seeds, mean, interval, difference, its interval and seeds in
        common, or ``why`` there is none), ``why`` nothing can be compared ("" where it can), and ``notes``.

    Raises:
        StudyNotFound: there is no study of a name.
        UserError: too many studies or settings, or studies that judge by different metrics.
    """
    if not 1 <= len(names) <= MAX_STUDIES:
        raise UserError(f"found {len(names)} studies, must be 1 to {MAX_STUDIES}")
    reads = [read_curves(OpenStudy(ledger, ledger.study(name))) for name in names]
    metric = _metric(reads)
    unrecorded = [f"Of {read.record.name!r}: {why}." for read in reads if (why := look_or_reason(read.study))]
    lines = [(read, one_per_seed(group)) for read in reads for group in by_setting(read.curves).values()]
    if len(lines) > MAX_LINES:
        raise UserError(f"these studies have {len(lines)} settings, more than {MAX_LINES}; choose fewer studies")
    base = min(max(base, 0), len(lines) - 1) if lines else 0
    panel = _panel(reads, [runs for _, runs in lines], metric)
    differences = _differences(panel, base, len(lines)) if isinstance(panel, Panel) else [None] * len(lines)
    chosen = reads[0].space.report.value == "best"  # an epoch that was chosen on the very examples that judge it
    shown = []
    for place, ((read, runs), difference) in enumerate(zip(lines, differences, strict=True)):
        shown.append(
            {
                "study": read.record.name,
                "setting": setting_label(read.space, runs[0].trial.parameters) or "all settings fixed",
                **_level(panel, place, metric, chosen),
                **_said(difference, metric, place == base),
            }
        )
    sampled = any(read.space.search.sampler != "grid" for read in reads)
    picked = ["What a search chose is the luckiest of what it tried: its figure is too good."] if sampled else []
    return {
        "metric": with_unit(metric),
        "base": base,
        "lines": shown,
        "why": "" if isinstance(panel, Panel) else panel,
        "notes": [UNADJUSTED, *picked, *([AT_BEST] if chosen else []), *unrecorded],
    }


def _metric(reads: Sequence[Curves]) -> str:
    metrics = dict.fromkeys(read.space.search.objective.metric for read in reads)
    if len(metrics) > 1:
        raise UserError(f"these studies judge by different metrics ({', '.join(metrics)}): none is comparable in all")
    ends = dict.fromkeys(read.space.report.value for read in reads)
    if len(ends) > 1:
        raise UserError("one of these studies reads its last epoch and another its best one: they are not comparable")
    return next(iter(metrics))


def _panel(reads: Sequence[Curves], lines: Sequence[Sequence[Curve]], metric: str) -> Panel | str:
    """Return the scores of all lines, where they were measured on the same examples; else why there are none."""
    cards = {key: card for read in reads for key, card in read.cards.items()}
    value = reads[0].space.report.value
    read = replace(reads[0], cards=cards)
    evidence = gather(read, lines, metric, metric.partition("_")[0], value)
    rule = score_rules(read.study.ledger, keys_of(lines, value)).get(metric) or rule_of(metric)
    if evidence.why and rule is not None:
        evidence = gather_scores(read, lines, metric, rule, value)
    if evidence.why:
        return evidence.why
    if len(evidence.panels) > 1:
        names = dict.fromkeys(card.name or key[:12] for key, card in cards.items())
        return f"they were measured on different examples ({', '.join(names)}), so that nothing can be paired"
    return evidence.panels[0]


def _differences(panel: Panel, base: int, lines: int) -> list[Difference | None]:
    if base not in panel.places:
        return [None] * lines
    others = [place for place in panel.places if place != base]
    pairs = [(panel.places[place], panel.places[base]) for place in others]
    found = dict(zip(others, compare(panel.scores, pairs, stuck=panel.unlearned), strict=True))
    return [found.get(place) for place in range(lines)]


def _level(panel: Panel | str, place: int, metric: str, chosen: bool) -> dict[str, object]:
    if not isinstance(panel, Panel) or place not in panel.places:
        return {"seeds": 0, "mean": "", "interval": ""}
    estimate = cell(panel.scores, panel.places[place])
    mean = "" if estimate.estimate is None else figure(metric, estimate.estimate)
    interval = "" if chosen else _interval(estimate.low, estimate.high, metric)
    return {"seeds": estimate.seeds, "mean": mean, "interval": interval}


def _said(difference: Difference | None, metric: str, is_base: bool) -> dict[str, object]:
    if is_base:
        return {"difference": "", "difference_interval": "", "common": 0, "why": "the others are compared with this"}
    if difference is None:
        return {"difference": "", "difference_interval": "", "common": 0, "why": "no finished run to compare"}
    text = ""
    if difference.estimate is not None:
        text = f"{'+' * (difference.estimate > 0)}{figure(metric, difference.estimate)}"
    why = difference.reason or WHY.get(difference.state, "")
    interval = _interval(difference.low, difference.high, metric)
    return {"difference": text, "difference_interval": interval, "common": difference.seeds, "why": why}


def _interval(low: float | None, high: float | None, metric: str) -> str:
    return "" if low is None or high is None else f"{figure(metric, low)} to {figure(metric, high)}"
