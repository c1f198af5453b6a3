"""An interim look: the differences of the table so far, with their intervals, and nothing that decides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.core.errors import UserError
from search.core.queue import Outcome, begun, concluded
from search.core.trial import State
from search.ledger.ledger import Ledger
from search.report.record.looks import KIND
from search.report.table.build import comparison_table
from search.report.text import figure
from search.service import interim_looks
from search.service.interim import interim
from search.service.interim_looks import InterimLooks
from search.service.kept_table import kept_table
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.opened import OpenStudy
from tests.report.judging import Bench
from tests.service.conftest import DOCUMENT
from tests.service.serving import Asked

NOW = "2026-01-01T00:00:00.000+00:00"
COMPARED = {**DOCUMENT, "seeds": [0, 1, 2], "report": {"baseline": 0, "claims": [{"better": [5, 0]}]}}


def grown(ledger: Ledger, seeds: int, **changes: object) -> None:
    """Put a study on record of which each setting has finished so many of three seeds."""
    space = space_from_mapping({**COMPARED, **changes})
    bench = Bench(ledger, space)
    ledger.update_study(bench.record.id, space=dump(space))
    for seed in range(seeds):
        for degree, share in ((0, 20), (2, 21), (5, 36)):
            right = np.arange(40) < share + (seed + degree) % 2
            bench.run({"degree": degree}, seed, right, right[:30])
    bench.run({"degree": 0}, seeds, np.arange(40) < 20, state=State.RUNNING, last=1)


@pytest.fixture
def server(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "results")


def test_it_has_the_intervals_of_the_table_and_nothing_that_decides(server: Asked) -> None:
    grown(server.ledger, 2)
    told: Any = interim(server.ledger, "focal")
    table = comparison_table(OpenStudy(server.ledger, server.ledger.study("focal")))
    short = told["table"]
    assert [column["head"] for column in short["columns"]] == [
        *("setting", "seeds finished", "val_accuracy, mean (%) [95 % interval]"),
        "difference (points) [95 % interval]",
    ]
    assert not any(any(column["bold"]) for column in short["columns"])
    assert short["columns"][1]["texts"] == ["2 of 3"] * 3
    assert short["intervals"][0] is None
    for line, interval in list(zip(table.lines, short["intervals"], strict=True))[1:]:
        found = line.judged.difference
        assert found is not None
        assert [figure("val_accuracy", value / 100) for value in interval] == [
            figure("val_accuracy", value) for value in (found.low, found.estimate, found.high)
        ]
    assert (short["warnings"], told["took_s"] > 0) == ([], True)
    assert [note[:18] for note in short["notes"]] == ["[ ] 95 % interval "]
    record = server.ledger.study("focal")
    assert server.ledger.decisions(record.id, kinds=[KIND]) == [], "the table is looked at when the study has ended"


def test_one_seed_says_what_it_is_and_a_search_has_none(server: Asked, tmp_path: Path) -> None:
    grown(server.ledger, 1)
    told: Any = interim(server.ledger, "focal")
    assert told["table"]["warnings"] == ["one run per setting: a rerun may reverse any of these"]
    other = Asked(tmp_path / "other")
    search = {"objective": {"metric": "val_accuracy"}, "sampler": "random", "trials": 3}
    grown(other.ledger, 2, search=search, space={"degree": {"int": {"low": 0, "high": 5}}}, report={})
    assert interim(other.ledger, "focal")["table"] == {}


def test_a_sign_at_a_figure_is_told(server: Asked) -> None:
    grown(server.ledger, 2, report={"baseline": 0, "value": "best"})
    told: Any = interim(server.ledger, "focal")
    assert all("‡" in text for text in told["table"]["columns"][2]["texts"])
    assert [note.partition(" ")[0] for note in told["table"]["notes"]] == ["‡", "["]
    assert told["table"]["notes"][0] == "‡ Chosen on the same images: the level is optimistic."
    whole: Any = kept_table(comparison_table(OpenStudy(server.ledger, server.ledger.study("focal"))))
    assert {"†", "‡"} <= {note[0] for note in whole["notes"]}, "and where a study has ended, too"


class Reader:
    """Stands for the process that takes looks."""

    def __init__(self) -> None:
        self.asked, self.took_s, self.fails = 0, 0.0, False
        self.looks = InterimLooks(self._read)

    async def _read(self, what: str, name: str) -> Mapping[str, Any]:
        self.asked += 1
        if self.fails:
            raise UserError("it ended")
        return {"table": {"look": self.asked}, "took_s": self.took_s}

    def watch(self, done: int, name: str = "a") -> Mapping[str, Any]:
        async def taken() -> None:
            await asyncio.gather(*self.looks.due())

        shown = self.looks.newest(name, done)
        asyncio.run(taken())
        return shown


def test_a_look_is_taken_where_more_runs_have_ended_and_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    assert [reader.watch(1), reader.watch(2), reader.watch(2), reader.watch(2)] == [{}, {}, {"look": 1}, {"look": 1}]
    assert reader.asked == 1, "one run is no difference, and nothing has ended since"
    reader.watch(3)
    assert reader.asked == 1, "not that soon"
    monkeypatch.setattr(interim_looks, "LOOK_SPACING_S", 0.0)
    reader.watch(2, "b")
    reader.watch(3, "b")
    assert reader.asked == 3
    assert reader.watch(3, "b") == {"look": 3}


def test_a_look_that_is_dear_is_taken_seldom_and_one_that_fails_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interim_looks, "LOOK_SPACING_S", 0.0)
    reader = Reader()
    reader.took_s = 60.0
    reader.watch(2)
    reader.watch(3)
    assert reader.asked == 1
    reader.fails = True
    reader.watch(2, "b")
    assert reader.watch(3, "b") == {}


def test_two_who_watch_take_one_look() -> None:
    reader = Reader()
    reader.looks.newest("a", 2)

    async def both() -> None:
        first, second = reader.looks.due(), reader.looks.due()
        assert (len(first), len(second)) == (1, 0)
        await first[0]

    asyncio.run(both())


def test_pages_show_it_while_the_study_runs_and_not_behind_its_end(server: Asked) -> None:
    grown(server.ledger, 2)
    number = server.submit()
    assert "data:" not in server.client.get(f"/entries/{server.submit('other')}").text, "there is no picture yet"
    server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    server.examiner.says = {**interim(server.ledger, "focal")}
    first = server.client.get(f"/entries/{number}").text
    assert "Differences so far" in first, "hidden until there are some"
    assert "degree=5" not in first.partition('id="interim"')[2].partition("</section>")[0]
    for page in (f"/entries/{number}", f"/entries/{number}"):
        shown = server.client.get(page).text.partition('id="interim"')[2].partition("</section>")[0]
    for text in ("degree=5", "A look in between, and no verdict", '<circle class="open"', "2 of 3"):
        assert text in shown, text
    for text in ("Holm", "<strong>", 'class="clear"'):
        assert text not in shown, text
    server.queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, Outcome.DONE, ""))
    assert "A look in between" not in server.client.get(f"/entries/{number}").text
