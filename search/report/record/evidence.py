"""Who got which image right, and what else rows say example by example: the input of the statistics.

What this file promises:

* only the predictions of the epochs that a table reads are loaded, each once;
* a prediction that is no class (NaN, negative, too large) counts as wrong and is counted;
* settings are put side by side only where they were measured on the same images; images of equal content count as one;
* predictions that do not give the accuracy on record are not used: an interval would be that of another number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search.core.grouped import grouped
from search.core.scores import MACRO_F1, ScoreRule
from search.core.trial import DataCard, State
from search.core.units import counts_groups, is_grouped, units_of
from search.ledger.scored import scores_of
from search.report.record.curves import Curve, Curves
from search.report.record.panel import Evidence, Panel
from search.statistics.measure import ACCURACY, Measure, measure_of
from search.statistics.scores import Ended, RunScores, from_runs, why_not_scores

ENDED = {
    State.FINISHED: Ended.FINISHED,
    State.STOPPED: Ended.FINISHED,
    State.PRUNED: Ended.PRUNED,
    State.DIVERGED: Ended.DIVERGED,
}
"""How the statistics take a trial's end; whatever is not listed is missing."""

ACCURACY_TOLERANCE = 1e-6
"""How far an accuracy on record may lie from that of its predictions: metrics may have been single precision."""

MIN_GROUPS = 8
"""Fewer groups of examples than this, counted by what they tell, have no interval: it would cover too little ..."""

FEW_GROUPS = 15
"""... and below this those of levels are marked."""

MIN_CLASS_EXAMPLES = 10
"""A macro F1 over a class of fewer examples than this is biased in level: by about -1 point at 100 examples in all."""

_BALANCED = "balanced_accuracy"


class _Asked(NamedTuple):
    """What is asked of predictions or scores, as in `gather`."""

    read: Curves
    metric: str
    split: str
    value: str
    measure: Measure = ACCURACY
    untrained: Mapping[str, float | None] = {}  # by data fingerprint


@dataclass
class _Found:
    """One line's runs, and what was found wrong with them."""

    runs: list[tuple[Curve, npt.NDArray[np.generic] | None]] = field(default_factory=list)
    fault: str = ""
    wrong: int = 0
    missed: dict[str, bool] = field(default_factory=dict)


def measures(metric: str, split: str) -> bool:
    """Whether the predictions of a split can tell this metric: plain or balanced accuracy."""
    return metric in (f"{split}_accuracy", f"{split}_{_BALANCED}")


def gather(read: Curves, lines: Sequence[Sequence[Curve]], metric: str, split: str, value: str) -> Evidence:
    """Load the predictions that a table's lines rest on.

    Args:
        lines: per line of the table its runs, one per seed.
        metric: accuracy on record, which the predictions must give.
        split: whose predictions.
        value: ``last`` or ``best``: the epoch of each run.
    """
    if not measures(metric, split):
        remedy = "return `scores` of each example from the epoch (docs/how-to/scores.md)"
        return Evidence(why=f"rows hold neither predictions nor scores that {metric} comes from; {remedy}")
    wanted = keys_of(lines, value)
    if not wanted:
        return Evidence(why="no run has finished")
    predicted = {
        key: row.row.predictions.get(split)
        for key, row in read.study.ledger.rows(list(wanted), predictions=True).items()
    }
    asked = _Asked(read, metric, split, value)
    return _together(asked, [_line(asked, runs, predicted) for runs in lines])


def gather_scores(read: Curves, lines: Sequence[Sequence[Curve]], metric: str, rule: ScoreRule, value: str) -> Evidence:
    """Load the scores that a table's lines rest on.

    Args:
        lines: per line of the table its runs, one per seed.
        metric: which comes from them.
        rule: how it does.
        value: ``last`` or ``best``: the epoch of each run.
    """
    measure = measure_of(metric, rule)
    wanted = keys_of(lines, value)
    if not wanted:
        return Evidence(why="no run has finished", measure=measure)
    asked = _Asked(read, metric, rule.split, value, measure)
    by_key, others = {}, set[str]()
    data = {run.keys[epoch - 1]: run.data for runs in lines for run in runs if (epoch := run.epoch(value))}
    untrained: dict[str, float | None] = {}
    cards = {key: read.cards[print_] for key, print_ in data.items() if print_ in read.cards}
    truth = {key: card.truth[rule.split] for key, card in cards.items() if rule.split in card.truth}
    for key, scores, own in scores_of(read.study.ledger, wanted, metric, rule, truth):
        by_key[key] = scores
        unsaid = own is None and rule.of_classes  # of classes on record before any rule was
        if not unsaid and (own is None or _apart_from_chance(own) != _apart_from_chance(rule)):
            others.add(key)
        untrained.setdefault(data[key], own.untrained if own is not None else None)
    asked = asked._replace(untrained=untrained)
    evidence = _together(asked, [_scored_line(asked, runs, by_key, others) for runs in lines])
    if rule.form != MACRO_F1 or not by_key:
        return evidence
    first = next(iter(by_key))
    labels = truth.get(first)
    if rule.label:
        labels = read.study.ledger.rows([first], scores=True)[first].row.scores[rule.split][rule.label]
    return replace(evidence, small=_small(labels, cards.get(first)))


