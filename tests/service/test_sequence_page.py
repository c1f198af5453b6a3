"""The page of a sequence of changes: what became of its proposals, and what goes on with it; no seeds, no weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.core.sequences import SUFFIX
from search.ledger.ledger import Ledger
from search.service.answers import make_answer
from tests.judge.test_shown import ledger as ledger  # a sequence of two proposals of which the first was kept
from tests.service.serving import Asked


@pytest.fixture
def server(ledger: Ledger, tmp_path: Path) -> Asked:
    return Asked(tmp_path / "results", ledger)


def test_it_lists_the_proposals_and_offers_what_a_sequence_can(server: Asked, tmp_path: Path) -> None:
    number = server.ledger.study(f"base{SUFFIX}").id
    make_answer(server.ledger, f"base{SUFFIX}", tmp_path / "results")
    page = server.client.get(f"/studies/{number}/").text
    for text in (
        *("2 proposals, 1 kept: the incumbent is more.", "Proposals", "kept", "+3.0 pt, p 0.100", "+4.0 pt, p 0.001"),
        *(
            ">open<",
            ">base 2<",
            "judge FILE --against base ",
            "judge --against base --final",
            "show &#39;base (sequence)",
        ),
        "Take off this page",
    ):
        assert text in page, text
    for text in ("More seeds", "Go on<", "Confirm them", "weights", "Compare with", "Change its file", "search report"):
        assert text not in page, text
    for text in ("Read the report", ">LaTeX<", "Comparison", "0 epochs", "not told"):
        assert text not in page, text
    assert "0 epochs" not in server.client.get("/").text


def test_a_study_of_its_own_offers_seeds(server: Asked) -> None:
    page = server.client.get(f"/studies/{server.ledger.study('base 3').id}/").text
    for text in ("More seeds", "Go on<", "Write the weights", "Compare with", "Change its file", "search report"):
        assert text in page, text
    assert "--against" not in page


@pytest.mark.parametrize("deed", ["seeds", "again", "confirm"])
def test_whoever_asks_all_the_same_is_told_what_goes_on(server: Asked, deed: str) -> None:
    number = server.ledger.study(f"base{SUFFIX}").id
    refused = server.form(f"/studies/{number}/{deed}", count="2", top="1", seeds="2")
    assert refused.status_code == 400
    for text in ("is a sequence of changes, which has no seeds of its own", "search judge FILE --against base"):
        assert text in refused.text, text
    assert server.queue.entries() == []


def test_it_has_no_weights(server: Asked) -> None:
    number = server.ledger.study(f"base{SUFFIX}").id
    assert server.form(f"/studies/{number}/weights").status_code == 400
