"""``report`` writes what is on record and prints the same table, which is judged once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run
from search.ledger.ledger import Ledger
from search.report.table import build as table_room
from tests.report.judging import SPACE, Bench

TEXT = "name: judged\nworkload: toy\nfixed: {epochs: 2}\nspace: {gamma: {grid: [0, 1, 2]}}\nseeds: 3\n"


def test_the_table_that_is_written_is_the_one_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(str(tmp_path / "search.db"))
    bench = Bench(ledger, SPACE).grid()
    ledger.update_study(bench.record.id, space=f"{TEXT}report: {{baseline: 0}}\n")
    ledger.close()
    judged: list[Any] = []
    usual = table_room.judged
    monkeypatch.setattr(table_room, "judged", lambda *args: judged.append(args) or usual(*args))
    monkeypatch.setenv("COLUMNS", "250")
    assert run(["report", "judged", "--results", str(tmp_path)]) == 0
    assert len(judged) == 1
    said = capsys.readouterr().out
    assert str(tmp_path / "judged" / "report.html") in said
    table = (tmp_path / "judged" / "table.md").read_text(encoding="utf-8")
    for written, printed in zip(_rows(table, "| "), _rows(said, ""), strict=True):
        assert printed == written


def _rows(text: str, start: str) -> list[list[str]]:
    """Return the words of the table's lines, settings first."""
    lines = [
        line for line in text.splitlines() if line.startswith(tuple(f"{start}gamma={value} " for value in range(3)))
    ]
    assert len(lines) == 3
    return [line.replace("\\", "").replace("*", "").replace("|", " ").split() for line in lines]
