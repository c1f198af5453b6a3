"""Runs that did not learn, and runs that diverged: outcomes that a mean hides."""

from __future__ import annotations

from collections.abc import Iterator

from search.core.shown import counted, listed
from search.core.trial import State
from search.report.health.ahead import runs_of
from search.report.health.finding import Finding
from search.report.table.build import Comparison
from search.report.table.noise_notes import outcomes, stuck_count

MAX_SETTINGS_NAMED = 5


def failing(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding on runs that did not learn, by the judgement of the table, and one on runs that diverged."""
    yield from _stuck(compared)
    yield from _diverged(compared)


def _stuck(compared: Comparison) -> Iterator[Finding]:
    table = compared.table
    told: list[str] = []
    seen: set[tuple[str, int]] = set()
    for metric in table.metrics_judged:
        for line in table.lines:
            runs = {(line.setting, flag.seed) for flag in outcomes(line.judgement(table, metric))}
            if not runs <= seen:
                seen |= runs
                told.append(f"{stuck_count(table, line, metric)}{'' if metric == table.judged else f' by {metric}'}")
    if told:
        yield Finding(
            "stuck-runs",
            "note",
            f"{listed(told, MAX_SETTINGS_NAMED, '; ')}.",
            "The mean of such a setting is of two kinds of runs, and stands for neither; its spread widens intervals.",
            "Look at these runs (`show STUDY`): a smaller learning rate, a warm-up or clipped gradients often help. If "
            "the setting fails by itself, its share of failing runs is the result.",
        )


def _diverged(compared: Comparison) -> Iterator[Finding]:
    read, table = compared
    told, total = [], 0
    for line, runs in zip(table.lines, runs_of(read, table), strict=True):
        if count := sum(run.trial.state is State.DIVERGED for run in runs):
            told.append(f"{line.setting}: {count} of {counted(line.seeds, 'seed')}")
            total += count
    if told:
        yield Finding(
            "diverged-runs",
            "note",
            f"{counted(total, 'run')} diverged, {'a' if total == 1 else 'their'} loss or objective no longer finite: "
            f"{listed(told, MAX_SETTINGS_NAMED, '; ')}.",
            "No mean counts them, so that a setting may look better than it is.",
            "Leave out settings that always diverge, or lower their learning rate; of one that diverges at times the "
            "share is a result.",
        )
