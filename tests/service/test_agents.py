"""The tools of an agent: by themselves and at a server, in words that say what may be concluded and what not."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from search.__main__ import run
from search.core.errors import UserError
from search.core.queue import Entry, Outcome, Phase, begun, concluded
from search.ledger.lock import server_lock
from search.service.agents import serving, words
from search.service.agents.desk import Desk, Far, Near
from search.service.agents.guide import EXAMPLE, INSTRUCTIONS, SEARCH_EXAMPLE
from search.service.agents.runner import Runner
from search.service.agents.tools import agent_server
from search.service.folder import Places, command
from search.space.reader import read_space
from tests.service.serving import FILE, Asked, Wire
from tests.surroundings import HANG_S, ROOT

NOW = "2026-01-01T00:00:00.000+00:00"
server_verbs = importlib.import_module("search.cli.server")  # the package has a command of that name
WORKING = "Somebody works on the queue."
TOOLS = ["audit", "check", "judge", "plan", "settings", "status", "stop", "submit", "table", "verdicts"]


class Agent:
    """An agent without a network, at a server whose examiner is a stand-in."""

    def __init__(self, results: Path, far: bool) -> None:
        self.server = Asked(results)
        wire: Any = Wire(self.server)
        near = Near(self.server.service, self.server.person, lambda: WORKING)
        self.desk: Desk = Far(wire, "http://x") if far else near

    def call(self, tool: str, **given: Any) -> tuple[str, Any]:
        """Call a tool; return its words, and its data (None for an error)."""

        async def called() -> tuple[str, Any]:
            async with Client(agent_server(self.desk)) as client:
                result = await client.call_tool(tool, given)
            block: Any = result.content[0]
            return block.text, None if result.is_error else result.structured_content

        return asyncio.run(called())


@pytest.fixture(params=["near", "far"])
def agent(tmp_path: Path, request: Any) -> Iterator[Agent]:
    made = Agent(tmp_path / "results", request.param == "far")
    yield made
    made.server.ledger.close()


def test_the_tools_and_what_an_agent_is_told(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "results", False)

    async def listed() -> tuple[str | None, list[Any]]:
        async with Client(agent_server(agent.desk)) as client:
            return client.instructions, (await client.list_tools()).tools

    told, tools = asyncio.run(listed())
    agent.server.ledger.close()
    assert told == INSTRUCTIONS
    assert sorted(tool.name for tool in tools) == TOOLS
    assert [name for name in TOOLS if f"`{name}`" not in INSTRUCTIONS] == ["stop", "table"]
    for tool in tools:
        assert len(tool.description) > 100, tool.name
        assert "\n  " not in tool.description, "the indentation of our code says nothing to an agent"
        for name, rule in tool.input_schema["properties"].items():
            assert rule.get("description"), (tool.name, name)
    by_name = {tool.name: tool.description for tool in tools}
    assert "take `judge` in its place, from the first run on" in by_name["submit"]
    assert "neither the opposite nor that settings are equal" in " ".join(INSTRUCTIONS.split())
    reading = {tool.name for tool in tools if tool.annotations.read_only_hint}
    assert reading == {*TOOLS} - {"submit", "judge", "stop"}


@pytest.mark.parametrize("example", [EXAMPLE, SEARCH_EXAMPLE], ids=["grid", "search"])
def test_the_examples_are_sound_files(tmp_path: Path, example: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(example)
    space = read_space(path)
    assert list(space.notes) == []
    assert f"name: {space.name}\n" in example
    assert bool(space.report.claims) is (example == EXAMPLE)
    assert bool(space.search.confirm) is (example == SEARCH_EXAMPLE)
    assert "\n".join(f"       {line}" for line in example.splitlines()) in INSTRUCTIONS


def test_a_study_is_queued_and_what_comes_next_is_said(agent: Agent) -> None:
    text, entry = agent.call("submit", text=FILE, name="focal", data="x", changes=["epochs=2"])
    (queued,) = agent.server.queue.entries()
    assert queued.options == {"data": "x", "set": ["epochs=2"]}
    assert entry["id"] == queued.id
    assert text.startswith(f"Entry {queued.id}: study 'focal' is in the queue; it is run. ")
    assert text.endswith(f"`status` with entry={queued.id} and wait_seconds=50, again until it has ended.")


def test_judging_is_an_entry_of_its_own_kind(agent: Agent) -> None:
    text, _ = agent.call("judge", text=FILE, max_seeds=5)
    (queued,) = agent.server.queue.entries()
    assert queued.options == {"judge": True, "max_seeds": 5}
    assert "its claims are judged, seeds added until they are decided" in text
    agent.server.examiner.says = {"faults": [], "plan": {}, "text": "ten seeds", "remarks": []}
    for given, options in (({"judge": True, "max_seeds": 7}, {"judge": True, "max_seeds": 7}), ({"max_seeds": 7}, {})):
        assert agent.call("plan", text=FILE, **given)[0].startswith("ten seeds")
        what, asked = agent.server.examiner.asked[-1]
        assert (what, asked.options) == ("plan", options)


def test_the_command_of_an_entry_says_what_is_to_be_done(tmp_path: Path) -> None:
    places, entry = Places(tmp_path), Entry(7, "focal", {"focal.yaml": FILE}, {}, "ann", NOW, 1)
    start = [sys.executable, "-m", "search"]
    path = [str(tmp_path / "queue/7/files/focal.yaml"), "--results", str(tmp_path)]
    assert command(places, entry) == [*start, "run", *path]
    judging = replace(entry, options={"data": "x", "judge": True, "max_seeds": 5})
    assert command(places, judging) == [*start, "judge", *path, "--data", "x", "--max-seeds", "5"]


def test_people_queue_a_study_to_be_judged_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "focal.yaml").write_text(FILE)
    server = Asked(tmp_path / "results")
    monkeypatch.setattr(server_verbs, "_client", lambda url: Wire(server))
    words = ["server", "submit", str(tmp_path / "focal.yaml")]
    assert run([*words, "--judge", "--max-seeds", "5"]) == 0
    assert run(words) == 0
    assert [entry.options for entry in server.queue.entries()] == [{"judge": True, "max_seeds": 5}, {}]
    assert capsys.readouterr().out.startswith("entry 1: study focal is in the queue\n")
    assert run([*words, "--max-seeds", "5"]) == 1
    assert capsys.readouterr().err == "the option `max_seeds` must be a number from 3 on, with `judge`\n"
    server.ledger.close()


def test_a_file_goes_with_those_it_extends(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(FILE)
    (tmp_path / "own.yaml").write_text("extends: base.yaml\nfixed: {epochs: 2}\n")
    agent.call("submit", file=str(tmp_path / "own.yaml"))
    assert list(agent.server.queue.entries()[0].files) == ["own.yaml", "base.yaml"]


def test_faults_are_an_answer_of_check_and_refuse_a_submission(agent: Agent) -> None:
    fault = {"file": "focal.yaml", "line": 2, "key": "fixed", "message": "unknown"}
    agent.server.examiner.says = {"faults": [fault]}
    said = "1 fault; mend them all, and check again:\n- focal.yaml:2: fixed: unknown"
    assert agent.call("check", text=FILE) == (said, {"faults": [fault]})
    assert agent.call("plan", text=FILE)[0] == said
    assert agent.call("submit", text=FILE) == (f"Error executing tool submit: {said}", None)
    assert agent.call("check", text="x: [1")[0].startswith("1 fault; mend")
    assert agent.server.queue.entries() == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "give either `text`, a space file as YAML, or `file`, its path"),
        ({"text": FILE, "file": "a.yaml"}, "give either `text`, a space file as YAML, or `file`, its path"),
        ({"file": "nowhere.yaml", "name": "x"}, "`name` goes with `text`; a file has its own, or changes=['name=...']"),
        ({"file": "nowhere.yaml"}, "nowhere.yaml: no such file"),
        ({"text": FILE, "changes": ["x"]}, "the option `set` must be a list of at most 100 texts KEY=VALUE"),
        ({"text": FILE, "name": "../x"}, "file '../x.yaml': must be a name such as 'focal.yaml'"),
    ],
)
def test_what_cannot_be_submitted_is_said_in_a_sentence(agent: Agent, given: Any, sentence: str) -> None:
    text, content = agent.call("submit", **given)
    assert content is None
    assert text.startswith(f"Error executing tool submit: {sentence}")


ENDS = [
    (Outcome.DONE, "", "All of it is on record: read and cite what it shows with the tool `verdicts`, study='focal'."),
    (Outcome.FAILED_TRIALS, "1 trial failed", "Some trials failed; the others are on record: read and cite"),
    (Outcome.STOPPED, "stopped", "What was trained is on record, and nothing is lost: submit the same file again"),
    (Outcome.REFUSED, "other data", "Nothing more was trained. Mend what the sentence says, and submit again."),
    (Outcome.BROKEN, "a bug", "That is no finding, and none of the file's faults: tell whoever you work for. "),
]


@pytest.mark.parametrize(("outcome", "said", "following"), ENDS)
def test_how_an_entry_ended_and_what_comes_next(agent: Agent, outcome: Outcome, said: str, following: str) -> None:
    number = agent.server.submit()
    agent.server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    agent.server.queue.change(number, "command", "end", lambda entry: concluded(entry, NOW, outcome, said))
    head, last = agent.call("status", entry=number)[0].splitlines()
    behind = f" {said.capitalize()}." if said else ""
    assert head == f"Entry 1 (study 'focal'): {outcome}.{behind}"
    assert last.startswith(following)


def test_figures_of_a_study_that_runs_are_not_to_be_cited(agent: Agent) -> None:
    number = agent.server.submit()
    agent.server.queue.change(number, "server", "start", lambda entry: begun(entry, NOW, 0))
    folder = agent.server.places.folder(number)
    folder.mkdir(parents=True)
    (folder / "live.json").write_text(json.dumps({"bar": "3 epochs", "comparison": [{"text": "a 90", "style": ""}]}))
    text, content = agent.call("status", entry=number)
    assert text.splitlines()[:3] == ["Entry 1 (study 'focal'): running.", "a 90", "3 epochs"]
    assert "may not be cited" in text.splitlines()[3]
    assert content["phase"] == "running"


def test_status_waits_for_the_end(agent: Agent) -> None:
    number = agent.server.submit()
    stop = threading.Timer(0.7, lambda: agent.server.service.queue.delete(number, "ann"))
    stop.start()
    text, content = agent.call("status", entry=number, wait_seconds=50)
    stop.join()
    assert content is None  # it was taken away meanwhile, which the next question noticed
    assert "the queue has no entry 1" in text


def test_stop_and_the_whole_queue(agent: Agent) -> None:
    number = agent.server.submit()
    assert agent.call("stop", entry=number)[0] == "Entry 1 (study 'focal') has ended."
    assert "is ended: only an entry that is running can be stopped" in agent.call("stop", entry=number)[0]
    text, content = agent.call("status")
    assert text.splitlines()[1:] == ["Entries: 1.", "- 1: study 'focal': stopped", "Studies on record: 0."]
    assert content["entries"][0]["phase"] == Phase.ENDED


def test_what_is_longer_than_a_page_goes_on_behind_it(agent: Agent) -> None:
    numbers = [agent.server.submit(name) for name in "abc"]
    for name in "xyz":
        agent.server.ledger.create_study(name, name, 1, "", "", "classifier")
    text, content = agent.call("status", limit=2)
    assert text.splitlines()[1:] == [
        "Entries: 2 are shown; the tool `status` with entries_after='queue.2.2' lists those behind them.",
        "- 1: study 'a': queued",
        "- 2: study 'b': queued",
        f"Studies on record: 2 are shown; the tool `status` with studies_after='{content['studies_next']}' lists those "
        "behind them.",
        *(f"- {name!r}, made {agent.server.ledger.study(name).created[:10]}" for name in "zy"),
    ]
    text, content = agent.call(
        "status", limit=2, entries_after=content["entries_next"], studies_after=content["studies_next"]
    )
    assert [entry["id"] for entry in content["entries"]] == numbers[2:]
    assert [study["name"] for study in content["studies"]] == ["x"]
    assert (content["entries_next"], content["studies_next"]) == (None, None)
    assert "after=' x': must be what `next`" in agent.call("status", entries_after=" x")[0]


def test_people_see_the_queue_a_page_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Asked(tmp_path / "results")
    monkeypatch.setattr(server_verbs, "_client", lambda url: Wire(server))
    for name in "abc":
        server.submit(name)
    assert run(["server", "status", "--limit", "2"]) == 0
    *_, last, more = capsys.readouterr().out.splitlines()
    assert last.split()[:3] == ["2", "b", "queued"]
    assert more == "more: python -m search server status --after queue.2.2 --limit 2"
    assert run(more.split()[4:]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [["3", "c", "queued"]]
    assert run(["server", "status", "--limit", "0"]) == 1
    assert capsys.readouterr().err == "limit='0': must be a number from 1 to 200; left out, it is 50\n"
    assert run(["server", "status", "1", "--limit", "2"]) == 1
    assert "--limit: of the list; leave out ENTRY" in capsys.readouterr().err
    server.ledger.close()


def test_a_look_that_is_not_on_record_and_a_confirm_stage_are_told() -> None:
    said = {
        **{"study": "rates", "title": "", "question": "Q", "answer_in_full": "A", "rests_on": ["3 seeds"]},
        **{"complete": True, "may_be_concluded": ["m"], "may_not_be_concluded": ["n"], "cite": "C"},
    }
    stage = {**said, "study": "rates (confirm)", "cite": "D", "confirm_stage": None}
    told = words.verdicts({**said, "unrecorded": "This look is not on record.", "confirm_stage": stage}).splitlines()
    assert told.index("This look is not on record.") > told.index("Cite as (figures and verdict as they stand): C")
    behind = told[told.index("Its confirm stage, which decides what a search found:") + 1 :]
    assert behind[0].startswith("Study 'rates (confirm)'")
    assert "Cite as (figures and verdict as they stand): D" in behind


def test_a_study_that_is_not_there(agent: Agent) -> None:
    async def read(what: str, study: str) -> dict[str, Any]:
        raise UserError(f"no study {study!r}, asked for {what}")

    stand_in: Any = agent.server.examiner
    stand_in.read = read
    for tool in ("verdicts", "table", "audit"):
        said = f"Error executing tool {tool}: no study 'a/b é% (rev 2)?x=1#y', asked for {tool}"
        assert agent.call(tool, study="a/b é% (rev 2)?x=1#y") == (said, None)


def test_one_works_on_a_queue_and_the_next_takes_it_over(tmp_path: Path) -> None:
    server = Asked(tmp_path / "results")
    worked, said = threading.Event(), list[str]()

    class Works:
        def __init__(self) -> None:
            self.over = threading.Event()

        def work(self) -> None:
            worked.set()
            self.over.wait(HANG_S)

        def end(self) -> None:
            self.over.set()

    works: Any = Works()
    runner = Runner(server.ledger.engine, works, said.append)
    with server_lock(server.ledger.engine):
        runner.start()
        wait(lambda: "Another process works on the queue: " in runner.working())
        assert f"is served by pid {os.getpid()} on " in runner.working()
        assert not worked.is_set()
    wait(worked.is_set)
    wait(lambda: runner.working().startswith("This connection works on the queue"))
    runner.end()
    assert said == []
    server.ledger.close()


def wait(true: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    with pytest.raises(
        UserError, match=r"^`mcp` needs packages that are not installed \(mcp\.server\.mcpserver\): pip"
    ):
        serving.require_packages()


QUESTION = EXAMPLE.replace("epochs: 8", "epochs: 2, data.limit: [120, 60, 60], batch_size: 60")


@pytest.mark.slow
def test_an_agent_answers_whether_label_smoothing_helps_and_how_sure_it_is(tmp_path: Path) -> None:
    """The way of the instructions, over standard input and output, with no server running."""
    command = ["-m", "search", "mcp", "--results", str(tmp_path / "results")]
    transport = stdio_client(
        StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ), cwd=ROOT)
    )

    async def walked() -> dict[str, tuple[str, Any]]:
        told: dict[str, tuple[str, Any]] = {}
        async with Client(transport) as client:

            async def call(tool: str, **given: Any) -> Any:
                result = await client.call_tool(tool, given)
                block: Any = result.content[0]
                assert not result.is_error, block.text
                told[tool] = block.text, result.structured_content
                return result.structured_content

            await call("settings")
            await call("check", text=QUESTION, name="smoothing")
            await call("plan", text=QUESTION, name="smoothing")
            entry = (await call("judge", text=QUESTION, name="smoothing", max_seeds=3))["id"]
            while (await call("status", entry=entry, wait_seconds=50))["phase"] != "ended":
                pass
            for tool in ("verdicts", "table", "audit"):
                await call(tool, study="smoothing")
        return told

    told = asyncio.run(walked())
    assert "- loss.label_smoothing: number >= 0 < 1, default 0.0: share of each label" in told["settings"][0]
    assert told["check"][0].startswith("Sound: study 'smoothing', workload classifier, grid, 6 trials, 3 seeds")
    assert told["plan"][1]["plan"]["epochs"]["to_train"] == 12
    assert "what it can show: 3 seeds and 60 images" in told["plan"][0]
    assert told["status"][1]["outcome"] == "done"
    words, content = told["verdicts"]
    (claim,) = content["claims"]
    assert content["complete"]
    assert claim["verdict"] in ("supported", "contradicted", "undecided")
    assert "95 % interval" in claim["figures"]
    assert "3 seeds, 60 images" in claim["figures"]
    assert claim["figures"] in content["cite"]
    assert f"Cite as (figures and verdict as they stand): {content['cite']}" in words
    assert told["table"][1]["verdicts"][0]["reason"] == claim["reason"]
    assert told["audit"][1]["study"] == "smoothing"


@pytest.mark.slow
def test_the_standard_output_holds_the_protocol_alone(tmp_path: Path) -> None:
    """Whatever else there is to be said goes to the standard error."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    check = {"name": "check", "arguments": {"text": FILE}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": check},
    ]
    command = [sys.executable, "-m", "search", "mcp", "--results", str(tmp_path / "results")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.writelines(f"{json.dumps(message)}\n" for message in messages)
        process.stdin.flush()
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        rest, _ = process.communicate(timeout=HANG_S)  # whoever hangs up ends it
    assert (first["id"], second["id"], rest, process.returncode) == (1, 2, "", 0)
    assert first["result"]["serverInfo"]["name"] == "search"
    assert second["result"]["content"][0]["text"].startswith("Sound: study 'study', workload classifier")
