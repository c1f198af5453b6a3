"""A comparison table inside a notebook: HTML that disturbs nothing around it, text, and the columns that one reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from search.report.formats.inline import inline_html, inline_text, read_columns
from search.report.formats.render import table_frame
from search.report.table.build import comparison_table
from search.space.model import Published
from tests.report.judging import SPACE, Bench


@pytest.fixture
def judged(ledger):
    return comparison_table(Bench(ledger, SPACE).grid().opened)


def test_the_html_is_a_fragment_whose_style_names_its_own_class_alone(judged):
    text = inline_html(judged)
    assert text.count("<table>") == 1
    assert "<html" not in text
    assert "<script" not in text
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    selectors = [one.strip() for rule in re.findall(r"([^{}]+)\{", style) for one in rule.split(",")]
    assert selectors
    assert all(one.startswith((".", "[", "@")) or ".search-study" in one for one in selectors), selectors
    assert not re.findall(r"https?://", text)


def test_all_notes_are_there_and_what_is_missing_stands_first(judged):
    text = inline_html(replace(judged, incomplete="The study is not complete: a < b."))
    assert text.index("not complete: a &lt; b.") < text.index("<summary>What the figures are</summary>")
    assert text.count("not complete") == 1
    for line in judged.lines:
        assert line.setting in text


def test_the_text_is_the_table_of_a_terminal_without_colour(judged, monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *_: pytest.fail("an output of its own"))
    text = inline_text(judged, 80)
    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "gamma=1" in text or "gamma" in text.splitlines()[2]


def test_the_columns_that_one_reads(judged):
    frame = table_frame(judged)
    columns = read_columns(judged, frame)
    assert columns == [
        "setting",
        "gamma",
        "finished",
        "val_accuracy_mean",
        "val_accuracy_low",
        "val_accuracy_high",
        "val_accuracy_difference",
        "val_accuracy_difference_low",
        "val_accuracy_difference_high",
        "val_accuracy_p_holm",
        "val_accuracy_better",
        "test_accuracy_chosen_mean",
        "test_accuracy_chosen_low",
        "test_accuracy_chosen_high",
        "test_accuracy_chosen_difference",
        "test_accuracy_chosen_difference_low",
        "test_accuracy_chosen_difference_high",
        "test_accuracy_chosen_p_holm",
        "epochs",
        "seconds",
    ]
    assert len(frame.columns) > 30


def test_published_figures_endings_and_marks_are_read_where_there_are_some(ledger):
    published = Published(values={"0": "54.01"})
    bench = Bench(ledger, replace(SPACE, report=replace(SPACE.report, published=published))).grid(seeds=(0, 1))
    table = comparison_table(bench.opened)
    columns = read_columns(table, table_frame(table))
    assert {"published", "ending", "marks"} <= set(columns)
    alone = comparison_table(bench.reported(baseline=None, has_baseline=False, published=None).opened)
    columns = read_columns(alone, table_frame(alone))
    assert not [name for name in columns if "difference" in name or "holm" in name or name == "published"]


def test_a_study_without_a_run_has_a_table_too(ledger):
    table = comparison_table(Bench(ledger, SPACE).opened)
    assert "No trial has been started." in inline_html(table)
    assert "No trial has been started." in inline_text(table)
    assert "setting" in read_columns(table, table_frame(table))
