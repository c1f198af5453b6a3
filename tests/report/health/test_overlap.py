"""Splits that share examples, by what the data card says, or by content."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.core.trial import ACROSS_SPLITS
from search.report.health.overlap import overlap
from tests.report.health.doctored import compared, found
from tests.report.judging import Bench, card

NOTE = f"2 pairs of identical images {ACROSS_SPLITS}: a.png (training) = b.png (validation)"


@pytest.mark.parametrize("note", [NOTE, f"{NOTE}."])
def test_a_note_of_the_data_card_is_a_flaw_and_stands_in_the_table_too(ledger, note):
    bench = Bench(ledger, data=replace(card(), notes=["40 validation images", note])).grid()
    (finding,) = found(overlap, bench)
    assert (finding.name, finding.severity) == ("splits-overlap", "flaw")
    assert finding.seen == f"Data toys: {NOTE}."
    assert f"Data: {note}" in compared(bench).table.notes


def test_equal_contents_of_two_splits(ledger):
    contents = {"val": [f"v{i}" for i in range(40)], "test": ["v3", "v4", *(f"t{i}" for i in range(28))]}
    (finding,) = found(overlap, Bench(ledger, data=card(contents=contents)).grid())
    assert finding.seen == "Data toys: 2 examples of equal content across splits: test and validation."


def test_equal_contents_within_a_split_are_none(ledger):
    contents = {"val": ["v0"] * 40, "test": [f"t{i}" for i in range(30)]}
    assert found(overlap, Bench(ledger, data=card(contents=contents)).grid()) == []
