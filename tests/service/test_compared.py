"""Settings of several studies in one table: what one study says of its own, and what may be said across studies."""

from __future__ import annotations

import html
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import StudyNotFound, UserError
from search.ledger.ledger import Ledger
from search.report.table.build import comparison_table
from search.report.text import figure
from search.service.compared import UNADJUSTED, compared
from search.service.examine import answered
from search.service.people import Person, Role
from search.study.opened import OpenStudy
from tests.service.serving import Asked
from tests.stranger import listing, shared_folder, stranger
from tests.surroundings import ROOT


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """The reference studies: trained once, on real images."""
    folder = tmp_path_factory.mktemp("reference")
    shutil.copy(ROOT / "results" / "reference" / "search.db", folder)
    made = Ledger(str(folder / "search.db"))
    yield made
    made.close()


def lines(table: dict[str, Any]) -> list[dict[str, Any]]:
    return table["lines"]


def test_of_one_study_it_says_what_that_study_says(ledger: Ledger) -> None:
    table = comparison_table(OpenStudy(ledger, ledger.study("focal")))
    found = compared(ledger, ["focal"], 0)
    assert (found["why"], found["notes"]) == ("", [UNADJUSTED])
    own = {line.setting: line.judged for line in table.lines}
    assert len(own) == len(lines(found)) == 5
    metric = table.judged
    for line in lines(found)[1:]:
        difference = own[line["setting"]].difference
        assert difference is not None
        assert line["difference"].lstrip("+") == figure(metric, difference.estimate)
        assert line["difference_interval"] == f"{figure(metric, difference.low)} to {figure(metric, difference.high)}"
        assert line["common"] == 3


def test_one_training_in_two_studies_is_the_same_run(ledger: Ledger) -> None:
    """Gamma 0 of focal is the row `step` of decay."""
    found = compared(ledger, ["focal", "decay"], 0)
    assert found["why"] == ""
    same = [(line["study"], line["why"]) for line in lines(found) if line["why"]]
    assert same == [("focal", "the others are compared with this"), ("decay", "the same run")]
    others = [line for line in lines(found) if not line["why"]]
    assert len(others) == 6
    assert all(line["difference_interval"] and line["common"] == 3 for line in others)


def test_other_data_are_not_paired_and_other_metrics_not_compared(ledger: Ledger) -> None:
    found = compared(ledger, ["focal", "milestones"], 0)
    assert found["why"] == (
        "they were measured on different examples (flowers-17, flowers-102), so that nothing can be paired"
    )
    assert all(line["difference"] == line["interval"] == "" for line in lines(found))
    with pytest.raises(StudyNotFound):
        compared(ledger, ["focal", "nothing"], 0)
    with pytest.raises(UserError) as caught:
        compared(ledger, ["focal"] * 11, 0)
    assert str(caught.value) == "found 11 studies, must be 1 to 10"


def test_the_page_compares_what_was_chosen(tmp_path: Path) -> None:
    server = Asked(tmp_path / "results")
    asked: list[Any] = []
    row = {"study": "<b>", "setting": "a=1", "seeds": 3, "mean": "90", "interval": "80 to 95", "difference": "+1"}
    row |= {"difference_interval": "0 to 2", "common": 3, "why": ""}
    answer = {"metric": "accuracy", "base": 1, "lines": [row, row], "why": "", "notes": ["a note"]}

    async def compare(studies: Any, base: int) -> Any:
        asked.append((studies, base))
        return answer

    server.examiner.compare = compare  # type: ignore[attr-defined]
    server.ledger.create_study("a", "a", 1, "space: {}", "id", "classifier")
    server.ledger.create_study("b", "b", 1, "space: {}", "id", "classifier")
    server.person = Person("guest", Role.VIEWER)
    assert "<th scope" not in server.client.get("/compare").text
    page = server.client.get("/compare?study=1&study=2&base=1").text
    assert asked == [(["a", "b"], 1)]
    assert "&lt;b&gt;" in page
    assert page.count("0 to 2") == 2
    assert 'href="/compare?study=1&amp;study=2&amp;base=0"' in page.replace("&amp;amp;", "&amp;")
    assert page.count(" checked") == 2
    for number in range(3, 30):
        server.ledger.create_study(f"late-{number}", f"late-{number}", 1, "space: {}", "id", "classifier")
    looking = server.client.get("/compare?study=1&study=2&look=1&find=late").text
    assert len(asked) == 1, "somebody still looks for studies to choose"
    assert [looking.count(text) for text in (" checked", ">late-", ">a<", ">b<")] == [2, 20, 1, 1]
    (older,) = re.findall(r'href="([^"]*)">Older studies', looking)
    rest = server.client.get(html.unescape(older)).text
    assert [rest.count(text) for text in (" checked", ">late-", "Newer studies")] == [2, 7, 1]
    assert "No other study on record has these words" in server.client.get("/compare?look=1&find=nothing").text
    assert server.client.get("/compare?study=77").status_code == 404
    assert server.client.get("/compare?study=x").status_code == 400
    server.ledger.close()


@pytest.mark.slow
def test_who_may_only_read_the_ledger_compares_all_the_same() -> None:
    with shared_folder() as folder:
        shutil.copy(ROOT / "results" / "reference" / "search.db", folder)
        with closing(sqlite3.connect(folder / "search.db")) as database, database:
            database.execute("DELETE FROM decision WHERE kind = 'look'")
        before = listing(folder)
        question = {"what": "compare", "studies": '["focal", "decay"]', "base": "0", "results": str(folder)}
        with stranger(folder):
            found: Any = answered({**question, "storage": ""})
        assert len(found["lines"]) == 8
        assert found["notes"][1:] == [
            f"Of {study!r}: that its table was looked at is not on record: storage '{folder}/search.db': this user may "
            "read it, and not write to it."
            for study in ("focal", "decay")
        ]
        assert listing(folder) == before


def test_without_a_ledger_the_reason_is_told(tmp_path: Path) -> None:
    for what in ("compare", "answer"):
        question = {
            "what": what,
            "study": "a",
            "studies": '["a"]',
            "base": "0",
            "results": str(tmp_path),
            "storage": "",
        }
        assert answered(question) == {
            "error": f"there is no ledger '{tmp_path}/search.db'; `python -m search run FILE` makes one, --results "
            "names another folder",
            "kind": "StudyNotFound",
        }
