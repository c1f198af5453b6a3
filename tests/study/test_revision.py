"""Which study a space continues, and that every other one is made anew under a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.ledger.ledger import Ledger
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.revision import find_study


def space_of(*values: int, **more: object) -> Space:
    workload = "tests.engine.workloads:Synthetic"
    return space_from_mapping(
        {"workload": workload, "name": "same", "fixed": {"epochs": 2}, "space": {"a": {"grid": list(values)}}, **more}
    )


def test_the_same_question_goes_on_and_another_is_a_revision(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "search.db"))
    first = find_study(ledger, space_of(1, 2))
    assert find_study(ledger, space_of(1, 2, seeds=7)) == first
    second = find_study(ledger, space_of(1, 2, 3))
    assert [first.name, second.name, second.revision] == ["same", "same (rev 2)", 2]
    assert find_study(ledger, space_of(1, 2)) == first
    ledger.close()


def test_two_files_of_one_name_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both see a new ledger; whoever comes second finds the name taken by another question, and takes the next."""
    ledger = Ledger(str(tmp_path / "search.db"))
    first = find_study(ledger, space_of(1, 2))
    read = ledger.studies
    stale = [[], []]
    monkeypatch.setattr(ledger, "studies", lambda *asked: stale.pop() if stale else read(*asked))
    second = find_study(ledger, space_of(1, 2, 3))
    assert (second.name, second.id) == ("same (rev 2)", first.id + 1)
    assert [record.name for record in read()] == ["same", "same (rev 2)"]
    stale += [[], []]
    assert find_study(ledger, space_of(1, 2)) == first, "the same question is the same study: its lock decides"
    ledger.close()
