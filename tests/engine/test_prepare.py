"""What a run looks at before it trains."""

from __future__ import annotations

import pytest

from search.core.trial import DataCard
from search.engine.live import Silent
from search.engine.steps.prepare import read_data
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
