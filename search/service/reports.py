"""The studies' folders over HTTP, under ``/reports/``; every other address goes on to the dashboard.

The first part of an address is the name of a study's folder in the results folder (`search.report.paths`), the rest a
file below it; without one, ``report.html``. Answers carry a policy that takes the page's origin away: it runs its own
scripts, but cannot read the dashboard or tell it to delete anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import parse_qsl, quote
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import FileWrapper

from search.core.errors import StudyNotFound, UserError
from search.ledger.ledger import Ledger
from search.ledger.pages import studies_page
from search.report import design
from search.report.paths import study_folder
from search.report.text import one_line

PREFIX = "/reports"
TEXT = "text/plain; charset=utf-8"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".md": TEXT,
    ".tex": TEXT,
    ".yaml": TEXT,
    ".txt": TEXT,
}
_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", "sandbox allow-scripts allow-downloads; connect-src 'none'; form-action 'none'"),
)
CHUNK_BYTES = 1 << 16
LISTED = 50
"""Reports of a page of the list."""


def address(name: str) -> str:
    """Return where the report of a study of this name is, without host and port."""
    return f"{PREFIX}/{quote(study_folder(Path(), name).name, safe='')}/"


class Reports:
    """A WSGI application in front of another one.

    Args:
        ledger: whose studies' folders are served.
        results: the results folder.
        other: answers every other address.
        more: folders like `results`, for what is not there.
    """

    def __init__(
        self, ledger: Ledger, results: Path, other: Callable[..., Iterable[bytes]], more: Sequence[Path] = ()
    ) -> None:
        self._ledger, self._places, self._other = ledger, (results, *more), other

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path != PREFIX and not path.startswith(f"{PREFIX}/"):
            return self._other(environ, start)
        method = environ.get("REQUEST_METHOD", "GET")
        if method not in ("GET", "HEAD"):
            return _answer(
                start, "405 Method Not Allowed", TEXT, b"reports can only be read\n", [("Allow", "GET, HEAD")]
            )
        name, slash, rest = path.encode("latin-1").decode("utf-8", "replace")[len(PREFIX) + 1 :].partition("/")
        if not name:
            try:
                after = dict(parse_qsl(environ.get("QUERY_STRING", ""))).get("after", "")
                return _answer(start, "200 OK", TYPES[".html"], self._index(after), head=method == "HEAD")
            except UserError as error:
                return _answer(start, "400 Bad Request", TEXT, f"{error}\n".encode())
        study = self._study_in(name)
        if study is None:
            return _answer(start, "404 Not Found", TEXT, b"no such study\n")
        if not slash:  # relative addresses in the page need it
            return _answer(start, "302 Found", TEXT, b"", [("Location", address(study))])
        found = (below(place / name, rest or "report.html") for place in self._places)
        file = next(filter(None, found), None)
        if file is None:
            text = "no such file in the study's folder\n"
            if not rest:
                text = f"no report yet; `python -m search report {one_line(study)!r}` writes it\n"
            return _answer(start, "404 Not Found", TEXT, text.encode())
        kind = TYPES.get(file.suffix.lower(), "application/octet-stream")
        size = str(file.stat().st_size)
        start("200 OK", [("Content-Type", kind), ("Content-Length", size), *_HEADERS])
        return [] if method == "HEAD" else FileWrapper(file.open("rb"), CHUNK_BYTES)

    def _study_in(self, folder: str) -> str | None:
        """Return the name of the study that has this folder; None where none has it."""
        try:
            if study_folder(Path(), folder).name == folder:  # most names are safe, and their folder's own
                return self._ledger.study(folder).name
        except StudyNotFound:
            return None
        names = self._ledger.names().values()
        return next((name for name in names if study_folder(Path(), name).name == folder), None)

    def _index(self, after: str) -> bytes:
        page = studies_page(self._ledger.engine, LISTED, after)
        items = "".join(
            f'<li><a href="{escape(address(one.name))}" dir="auto">{escape(one_line(one.name))}</a></li>'
            for one in page.items
        )
        newest = f'<a href="{PREFIX}/">Newest reports</a> ' if after else ""
        older = f'<a href="{PREFIX}/?after={page.next}">Older reports</a>' if page.next else ""
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Reports</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{design.variables()} body {{ background: var(--page); color: var(--text); "
            "font: var(--body)/1.6 var(--font); margin: 1.5rem; } a { color: var(--link); }</style></head>"
            f"<body><main><h1>Reports</h1><ul>{items}</ul><p>{newest}{older}</p>"
            '<p><a href="/dashboard">Optuna dashboard</a></p></main>'
            "</body></html>"
        ).encode()


def below(folder: Path, path: str) -> Path | None:
    """Return the file that `path` names below `folder`; None where there is none, or it lies elsewhere.

    Hidden files (unfinished ones are) and links that lead out of the folder are not there.
    """
    parts = path.split("/")
    if any(part.startswith(".") or not part or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        file = folder.joinpath(*parts).resolve()
        inside = file.is_relative_to(folder.resolve()) and file.is_file()
    except OSError:
        return None
    return file if inside else None


def _answer(
    start: StartResponse,
    status: str,
    kind: str,
    body: bytes,
    more: Iterable[tuple[str, str]] = (),
    *,
    head: bool = False,
) -> list[bytes]:
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS, *more])
    return [] if head else [body]
