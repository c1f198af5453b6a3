"""The study in hand: its space is read from its text once, and only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search.core.errors import InternalError
from search.ledger.ledger import Ledger
from search.report.record.curves import read_curves
from search.report.record.frames import trials_frame
from search.report.table.build import comparison_table
from search.space import recorded
from search.space.model import Space
from search.space.writing import dump
from search.study.opened import OpenStudy
from search.study.revision import find_study
from tests.study.test_changed import space_of


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(str(tmp_path / "search.db"))
    yield made
    made.close()


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of spaces that were read."""
    read: list[str] = []
    usual = recorded.rebuild

    def rebuild(text: str, name: str) -> Space:
        read.append(text)
        return usual(text, name)

    monkeypatch.setattr(recorded, "rebuild", rebuild)
    return read


def test_a_stored_space_is_read_once_for_all_tables(ledger: Ledger, texts: list[str]) -> None:
    space = space_of()
    study = OpenStudy(ledger, find_study(ledger, space))
    assert texts == []
    trials_frame(read_curves(study))
    comparison_table(study)
    assert study.space == space
    assert texts == [dump(space)]


def test_the_space_of_a_run_is_not_read_again(ledger: Ledger, texts: list[str]) -> None:
    space = space_of()
    assert OpenStudy(ledger, find_study(ledger, space), space).space is space
    assert texts == []


def test_a_space_that_cannot_be_read_is_told_with_its_study(ledger: Ledger) -> None:
    record = replace(find_study(ledger, space_of()), space="[")
    with pytest.raises(InternalError, match="recorded with study 'toy' cannot be read"):
        _ = OpenStudy(ledger, record).space
