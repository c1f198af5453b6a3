"""Pages: what a person reads, submits and does; whatever stands in a name, it is text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from markupsafe import escape

from search.core.errors import StudyNotFound
from search.core.queue import Entry, Outcome, Phase, begun, concluded
from search.ledger.answers import keep_answer, listed, one_listed, stale, take_off
from search.service.example import EXAMPLE
from search.service.people import Person, Role
from search.service.waiting import prices
from search.space.reader import space_from_mapping
from tests.ledger.test_ledger import study_of
from tests.service.serving import FILE, Asked

NOW = "2026-01-01T00:00:00.000+00:00"
NASTY = "</pre><script>alert(1)</script>'\"&{{7*7}}"
ANSWER = {
    "title": "Focal loss",
    "headline": "Gamma 2 is better.",
    "data": "digits",
    "state": "6 finished",
    "seeds": 3,
    "epochs": 1200,
    "seconds": 75.0,
    "verdicts": [{"claim": "2 beats 0", "verdict": "supported", "reason": "p 0.01"}],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "results")
    yield made
    made.ledger.close()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


def test_home_shows_answers_the_queue_and_what_it_costs(server: Asked) -> None:
    number = study_of(server.ledger)
    keep_answer(server.ledger.engine, number, ANSWER)
    running, waiting, ended = (server.submit(name) for name in ("a", "b", "c"))
    server.queue.change(running, "server", "start", lambda entry: begun(entry, NOW, 0))
    server.queue.change(ended, "server", "start", lambda entry: begun(entry, NOW, 0))
    server.queue.change(ended, "command", "end", lambda entry: concluded(entry, NOW, Outcome.FAILED_TRIALS, ""))
    server.queue.put_price(waiting, {"seconds": {"wall_expected": 90.0}, "epochs": {"to_train": 4000}})
    folder = server.places.folder(running)
    folder.mkdir(parents=True)
    live = {"bar": "3 of 9 epochs", "trials": 6, "trials_ended": 2, "seconds_left": 30.0}
    (folder / "live.json").write_text(json.dumps(live))
    page = server.client.get("/").text
    for text in (
        *("Gamma 2 is better.", "Focal loss", "digits", "6 finished", "1,200 epochs, 1 min 15 s"),
        *("3 of 9 epochs", 'max="6" value="2"', "waits, 1 of 1", "4,000", "1 min 30 s", "30.0 s", "failed trials"),
    ):
        assert text in page, text


def test_nothing_that_somebody_named_is_markup(server: Asked) -> None:
    study = study_of(server.ledger, NASTY)
    column = {"head": NASTY, "kind": "text", "texts": [NASTY], "bold": [True]}
    table = {"columns": [column], "intervals": [], "after": 0, "more": 0, "warnings": [NASTY], "notes": [NASTY]}
    verdict = {"claim": NASTY, "verdict": "undecided", "reason": NASTY}
    said = {"title": NASTY, "headline": NASTY, "data": NASTY, "table": table, "verdicts": [verdict]}
    keep_answer(server.ledger.engine, study, {**ANSWER, **said})
    number = server.queue.submit(NASTY, {"a.yaml": NASTY}, {"data": NASTY}, NASTY).id
    server.queue.change(number, NASTY, "start", lambda entry: begun(entry, NOW, 0), NASTY)
    server.queue.change(number, NASTY, "end", lambda entry: concluded(entry, NOW, Outcome.BROKEN, NASTY))
    folder = server.places.folder(number)
    folder.mkdir(parents=True)
    (folder / "output.txt").write_text(NASTY)
    (folder / "live.json").write_text(json.dumps({"bar": NASTY, "comparison": [{"text": NASTY}]}))
    server.person = Person(NASTY, Role.ADMIN)
    server.examiner.says = {"faults": [{"file": NASTY, "line": 1, "key": NASTY, "message": NASTY}]}
    pages = [server.client.get(path).text for path in ("/", "/actions", f"/entries/{number}", f"/studies/{study}/")]
    pages += [server.client.get("/", params={"find": NASTY}).text, server.client.get(f"/submit?study={study}").text]
    pages.append(server.form("/submit", text=NASTY, name="a", data=NASTY, act="check").text)
    for page in pages:
        tags = Tags()
        tags.feed(page)
        assert all(source and source.startswith("/ours/") for source in tags.scripts)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "{{7*7}}" in page


def test_a_fault_stands_beside_its_line_without_a_script(server: Asked) -> None:
    server.examiner.says = {
        "faults": [
            {"file": "a.yaml", "line": 2, "key": "fixed.lr", "message": "must be above 0"},
            {"file": "a.yaml", "line": 2, "key": "", "message": "and so on"},
            {"file": "a.yaml", "line": 0, "key": "", "message": "of the whole"},
        ]
    }
    answer = server.form("/submit", text="a: 1\nb: 2\nc: 3\n", name="a", act="check")
    assert answer.status_code == 422
    margin = answer.text.partition('aria-label="Faults by line">')[2].partition("</ol>")[0]
    assert margin == (
        "<li>line 1: of the whole</li><li>line 2: fixed.lr: must be above 0\nand so on</li><li></li><li></li>"
    )
    assert "3 faults" in answer.text


def test_the_price_is_shown_before_anything_is_queued(server: Asked) -> None:
    epochs = {"to_train": 1200, "in_ledger": 30, "exact": False}
    plan = {"trials": 6, "epochs": epochs, "seconds": {"wall": 75.0}, "shows": {"sentence": "3 seeds find <b>2 pt"}}
    says = {"text": "epochs to train  12", "plan": plan, "remarks": ["a remark"]}
    server.examiner.says = {**server.examiner.says, **says}
    page = server.form("/submit", text=FILE, name="focal", act="plan").text
    for text in (
        "epochs to train  12",
        "a remark",
        "3 seeds find &lt;b&gt;2 pt.",
        "at most 1,200",
        "30 epochs",
        "1 min 15 s",
    ):
        assert text in page, text
    assert server.queue.entries() == []


def test_a_form_queues_with_other_data_seeds_and_trials(server: Asked) -> None:
    answer = server.form("/submit", text=FILE, name="focal", data="flowers-17", seeds="3", trials="20", act="queue")
    (entry,) = server.queue.entries()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/entries/{entry.id}")
    assert entry.options == {"data": "flowers-17", "set": ["seeds=[0, 1, 2]", "search.trials=20"]}


def test_a_file_that_is_uploaded_is_taken(server: Asked) -> None:
    headers = {"Origin": "http://127.0.0.1:8642"}
    data = {"text": "", "name": "focal", "act": "queue"}
    sent = server.client.post("/submit", data=data, files={"file": ("focal.yaml", FILE.encode())}, headers=headers)
    assert sent.status_code == 303
    assert dict(server.queue.entry(1).files) == {"focal.yaml": FILE}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": "", "act": "queue"}, "there is no space file: paste one, or choose one"),
        ({"text": FILE, "seeds": "many", "act": "queue"}, "found &#39;many&#39;, must be a number"),
        (
            {"text": FILE, "seeds": "1000000000", "act": "check"},
            "&#39;1000000000&#39;, must be a number from 1 to 1000",
        ),
        ({"text": FILE, "trials": "9" * 5000, "act": "plan"}, "must be a number from 1 to 1000000"),
        ({"text": FILE, "name": "../x", "act": "queue"}, "below the folder of the space file"),
    ],
)
def test_what_cannot_be_submitted_is_said_and_the_text_is_kept(
    server: Asked, fields: dict[str, str], reason: str
) -> None:
    answer = server.form("/submit", **fields)
    assert answer.status_code == 400
    assert reason in answer.text
    assert fields["text"].replace("\n", "") in answer.text.replace("\n", "")


def test_buttons_do_what_they_say_and_each_is_logged(server: Asked) -> None:
    first, second = server.submit("a"), server.submit("b")
    assert server.form(f"/entries/{second}/move", position="1").headers["location"] == f"/entries/{second}"
    assert [entry.id for entry in server.queue.entries()] == [second, first]
    assert server.form(f"/entries/{first}/stop").status_code == 303
    assert server.form(f"/entries/{first}/again").status_code == 303
    assert server.queue.entry(first).phase is Phase.QUEUED
    assert server.form(f"/entries/{first}/delete").headers["location"] == "/"
    assert [act.what for act in server.queue.actions(first)] == ["delete", "go on", "stop", "submit"]
    refused = server.form(f"/entries/{second}/again")
    assert (refused.status_code, "only an entry that is ended can be queued again" in refused.text) == (409, True)
    assert server.form(f"/entries/{second}/explode").status_code == 400
    assert server.form(f"/entries/{first}/stop").status_code == 404


def test_a_page_is_live_from_when_its_entry_waits_until_it_has_ended(server: Asked) -> None:
    number = server.submit()

    def live() -> bool:
        return f'data-events="/entries/{number}/events?phase=' in server.client.get(f"/entries/{number}").text

    assert live()
    assert "waits in the queue" in server.client.get(f"/entries/{number}").text
    server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    assert live()
    server.queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, Outcome.DONE, ""))
    assert not live()
    told = server.client.get(f"/entries/{number}/events?phase=queued&from=0").text
    assert '{"phase": "ended"}' in told, "a page that shows an earlier phase hears of it at once"


def test_a_page_that_was_cut_off_is_told_no_output_twice(server: Asked) -> None:
    number = server.submit()
    server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    server.queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, Outcome.DONE, ""))
    folder, address = server.places.folder(number), f"/entries/{number}/events?phase=running&from=3"
    folder.mkdir(parents=True)
    (folder / "output.txt").write_text("one two")
    told = server.client.get(address).text.splitlines()
    assert told[told.index("event: output") - 1 : told.index("event: output") + 2] == [
        "id: 7",
        "event: output",
        'data: {"text": " two"}',
    ]
    assert "event: output" not in server.client.get(address, headers={"Last-Event-ID": "7"}).text
    (folder / "output.txt").write_text("one two three")
    assert '{"text": " three"}' in server.client.get(address, headers={"Last-Event-ID": "7"}).text
    assert server.client.get(address, headers={"Last-Event-ID": "x"}).status_code == 400


def test_a_viewer_sees_all_and_changes_nothing(server: Asked) -> None:
    number, study = server.submit(), study_of(server.ledger)
    server.person = Person("guest", Role.VIEWER)
    for path in ("/", f"/entries/{number}", f"/studies/{study}/", "/actions", "/rest"):
        answer = server.client.get(path)
        assert (answer.status_code, 'method="post"' in answer.text, "/submit" in answer.text) == (200, False, False), (
            path
        )
    for path in (f"/entries/{number}/stop", f"/studies/{study}/delete", f"/studies/{study}/seeds"):
        assert server.form(path, count="1").status_code == 403
    assert server.form("/submit", text=FILE, name="x", act="queue").status_code == 403
    assert len(server.queue.actions()) == 1


def test_a_study_that_is_taken_off_is_on_record_and_comes_back_when_it_is_run(server: Asked) -> None:
    study = study_of(server.ledger)
    assert server.form(f"/studies/{study}/delete").status_code == 303
    assert listed(server.ledger.engine) == []
    assert server.ledger.study("focal").id == study
    assert "taken off the pages; its rows stay on record" in server.client.get("/actions").text
    server.ledger.begin_run(study, {})
    assert [found.id for found in listed(server.ledger.engine)] == [study]


def test_an_answer_belongs_to_an_entry_of_the_order_log(server: Asked) -> None:
    engine, study = server.ledger.engine, study_of(server.ledger)
    assert stale(engine) == [], "nothing is on record of it"
    with server.ledger.step(study) as step:
        step.log("a test")
    assert stale(engine) == ["focal"]
    keep_answer(engine, study, ANSWER)
    assert (stale(engine), one_listed(engine, study).fresh) == ([], True)
    with server.ledger.step(study) as step:
        step.log("a test")
    assert (stale(engine), one_listed(engine, study).fresh) == (["focal"], False)
    run = server.ledger.begin_run(study, {})
    assert (stale(engine), one_listed(engine, study).running) == ([], True), "nobody looks at a table that grows"
    server.ledger.end_run(run, "done", 1.0)
    assert stale(engine) == ["focal"]
    take_off(engine, study, "ann")
    assert stale(engine) == []
    with pytest.raises(StudyNotFound):
        one_listed(engine, 77)


def waiting(number: int, seconds: float | None) -> Entry:
    price = None if seconds is None else {"seconds": {"wall_expected": seconds}, "epochs": {"to_train": 5}}
    return Entry(number, str(number), {}, {}, "ann", NOW, number, price=price)


@pytest.mark.parametrize(
    ("lives", "seconds", "slots", "starts"),
    [
        ([], [10.0, 20.0, 5.0], 1, [0.0, 10.0, 30.0]),
        ([{"seconds_left": 7}], [10.0, 20.0], 1, [7.0, 17.0]),
        ([{"seconds_left": 7}], [10.0, 20.0, 1.0], 2, [0.0, 7.0, 10.0]),
        ([{}], [10.0], 1, [None]),
        ([], [None, 20.0], 1, [0.0, None]),
    ],
)
def test_when_entries_start_follows_from_what_runs_and_from_the_plans(
    lives: list[dict[str, object]], seconds: list[float | None], slots: int, starts: list[float | None]
) -> None:
    entries = [waiting(number, value) for number, value in enumerate(seconds)]
    assert [price.starts for _, price in prices(entries, lives, slots)] == starts


SEARCH = """
name: tuned
workload: classifier
fixed: {epochs: 2}
space: {lr: {choice: [0.1, 0.2]}}
seeds: [3, 5]
search: {sampler: random, trials: 4}
"""


def test_the_best_of_a_search_is_confirmed_and_seeds_follow_those_there_are(server: Asked) -> None:
    server.ledger.create_study("tuned", "tuned", 1, SEARCH, "id", "classifier")
    study = server.ledger.study("tuned").id
    keep_answer(server.ledger.engine, study, {**ANSWER, "searched": True})
    assert "Confirm them" in server.client.get(f"/studies/{study}/").text
    server.examiner.says = {**server.examiner.says, "name": "tuned"}
    assert server.form(f"/studies/{study}/confirm", top="3", seeds="5").status_code == 303
    entry = server.queue.entry(1)
    assert (entry.options, dict(entry.files)) == (
        {"set": ["search.confirm={top: 3, seeds: 5}"]},
        {"study.yaml": SEARCH},
    )
    refused = server.form(f"/studies/{study}/seeds", count="2")
    assert "is in the queue already: wait for it, or take that entry away" in refused.text
    server.queue.delete(entry.id, "ann")
    for fields in ({"top": "0", "seeds": "5"}, {"top": "3", "seeds": "1"}, {"top": "3", "seeds": "1000000000"}):
        assert server.form(f"/studies/{study}/confirm", **fields).status_code == 400, fields
    for count in ("0", "1000000000"):
        assert server.form(f"/studies/{study}/seeds", count=count).status_code == 400, count
    assert server.queue.entries() == []
    server.form(f"/studies/{study}/seeds", count="2")
    server.queue.delete(server.queue.entries()[0].id, "ann")
    answer = server.client.post("/api/v1/studies/tuned/seeds", json={"count": 1})
    assert answer.json()["options"] == {"set": ["seeds=[3, 5, 6]"]}
    assert server.client.post("/api/v1/studies/tuned/seeds", json={"count": 0}).status_code == 400


def test_studies_are_found_by_words_of_name_title_answer_and_data(server: Asked) -> None:
    first, second = study_of(server.ledger, "été"), study_of(server.ledger, "focal")
    keep_answer(server.ledger.engine, first, {**ANSWER, "title": "Straße", "headline": "Nothing is clear."})
    keep_answer(server.ledger.engine, second, {**ANSWER, "title": "Focal loss", "headline": "Gamma 2 is better."})

    def found(words: str) -> list[int]:
        page = server.client.get("/", params={"find": words}).text
        return [number for number in (first, second) if f'href="/studies/{number}/"' in page]

    assert [found(words) for words in ("", "ÉTÉ", "strasse", "digits gamma", "gamma clear", "100 %")] == [
        *([first, second], [first], [first], [second], [], []),
    ]
    assert "No study on record has these words" in server.client.get("/?find=x_y").text
    assert f'value="{"a" * 200}"' in server.client.get("/", params={"find": "a" * 10_000}).text
    assert [one.id for one in listed(server.ledger.engine, 1, 5, "digits")] == [first]


def test_a_submission_begins_with_an_example_or_with_a_file_on_record(server: Asked) -> None:
    study = study_of(server.ledger, "focal")
    text = server.ledger.study("focal").space
    page = server.client.get(f"/submit?study={study}").text
    assert str(escape(text)) in page
    assert 'value="focal"' in page
    assert "Does label smoothing help on the digits?" in server.client.get("/submit?example=1").text
    assert "<textarea" in server.client.get("/submit").text
    assert server.client.get("/submit?study=77").status_code == 404


def test_the_example_is_sound() -> None:
    space = space_from_mapping(yaml.safe_load(EXAMPLE["text"]))
    assert [str(claim) for claim in space.notes] == []
    assert space.summary()["trials"] == 10


def test_who_stopped_a_study_is_told_no_fault_and_who_ended_one_reads_it(server: Asked) -> None:
    numbers = [server.submit(), server.submit("other")]
    for number, outcome in zip(numbers, (Outcome.STOPPED, Outcome.REFUSED), strict=True):
        server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
        server.queue.change(
            number, "command", "end", lambda entry, how=outcome: concluded(entry, NOW, how, "ended by SIGTERM")
        )
    stopped, refused = (server.client.get(f"/entries/{number}").text for number in numbers)
    assert "ended by SIGTERM" not in stopped.partition("<h2>What was done")[0]
    assert "Stopped. What was trained is on record; it goes on from there." in stopped
    assert '<p class="warning">ended by SIGTERM</p>' in refused
