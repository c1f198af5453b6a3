"""The table that a study's page shows at once: what the study's own table says, and intervals drawn on one scale."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from search.ledger.ledger import Ledger
from search.report.table.build import comparison_table
from search.report.text import figure
from search.service import kept_table as room
from search.service.kept_table import kept_table
from search.service.shown_table import EDGE_PX, WIDTH_PX, Drawn, drawn_intervals, rows_of
from search.study.opened import OpenStudy
from tests.surroundings import ROOT


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder = tmp_path_factory.mktemp("reference")
    shutil.copy(ROOT / "results" / "reference" / "search.db", folder)
    made = Ledger(str(folder / "search.db"))
    yield made
    made.close()


def kept(ledger: Ledger, name: str) -> tuple[Any, Any]:
    table = comparison_table(OpenStudy(ledger, ledger.study(name)))
    return table, json.loads(json.dumps(kept_table(table)))


def test_it_says_what_the_table_says(ledger: Ledger) -> None:
    table, short = kept(ledger, "focal")
    assert [column["head"] for column in short["columns"]] == [
        *("setting", "seeds finished", "val_accuracy, mean (%) [95 % interval]", "published"),
        *("difference (points) [95 % interval]", "p, Holm", "test_accuracy, mean (%) [95 % interval]"),
    ]
    assert short["columns"][short["after"]]["head"].startswith("difference")
    assert short["columns"][0]["texts"] == [line.setting for line in table.lines]
    assert short["intervals"][0] is None
    for line, interval in list(zip(table.lines, short["intervals"], strict=True))[1:]:
        found = line.judged.difference
        assert [figure("val_accuracy", value / 100) for value in interval] == [
            figure("val_accuracy", value) for value in (found.low, found.estimate, found.high)
        ]
    assert (short["more"], short["warnings"]) == (0, [])
    assert set(short["notes"]) <= set(table.notes)
    assert any("Holm" in note for note in short["notes"])


def test_of_many_lines_the_first_are_kept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_LINES", 2)
    _, short = kept(ledger, "focal")
    assert short["more"] == 3
    assert {len(column["texts"]) for column in short["columns"]} == {2} == {len(short["intervals"])}
    assert len(rows_of(short)) == 2


def test_intervals_stand_on_one_scale_that_holds_zero() -> None:
    drawn = drawn_intervals([None, [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]])
    across = (WIDTH_PX - 2 * EDGE_PX) / 4
    x = [round(EDGE_PX + across * place, 1) for place in range(5)]
    assert drawn == [None, Drawn(x[2], x[3], x[4], x[1], True), Drawn(x[0], x[1], x[2], x[1], False)]
    assert drawn_intervals([[0.0, 0.0, 0.0]]) == [Drawn(EDGE_PX, EDGE_PX, EDGE_PX, EDGE_PX, False)]
    assert rows_of({}) == []
