"""What `list` says of studies: the same whether it is read anew or was kept with a study's answer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from search.core.trial import State
from search.ledger.ledger import Ledger, StudyRecord
from search.report import briefs, plain_views, views
from search.service.answers import make_answer
from tests.surroundings import ROOT


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    shutil.copy(ROOT / "results" / "reference" / "search.db", tmp_path)
    made = Ledger(str(tmp_path / "search.db"))
    yield made
    made.close()


def listed(ledger: Ledger) -> tuple[str, Any]:
    console = Console(width=120)
    with console.capture() as drawn:
        console.print(views.study_list(ledger))
    return drawn.get(), plain_views.studies(ledger)


def test_what_was_kept_is_listed_as_it_would_be_read_and_only_while_it_is_fresh(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = listed(ledger)
    names = list(ledger.names().values())
    for name in names[1:]:
        make_answer(ledger, name, tmp_path)
    read, brief_of = list[str](), briefs.brief_of

    def noted(ledger: Ledger, record: StudyRecord) -> briefs.Brief:
        read.append(record.name)
        return brief_of(ledger, record)

    monkeypatch.setattr(views, "brief_of", noted)
    monkeypatch.setattr(plain_views, "brief_of", noted)
    assert listed(ledger) == anew
    assert read == [names[0]] * 2, "of this one nothing was kept"
    changed = ledger.study(names[-1])
    with ledger.step(changed.id) as step:
        step.set_trial(ledger.trials(changed.id)[0].number, state=State.FAILED)
        step.log("ended")
    read.clear()
    text, plain = listed(ledger)
    assert read == [names[0], names[-1]] * 2
    assert plain["studies"][-1]["trials"]["failed"] == 1
    assert "1 failed" in text