def _small(labels: npt.NDArray[np.generic] | None, card: DataCard | None) -> list[str]:
    """Return the classes of fewer than `MIN_CLASS_EXAMPLES` examples, each with their number."""
    classes, counts = np.unique([] if labels is None else labels, return_counts=True)
    names = card.classes if card is not None else ()
    return [
        f"{names[int(label)] if int(label) < len(names) else int(label)} ({count})"
        for label, count in zip(classes.tolist(), counts.tolist(), strict=True)
        if count < MIN_CLASS_EXAMPLES
    ]


def keys_of(lines: Sequence[Sequence[Curve]], value: str) -> list[str]:
    """Return the keys of the rows that a table reads, of runs that finished."""
    runs = (run for runs in lines for run in runs if ENDED.get(run.trial.state) is Ended.FINISHED)
    return list(dict.fromkeys(run.keys[epoch - 1] for run in runs if (epoch := run.epoch(value))))


def _apart_from_chance(rule: ScoreRule) -> ScoreRule:
    """Return a rule without what an untrained model scores, which depends on the data."""
    return replace(rule, untrained=None)


def _together(asked: _Asked, read_lines: Sequence[_Found]) -> Evidence:
    """Put the lines together that were measured on the same examples."""
    read, split, measure = asked.read, asked.split, asked.measure
    names: dict[tuple[str, int], str] = {}
    for line in read_lines:
        measured = {(run.data, len(right)) for run, right in line.runs if right is not None}
        for data, count in measured - set(names):
            names[data, count] = f"{count} {_images(read.cards.get(data), split, data)}"
        if len({names[place] for place in measured}) > 1:
            line.fault = f"seeds of a setting were measured on different {split} {measure.examples}"
        elif len(measured) > 1:  # seeds and images are crossed only where nothing but the seed differs between runs
            what = f"training {measure.examples}"
            line.fault = f"seeds of a setting were run on different data, of which {what} are a part"
    faults = list(dict.fromkeys(line.fault for line in read_lines if line.fault))
    usable = [place for place, line in enumerate(read_lines) if line.runs and not line.fault]
    panels = _panels(asked, read_lines, usable, names)
    if not any(panel.scores.finished.any() for panel in panels):
        return Evidence(why=faults[0] if faults else "no run has finished", measure=measure)
    few = next((panel for panel in panels if panel.grouped and panel.effective < MIN_GROUPS), None)
    if few is not None:
        counts = f"{few.scores.images} groups, which tell as much as {few.effective:.1f} of one size"
        return Evidence(
            why=f"the {few.images} {measure.examples} of {split} are {counts}; {MIN_GROUPS} are needed", measure=measure
        )
    unused = sum(1 for line in read_lines if line.fault)
    folded = max(panel.images - panel.scores.images for panel in panels)
    missed = {key: miss for line in read_lines for key, miss in line.missed.items()}
    wrong = sum(line.wrong for line in read_lines)
    return Evidence(panels, "", unused, faults, wrong, folded, missed, measure)


def _scored_line(
    asked: _Asked, runs: Sequence[Curve], found: Mapping[str, npt.NDArray[np.generic]], others: Collection[str]
) -> _Found:
    """Return one line's runs with their scores; a fault where a finished one cannot be used."""
    line = _Found()
    for run in runs:
        epoch = run.epoch(asked.value)
        scores = found.get(run.keys[epoch - 1]) if epoch else None
        if ENDED.get(run.trial.state) is not Ended.FINISHED or not epoch:
            line.runs.append((run, None))
        elif scores is None or not len(scores):
            line.fault = f"rows hold no scores that {asked.metric} comes from (those of an earlier version have none)"
        elif run.keys[epoch - 1] in others:
            line.fault = f"rows say otherwise how {asked.metric} comes from scores"
        elif why := why_not_scores(scores, asked.measure):
            line.fault = f"scores that {asked.metric} comes from {why}"
        else:
            line.runs.append((run, scores))
    return line


