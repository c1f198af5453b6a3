"""How far a study has come, as the ledger has it: curves of its settings, its rungs, and what is trained now.

Whoever watches asks again and again: what was read stays in memory, and after `GROWTH_SPACING_S` a study is read again
if anything has come on record of it since.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from search.core.errors import InternalError
from search.core.grouped import grouped
from search.core.shown import is_accuracy, significant
from search.core.trial import State, Trial
from search.ledger.brief import brief_trials, parameters_of
from search.ledger.ledger import Decision, Ledger
from search.ledger.measured import Measured
from search.report.record.curves import COUNTED
from search.report.table.labels import setting_label
from search.space.model import Space
from search.study.opened import OpenStudy
from search.study.pruner import RUNGS, decided

GROWTH_SPACING_S = 5.0
"""Seconds between two readings of a study that somebody watches."""

READING_SHARE = 0.02
"""Share of a core that reading one study takes at most: one of ten thousand trials is read less often."""

MAX_SETTINGS = 7
"""Settings that are drawn: as many as there are colours."""

MAX_RUNS = 10
"""Runs of a setting that are drawn."""

MAX_POINTS = 60
"""Points of a curve, about."""

MAX_STUDIES = 20
"""Studies that stay in memory."""

Curve = Sequence[tuple[int, float]]
"""Epoch, counted from 1, and the objective there; by epoch."""


@dataclass(frozen=True)
class SettingCurve:
    """A setting: what it is called, its runs, and the mean of those that ended, or of all where none has."""

    label: str
    runs: Sequence[Curve]
    mean: Curve


@dataclass(frozen=True)
class Growth:
    """How far a study has come.

    Attributes:
        metric: the objective.
        epochs: that the longest run is asked for.
        settings: that are drawn.
        more: settings that are not.
        rungs, training: a line of text each, for a rung and for a run in training.
        done: runs whose value enters a mean.
    """

    metric: str
    epochs: int
    settings: Sequence[SettingCurve]
    more: int
    rungs: Sequence[str]
    training: Sequence[str]
    done: int = 0


@dataclass
class _Seen:
    lock: threading.Lock = field(default_factory=threading.Lock)
    values: dict[tuple[int, int], float] = field(default_factory=dict)  # (trial, epoch) -> objective
    labels: dict[int, str] = field(default_factory=dict)  # configuration -> what it is called
    space: tuple[str, Space] | None = None  # as it was read last, behind its text
    version: object = None  # of what is on record, as far as the growth rests on it
    read_at: float = -math.inf
    took_s: float = 0.0  # of processor time, to read it
    growth: Growth | None = None


class Watcher:
    """Reads how far studies have come; for several threads.

    Args:
        ledger: where they are.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._lock = ledger, threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def growth(self, name: str) -> Growth:
        """Return how far a study has come, as of `GROWTH_SPACING_S` ago at most, or longer where reading it is dear.

        Raises:
            StudyNotFound: there is none of that name.
        """
        with self._lock:
            seen = self._seen.pop(name, None) or _Seen()
            self._seen[name] = seen  # the last one is the newest
            while len(self._seen) > MAX_STUDIES:
                del self._seen[next(iter(self._seen))]
        with seen.lock:  # others wait for no study but their own
            spacing = max(GROWTH_SPACING_S, seen.took_s / READING_SHARE)
            if seen.growth is None or time.monotonic() - seen.read_at >= spacing:
                began = time.thread_time()
                seen.growth = self._grown(name, seen)
                seen.took_s, seen.read_at = time.thread_time() - began, time.monotonic()
            return seen.growth

    def _grown(self, name: str, seen: _Seen) -> Growth:
        """Return the growth that is known, where nothing has come on record since; else that of a new reading."""
        record = self._ledger.study(name)
        hidden = tuple((kind, one.withdrawn) for kind, one in self._ledger.distrusted().items())
        version = self._ledger.last_decision(record.id), record.space, hidden
        if seen.growth is not None and version == seen.version:
            return seen.growth
        if hidden:  # a row may have been withdrawn, or trained anew under its key
            seen.values.clear()
        if seen.space is None or seen.space[0] != record.space:
            seen.labels.clear()
            try:
                seen.space = record.space, OpenStudy(self._ledger, record).space
            except InternalError:  # written by another version; what else is on record of it is shown
                return Growth("", 0, [], 0, [], [])
        growth, seen.version = self._read(record.id, seen.space[1], seen), version
        return growth

    def _read(self, number: int, space: Space, seen: _Seen) -> Growth:
        trials, asha = brief_trials(self._ledger.engine, number), space.search.asha
        metric, maximize = space.search.objective.metric, space.search.objective.maximize
        lacking = {trial.configuration for trial in trials} - seen.labels.keys()
        found = parameters_of(self._ledger.engine, number, sorted(lacking))
        seen.labels |= {one: setting_label(space, parameters) for one, parameters in found.items()}
        begun = [trial for trial in trials if trial.last_epoch and trial.seed in space.seeds]
        last = [(trial, [trial.last_epoch]) for trial in begun]
        self._fetch(number, metric, seen, last)
        groups = grouped(begun, lambda trial: seen.labels[trial.configuration])
        chosen = list(groups)
        if len(chosen) > MAX_SETTINGS:
            chosen.sort(key=lambda label: _cost(groups[label], seen, maximize))
        shown = {label: groups[label][:MAX_RUNS] for label in chosen[:MAX_SETTINGS]}
        drawn = [(trial, epochs_drawn(trial)) for group in shown.values() for trial in group]
        self._fetch(number, metric, seen, drawn)
        used = {(trial.number, epoch) for trial, epochs in [*last, *drawn] for epoch in epochs}
        seen.values = {place: value for place, value in seen.values.items() if place in used}
        return Growth(
            metric,
            max((trial.epochs for trial in trials), default=0),
            [_setting(label, group, seen) for label, group in shown.items()],
            len(groups) - len(shown),
            rungs(self._ledger.decisions(number, kinds=RUNGS), begun, metric, pauses=bool(asha and asha.promote)),
            [
                f"trial {trial.number}: {seen.labels[trial.configuration]}, seed {trial.seed}; "
                f"epoch {trial.last_epoch} of {trial.epochs}"
                for trial in trials
                if trial.state is State.RUNNING
            ],
            sum(trial.state in COUNTED for trial in trials),
        )

    def _fetch(self, number: int, metric: str, seen: _Seen, epochs: Sequence[tuple[Trial, Sequence[int]]]) -> None:
        """Read the objective of these epochs of a study, as far as it is not in memory."""
        lacking = {(trial.number, epoch) for trial, asked in epochs for epoch in asked} - seen.values.keys()
        if not lacking:
            return
        paths = self._ledger.paths(number, sorted({trial for trial, _ in lacking}))
        keys = {(trial, epoch): paths[trial][0][epoch - 1] for trial, epoch in lacking}
        data_of = {key: paths[trial][1] for (trial, _), key in keys.items()}
        rows = Measured(self._ledger, [metric]).rows(data_of)
        seen.values |= {
            place: rows[key].row.metrics.get(metric, math.nan) for place, key in keys.items() if key in rows
        }


