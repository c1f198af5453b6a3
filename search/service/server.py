"""Starting the server: mirror first, then notes, then pages; pictures come while it runs."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from search.core.errors import UserError
from search.core.shown import first_line
from search.ledger.ledger import Ledger
from search.ledger.reading import writable
from search.ledger.sequences import members
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

if TYPE_CHECKING:
    from starlette.types import ASGIApp

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

    Reports that lie in the folder `reports` need not be in `results` as well. The studies of a sequence of changes get
    none: a report shows test figures.
    """
    problems = [f"the mirror is behind: {reason}" for reason in update(ledger, mirror)]
    unread = members(ledger.engine)
    for record in (one for one in ledger.studies() if one.id not in unread):
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
    from search.service.beside import ReadOnly
    from search.service.serving import answer, listening

    listener = listening(HOST, port)
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    say(f"Optuna dashboard of {place}: {address}/dashboard; reports: {address}/reports/ (Ctrl-C ends it)")
    end = threading.Event()
    drawing = threading.Thread(target=draw, args=(ledger, mirror, results, say, end), name="pictures", daemon=True)
    if pictures:
        drawing.start()
    try:
        with listener:
            answer(listener, read_only(ledger, results, ReadOnly(answering), say))
    finally:
        end.set()
        if pictures:
            drawing.join(DRAWING_END_TIMEOUT_S)


def read_only(ledger: Ledger, results: Path, others: ASGIApp, say: Callable[[str], None]) -> ASGIApp:
    """Return the pages of a server without a queue of its own: whoever asks may read.

    Args:
        ledger: of the studies.
        results: the results folder.
        others: answers for reports and Optuna's dashboard.
        say: told of what fails.
    """
    from search.ledger.queue import Queue
    from search.service.acts import Service
    from search.service.app import application as pages
    from search.service.examiner import Examiner
    from search.service.folder import Places
    from search.service.people import Person, Role
    from search.service.weights import Weights

    places = Places(results, ledger.storage)
    examiner, weights = Examiner(places, allow_code=False), Weights(places, allow_code=False)
    service = Service(ledger, Queue(ledger.engine), places, examiner, lambda: None, 0, weights)
    reader = Person("reader", Role.VIEWER)
    return pages(service, lambda _scope: reader, others, say)
