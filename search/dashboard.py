"""The Optuna dashboard over the mirror, on loopback only: it has no authentication and can delete what it shows."""

from __future__ import annotations

from collections.abc import Callable
from wsgiref.simple_server import WSGIRequestHandler, make_server

from search.errors import UserError
from search.ledger import Ledger
from search.ledger.tables import without_password
from search.space import rebuild
from search.study import Mirror

HOST = "127.0.0.1"


def update(ledger: Ledger, mirror: str) -> list[str]:
    """Bring the mirror of every study up to the ledger; return what could not be brought up, study by study."""
    behind = []
    for record in ledger.studies():
        reason = Mirror(ledger, record, rebuild(record.space, record.name), mirror).stop()
        if reason:
            behind.append(f"{record.name}: {reason}")
    return behind


def serve(ledger: Ledger, mirror: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the dashboard until interrupted.

    Args:
        ledger: where the truth is.
        mirror: SQLAlchemy URL of the Optuna database, rebuilt here where it is missing.
        port: port on 127.0.0.1.
        say: told the address, and what the mirror lacks.

    Raises:
        UserError: the port is taken, or the ledger holds no study.
    """
    from optuna.storages import RDBStorage
    from optuna_dashboard import wsgi

    place = without_password(ledger.storage)
    if not ledger.studies():
        raise UserError(f"the ledger {place} holds no study yet; run one first: python -m search run FILE")
    for problem in update(ledger, mirror):
        say(f"the mirror is behind: {problem}")
    try:
        server = make_server(HOST, port, wsgi(RDBStorage(mirror)), handler_class=_Quiet)
    except OSError as error:
        raise UserError(f"port {port} of {HOST}: {error.strerror}; choose another with --port") from error
    say(f"Optuna dashboard of {place}: http://{HOST}:{port}/dashboard (Ctrl-C ends it)")
    with server:
        server.serve_forever()


class _Quiet(WSGIRequestHandler):
    """Does not print a line per request."""

    def log_message(self, format: str, *args: object) -> None:
        return