def epochs_drawn(trial: Trial) -> list[int]:
    """Return the epochs of a run that are drawn: the first, the last, and between them multiples of a step that is 1, 2
    or 5 times a power of ten, so that runs of one length have the same."""
    step, factors = 1, (2, 2.5, 2)
    place = 0
    while trial.epochs / step > MAX_POINTS:
        step, place = round(step * factors[place % 3]), place + 1
    return sorted({1, *range(step, trial.last_epoch + 1, step), trial.last_epoch})


def mean_curve(runs: Iterable[Curve]) -> list[tuple[int, float]]:
    """Return the mean at the epochs that all runs have, so that it is one of the same runs everywhere."""
    curves = [dict(run) for run in runs]
    common = set.intersection(*(set(curve) for curve in curves)) if curves else set()
    return [(epoch, math.fsum(curve[epoch] for curve in curves) / len(curves)) for epoch in sorted(common)]


def _setting(label: str, trials: Sequence[Trial], seen: _Seen) -> SettingCurve:
    runs = {trial.number: _curve(trial, seen) for trial in trials}
    ended = [runs[trial.number] for trial in trials if trial.state in COUNTED]
    return SettingCurve(label, list(runs.values()), mean_curve(ended or runs.values()))


def _curve(trial: Trial, seen: _Seen) -> Curve:
    values = [(epoch, seen.values.get((trial.number, epoch), math.nan)) for epoch in epochs_drawn(trial)]
    return [(epoch, value) for epoch, value in values if math.isfinite(value)]


def _cost(trials: Sequence[Trial], seen: _Seen, maximize: bool) -> float:
    """Return what settings are sorted by, lowest first: the mean of the last values of those that ended, or of all."""
    ended = [trial for trial in trials if trial.state in COUNTED] or trials
    values = [seen.values.get((trial.number, trial.last_epoch), math.nan) for trial in ended]
    value = math.fsum(values) / len(values)
    return (-value if maximize else value) if math.isfinite(value) else math.inf


def rungs(log: Sequence[Decision], begun: Sequence[Trial], metric: str, pauses: bool = False) -> list[str]:
    """Return a line for each rung: how many trials reached it, how many it ended, and by which values.

    Args:
        log: entries of the order log of the kinds `RUNGS`.
        begun: trials with an epoch on record.
        metric: the objective.
        pauses: whether a trial that does not go on may do so later.
    """
    lines = []
    for epoch, verdicts in sorted(grouped(decided(log).values(), lambda verdict: verdict[0].epoch or 0).items()):
        reached = sum(trial.last_epoch >= epoch for trial in begun)
        ended = sum(trial.last_epoch == epoch and trial.state is State.PRUNED for trial in begun)
        spans = {
            "went on": _span([entry for entry, goes_on in verdicts if goes_on], metric),
            "stayed" if pauses else "ended": _span([entry for entry, goes_on in verdicts if not goes_on], metric),
        }
        by = "; ".join(f"{what} with {span}" for what, span in spans.items() if span)
        said = f"epoch {epoch}: {reached} reached it, {ended} ended there"
        lines.append(f"{said}; {metric}: {by}" if by else said)
    return lines


def _span(entries: Sequence[Decision], metric: str) -> str:
    values = [
        float(value)
        for entry in entries
        if isinstance(value := entry.detail.get("value"), int | float) and math.isfinite(value)
    ]
    if not values:
        return ""
    low, high = (figure_of(metric, value) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def figure_of(metric: str, value: float) -> str:
    """Return a value as a person reads it: accuracies in %."""
    return f"{100 * value:.2f} %" if is_accuracy(metric) else significant(value)
