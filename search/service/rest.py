"""The server for programs, below ``/api/v1``: one table of calls, from which routes and their description are made."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from search import __version__
from search.core.errors import Faults, StorageFailed, StudyNotFound, UserError
from search.core.queue import Entry, NotNow
from search.ledger.queue import EntryNotFound, plain
from search.service import acts, bounds
from search.service.acts import Service
from search.service.folder import output_from
from search.service.openapi import NUMBER, SUBMISSION, Schema, openapi
from search.service.people import NotAllowed, Person, Role, require
from search.service.submission import Submission, submission

PREFIX = "/api/v1"

Answer = Callable[["Asked"], object]
"""Answers a call: at once, in a thread of its own, or as a coroutine."""


@dataclass(frozen=True)
class Asked:
    """What a call is given: who asks, numbers and names of its path, what stands behind the ``?``, and its JSON."""

    service: Service
    person: Person
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def entry(self) -> int:
        """The number of the entry that the path names."""
        return int(self.path["entry"])

    def number(self, name: str, allowed: bounds.Bounds) -> int:
        """Return a number of the body.

        Raises:
            UserError: it is none, or out of bounds.
        """
        value = self.body.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not allowed.low <= value <= allowed.high:
            raise UserError(f"`{name}` must be a number from {allowed.low} to {allowed.high}, found {value!r}")
        return value


@dataclass(frozen=True)
class Call:
    """One call: method, path, who may, what it does, the schemas of its body and of what stands behind the ``?``."""

    method: str
    path: str
    role: Role
    summary: str
    answer: Answer
    body: Schema = field(default_factory=dict)
    status: int = 200
    query: Mapping[str, Schema] = field(default_factory=dict)


async def _submission(asked: Asked) -> Submission:
    """Return what was submitted; in a thread, for a large file takes seconds to read."""
    return await asyncio.to_thread(submission, asked.body)


async def _check(asked: Asked) -> object:
    return await asked.service.examiner.ask("check", await _submission(asked))


async def _plan(asked: Asked) -> object:
    return await asked.service.examiner.ask("plan", await _submission(asked))


async def _submit(asked: Asked) -> object:
    return shown(await acts.submit(asked.service, asked.person, await _submission(asked)))


def _entries(asked: Asked) -> object:
    return {"entries": [shown(entry) for entry in asked.service.queue.entries()]}


def _entry(asked: Asked) -> object:
    return acts.whole(asked.service, asked.entry)


def _output(asked: Asked) -> object:
    asked.service.queue.head(asked.entry)
    offset = _offset(asked.query.get("from", "-65536"))
    text, following = output_from(asked.service.places.folder(asked.entry), offset)
    return {"text": text, "next": following}


def _stop(asked: Asked) -> object:
    return shown(acts.stop(asked.service, asked.person, asked.entry))


def _again(asked: Asked) -> object:
    return shown(acts.again(asked.service, asked.person, asked.entry))


def _release(asked: Asked) -> object:
    return shown(acts.release(asked.service, asked.person, asked.entry))


def _move(asked: Asked) -> object:
    acts.move(asked.service, asked.person, asked.entry, asked.number("position", bounds.POSITIONS))
    return _entries(asked)


def _delete(asked: Asked) -> object:
    acts.delete(asked.service, asked.person, asked.entry)
    return {}


async def _seeds(asked: Asked) -> object:
    count = asked.number("count", bounds.SEEDS)
    return shown(await acts.add_seeds(asked.service, asked.person, str(asked.path["study"]), count))


async def _confirm(asked: Asked) -> object:
    top, seeds = asked.number("top", bounds.CONFIRM_SETTINGS), asked.number("seeds", bounds.CONFIRM_SEEDS)
    return shown(await acts.confirm(asked.service, asked.person, str(asked.path["study"]), top, seeds))


def _studies(asked: Asked) -> object:
    return {"studies": acts.studies(asked.service)}


async def _table(asked: Asked) -> object:
    return await asked.service.examiner.read("table", str(asked.path["study"]))


async def _verdicts(asked: Asked) -> object:
    return await asked.service.examiner.read("verdicts", str(asked.path["study"]))


async def _audit(asked: Asked) -> object:
    return await asked.service.examiner.read("audit", str(asked.path["study"]))


def _curves(asked: Asked) -> object:
    return asdict(asked.service.watcher.growth(str(asked.path["study"])))


async def _write_weights(asked: Asked) -> object:
    name = (await asyncio.to_thread(asked.service.ledger.study, str(asked.path["study"]))).name
    await acts.write_weights(asked.service, asked.person, name)
    return {"said": asked.service.weights.said(name)}


def _weights(asked: Asked) -> object:
    return {"said": asked.service.weights.said(asked.service.ledger.study(str(asked.path["study"])).name)}


async def _settings(asked: Asked) -> object:
    return await asked.service.examiner.settings(str(asked.path["workload"]))


def _actions(asked: Asked) -> object:
    return {"actions": [vars(action) for action in asked.service.queue.actions()]}


def _server(asked: Asked) -> object:
    person = asked.person
    return {
        "version": __version__,
        "person": person.name,
        "role": person.role.name.lower(),
        "slots": asked.service.slots,
        "release_above": pricing.bound if (pricing := asked.service.pricing) is not None else None,
    }


CALLS = (
    Call("GET", "/server", Role.VIEWER, "The server, and who you are to it.", _server),
    Call(
        "POST",
        "/check",
        Role.RUNNER,  # it imports a workload
        "Check a space file: its faults, each with file, line and key.",
        _check,
        SUBMISSION,
    ),
    Call(
        "POST", "/plan", Role.RUNNER, "Price a space file: epochs, time, disk, and what it can show.", _plan, SUBMISSION
    ),
    Call("GET", "/entries", Role.VIEWER, "The queue, with entries that run and that ended.", _entries),
    Call("POST", "/entries", Role.RUNNER, "Submit a space file to the end of the queue.", _submit, SUBMISSION, 201),
    Call(
        "GET", "/entries/{entry:int}", Role.VIEWER, "An entry: how far it is, its files, what was done to it.", _entry
    ),
    Call("DELETE", "/entries/{entry:int}", Role.RUNNER, "Take an entry away; rows on record stay.", _delete),
    Call(
        "GET",
        "/entries/{entry:int}/output",
        Role.VIEWER,
        "What its command wrote, behind ?from=BYTE.",
        _output,
        query={"from": {**NUMBER, "description": "first byte; below 0 it is counted from the end"}},
    ),
    Call("POST", "/entries/{entry:int}/stop", Role.RUNNER, "Stop it, as Ctrl-C does; again: at once.", _stop),
    Call("POST", "/entries/{entry:int}/again", Role.RUNNER, "Let an entry that ended go on.", _again),
    Call("POST", "/entries/{entry:int}/release", Role.ADMIN, "Release an entry that is held back.", _release),
    Call(
        "POST",
        "/entries/{entry:int}/move",
        Role.RUNNER,
        "Move a waiting entry to a position, 1 for the first.",
        _move,
        {"type": "object", "properties": {"position": NUMBER}, "required": ["position"]},
    ),
    Call("GET", "/studies", Role.VIEWER, "The studies on record.", _studies),
    Call(
        "POST",
        "/studies/{study:path}/seeds",
        Role.RUNNER,
        "Add seeds to a study on record: it goes to the end of the queue.",
        _seeds,
        {"type": "object", "properties": {"count": NUMBER}, "required": ["count"]},
        201,
    ),
    Call("GET", "/studies/{study:path}/table", Role.VIEWER, "The comparison table of a study, with its notes.", _table),
    Call(
        "GET",
        "/studies/{study:path}/verdicts",
        Role.VIEWER,
        "What may be concluded from a study and what not, in sentences to cite.",
        _verdicts,
    ),
    Call(
        "GET",
        "/studies/{study:path}/curves",
        Role.VIEWER,
        "How far a study has come: curves of its settings, rungs, and runs in training.",
        _curves,
    ),
    Call(
        "POST",
        "/studies/{study:path}/weights",
        Role.RUNNER,
        "Have the weights of its best trial written.",
        _write_weights,
    ),
    Call("GET", "/studies/{study:path}/weights", Role.VIEWER, "What came of writing weights.", _weights),
    Call("GET", "/studies/{study:path}/audit", Role.VIEWER, "What rows show to be wrong with a study.", _audit),
    Call("GET", "/workloads/{workload:path}/settings", Role.VIEWER, "The settings that a workload has.", _settings),
    Call(
        "POST",
        "/studies/{study:path}/confirm",
        Role.RUNNER,
        "Confirm the best of a search under fresh seeds: it goes to the end of the queue.",
        _confirm,
        {"type": "object", "properties": {"top": NUMBER, "seeds": NUMBER}, "required": ["top", "seeds"]},
        201,
    ),
    Call("GET", "/actions", Role.VIEWER, "Who did what, and when: the last hundred.", _actions),
)


def routes(service: Service) -> list[Route]:
    """Return the routes of all calls, and of their description."""
    made = [Route(f"{PREFIX}{call.path}", _endpoint(service, call), methods=[call.method]) for call in CALLS]

    async def described(_request: Request) -> Response:
        return JSONResponse(openapi(CALLS, PREFIX))

    return [*made, Route(f"{PREFIX}/openapi.json", described)]


def _endpoint(service: Service, call: Call) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        person: Person = request.state.person
        try:
            require(person, call.role, call.summary[0].lower() + call.summary[1:].partition(":")[0].rstrip("."))
            body = await _body(request) if call.method == "POST" else {}
            asked = Asked(service, person, request.path_params, dict(request.query_params), body)
            return JSONResponse(await answered(call.answer, asked), call.status)
        except UserError as error:
            return JSONResponse(complaint(error), status_of(error))

    return endpoint


async def answered(answer: Answer, asked: Asked) -> object:
    """Answer a call: as a coroutine, or in a thread of its own."""
    if inspect.iscoroutinefunction(answer):
        return await answer(asked)
    return await asyncio.to_thread(answer, asked)


async def _body(request: Request) -> Mapping[str, Any]:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise UserError(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise UserError("the body must be one JSON object")
    return body


def status_of(error: UserError) -> int:
    """Return the status of HTTP that says what kind of error it is."""
    kinds = {
        Faults: 422,
        EntryNotFound: 404,
        StudyNotFound: 404,
        NotNow: 409,
        NotAllowed: 403,
        StorageFailed: 503,
    }
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 400)


def complaint(error: UserError) -> dict[str, object]:
    """Return an error as plain data: its reason, and faults with their addresses."""
    faults = error.faults if isinstance(error, Faults) else ()
    return {"reason": str(error), "faults": [vars(fault) for fault in faults]}


def shown(entry: Entry) -> dict[str, object]:
    """Return an entry without the texts of its files."""
    return {**plain(entry), "files": list(entry.files)}


def _offset(text: str) -> int:
    try:
        return max(-(1 << 18), min(int(text), 1 << 50))
    except ValueError as error:
        raise UserError(f"from={text!r}: must be a number of bytes") from error
