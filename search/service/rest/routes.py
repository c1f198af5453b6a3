"""All calls of REST, their routes and their description."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from search import __version__
from search.core.errors import UserError
from search.core.shown import listed
from search.ledger.pages import actions_page
from search.service.acts import Service
from search.service.openapi import PAGED, openapi
from search.service.people import Person, Role, require
from search.service.rest.asked import Asked, Call, answered, paged
from search.service.rest.queue import CALLS as QUEUE_CALLS
from search.service.rest.replies import complaint, status_of
from search.service.rest.studies import CALLS as STUDY_CALLS

PREFIX = "/api/v1"


def _actions(asked: Asked) -> object:
    page = asked.page(actions_page)
    return paged("actions", page, [dict(action._mapping) for action in page.items])


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
    *QUEUE_CALLS,
    *STUDY_CALLS,
    Call("GET", "/actions", Role.VIEWER, "Who did what, and when, the last one first.", _actions, query=PAGED),
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
            asked = Asked(service, person, request.path_params, _query(call, request), body)
            return JSONResponse(await answered(call.answer, asked), call.status)
        except UserError as error:
            return JSONResponse(complaint(error), status_of(error))

    return endpoint


def _query(call: Call, request: Request) -> Mapping[str, str]:
    """Return what stands behind the ``?``; what the call does not take would be left out without a word."""
    for name in request.query_params:
        if name not in call.query:
            taken = f"takes {listed([*call.query])} alone" if call.query else "takes nothing there"
            raise UserError(f"?{name[:40]}=: {call.method} {call.bare_path} {taken}; leave it out")
    return dict(request.query_params)


async def _body(request: Request) -> Mapping[str, Any]:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise UserError(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise UserError("the body must be one JSON object")
    return body