def _line(asked: _Asked, runs: Sequence[Curve], predicted: Mapping[str, npt.NDArray[np.generic] | None]) -> _Found:
    """Return one line's runs with what they got right; a fault where a finished one cannot be used."""
    line, (read, metric, split, value, *_) = _Found(), asked
    for run in runs:
        epoch = run.epoch(value)
        if ENDED.get(run.trial.state) is not Ended.FINISHED or not epoch:
            line.runs.append((run, None))
            continue
        guess, card = predicted.get(run.keys[epoch - 1]), read.cards.get(run.data)
        truth = card.truth.get(split) if card is not None else None
        if guess is None or not len(guess):
            line.fault = f"the rows hold no predictions on {split} images"
        elif card is None or truth is None or len(truth) != len(guess):
            line.fault = f"the data card does not hold the true classes of the {split} images"
        else:
            right = np.asarray(guess == truth, dtype=bool)
            line.wrong += int((~is_class(guess, _classes(card, truth))).sum())
            line.runs.append((run, right))
            line.missed[run.keys[epoch - 1]] = len(np.unique(truth[right])) < len(np.unique(truth))
            known = run.metric(metric, epoch)
            if known is None or not abs(known - _accuracy(right, truth, metric)) <= ACCURACY_TOLERANCE:
                line.fault = f"the predictions on {split} images do not give {metric} as it is on record"
    return line


def _panels(
    asked: _Asked, found: Sequence[_Found], usable: Sequence[int], names: Mapping[tuple[str, int], str]
) -> list[Panel]:
    read, metric, split, value, measure, untrained = asked
    measured = {
        place: [(run.data, len(right)) for run, right in found[place].runs if right is not None] for place in usable
    }
    kin = grouped(usable, lambda place: names[measured[place][0]] if measured[place] else "")
    idle = kin.pop("", [])  # lines without a finished run were measured on nothing: they stand with the first images
    panels: list[Panel] = []
    for own in kin.values():
        data, count = measured[own[0]][0]
        card = read.cards.get(data) or DataCard("")
        truth = card.truth.get(split, np.empty(0, np.int64))
        places = own if panels else sorted([*own, *idle])
        # What is not there comes first, so that a run that is there takes its place.
        runs = [RunScores(number, seed, Ended.MISSING) for number in range(len(places)) for seed in read.space.seeds]
        runs += [
            _run(number, run, right, value) for number, place in enumerate(places) for run, right in found[place].runs
        ]
        alike = units_of(card, split, count)
        scores = from_runs(
            runs,
            len(places),
            count,
            measure=replace(
                measure,
                untrained=untrained.get(data, measure.untrained),
                grouped=counts_groups(card, split, count),
            ),
            classes=truth if metric.endswith(_BALANCED) else None,
            groups=np.asarray(alike) if len(alike) else None,
        )
        classes = _classes(card, truth) if measure.correctness else 0
        grouped_here = is_grouped(card, split, count)
        panels.append(Panel(scores, {place: i for i, place in enumerate(places)}, classes, count, grouped_here))
    return panels


def _run(number: int, run: Curve, right: npt.NDArray[np.generic] | None, value: str) -> RunScores:
    epoch = run.epoch(value)
    if right is None or not epoch:  # else it has finished
        ended = ENDED.get(run.trial.state, Ended.MISSING)
        return RunScores(number, run.trial.seed, Ended.MISSING if ended is Ended.FINISHED else ended)
    rows = tuple(run.rows[one].content for one in sorted(run.rows) if one <= epoch)
    return RunScores(number, run.trial.seed, Ended.FINISHED, right, run.keys[epoch - 1], rows)


def _images(card: DataCard | None, split: str, data: str) -> str:
    """Name a set of images by what they are, in their order: the same ones at another size are the same."""
    if card is None or split not in card.truth:
        return data
    names = card.contents.get(split) or card.images.get(split) or [card.fingerprint]
    return repr((list(names), card.truth[split].tolist()))


def _classes(card: DataCard, truth: npt.NDArray[np.generic]) -> int:
    return max(len(card.classes), int(np.max(truth)) + 1 if len(truth) else 0)


def is_class(guess: npt.NDArray[np.generic], classes: int) -> npt.NDArray[np.bool_]:
    """Return which predictions are one of so many classes, [n]."""
    values = np.asarray(guess, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        right: npt.NDArray[np.bool_] = (values >= 0) & (values < classes) & (values == np.floor(values))
    return right


def _accuracy(right: npt.NDArray[np.bool_], truth: npt.NDArray[np.generic], metric: str) -> float:
    if not metric.endswith(_BALANCED):
        return float(right.mean())
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))
