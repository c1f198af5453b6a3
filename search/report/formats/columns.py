"""Tables as columns of text: what every format that people read is drawn from (Markdown, LaTeX, HTML, the terminal).

A column that is added here appears in each of them. Nothing is escaped yet: an entry is what somebody should read.
Formats that programs read (CSV, JSON, Parquet, XLSX) hold the frames with all digits instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from search.core.shown import listed
from search.report.formats.cross_sheet import cross_columns
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.table.judged_text import claim_note, difference_head, difference_text, level, mixed, right_text
from search.report.table.model import NOT_JUDGED, Again, Cell, Judged, Line, Table
from search.report.table.noise_notes import flagged
from search.report.table.notes import BEST, PARTIAL, SELECTED
from search.report.text import duration, figure, is_accuracy, readable, significant, with_unit
from search.statistics.front import Place
from search.statistics.single import head as head_of_one
from search.statistics.text import p_text

if TYPE_CHECKING:
    import pandas as pd

ENDED = "how trials ended"
"""Heading of the column that says what became of trials which did not all finish."""

FRONT = "front"
"""Heading and key of the column that says where a setting stands."""

_VALUE, _ENDED, _SECOND, _TEST, _TEST_DIFFERENCE, _SPREAD, _EPOCHS, _SECONDS, _COST = range(9)
"""Priorities of columns on a terminal (`search.report.formats.fitting`), by what they hold."""


def table_sheet(table: Table) -> Sheet:
    """Return the comparison table's printed lines; accuracies are in per cent, their spreads in points."""
    columns = cross_columns(table) if table.cross and table.lines else [*table_columns(table)]
    return Sheet(table_title(table), columns, printed_notes(table))


def table_title(table: Table) -> str:
    """Return the title, with what must stand above the table."""
    return f"{table.title} ({table.banner})" if table.banner else table.title


def printed_notes(table: Table) -> list[str]:
    """Return what stands below the table: whether the study is complete and can be believed, the claims with verdicts,
    the footnotes."""
    said = [note for note in (table.incomplete, *table.distrusted) if note]
    first = len(said) if list(table.notes[: len(said)]) == said else 0
    return [*table.notes[:first], *(claim_note(claim) for claim in table.verdicts), *table.notes[first:]]


def table_columns(table: Table) -> Iterator[Column]:
    """Yield the columns of the comparison table's printed lines.

    A value is rounded where its uncertainty has its second significant digit: half its interval, else its standard
    deviation over seeds. A value that must not stand unmarked among the others carries its mark. Bold is what may be
    called better than the baseline.

    Where a terminal has no room for all, it shows what decides: the value with its interval, its difference and p; of a
    confirm stage those on test images.
    """
    several = any(line.seeds > 1 for line in table.lines)
    published = any(line.published for line in table.lines)
    decides = table.judged or table.metrics[0]
    by_test = bool(table.confirms and table.test and any(line.tested.known for line in table.lines))
    yield _column(table, "setting", lambda line: line.setting, "text")
    counts = "seeds finished"  # the notes say how many, and what became of the others a column of its own
    yield _column(table, counts, lambda line: f"{line.finished} of {line.seeds}", key="seeds", priority=_COST)
    for name in table.metrics:
        if name == table.test:
            continue
        must = (name == decides and not by_test) or (table.front is not None and name in table.front.metrics)
        yield from _metric(table, name, several, _VALUE if must else _SECOND)
        if published and name == _measured_like_published(table):
            yield _column(table, "published", lambda line: line.published, priority=_SECOND)
        if name == table.judged:
            yield from _compared(table, "", lambda line: line.judged, _SECOND if by_test else _VALUE)
        elif name in table.scored:
            yield from _compared(table, f"{name} ", partial(Line.judgement, table=table, metric=name), _TEST_DIFFERENCE)
    if table.front is not None:
        yield _column(table, FRONT, front_text, "text", priority=_VALUE)
    if table.test:
        yield from _test(table, several, by_test)
    if not table.outside:
        yield from _spent(table, several)
    if any(line.ending for line in table.shown):
        yield _column(table, ENDED, lambda line: line.ending, "text", key="ended", priority=_ENDED)


def _spent(table: Table, several: bool) -> Iterator[Column]:
    """Yield the columns of what the runs cost."""
    head = "epochs, mean" if several else "epochs"
    yield _column(table, head, lambda line: "" if line.epochs is None else significant(line.epochs), priority=_EPOCHS)
    if table.shares:
        yield _column(
            table, "epochs alone", lambda line: "" if line.second else str(line.alone), key="alone", priority=_COST
        )
        yield _column(
            table,
            "distinct epochs",
            lambda line: "" if line.second else str(line.distinct),
            key="distinct",
            priority=_COST,
        )
    head = "seconds, sum" if several else "seconds"
    yield _column(table, head, lambda line: "" if line.second else duration(line.seconds), priority=_SECONDS)


LEARNED = "of runs that learn"
"""Ends the name of a second line without the runs that did not learn."""


def drawn_lines(table: Table) -> Iterator[Line]:
    """Yield the printed lines, and below each setting of which a seed diverged one with such seeds at chance, or one
    without runs that did not learn."""
    for line in table.shown:
        yield line
        chance = "at chance" if table.measure.correctness else "as untrained"
        for told, again in ((f"diverged {chance}", line.at_chance), (LEARNED, line.learned)):
            if again:
                yield _second(table, line, told, again)


