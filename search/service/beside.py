"""What is served beside our own pages: reports, and Optuna's dashboard at the paths that it takes for its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from a2wsgi import WSGIMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from search.ledger.ledger import Ledger
from search.service.door import Door
from search.service.guard import READING
from search.service.reports import PREFIX, Reports

BRIDGE_THREADS = 8


class ReadOnly:
    """An ASGI application in front of a WSGI application, of which nothing can be changed."""

    def __init__(self, application: WSGIApplication) -> None:
        # The two libraries have types of their own for one thing.
        self._app: ASGIApp = WSGIMiddleware(application, workers=BRIDGE_THREADS)  # type: ignore[arg-type, assignment]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] not in READING:
            refusal = "Optuna's dashboard and reports can only be read here\n"
            await PlainTextResponse(refusal, 405, {"Allow": ", ".join(READING)})(scope, receive, send)
            return
        await self._app(scope, receive, send)


def beside(ledger: Ledger, mirror: str, results: Path, say: Callable[[str], None]) -> ReadOnly:
    """Return what answers for reports and for Optuna's dashboard.

    Args:
        ledger: whose studies' reports are served.
        mirror: SQLAlchemy URL of Optuna's database.
        results: the results folder.
        say: told of what fails.
    """
    return ReadOnly(Door(Reports(ledger, results, _Later(mirror, results)), say, PREFIX))


class _Later:
    """Optuna's dashboard, which is imported when somebody asks for it: that takes a second, and a hundred megabytes."""

    def __init__(self, mirror: str, results: Path) -> None:
        self._mirror, self._results = mirror, results
        self._made: WSGIApplication | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._lock:
            if self._made is None:
                self._made = optuna_dashboard(self._mirror, self._results)
        return self._made(environ, start)


def optuna_dashboard(mirror: str, results: Path) -> WSGIApplication:
    """Return Optuna's dashboard over a mirror; its exceptions are for whoever calls it."""
    from optuna_dashboard import wsgi

    from search.service.pictures import artifact_store
    from search.study.optuna_storage import open_optuna

    made = wsgi(open_optuna(mirror), artifact_store=artifact_store(results))
    made.catchall = False
    application: WSGIApplication = made
    return application
