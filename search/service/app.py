"""The application that answers: REST, pages, reports and Optuna's dashboard, behind one guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from search.ledger.tokens import Tokens
from search.service.acts import Service
from search.service.elsewhere import Elsewhere
from search.service.entrance import Entrance
from search.service.guard import LOOPBACK_NAMES, Guard, Refused, refusal
from search.service.pages.shown import enter_page, refused
from search.service.pages.site import Pages
from search.service.people import Person
from search.service.proxy import Proxy
from search.service.refresh import refresh
from search.service.rest.routes import routes as rest_routes

Recognise = Callable[[Scope], Person]
"""Says who asks."""


def application(
    service: Service,
    recognise: Recognise,
    others: ASGIApp,
    say: Callable[[str], None],
    names: Collection[str] = LOOPBACK_NAMES,
) -> ASGIApp:
    """Return what answers requests.

    Args:
        service: what it works with.
        recognise: says who asks.
        others: answers for reports and Optuna's dashboard.
        say: told of what fails.
        names: hosts that the server answers to, without port.
    """

    return Guard(_Recognised(_inner(service, others, say), recognise), names)


def guarded(
    service: Service,
    person: Person | None,
    others: ASGIApp,
    say: Callable[[str], None],
    names: Collection[str] = LOOPBACK_NAMES,
    secure: bool = False,
    proxy: Proxy | None = None,
) -> ASGIApp:
    """Return what answers requests of people who bear tokens.

    Args:
        service: what it works with.
        person: who asks without a token; None where everybody needs one.
        others: answers for reports and Optuna's dashboard.
        say: told of what fails.
        names: hosts that the server answers to, without port.
        secure: whether a reverse proxy speaks https.
        proxy: is believed to say who asks; None for nobody.
    """
    inner = _inner(service, others, say)
    return Guard(Entrance(inner, person, Tokens(service.ledger.engine), enter_page, secure, proxy), names)


def _inner(service: Service, others: ASGIApp, say: Callable[[str], None]) -> ASGIApp:
    def lifespan(_app: Starlette) -> AbstractAsyncContextManager[None]:
        return _lifetime(service, say)

    pages = Pages(service)
    routes = [*rest_routes(service), *pages.routes()]
    behind = Mount("/", app=Elsewhere(routes, others, refused))
    return Starlette(routes=[*routes, behind], lifespan=lifespan, exception_handlers={Refused: _refused})


async def _refused(request: Request, error: Exception) -> Response:
    """Answer a request whose body did not come as it should; asked from within, where it is read."""
    assert isinstance(error, Refused)
    return refusal(request.url.path, error)


@asynccontextmanager
async def _lifetime(service: Service, say: Callable[[str], None]) -> AsyncIterator[None]:
    if not service.ledger.read_only and service.slots:
        service.background(refresh(service.ledger.engine, service.examiner, say))
        if service.pricing is not None:
            service.background(service.pricing.work(service.wake))
    try:
        yield
    finally:
        for task in list(service.tasks):
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
