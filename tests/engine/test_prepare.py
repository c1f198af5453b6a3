"""What a run looks at before it trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.core.trial import DataCard
from search.engine.live import Silent
from search.engine.run import _Steps, run_study
from search.engine.steps.prepare import read_data
from search.ledger.ledger import Ledger
from search.ledger.urls import sqlite_url
from search.space.reader import space_from_mapping
from search.study.cards import unnoticed
from search.workload import load_workload

TOY = "tests.contracts.toy:SineFit"


class Listening(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


@pytest.mark.parametrize(
    ("card", "told"), [(None, True), (DataCard("", "nameless"), True), (DataCard("f00d", "pets"), False)]
)
def test_a_workload_without_a_card_or_a_fingerprint_is_told_what_cannot_be_noticed(
    card: DataCard | None, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload, view = load_workload(TOY), Listening()
    monkeypatch.setattr(type(workload), "data", lambda self, fixed: card)
    space = space_from_mapping({"workload": TOY, "fixed": {"epochs": 1, "lr": 0.1}, "space": {"degree": {"grid": [1]}}})
    read_data(space, workload, view)
    assert view.heard.count(unnoticed(TOY)) == told


def test_true_classes_that_are_named_after_a_study_ended_are_recorded_though_nothing_is_planned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workload = load_workload(TOY)
    monkeypatch.setattr(_Steps, "run", lambda self, record, mirror, other_class: None)
    space = space_from_mapping({"workload": TOY, "fixed": {"epochs": 1, "lr": 0.1}, "space": {"degree": {"grid": [1]}}})
    ledger = Ledger(sqlite_url(tmp_path / "search.db"))
    for truth in ({}, {"val": np.array([0, 1])}):
        monkeypatch.setattr(type(workload), "data", lambda self, fixed, truth=truth: DataCard("f00d", truth=truth))
        run_study(space, ledger, "", Silent())
    card = ledger.data("f00d")
    ledger.close()
    assert card is not None
    assert card.truth["val"].tolist() == [0, 1]
