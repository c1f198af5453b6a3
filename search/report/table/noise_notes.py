"""The footnotes on runs that misbehave: those that did not learn, and those that scatter more than the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.core.shown import counted, listed
from search.report.table.judged_text import difference_text
from search.report.table.model import Judged, Line, Note, Table, again_of
from search.report.text import significant
from search.statistics.crossed import Rule
from search.statistics.measure import Measure
from search.statistics.results import Difference, Trust
from search.statistics.stuck import Flag, Stuck, failing_share
from search.statistics.text import p_text

MAX_SETTINGS_TOLD = 5
"""Settings that are named in such a note; the others are counted."""

FEW_SEEDS = 4
"""Up to so many seeds a noisy setting cannot be recognised for certain."""


STUCK = "‖"
"""Marks the figure of a setting of which a run did not learn, or is not told from chance."""


def flagged(text: str, judged: Judged) -> str:
    """Return a figure as text, marked where a run behind it did not learn, or it is not told from chance."""
    return f"{text} {STUCK}" if judged.stuck else text


def noise_notes(table: Table, rule: str) -> Iterator[Note]:
    """Yield what must be said of the noise of runs."""
    for metric in table.metrics_judged:
        where, start = ("", "") if metric == table.judged else (f" by {metric}", f"By {metric} ")
        stuck = [line for line in table.lines if outcomes(line.judgement(table, metric))]
        for line in stuck[:MAX_SETTINGS_TOLD]:
            count = f"{STUCK} {start}{stuck_count(table, line, metric)}"
            yield Note(f"{count}{_stuck(table, line, metric)}", f"{count}.")
        if (more := len(stuck) - MAX_SETTINGS_TOLD) > 0:
            yield Note(f"{STUCK} Runs of {counted(more, 'more setting')} did not learn{where}.")
        unclear = [line.setting for line in table.lines if _at_chance(line.judgement(table, metric))]
        if unclear:
            yield Note(f"{STUCK} Not told from chance{where}: {_some(unclear)}.")
    if noisy := _noisy(table):
        told = [f"{name} (p {p_text(p)})" for name, p in noisy.items()]
        yield Note(f"Runs scatter more than the rest in {_some(told)}: their own spread is used.")
    few = [one.seeds for one in _differences(table) if one.settings > 2 and one.seeds <= FEW_SEEDS]
    if few and rule != Rule.STRICT:
        yield Note(
            f"With {counted(min(few), 'seed')} a setting whose runs scatter far more than the others' cannot be "
            "recognised for certain; if there is one, up to 9 of 100 such tables name a difference that is none "
            "(`report.noise: strict` guards against it, with wider intervals).",
            "",
        )


def stuck_sentence(table: Table) -> str:
    """Return "1 of 3 runs of X did not learn" for the settings of a table, "" where all did.

    By the judged metric, and by any other what that one does not tell.
    """
    told: list[str] = []
    seen: set[tuple[str, int]] = set()
    for metric in table.metrics_judged:
        for line in table.lines:
            judged = line.judgement(table, metric)
            runs = {(line.setting, flag.seed) for flag in outcomes(judged)}
            if runs <= seen:
                continue
            seen |= runs
            where = "" if metric == table.judged else f" by {metric}"
            told.append(f"{_share(judged)} of {line.setting} {_outcome(judged)}{where}")
    return _some(told)


def _share(judged: Judged) -> str:
    """Return "1 of 3 runs"."""
    return f"{len(outcomes(judged))} of {counted(judged.cell.seeds, 'run')}"


def _outcome(judged: Judged) -> str:
    """Return what became of the flagged runs of a setting: "did not learn", "lies far below its siblings"."""
    flags = outcomes(judged)
    if any(flag.why is Stuck.NOT_LEARNED for flag in flags):
        return "did not learn"
    far = "far below" if judged.cell.measure.higher_is_better else "far above"
    return f"lies {far} its siblings" if len(flags) == 1 else f"lie {far} their siblings"


def _at_chance(judged: Judged) -> bool:
    return any(flag.why is Stuck.AT_CHANCE for flag in judged.stuck)


def _differences(table: Table) -> list[Difference]:
    cells = [line.judgement(table, metric) for line in table.lines for metric in table.metrics_judged]
    return [one.difference for one in cells if one.difference is not None and one.difference.state is Trust.ESTIMATED]


def _noisy(table: Table) -> dict[str, float]:
    """Return the settings whose own spread was used for its size, with their p."""
    baseline = next((line.setting for line in table.lines if line.baseline), "the baseline")
    smallest: dict[str, float] = {}
    for line in table.lines:
        for metric in table.metrics_judged:
            one = line.judgement(table, metric).difference
            for name, p in zip((line.setting, baseline), one.noisy if one is not None else (), strict=False):
                if p is not None:
                    smallest[name] = min(p, smallest.get(name, 1.0))
    return smallest


def outcomes(judged: Judged) -> list[Flag]:
    """Return the runs of a setting that did not learn, or lie far from their siblings."""
    return [flag for flag in judged.stuck if flag.outcome]


def stuck_count(table: Table, line: Line, metric: str) -> str:
    """Return "1 of 3 runs of X did not learn (11.2 %, siblings 79.9 %)"."""
    judged = line.judgement(table, metric)
    flags, measure = outcomes(judged), judged.cell.measure
    means = listed([_figure(flag.mean, measure) for flag in flags], between=" and ")
    siblings = _figure(flags[0].siblings or 0.0, measure)
    return f"{_share(judged)} of {line.setting} {_outcome(judged)} ({means}, siblings {siblings})"


def _stuck(table: Table, line: Line, metric: str) -> str:
    """Return what follows for a setting with runs that did not learn."""
    judged = line.judgement(table, metric)
    count, cell = len(outcomes(judged)), judged.cell
    it = "it" if count == 1 else "them"
    low, high = failing_share(count, cell.seeds)
    share = f" Share of runs that fail: {100 * low:.1f} to {100 * high:.1f} % (95 % interval)."
    if metric != table.judged and count == len(outcomes(line.judged)):
        share = ""  # it stands in the note on the judged metric
    without = again_of(table, line.learned, metric)
    if not without.known:
        return f"; too few others are left for a line without {it}.{share}"
    parts = ""
    if judged.difference is not None:
        parts = f" With {it}: {difference_text(line, judged, False)}. Without {it}: "
        parts += f"{difference_text(line, without, False)}"
        decides = without.difference is not None and without.difference.decidable
        parts += ", which decides nothing." if decides else ", no verdict."
    return f".{parts}{share}"


def _figure(value: float, measure: Measure) -> str:
    if measure.unit == "pt":
        return f"{100 * value:.1f} %"
    return f"{significant(value)} {measure.unit}".rstrip()


def _some(names: Sequence[str]) -> str:
    more = len(names) - MAX_SETTINGS_TOLD
    shown = listed(list(names[:MAX_SETTINGS_TOLD]))
    return f"{shown} and {more} more" if more > 0 else shown
