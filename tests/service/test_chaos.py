"""Twenty kills while people release, stop, move, take away and let go on: no entry is lost, none runs beside itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from search.api import load_space, run
from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.ledger.tokens import Tokens
from search.service.client import Client
from tests.service.test_served import DOCUMENT, Running, children, ended, rows

KILLS = 20
STUDIES = 4


class Chaos:
    """A server that holds back everything, a runner who submits, and an admin who releases; each of them tries."""

    def __init__(self, results: Path) -> None:
        results.mkdir()
        ledger = Ledger(str(results / "search.db"))
        self.token = Tokens(ledger.engine).add("bob", "runner", "ann")
        ledger.close()
        self.chance = random.Random(11)
        self.server = Running(results, "--allow-code", "--slots", "2", "--release-above", "0")
        self.spares: set[int] = set()
        self.deleted: set[int] = set()
        self.numbers = [self.submit(self.document(place)) for place in range(STUDIES)]

    @staticmethod
    def document(place: int) -> dict[str, object]:
        return {"name": f"study {place}", "fixed": {"epochs": 1500, "lr": 0.1 + place / 100}}

    def submit(self, document: dict[str, object]) -> int:
        self.server.client = Client(self.server.client._url, self.token)
        number = self.server.submit(**document)
        self.server.client = Client(self.server.client._url)
        return number

    def ask(self, path: str, body: dict[str, object] | None = None, method: str = "POST") -> bool:
        """Try something; it may not be possible where the entry stands."""
        try:
            self.server.client.ask(method, path, {} if body is None and method == "POST" else body)
        except UserError:
            return False
        return True

    def kill(self) -> None:
        pids = [pid for number in self.numbers for pid in children(self.server.results / "queue" / str(number))]
        assert len(pids) <= 2, "more than there are slots"
        if pids and self.chance.random() < 0.6:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(pids), signal.SIGKILL)
        if not pids or self.chance.random() < 0.5:
            self.server.end()
            self.server.start()

    def act(self) -> None:
        number = self.chance.choice(self.numbers)
        acts: list[Callable[[], object]] = [
            lambda: self.ask(f"/entries/{number}/release"),
            lambda: self.ask(f"/entries/{number}/release"),
            lambda: self.ask(f"/entries/{number}/stop"),
            lambda: self.ask(f"/entries/{number}/again"),
            lambda: self.ask(f"/entries/{number}/move", {"position": self.chance.randint(1, 5)}),
            lambda: self.spares.add(self.submit({"name": "spare", "fixed": {"epochs": 3000, "lr": 0.3}})),
            self.delete,
        ]
        self.chance.choice(acts)()

    def delete(self) -> None:
        for number in sorted(self.spares - self.deleted)[:1]:
            if self.ask(f"/entries/{number}", method="DELETE"):
                self.deleted.add(number)

    def second_server(self) -> str:
        """Start another server on the same queue; return what it says."""
        command = [sys.executable, "-m", "search", "serve", "--port", "0", "--results", str(self.server.results)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 1
        return answer.stderr

    def finish(self, number: int) -> None:
        """Do what lets an entry come to its end."""

        def settled(found: dict[str, object]) -> bool:
            if found["phase"] == "waits for release":
                self.ask(f"/entries/{number}/release")
            if found["outcome"] in ("stopped", "broken"):
                self.ask(f"/entries/{number}/again")
            return found["outcome"] == "done"

        self.server.wait(number, settled)


@pytest.mark.stress
def test_twenty_kills_between_all_that_people_do(tmp_path: Path) -> None:
    chaos = Chaos(tmp_path / "results")
    server = chaos.server
    for turn in range(KILLS):
        time.sleep(chaos.chance.uniform(0.1, 2.0))
        chaos.act()
        if turn == 0:
            chaos.ask(f"/entries/{chaos.numbers[0]}/release")
        if turn == KILLS // 2:
            assert f"is served by pid {server.process.pid} on " in chaos.second_server()
        chaos.kill()
    for number in chaos.numbers:
        chaos.finish(number)
    more = server.client.ask("POST", "/studies/study%200/seeds", {"count": 1})["id"]
    server.end()
    server.start()
    assert server.wait(more, ended)["outcome"] == "done"
    listed = [entry["id"] for entry in server.client.ask("GET", "/entries")["entries"]]
    assert sorted(listed) == sorted({*chaos.numbers, *(chaos.spares - chaos.deleted), more})
    for number in chaos.numbers:
        acts = [act["what"] for act in reversed(server.entry(number)["actions"])]
        assert acts.index("release") < acts.index("start"), "none starts that nobody released"
    for number in chaos.spares - chaos.deleted:
        chaos.ask(f"/entries/{number}/stop")
    server.end(signal.SIGTERM)
    for place in range(STUDIES):
        document = {**DOCUMENT, **chaos.document(place)}
        undisturbed = {**document, "seeds": [0, 1, 2, 3]} if place == 0 else document
        run(load_space(undisturbed), results=tmp_path / "undisturbed")
        assert rows(server.results, f"study {place}") == rows(tmp_path / "undisturbed", f"study {place}")
