"""A server from its start to its end: one per queue, with a thread that works on the queue beside those that answer."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.ledger.lock import server_lock
from search.ledger.queue import Queue
from search.ledger.tokens import Tokens
from search.ledger.urls import without_password
from search.places import mirror_url
from search.service.folder import Places
from search.service.people import is_loopback, owner

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from search.service.proxy import Proxy

KEEP_ALIVE_TIMEOUT_S = 15
MAX_CONNECTIONS = 500
SHUTDOWN_TIMEOUT_S = 5


def serve(
    ledger: Ledger,
    places: Places,
    host: str,
    port: int,
    slots: int,
    allow_code: bool,
    say: Callable[[str], None],
    names: Sequence[str] = (),
    secure: bool = False,
    proxy: Proxy | None = None,
    release_above: float | None = None,
) -> None:
    """Serve until interrupted; what runs goes on then, and the next server takes it over.

    Args:
        ledger: of the studies, in whose database the queue is.
        places: the results folder, and the database.
        host: address to listen at.
        port: to listen at, 0 for any that is free.
        slots: studies that run at once.
        allow_code: whether submitted files may name code that is not installed.
        say: told the address, and what fails.
        names: other names that the server is reached by, as through a reverse proxy; everybody needs a token then.
        secure: whether a reverse proxy speaks https.
        proxy: is believed to say who asks; None for nobody.
        release_above: core hours above which a study waits until an admin releases it; None for any number.

    Raises:
        UserError: the port is taken, or others reach the host and nobody has a token.
        StudyLocked: another server holds the queue.
    """
    others_reach_it = not is_loopback(host) or bool(names)
    if others_reach_it and proxy is None and not any(not token.revoked for token in Tokens(ledger.engine).all()):
        raise UserError(
            f"host {host!r}{', reached by another name' if names else ''}: others can reach this server, and nobody "
            "has a token; make one first: python -m search server token add NAME --role admin"
        )
    from search.service.acts import Service
    from search.service.app import guarded
    from search.service.beside import beside
    from search.service.examiner import Examiner
    from search.service.guard import LOOPBACK_NAMES
    from search.service.pricing import Pricing
    from search.service.supervisor import Supervisor
    from search.service.weights import Weights

    with server_lock(ledger.engine), listening(host, port) as listener:
        queue = Queue(ledger.engine)
        supervisor = Supervisor(queue, places, slots, allow_code, say)
        examiner, weights = Examiner(places, allow_code), Weights(places, allow_code)
        pricing = Pricing(queue, examiner, release_above, say)
        service = Service(ledger, queue, places, examiner, supervisor.wake, slots, weights, pricing)
        started_by = None if others_reach_it or proxy is not None else owner()
        others = beside(ledger, mirror_url(places.results), places.results, say)
        all_names = [*LOOPBACK_NAMES, *names, *([host] if others_reach_it else [])]
        app = guarded(service, started_by, others, say, all_names, secure, proxy)
        named = f"[{host}]" if ":" in host else host
        say(
            f"serving {without_password(ledger.storage)} at http://{named}:{listener.getsockname()[1]} "
            "(Ctrl-C ends the server; a study that runs goes on)"
        )
        working = threading.Thread(target=supervisor.work, name="queue", daemon=True)
        working.start()
        try:
            answer(listener, app)
        finally:
            supervisor.end()
            working.join()


def answer(listener: socket.socket, app: ASGIApp) -> None:
    """Answer requests until interrupted, which is the way to end it, and no failure."""
    import uvicorn

    from search.service.prompt import PromptProtocol

    config = uvicorn.Config(
        app,
        http=PromptProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_TIMEOUT_S,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        proxy_headers=False,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 takes any that is free.

    Raises:
        UserError: the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=128)
    except OSError as error:
        reason = (
            os.strerror(error.errno) if error.errno else str(error)
        )  # the socket's own words name the address again
        raise UserError(f"port {port} of {host}: {reason}; choose another with --port") from error
