"""Starting the server: mirror first, then notes, then pages; pictures come while it runs."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from sqlalchemy.exc import SQLAlchemyError

from search.core.errors import UserError
from search.core.shown import first_line
from search.ledger.ledger import Ledger
from search.ledger.reading import writable
from search.ledger.urls import is_text, without_password
from search.report.paths import study_folder
from search.report.results import write_results
from search.service.door import Application, Door
from search.service.notes import write_note
from search.service.pictures import ARTIFACTS, artifact_store, draw
from search.service.reports import PREFIX, Reports
from search.study.mirror import MIRROR_FILE, Mirror
from search.study.opened import OpenStudy
from search.study.optuna_storage import open_optuna

HOST = "127.0.0.1"

DRAWING_END_TIMEOUT_S = 10.0
"""Seconds that ending the dashboard waits for the picture that is being drawn, so that its browser can clear up."""


def update(ledger: Ledger, mirror: str) -> list[str]:
    """Bring the mirror of every study up to the ledger; return what could not be brought up, study by study."""
    behind = []
    for record in ledger.studies():
        reason = Mirror(OpenStudy(ledger, record), mirror).stop()
        if reason:
            behind.append(f"{record.name}: {reason}")
    return behind


@contextmanager
def place_for(results: Path) -> Iterator[Path]:
    """Give the results folder, or one for the time being where no mirror can be written there."""
    with suppress(OSError):
        results.mkdir(parents=True, exist_ok=True)
    needed = [results, *(path for path in (results / MIRROR_FILE, results / ARTIFACTS) if os.path.lexists(path))]
    if all(map(writable, needed)) and is_text(results):
        yield results
        return
    with tempfile.TemporaryDirectory(prefix="search-dashboard-") as folder:
        yield Path(folder)


def prepare(ledger: Ledger, mirror: str, results: Path, reports: Path | None = None) -> list[str]:
    """Bring up the mirror, its notes, and the reports that are not there; return what could not be, in sentences.

    Reports that lie in the folder `reports` need not be in `results` as well.
    """
    problems = [f"the mirror is behind: {reason}" for reason in update(ledger, mirror)]
    for record in ledger.studies():
        study, folder = OpenStudy(ledger, record), study_folder(results, record.name)
        try:
            there = study_folder(reports or results, record.name)
            if not ((folder / "report.html").exists() or (there / "report.html").exists()):
                write_results(study, folder)
            write_note(study, mirror)
        except Exception as error:  # the dashboard is of use without them
            problems.append(f"{record.name}: no report or note: {type(error).__name__}: {error}")
    return problems


def application(
    ledger: Ledger,
    mirror: str,
    results: Path,
    reports: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Application:
    """Return what answers requests: the dashboard, and the reports under ``/reports/``, behind one door."""
    from optuna_dashboard import wsgi

    optunas = wsgi(open_optuna(mirror), artifact_store=artifact_store(results))
    optunas.catchall = False  # exceptions are the door's to tell
    return Door(Reports(ledger, reports or results, optunas, [results]), say, PREFIX)


def serve(
    ledger: Ledger,
    mirror: str,
    port: int,
    say: Callable[[str], None],
    results: Path,
    pictures: bool = True,
    reports: Path | None = None,
) -> None:
    """Serve the dashboard until interrupted.

    Args:
        ledger: where the truth is.
        mirror: SQLAlchemy URL of the Optuna database, rebuilt here where it is missing.
        port: port on 127.0.0.1.
        say: told the address, and what is missing.
        results: the results folder, where reports are written and pictures are kept.
        pictures: draw them.
        reports: where reports lie already; by default in `results`.

    Raises:
        UserError: the port is taken, the ledger holds no study, or the mirror cannot be used.
    """
    place = without_password(ledger.storage)
    if not ledger.studies():
        raise UserError(f"the ledger {place} holds no study yet; run one first: python -m search run FILE")
    for problem in prepare(ledger, mirror, results, reports):
        say(problem)
    try:
        answering = application(ledger, mirror, results, reports, say)
    except (SQLAlchemyError, RuntimeError, OSError) as error:
        raise UserError(
            f"the mirror {without_password(mirror)} cannot be used: {first_line(error)}; remove it, for it is made "
            "anew from the ledger"
        ) from error
    try:
        server = make_server(HOST, port, answering, _Threads, _Quiet)
    except OSError as error:
        raise UserError(f"port {port} of {HOST}: {error.strerror}; choose another with --port") from error
    address = f"http://{HOST}:{server.server_port}"
    say(f"Optuna dashboard of {place}: {address}/dashboard; reports: {address}/reports/ (Ctrl-C ends it)")
    end = threading.Event()
    drawing = threading.Thread(target=draw, args=(ledger, mirror, results, say, end), name="pictures", daemon=True)
    if pictures:
        drawing.start()
    try:
        with server, suppress(KeyboardInterrupt):  # the way to end it, and no failure
            server.serve_forever()
    finally:
        end.set()
        if pictures:
            drawing.join(DRAWING_END_TIMEOUT_S)


class _Threads(ThreadingMixIn, WSGIServer):
    """One thread per connection: a browser opens some that it does not use at once."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  # of socketserver
        """Say in one line what went wrong with a connection; that a browser gave one up is nothing."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"dashboard: {type(error).__name__}: {error}", file=sys.stderr)


class _Quiet(WSGIRequestHandler):
    """Does not print a line per request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: ARG002  # of http.server
        return
