"""The footnotes on runs that misbehave: those that did not learn, and those that scatter more than the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.core.shown import counted, listed
from search.report.table.judged_text import difference_text
from search.report.table.model import Judged, Line, Note, Table
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


def noise_notes(table: Table, rule: str) -> Iterator[Note]:
    """Yield what must be said of the noise of runs."""
    stuck = [line for line in table.lines if _outcomes(line.judged)]
    for line in stuck[:MAX_SETTINGS_TOLD]:
        yield Note(_stuck(line), f"{_count(line)}.")
    if (more := len(stuck) - MAX_SETTINGS_TOLD) > 0:
        yield Note(f"Runs of {counted(more, 'more setting')} did not learn.")
    unclear = [line.setting for line in table.lines if any(f.why is Stuck.AT_CHANCE for f in line.judged.stuck)]
    if unclear:
        yield Note(f"Not told from chance: {_some(unclear)}.")
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
    """Return "1 of 3 runs of X did not learn" for the settings of a table, "" where all did."""
    stuck = [line for line in table.lines if _outcomes(line.judged)]
    told = [f"{_share(line)} of {line.setting}" for line in stuck]
    return f"{_some(told)} did not learn" if told else ""


def _share(line: Line) -> str:
    """Return "1 of 3 runs"."""
    return f"{len(_outcomes(line.judged))} of {counted(line.judged.cell.seeds, 'run')}"


def _differences(table: Table) -> list[Difference]:
    cells = [one for line in table.lines for one in (line.judged, line.tested)]
    return [one.difference for one in cells if one.difference is not None and one.difference.state is Trust.ESTIMATED]


def _noisy(table: Table) -> dict[str, float]:
    """Return the settings whose own spread was used for its size, with their p."""
    baseline = next((line.setting for line in table.lines if line.baseline), "the baseline")
    smallest: dict[str, float] = {}
    for line in table.lines:
        for one in (line.judged.difference, line.tested.difference):
            for name, p in zip((line.setting, baseline), one.noisy if one is not None else (), strict=False):
                if p is not None:
                    smallest[name] = min(p, smallest.get(name, 1.0))
    return smallest


def _outcomes(judged: Judged) -> list[Flag]:
    return [flag for flag in judged.stuck if flag.outcome]


def _count(line: Line) -> str:
    """Return "1 of 3 runs of X did not learn (11.2 %, siblings 79.9 %)"."""
    flags, cell = _outcomes(line.judged), line.judged.cell
    means = listed([_figure(flag.mean, cell.measure) for flag in flags], between=" and ")
    siblings = _figure(flags[0].siblings or 0.0, cell.measure)
    word = "did not learn" if flags[0].why is Stuck.NOT_LEARNED else "lie far below their siblings"
    if flags[0].why is Stuck.FAR_BELOW and len(flags) == 1:
        word = "lies far below its siblings"
    return f"{_share(line)} of {line.setting} {word} ({means}, siblings {siblings})"


def _stuck(line: Line) -> str:
    """Return what is said of a setting with runs that did not learn."""
    count, cell = len(_outcomes(line.judged)), line.judged.cell
    it = "it" if count == 1 else "them"
    low, high = failing_share(count, cell.seeds)
    share = f"Share of runs that fail: {100 * low:.1f} to {100 * high:.1f} % (95 % interval)"
    if not line.learned:
        return f"{_count(line)}; too few others are left for a line without {it}. {share}."
    parts = ""
    if line.judged.difference is not None:
        without = line.learned[0]
        parts = f" With {it}: {difference_text(line, line.judged, False)}. Without {it}: "
        parts += f"{difference_text(line, without, False)}"
        decides = without.difference is not None and without.difference.decidable
        parts += ", which decides nothing." if decides else ", no verdict."
    return f"{_count(line)}.{parts} {share}."


def _figure(value: float, measure: Measure) -> str:
    if measure.unit == "pt":
        return f"{100 * value:.1f} %"
    return f"{significant(value)} {measure.unit}".rstrip()


def _some(names: Sequence[str]) -> str:
    more = len(names) - MAX_SETTINGS_TOLD
    shown = listed(list(names[:MAX_SETTINGS_TOLD]))
    return f"{shown} and {more} more" if more > 0 else shown
