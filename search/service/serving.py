"""A server from its start to its end: one per queue, with a thread that works on the queue beside those that answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.ledger.lock import server_lock
from search.ledger.queue import Queue
from search.ledger.urls import without_password
from search.places import mirror_url
from search.service.folder import Places
from search.service.people import is_loopback, owner

MISSING = (
    "`serve` needs packages that are not installed ({name}): pip install 'search-service[serve]', or in a checkout "
    "pip install -e '.[serve]'"
)

KEEP_ALIVE_TIMEOUT_S = 15
MAX_CONNECTIONS = 500
SHUTDOWN_TIMEOUT_S = 5


def require_packages() -> None:
    """See that what a server is made of is installed.

    Raises:
        UserError: it is not.
    """
    try:
        import a2wsgi as _bridge
        import jinja2 as _pages
        import sse_starlette as _events
        import starlette as _answers
        import uvicorn as _listens
    except ModuleNotFoundError as error:
        raise UserError(MISSING.format(name=error.name)) from error
    del _bridge, _pages, _events, _answers, _listens


def serve(
    ledger: Ledger,
    places: Places,
    host: str,
    port: int,
    slots: int,
    allow_code: bool,
    say: Callable[[str], None],
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

    Raises:
        UserError: the port is taken, the host is reached by others, or packages are missing.
        StudyLocked: another server holds the queue.
    """
    require_packages()
    if not is_loopback(host):
        raise UserError(
            f"host {host!r}: others can reach it, and this server knows no tokens yet; leave --host out, and reach it "
            f"by a tunnel: ssh -L {port}:127.0.0.1:{port} HOST"
        )
    import uvicorn

    from search.service.acts import Service
    from search.service.app import application
    from search.service.examiner import Examiner
    from search.service.supervisor import Supervisor

    with server_lock(ledger.engine), _listening(host, port) as listener:
        queue = Queue(ledger.engine)
        supervisor = Supervisor(queue, places, slots, allow_code, say)
        service = Service(ledger, queue, places, Examiner(places, allow_code), supervisor.wake, slots)
        started_by = owner()
        config = uvicorn.Config(
            application(service, lambda _scope: started_by, mirror_url(places.results), say),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_keep_alive=KEEP_ALIVE_TIMEOUT_S,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
            proxy_headers=False,
        )
        named = f"[{host}]" if ":" in host else host
        say(
            f"serving {without_password(ledger.storage)} at http://{named}:{listener.getsockname()[1]} "
            "(Ctrl-C ends the server; a study that runs goes on)"
        )
        working = threading.Thread(target=supervisor.work, name="queue", daemon=True)
        working.start()
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            supervisor.end()
            working.join()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=128)
    except OSError as error:
        raise UserError(f"port {port} of {host}: {error.strerror}; choose another with --port") from error
