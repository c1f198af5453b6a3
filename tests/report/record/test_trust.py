"""What list, show, report, page and exports say of rows that are withdrawn and of trials that are trained alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from search.core.trial import Row, State
from search.ledger.ledger import Ledger
from search.report import views
from search.report.formats.columns import printed_notes
from search.report.page.page import report_page
from search.report.record.trust import trust_sentences
from search.report.results import export
from search.report.table.build import comparison_of, comparison_table
from search.service.notes import note
from tests.report.builder import GAMMAS, Study, key_of

KIND = "3f2a9c01" + "0" * 32
TEXT = "epoch 3 trained from the state after epoch 2, in a fresh process: val_loss is 0.61, and 0.6 on record"
WITHDRAWN = f"2 rows of 1 trial (kind 3f2a9c01) that this study had shown are withdrawn: {TEXT}."
SINCE = WITHDRAWN.replace(":", ", and trials of that kind are trained alone since:", 1)
ALONE = f"Trials (kind 3f2a9c01) are trained alone, from the first epoch to the last in a process of their own: {TEXT}."
CHANCE = "two fresh processes do not train the same first epoch"
NOT_REPEATABLE = f"Trials (kind 3f2a9c01) are not repeatable, so no other trial reuses their rows: {CHANCE}."


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(str(tmp_path / "search.db"))
    yield opened
    opened.close()


def put(study: Study, number: int, path: list[str], rows: dict[int, tuple[float, str]]) -> None:
    """Rows of a trial with their origin; the trial has ended."""
    with study.ledger.step(study.record.id) as step:
        for epoch, (value, origin) in rows.items():
            row = Row({"val_accuracy": value, "val_loss": 1 - value})
            step.put_row(path[epoch - 1], epoch, row, 0.25, study.run, kind=KIND, origin=origin)
        step.set_trial(
            number, state=State.FINISHED, ended_by="last epoch", last_epoch=len(rows), path=bytes.fromhex("".join(path))
        )


@pytest.fixture
def study(ledger: Ledger) -> Study:
    """Three settings, the second of which began from a saved state behind epoch 1."""
    made = Study(ledger, GAMMAS)
    paths = [[key_of(number, epoch) for epoch in range(3)] for number in range(3)]
    paths[1][0] = paths[0][0]
    for number, gamma in enumerate((0, 0.5, 2)):
        made.trial({"gamma": gamma}, keys=paths[number])
    put(made, 0, paths[0], {1: (0.5, "fresh"), 2: (0.6, "fresh"), 3: (0.7, "fresh")})
    put(made, 1, paths[1], {1: (0.5, "fresh"), 2: (0.9, paths[0][0]), 3: (0.95, paths[0][0])})
    put(made, 2, paths[2], {1: (0.4, "fresh"), 2: (0.5, "fresh"), 3: (0.6, "fresh")})
    return made


def shown(renderable: Any) -> str:
    console = Console(width=400, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return re.sub(r"\s+", " ", capture.get())


def test_nothing_is_said_where_nothing_is_wrong(study: Study) -> None:
    assert trust_sentences(study.ledger, study.record) == []
    assert comparison_table(study.opened).distrusted == []
    assert "kind" not in shown(views.study_list(study.ledger))


def test_no_withdrawn_row_is_read_by_anybody_and_everybody_says_so(study: Study, tmp_path: Path) -> None:
    study.ledger.distrust(KIND, TEXT, True, study.run)
    assert trust_sentences(study.ledger, study.record) == [SINCE]
    compared = comparison_of(study.opened)
    notes = printed_notes(compared.table)
    assert notes[0].startswith("The study is not complete: 1 interrupted, 2 finished.")
    assert notes[1] == SINCE
    values = {line.parameters["gamma"]: line.cells["val_accuracy"].mean for line in compared.table.lines}
    assert values == {0: 0.7, 0.5: None, 2: 0.6}
    for text in (shown(views.show_study(study.opened)), shown(views.study_list(study.ledger))):
        assert SINCE in text
    assert f"focal: {SINCE}" in shown(views.study_list(study.ledger))
    assert f"- {SINCE}" in note(study.opened).replace("\\", "")
    page = report_page(compared, {}, None)
    assert f'<p class="warning">{SINCE}</p>' in page.replace("&#x27;", "'")
    for what, format_ in (("table", "md"), ("table", "json"), ("trials", "csv"), ("epochs", "csv")):
        path = tmp_path / f"{what}.{format_}"
        export(study.opened, what, format_, path)
        text = path.read_text()
        assert "0.95" not in text
        assert "0.9," not in text
        if what == "table":
            assert "(kind 3f2a9c01) that this study had shown are withdrawn, and" in text
    decided = tmp_path / "decisions.csv"
    export(study.opened, "decisions", "csv", decided)
    assert "withdrawn" in decided.read_text()


def test_a_study_that_is_trained_alone_from_the_beginning_says_so(study: Study, ledger: Ledger) -> None:
    study.ledger.distrust(KIND, TEXT, True, study.run)
    later = Study(ledger, GAMMAS, name="later")
    path = [key_of("alone", epoch) for epoch in range(3)]
    later.trial({"gamma": 0}, keys=path)
    put(later, 0, path, {1: (0.5, "fresh"), 2: (0.6, "fresh"), 3: (0.7, "fresh")})
    assert trust_sentences(ledger, later.record) == [ALONE]
    assert comparison_table(later.opened).notes[1] == ALONE
    other = Study(ledger, GAMMAS, name="of another kind")
    other.trial({"gamma": 0}, accuracies=(0.5, 0.6, 0.7))
    assert trust_sentences(ledger, other.record) == []


def test_what_is_not_repeatable_is_called_so(study: Study) -> None:
    study.ledger.distrust(KIND, TEXT, True, study.run)
    study.ledger.distrust(KIND, CHANCE, False, study.run)
    assert trust_sentences(study.ledger, study.record) == [SINCE, NOT_REPEATABLE]


def test_it_stays_said_when_the_kind_is_believed_again(study: Study) -> None:
    study.ledger.distrust(KIND, TEXT, True, study.run)
    study.ledger.trust_again()
    assert trust_sentences(study.ledger, study.record) == [WITHDRAWN]


def test_show_says_what_is_proven_and_how_a_trial_began(study: Study) -> None:
    assert "proven 0 of 1 kind of training, by 0 proofs" in shown(views.show_study(study.opened))
    with study.ledger.step(study.record.id) as step:
        step.put_proof(KIND, "start", key_of(0, 0), study.run)
    assert "proven 1 of 1 kind of training, by 1 proof" in shown(views.show_study(study.opened))
    assert "began in a fresh process, from saved states" in shown(views.show_trial(study.opened, 1))
    assert "began in a fresh process parameters" in shown(views.show_trial(study.opened, 0))


def test_a_process_that_saved_a_state_has_begun_from_none(ledger: Ledger) -> None:
    study, path = Study(ledger, GAMMAS), [key_of("saving", epoch) for epoch in range(3)]
    study.trial({"gamma": 0}, keys=path)
    put(study, 0, path, {1: (0.5, "fresh"), 2: (0.6, "saved"), 3: (0.7, "saved")})
    assert "began in a fresh process parameters" in shown(views.show_trial(study.opened, 0))


def test_rows_of_before_say_nothing_of_proofs(ledger: Ledger) -> None:
    before = Study(ledger, GAMMAS)
    before.trial({"gamma": 0}, accuracies=(0.5, 0.6, 0.7))
    text = shown(views.show_study(before.opened))
    assert "proven" not in text
    assert "began" not in shown(views.show_trial(before.opened, 0))
