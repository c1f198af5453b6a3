"""Lists that grow are read a page at a time: by programs, and on pages that people read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from search.ledger.tables import action, entry, study, writing
from tests.service.serving import Asked

NOW = "2026-01-01T00:00:00.000+00:00"
LISTS = ["entries", "studies", "actions"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "results")
    yield made
    made.ledger.close()


def fill(server: Asked, first: int, last: int) -> None:
    """Put studies, entries that ended and actions on record, with these numbers."""
    numbers = range(first, last + 1)
    named = {number: f"study-{number:05}" for number in numbers}
    texts = {"space": "x" * 1000, "identity": "", "workload": "classifier", "created": NOW}
    ended = {"files": '{"a.yaml": ""}', "names": '["a.yaml"]', "options": "{}", "who": "ann", "submitted": NOW}
    ended |= {"place": 1, "phase": "ended", "outcome": "done", "stops": 0, "deaths": 0, "reached": 0}
    ended |= {"not_before": "", "said": "", "study": "", "started": NOW, "ended": NOW}
    done = {"at": NOW, "who": "ann", "what": "submit", "detail": ""}
    with writing(server.ledger.engine) as connection:
        for number, name in named.items():
            connection.execute(study.insert().values(id=number, name=name, base_name=name, revision=1, **texts))
            connection.execute(entry.insert().values(id=number, name=name, **ended))
            connection.execute(action.insert().values(id=number, entry=number, study=name, **done))


def number_in(item: dict[str, Any]) -> int:
    found = item.get("id") or item.get("entry") or item["name"].removeprefix("study-")
    return int(found)


@pytest.mark.parametrize("what", LISTS)
def test_every_item_is_on_one_page_the_newest_first(server: Asked, what: str) -> None:
    fill(server, 1, 120)
    seen, after = list[int](), dict[str, str]()
    for length in (50, 50, 20):
        answer = server.client.get(f"/api/v1/{what}", params=after).json()
        assert len(answer[what]) == length
        seen += map(number_in, answer[what])
        after = {"after": answer["next"]}
    assert answer["next"] is None
    assert seen == list(range(120, 0, -1))


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("text", ["0", "201", "-1", "x", "1.5", "", "9" * 5000])
def test_what_is_no_length_of_a_page_is_told_with_its_bounds(server: Asked, what: str, text: str) -> None:
    if len(text) > 1000:
        text = text[:1000]
    answer = server.client.get(f"/api/v1/{what}", params={"limit": text})
    said = f"limit={text[:40]!r}: must be a number from 1 to 200; left out, it is 50"
    assert (answer.status_code, answer.json()["reason"]) == (400, said)


@pytest.mark.parametrize("what", LISTS)
def test_what_is_no_cursor_is_told_with_the_remedy(server: Asked, what: str) -> None:
    answer = server.client.get(f"/api/v1/{what}", params={"after": "é"})
    said = "after='é': must be what `next` of the page before says; leave it out for the first page"
    assert (answer.status_code, answer.json()["reason"]) == (400, said)


def test_what_a_call_does_not_take_is_not_left_out_without_a_word(server: Asked) -> None:
    for path, said in {
        "/api/v1/entries?limt=5": "?limt=: GET /entries takes limit and after alone; leave it out",
        "/api/v1/server?x=1": "?x=: GET /server takes nothing there; leave it out",
    }.items():
        answer = server.client.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (400, said)


def test_the_description_names_what_a_list_takes(server: Asked) -> None:
    paths = server.client.get("/api/v1/openapi.json").json()["paths"]
    for what in LISTS:
        given = {one["name"]: one["schema"] for one in paths[f"/api/v1/{what}"]["get"]["parameters"]}
        assert (given["limit"]["minimum"], given["limit"]["maximum"], given["limit"]["default"]) == (1, 200, 50)
        assert given["after"]["type"] == "string"


def test_pages_that_people_read_lead_to_what_is_older(server: Asked) -> None:
    fill(server, 1, 70)
    for start, words in {"/actions": "Older actions", "/reports/": "Older reports", "/": "Ended before"}.items():
        seen, path = list[int](), start
        for _ in range(10):
            text = server.client.get(path).text
            ended = text.partition("<h2>On record</h2>")[0]
            seen += map(int, re.findall(r">study-(\d+)<", ended))
            link = re.search(rf'<a href="([^"]+)">{words}</a>', text)
            if link is None:
                break
            path = link[1].replace("&amp;", "&")
        assert seen == list(range(70, 0, -1)), start
    for path in ("/actions?limit=x", "/actions?after=x", "/?ended_after=x", "/reports/?after=x"):
        answer = server.client.get(path)
        assert answer.status_code == 400
        assert re.search("limit=.*must be a number|after=.*must be what", answer.text), path


FLAT = ["/api/v1/entries", "/api/v1/studies", "/api/v1/actions", "/actions", "/reports/"]
SCANNING = ["/", "/compare"]
"""Pages of studies without members of sequences: which studies are sequences, their names tell."""


def test_no_list_reads_more_where_more_is_on_record(server: Asked) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    @sa.event.listens_for(server.ledger.engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(count, 10)

    def taken(path: str) -> int:
        server.client.get(path)
        before = steps
        assert server.client.get(path).status_code == 200
        return steps - before

    server.ledger.engine.dispose()
    fill(server, 1, 210)
    few = {path: taken(path) for path in (*FLAT, *SCANNING)}
    fill(server, 211, 2100)
    many = {path: taken(path) for path in few}
    assert {path: many[path] for path in FLAT if many[path] > 1.2 * few[path] + 5} == {}, few
    # A look at a name is a few instructions of the database; to read a study is hundreds.
    assert {path: many[path] for path in SCANNING if many[path] - few[path] > 0.5 * (2100 - 210)} == {}, few
