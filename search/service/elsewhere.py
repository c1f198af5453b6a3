"""What none of our routes answers: addresses of reports and of Optuna's dashboard go on to these, the rest is refused.

A person is told so by a page, a program in a sentence, and below ``/api/`` as JSON; where an address takes other
methods, they are named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from search.service.guard import READING, Refused, refusal, theirs

Refusing = Callable[[Request, str, int], Response]
"""Returns the page of a refusal: the request, the reason, the status."""


class Elsewhere:
    """An ASGI application behind our routes.

    Args:
        routes: ours.
        others: answers for reports and Optuna's dashboard.
        refusing: makes the page of a refusal.
    """

    def __init__(self, routes: Sequence[Route], others: ASGIApp, refusing: Refusing) -> None:
        self._routes, self._others, self._refusing = routes, others, refusing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        methods = self._methods(scope) if scope["type"] == "http" else []
        if scope["type"] != "http" or (theirs(scope["path"]) and not methods):
            await self._others(scope, receive, send)
            return
        await self._refused(Request(scope), methods)(scope, receive, send)

    def _methods(self, scope: Scope) -> list[str]:
        """Return the methods that one of our routes takes at this address."""
        matching = [route for route in self._routes if route.matches(scope)[0] is not Match.NONE]
        return sorted({method for route in matching for method in route.methods or ()})

    def _refused(self, request: Request, methods: Sequence[str]) -> Response:
        path = request.url.path
        if methods:
            error = Refused(405, f"{request.method} {path}: this address takes {', '.join(methods)}")
        else:
            error = Refused(404, f"there is nothing at {path}")
        reads_pages = request.method in READING and "text/html" in request.headers.get("accept", "")
        if reads_pages and not path.startswith("/api/"):
            response = self._refusing(request, str(error), error.status)
        else:
            response = refusal(path, error)
        if methods:
            response.headers["Allow"] = ", ".join(methods)
        return response
