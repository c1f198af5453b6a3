"""The application that answers: REST, pages, reports and Optuna's dashboard, behind one guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from search.service import rest
from search.service.acts import Service
from search.service.beside import beside
from search.service.guard import LOOPBACK_NAMES, Guard, Refused, refusal
from search.service.pages import Pages
from search.service.people import Person
from search.service.refresh import refresh

Recognise = Callable[[Scope], Person]
"""Says who asks."""


def application(
    service: Service,
    recognise: Recognise,
    mirror: str,
    say: Callable[[str], None],
    names: Collection[str] = LOOPBACK_NAMES,
) -> ASGIApp:
    """Return what answers requests.

    Args:
        service: what it works with.
        recognise: says who asks.
        mirror: SQLAlchemy URL of Optuna's database.
        say: told of what fails.
        names: hosts that the server answers to, without port.
    """

    def lifespan(_app: Starlette) -> AbstractAsyncContextManager[None]:
        return _lifetime(service, say)

    others = beside(service.ledger, mirror, service.places.results, say)
    routes = [*rest.routes(service), *Pages(service).routes(), Mount("/", app=others)]
    inner = Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refused: _refused})
    return Guard(_Recognised(inner, recognise), names)


async def _refused(request: Request, error: Exception) -> Response:
    """Answer a request whose body did not come as it should; asked from within, where it is read."""
    assert isinstance(error, Refused)
    return refusal(request.url.path, error)


@asynccontextmanager
async def _lifetime(service: Service, say: Callable[[str], None]) -> AsyncIterator[None]:
    refreshing = asyncio.create_task(refresh(service.ledger.engine, service.examiner, say))
    try:
        yield
    finally:
        for task in (refreshing, *service.tasks):
            task.cancel()
        await service.examiner.close()


class _Recognised:
    """Says to whoever answers who asks, as ``request.state.person``."""

    def __init__(self, app: ASGIApp, recognise: Recognise) -> None:
        self._app, self._recognise = app, recognise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["person"] = self._recognise(scope)
        await self._app(scope, receive, send)
