"""The note of a study leads to its report, and is left alone where somebody edited it."""

from __future__ import annotations

import pytest
from optuna_dashboard import get_note, save_note

from search.core.trial import State
from search.service.notes import write_note
from tests.service.conftest import Served


@pytest.mark.slow
def test_the_note_leads_to_the_report(served: Served, quick_report: None) -> None:
    served.prepare()
    note = get_note(served.optuna())
    assert "**[Report: the table, what it shows, the figures](/reports/focal/)**" in note
    assert "- trials: 6 finished" in note
    assert "<b>" not in note
    assert served.optuna().user_attrs == {"report": "/reports/focal/"}


@pytest.mark.slow
def test_a_note_is_written_again_only_where_it_is_ours_and_out_of_date(served: Served, quick_report: None) -> None:
    served.prepare()
    assert not write_note(served.study.opened, served.mirror)
    served.study.trial({"degree": 0}, 0, [0.1], State.PRUNED)
    assert write_note(served.study.opened, served.mirror)
    assert "6 finished, 1 pruned" in get_note(served.optuna())
    save_note(served.optuna(), "mine")
    served.study.trial({"degree": 0}, 1, [0.1], State.PRUNED)
    assert not write_note(served.study.opened, served.mirror)
    assert get_note(served.optuna()) == "mine"


def test_a_report_that_cannot_be_written_is_said(served: Served) -> None:
    served.folder.write_text("a file in the way")
    (problem,) = served.prepare()
    assert problem.startswith(f"focal: no report or note: UserError: {served.folder}")
