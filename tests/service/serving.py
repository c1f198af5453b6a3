"""A server without a network: its application over a ledger, with somebody who says what a file is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from search.api import mirror_url
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
from search.service.acts import Service
from search.service.app import application
from search.service.beside import beside
from search.service.client import _refusal
from search.service.folder import Places
from search.service.people import Person, Role
from search.service.pricing import Pricing
from search.service.weights import Weights

URL = "http://127.0.0.1:8642"
FILE = "workload: classifier\nfixed: {epochs: 1}\nspace: {}\n"
SOUND = {
    "faults": [],
    "name": "focal",
    "title": "",
    "workload": "classifier",
    "sampler": "grid",
    "seeds": [0],
    "trials": 1,
    "notes": [],
    "table": {},
    "took_s": 0.0,
}


class Examiner:
    """Stands for the processes that examine: says what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.says: dict[str, Any] = SOUND

    async def ask(self, what: str, submitted: Any) -> dict[str, Any]:
        self.asked.append((what, submitted))
        return self.says

    async def answer(self, study: str) -> dict[str, Any]:
        return {}

    async def read(self, what: str, study: str) -> dict[str, Any]:
        return self.says if what == "interim" else {"study": study, "asked": what}

    async def settings(self, workload: str) -> dict[str, Any]:
        return {"workload": workload, "settings": {}, "metrics": []}

    async def close(self) -> None:
        return


class Asked:
    """A server, and who asks it."""

    def __init__(self, results: Path, ledger: Ledger | None = None, release_above: float | None = None) -> None:
        results.mkdir(parents=True, exist_ok=True)
        self.ledger = ledger or Ledger(str(results / "search.db"))
        self.queue = Queue(self.ledger.engine)
        self.examiner, self.woken = Examiner(), 0
        self.person = Person("ann", Role.ADMIN)
        self.places = Places(results)
        given: Any = self.examiner
        weights = Weights(self.places, allow_code=False)
        self.said: list[str] = []
        pricing = Pricing(self.queue, given, release_above, self.said.append)
        self.service = Service(self.ledger, self.queue, self.places, given, self._wake, 1, weights, pricing)
        recognise: Callable[[Any], Person] = lambda scope: self.person  # noqa: E731
        others = beside(self.ledger, mirror_url(results), results, self.said.append)
        app = application(self.service, recognise, others, self.said.append)
        self.client = TestClient(app, base_url=URL, follow_redirects=False)

    def _wake(self) -> None:
        self.woken += 1

    def form(self, path: str, **fields: str) -> Any:
        """Send a form, as our own page does."""
        return self.client.post(path, data=fields, headers={"Origin": URL, "Sec-Fetch-Site": "same-origin"})

    def submit(self, name: str = "focal") -> int:
        return self.queue.submit(name, {f"{name}.yaml": FILE}, {}, "ann").id


class Wire:
    """Stands for the network between a client and a server."""

    def __init__(self, server: Asked) -> None:
        self._server = server

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._server.client.request(method, f"/api/v1{path}", json=body)
        if answer.status_code >= 400:
            error: Any = type("Answer", (), {"read": lambda _self, _n=-1: answer.content, "code": 0, "reason": ""})()
            raise _refusal("", error)
        found: dict[str, Any] = answer.json()
        return found