def _second(table: Table, line: Line, told: str, again: Again) -> Line:
    """Return the line that stands below one: of a metric that nothing is different for it says nothing."""
    judged, tested, scored = again
    shown = {table.judged: judged, **scored}
    cells = {name: _cell_of(shown.get(name, NOT_JUDGED)) for name in line.cells}
    setting, baseline = f"{line.setting}, {told}", line.baseline and told == LEARNED
    second = Line(setting, line.configuration, line.parameters, again.seeds, line.seeds, cells, None, 0.0, second=told)
    return replace(second, chosen=_cell_of(tested), judged=judged, tested=tested, scored=scored, baseline=baseline)


def _cell_of(judged: Judged) -> Cell:
    return Cell(judged.cell.estimate, judged.cell.sd, judged.cell.seeds)


def _column(
    table: Table,
    head: str,
    text: Callable[[Line], str],
    kind: Literal["text", "number"] = "number",
    key: str = "",
    priority: int = 0,
) -> Column:
    return Column(head, kind, [Entry(text(line)) for line in drawn_lines(table)], key or head, priority)


def _metric(table: Table, name: str, several: bool, priority: int) -> list[Column]:
    """Return the column of a metric, and that of its spread: test figures are not spread out over a column more."""
    own = name == table.judged
    shown = any(line.judgement(table, name).interval is not None for line in table.lines)
    interval = _interval(table) if shown else ""
    entries = [Entry(_value(table, line, name), line.judgement(table, name).better) for line in drawn_lines(table)]
    head = with_unit(name) if name in table.exact else _head(name, several)
    columns = [Column(head + interval, "number", entries, "level" if own else name, priority)]
    if own and table.banner and table.measure.correctness:
        columns.append(_column(table, "right", lambda line: right_text(line.judged.cell), priority=_TEST))
    if several and name not in table.exact:
        head = "sd over seeds" + (" (points)" if is_accuracy(name) else "")
        spread = _column(table, head, lambda line: figure(name, line.cells[name].sd, line.cells[name].sd), key="sd")
        columns.append(replace(spread, priority=priority or _SPREAD))
    return columns


def _head(metric: str, several: bool) -> str:
    return with_unit(metric, ", mean" if several else "")


def _interval(table: Table) -> str:
    return f" [95 %: {head_of_one(table.measure)}]" if table.banner else " [95 % interval]"


def _compared(table: Table, prefix: str, judged: Callable[[Line], Judged], priority: int) -> list[Column]:
    """Return the columns of differences to the baseline and of their p values."""
    if not table.compared:
        return []
    mark = mixed(table)
    lines = [(line, judged(line)) for line in drawn_lines(table)]
    differences = [Entry(difference_text(line, one, mark), one.better) for line, one in lines]
    p = [Entry(p_text(one.p_adjusted)) for _, one in lines]
    kind = f"p, Holm ({head_of_one(table.measure)})" if table.banner else "p, Holm"
    measure = next((one.cell.measure for _, one in lines if one.known), table.measure)
    head = f"{prefix}{difference_head(measure)}{_interval(table)}"
    return [
        Column(head, "number", differences, f"{prefix}difference", priority, f"{prefix}difference"),
        Column(f"{prefix}{kind}", "number", p, f"{prefix}p", priority, f"{prefix}difference"),
    ]


def _test(table: Table, several: bool, decides: bool) -> list[Column]:
    """Return the columns of the test images, at the epoch chosen on validation."""
    head, mark = _head(table.test, several), mixed(table)
    entries = [
        Entry(flagged(level(table.test, line.chosen, line.tested, mark), line.tested), line.tested.better)
        for line in drawn_lines(table)
    ]
    if not any(line.tested.known for line in table.lines):
        return [Column(head, "number", entries, "test", _TEST)]
    compared = _compared(table, "test ", lambda line: line.tested, _VALUE if decides else _TEST_DIFFERENCE)
    return [Column(head + _interval(table), "number", entries, "test", _VALUE if decides else _TEST), *compared]


def _value(table: Table, line: Line, name: str) -> str:
    cell = line.cells[name]
    if cell.mean is None:
        return f"diverged {PARTIAL}" if line.diverged and name == table.metrics[0] else ""
    if name in table.exact:
        return f"{cell.mean:,.0f}" if cell.mean.is_integer() else significant(cell.mean)
    chosen = table.value == "best" and line.finished
    marks = [PARTIAL] * line.partial + [SELECTED] * bool(chosen)
    marks += [BEST] * bool(line.best_of and name == table.metrics[0])
    judged = line.judgement(table, name)
    return flagged(" ".join([level(name, cell, judged, mixed(table)), *marks]), judged)


def front_text(line: Line) -> str:
    """Return where a line stands under several objectives; "" where nothing can be said."""
    if line.second or not line.front:
        return ""
    if line.dominated_by:
        return f"dominated by {listed(line.dominated_by, 1)}"
    return line.front if line.front == Place.ON else f"{line.front} ({'on' if line.front_by_values else 'off'})"


def _measured_like_published(table: Table) -> str:
    """Return the metric whose column the published figures stand beside: papers print accuracies."""
    likely = [name for name in table.metrics if is_accuracy(name) and not name.startswith("test_")]
    return likely[0] if likely else table.metrics[0]


def frame_sheet(frame: pd.DataFrame, title: str) -> Sheet:
    """Return a data frame with all its rows; long fractions are cut to what people read, see `text.readable`."""
    import pandas as pd

    columns = []
    for name in frame.columns:
        dtype = frame[name].dtype
        number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        entries = [Entry(readable(value)) for value in values_of(frame[name])]
        columns.append(Column(str(name), "number" if number else "text", entries))
    return Sheet(title, columns)


def values_of(column: pd.Series) -> list[object]:
    """Return the values of a column; what one of text or numbers lacks is NA."""
    import pandas as pd

    values = column.tolist()
    if pd.api.types.is_object_dtype(column.dtype):
        return values
    return [pd.NA if gone else value for value, gone in zip(values, column.isna(), strict=True)]
