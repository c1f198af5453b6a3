"""The answer in short: one sentence, and the few facts it rests on.

It says what `answer` says in full, no more: a setting is called better or worse only where the table may, and what a
search found is best only by the very figure that chose it, until its confirm stage has decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from search.core.shown import MAX_ITEMS_NAMED, counted, listed
from search.report.page.answer import (
    Split,
    baseline_name,
    basis,
    evidence,
    on_test,
    smallest_p,
    splits,
    unfinished,
    untested,
    why_undecided,
)
from search.report.page.front import front_answer
from search.report.record.curves import Curves, identity
from search.report.table.build import Comparison
from search.report.table.confirmed import Outcome, outcomes
from search.report.table.labels import short_label
from search.report.table.model import Line, Table
from search.report.text import figure, is_accuracy, metric_words
from search.statistics.text import p_text

MAX_NAMED = 2
"""Settings that a headline names; more of them are counted."""


class Fact(NamedTuple):
    """A fact below the headline: what it is about, and what is said of it."""

    term: str
    said: str


def headline(compared: Comparison, confirmed: Comparison | None) -> str:
    """Return the answer as one sentence.

    Args:
        compared: the study.
        confirmed: its confirm stage, where there is one.
    """
    read, table = compared
    if not any(line.finished for line in table.lines):
        return f"Nothing can be decided: {unfinished(read).partition(':')[0]}."
    if table.front is not None:
        return _capital(front_answer(table, read.space, None if confirmed is None else confirmed.table))
    if read.space.search.sampler != "grid":
        return _found(table, confirmed)
    if why := untested(table, read):
        return f"Nothing can be decided: {why}."
    own, test = splits(table, read)
    base = _base(table, read)
    if said := [
        f"{sentence} in {metric_words(name)}" if name else sentence
        for name, split in _by_metric(table, read, own)
        if (sentence := _decided(table, split, base))
    ]:
        return f"{'; '.join(said)}."
    if sentence := _decided(table, test, base):
        return f"On test {test.examples}, where validation {test.examples} decide nothing, {sentence}."
    kinds = [claim.kind for claim in table.verdicts if claim.kind != "undecided" and "runs" not in claim.evidence]
    if kinds:
        counts = [f"{count} {kind}" for kind, count in sorted(Counter(kinds).items(), reverse=True)]
        return (
            f"Of {counted(len(table.verdicts), 'claim')} of the file, {' and '.join(counts)}; nothing else is decided."
        )
    return f"Nothing can be decided: {why_undecided(table, own)[0]}."


def facts(compared: Comparison, confirmed: Comparison | None) -> Iterator[Fact]:
    """Yield what the headline rests on, the most important first."""
    read, table = compared
    if read.space.search.sampler != "grid":
        if table.front is not None:
            yield Fact(
                "Front", _capital(front_answer(table, read.space, None if confirmed is None else confirmed.table))
            )
        yield from _search_facts(table, read, confirmed)
        return
    if not any(line.finished for line in table.lines):
        return
    own, test = splits(table, read)
    for name, split in _by_metric(table, read, own):
        yield from _differences(table, split, name)
    if beside := on_test(own, test, _base(table, read)):
        where = f"test {test.examples}"
        yield Fact(_capital(where), beside.removeprefix("on ").removeprefix(where).strip(", "))
    smallest = smallest_p(own)
    if smallest is not None and not own.decided:
        yield Fact("Smallest adjusted p", f"{p_text(smallest)}; a difference is clear of chance at {table.level:.3g}")
    yield Fact("Rests on", basis(table, own))


def _by_metric(table: Table, read: Curves, own: Split) -> list[tuple[str, Split]]:
    """Return what decides by each metric that answers: "" where the table judges by the objective, which the question
    asks for; else the objective, where its scores are on record, and the metric that the table judges by."""
    objective = read.space.search.objective.metric
    if own.name != "validation" or table.judged in ("", objective):
        return [("", own)]
    asked = Split("validation", [(line, line.judgement(table, objective)) for line, _ in own.lines])
    return [(objective, asked), (table.judged, own)]


def _differences(table: Table, own: Split, metric: str) -> Iterator[Fact]:
    """Yield the differences that are decided; many of them are counted behind the first."""
    by = {id(line): one for line, one in own.lines}
    decided = own.decided
    for line in decided[: MAX_ITEMS_NAMED + 1]:
        word = "better" if line in own.better else "worse"
        where = f" in {metric_words(metric)}" if metric else ""
        yield Fact(short_label(table, line), f"{word}{where}: {evidence(by[id(line)]).strip(' ()')}")
    if more := decided[MAX_ITEMS_NAMED + 1 :]:
        yield Fact("Also decided", f"{counted(len(more), 'setting')}, see the table")


def _decided(table: Table, split: Split, base: str) -> str:
    """Return which settings are better and worse, "" where none is."""
    parts: list[str] = []
    for word, lines in (("better", split.better), ("worse", split.worse)):
        if lines:
            parts.append(f"{_names(table, lines)} {word}" + (f" than {base}" if not parts else ""))
    return ", ".join(parts)


def _names(table: Table, lines: Sequence[Line]) -> str:
    if len(lines) > MAX_NAMED:
        return f"{len(lines)} settings are"
    names = listed([short_label(table, line) for line in lines])
    return f"{names} {'is' if len(lines) == 1 else 'are'}"


def _base(table: Table, read: Curves) -> str:
    lines = [line for line in table.lines if line.baseline]
    return short_label(table, lines[0]) if len(lines) == 1 else baseline_name(table, read.space)


def _found(table: Table, confirmed: Comparison | None) -> str:
    """Return what a search found, and what its confirm stage makes of it."""
    best = table.lines[0]
    if not best.finished or best.cells[table.metrics[0]].mean is None:
        return "Nothing can be decided from a search alone."
    equal = [line for line in table.lines if line.best_of] or [best]
    name = _capital(listed([short_label(table, line) for line in equal]))
    are = "is" if len(equal) == 1 else "are"
    again = None if confirmed is None else confirmed.table
    if confirmed is None or again is None or not any(line.finished for line in again.lines):
        left = "no confirm stage was run" if confirmed is None else "its confirm stage has not finished"
        return f"{name} {are} the best found, by the very figure that chose it; {left}."
    if untested(again, confirmed.read):
        none = f"the confirm stage has no test {again.measure.examples}"
        return f"{name} {are} the best found, by the very figure that chose it; {none}."
    own, _ = splits(again, confirmed.read)
    if sentence := _decided(again, own, "the baseline"):
        return f"Under fresh seeds, on test {own.examples}, {sentence}."
    return f"{name} {are} the best found; under fresh seeds nothing is decided."


def _search_facts(table: Table, read: Curves, confirmed: Comparison | None) -> Iterator[Fact]:
    if not table.lines:
        return
    metric, first = table.metrics[0], table.lines[0]
    if first.finished and first.cells[metric].mean is not None:
        equal = [line for line in table.lines if line.best_of] or [first]
        unit = " %" if is_accuracy(metric) else ""
        value = figure(metric, first.cells[metric].mean, first.cells[metric].sd)
        chosen = f", the best of {first.best_of}, so optimistic" if first.best_of else ""
        together = " each" if len(equal) > 1 else ""
        yield Fact(
            "Best found" if table.front is None else f"Best by {metric} alone",
            f"{listed([short_label(table, line) for line in equal])}: {value}{unit}{together}{chosen}",
        )
    if confirmed is not None:
        yield from _again(table, confirmed, outcomes(read, *confirmed))
    seeds = counted(len(read.space.seeds), "seed")
    yield Fact("Search", f"{counted(len(table.lines), 'setting')}, {seeds} each, sampler {read.space.search.sampler}")


def _again(table: Table, confirmed: Comparison, found: Mapping[str, Outcome]) -> Iterator[Fact]:
    """Yield what the confirm stage says of each setting that it ran again, by what the search calls it."""
    called = {
        outcome.name: _capital(short_label(table, line))
        for line in table.lines
        if (outcome := found.get(identity(line.parameters))) is not None
    }
    for line in confirmed.table.lines:
        if not line.baseline and line.tested.difference is not None:
            name = short_label(confirmed.table, line)
            said = evidence(line.tested).strip(" ()") or line.tested.difference.answer
            where = f"on test {line.tested.cell.measure.examples}, to the baseline"
            yield Fact(f"{called.get(name, _capital(name))}, again", f"{said}; {where}")


def _capital(text: str) -> str:
    """Return the start of a sentence; a setting's own name stays as it is."""
    return text if "=" in text.partition(" ")[0] else text[:1].upper() + text[1:]
