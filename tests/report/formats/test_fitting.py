"""Any table on any terminal: no line too long, what decides whole, what is left out named, no number folded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.shown import cells
from search.report.formats.fitting import GAP_COLUMNS, MAX_NAME_LINES, MIN_TEXT_COLUMNS, Layout, fit
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.formats.terminal import Fitted, fitted, plain_head

WIDTHS = (60, 80, 100, 120, 200)

MOST_FIGURE_LETTERS = 40
"""Letters of a figure in these tables: longer than an interval with marks, shorter than the narrowest terminal."""

letters = st.characters(codec="utf-8", categories=("L", "N", "P", "S"))
words = st.text(letters, min_size=1, max_size=30)
names = st.lists(words, min_size=1, max_size=12).map(" ".join)
figures = st.from_regex(r"[+-]?[0-9]{1,5}\.[0-9]{1,3}( \[[+-]?[0-9]{1,4}, [+-]?[0-9]{1,4}\])?( [†‡¶])?", fullmatch=True)


@st.composite
def columns(draw: st.DrawFn) -> list[Column]:
    """A table: names, figures that decide, and others."""
    count = draw(st.integers(1, 5))
    lines = st.lists(names, min_size=count, max_size=count)
    made = [Column("setting", "text", [Entry(text) for text in draw(lines)])]
    for place in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["number", "number", "text"]))
        priority = draw(st.integers(0, 4)) if place > 2 or kind == "text" else 0
        texts = draw(st.lists(st.just("") | (figures if kind == "number" else names), min_size=count, max_size=count))
        head = draw(st.sampled_from(["p, Holm", "difference (points) [95 % interval]", "val_accuracy, mean (%)", "x"]))
        group = draw(st.sampled_from(["", "a", "b"]))
        made.append(Column(f"{head} {place}", kind, [Entry(text) for text in texts], f"c{place}", priority, group))
    return made


def text_of(drawn: Fitted) -> list[str]:
    return [line.plain for line in drawn.lines()]


def shown(layout: Layout) -> set[int]:
    return {place for panel in layout.panels for place in panel}


@settings(deadline=None, max_examples=50)
@given(columns(), st.integers(60, 220))
def test_any_table_fits_any_terminal(table: list[Column], width: int) -> None:
    drawn = fitted(Sheet("a title of a study " * 6, table), width)
    lines = text_of(drawn)
    assert max(map(cells, lines)) <= width
    layout = drawn.layout
    places = shown(layout)
    assert places == set(range(len(table))) - {*layout.left_out}
    assert all(table[place].priority for place in layout.left_out), "what must be shown is shown"
    text = " ".join(" ".join(lines).split())
    for place in layout.left_out:
        assert plain_head(drawn.sheet.columns[place].head) in text
    assert (f"Left out at {width} columns" in text) is bool(layout.left_out)


@settings(deadline=None, max_examples=40)
@given(columns(), st.integers(60, 220))
def test_no_figure_is_folded(table: list[Column], width: int) -> None:
    drawn = fitted(Sheet("", table), width)
    text = "\n".join(text_of(drawn))
    for place in shown(drawn.layout):
        if table[place].kind == "number":
            for entry in table[place].entries:
                assert entry.text in text


@settings(deadline=None, max_examples=40)
@given(columns(), st.integers(60, 220))
def test_what_has_no_room_has_it_at_the_width_that_is_named(table: list[Column], width: int) -> None:
    layout = fit(table, width)
    assert not fit(table, layout.whole).left_out
    assert not layout.left_out or layout.whole > width


@settings(deadline=None, max_examples=40)
@given(columns(), st.integers(60, 220))
def test_columns_of_a_priority_come_together_in_their_order(table: list[Column], width: int) -> None:
    layout = fit(table, width)
    for priority in range(5):
        those = {place for place, column in enumerate(table) if place and column.priority == priority}
        assert those <= {*layout.left_out} or not those & {*layout.left_out}
    for panel in layout.panels:
        assert panel[0] == 0
        assert list(panel) == sorted(panel)
        taken = [layout.widths[place] for place in panel[layout.above :]]
        assert sum(taken) + GAP_COLUMNS * (len(panel) - 1) <= width


def figure_column(head: str, text: str, priority: int = 0, group: str = "") -> Column:
    return Column(head, "number", [Entry(text)] * 2, head, priority, group)


SETTINGS = Column("setting", "text", [Entry("loss.gamma=0.3"), Entry("loss.gamma=0.5, decay.name=exponential")])
TABLE = [
    SETTINGS,
    figure_column("val %", "59.2 [54.5, 63.7]"),
    figure_column("difference", "+0.3 [-2.4, +2.9]"),
    figure_column("p", "0.933"),
    figure_column("test %", "61.1 [56.5, 65.5]", 2),
    figure_column("epochs", "100", 1),
]


def heads(table: list[Column], width: int) -> list[str]:
    return [table[place].head for panel in fit(table, width).panels for place in panel]


def test_narrow_terminals_show_what_decides() -> None:
    assert heads(TABLE, 60) == ["setting", "val %", "difference", "p"]
    assert heads(TABLE, 80) == ["setting", "val %", "difference", "p", "epochs"]
    assert heads(TABLE, 120) == ["setting", "val %", "difference", "p", "test %", "epochs"]


@pytest.mark.parametrize("width", WIDTHS)
def test_names_stand_beside_their_figures_in_few_lines_or_above_them(width: int) -> None:
    long = Column("setting", "text", [Entry(f"optimizer.weight_decay={place}, " * 6) for place in range(2)])
    drawn = fitted(Sheet("", [long, *TABLE[1:]]), width)
    assert drawn.layout.above is (width < 100)
    if not drawn.layout.above:
        blocks = "\n".join(text_of(drawn)).split("59.2 [54.5, 63.7]")
        assert all(block.count("\n") <= MAX_NAME_LINES for block in blocks[1:2])
    assert fit([SETTINGS, *TABLE[1:]], width).above is False


def test_a_cross_table_is_cut_into_panels_that_keep_value_and_difference_together() -> None:
    cross = [SETTINGS]
    for value in "abcd":
        cross += [
            figure_column(f"{value}: val %", "62.0 ± 3.1", 0, value),
            figure_column(f"{value}: difference", "+4.3 ± 5.0, p 0.012", 0, value),
        ]
        cross.append(figure_column(f"{value}: test %", "62.0 ± 3.1", 3, value))
    layout = fit(cross, 80)
    assert layout.panels == [(0, 1, 2), (0, 4, 5), (0, 7, 8), (0, 10, 11)]
    assert layout.left_out == [3, 6, 9, 12]
    assert layout.widths[0] >= MIN_TEXT_COLUMNS
    assert len(fit(cross, 120).panels) == 2
    assert len(fit(cross, 200).panels) == 1
    assert not fit(cross, layout.whole).left_out


def test_text_is_folded_before_a_column_is_left_out() -> None:
    ended = Column("ended", "text", [Entry("1 finished, 1 pruned, 1 diverged"), Entry("")], "ended", 1)
    layout = fit([*TABLE[:4], ended], 90)
    assert layout.left_out == []
    assert "  1 finished,\n" in "\n".join(text_of(fitted(Sheet("", [*TABLE[:4], ended]), 90))) + "\n"
    assert layout.widths[4] < len("1 finished, 1 pruned, 1 diverged")
    assert fit([*TABLE[:4], ended], 120).widths[4] == len("1 finished, 1 pruned, 1 diverged")


def test_marks_do_not_move_figures() -> None:
    column = Column("val %", "number", [Entry("59.2", True), Entry("60.1 †"), Entry("7.5")])
    lines = text_of(fitted(Sheet("", [replace(SETTINGS, entries=[Entry(name) for name in "abc"]), column]), 80))
    assert [line.index(".") for line in lines[2:]] == [lines[2].index(".")] * 3
    assert [line.endswith(mark) for line, mark in zip(lines[2:], (" *", " †", "7.5"), strict=True)] == [True] * 3


def test_wide_signs_are_two_columns() -> None:
    names = Column("setting", "text", [Entry("焦点損失" * 10), Entry("e\u0301" * 20)])
    lines = text_of(fitted(Sheet("", [names, *TABLE[1:]]), 60))
    assert max(map(cells, lines)) <= 60
    assert cells("焦点") == 4
    assert cells("e\u0301") == 1
