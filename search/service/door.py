"""Who may ask the dashboard for what: pages of other sites, open in the same browser, may neither read nor write.

The dashboard has no password and listens on loopback alone, which keeps other machines out, but no page that a browser
on this one shows. So

* it answers to its own names alone: another site can let its name point to this machine (DNS rebinding);
* whatever changes something comes from the dashboard's own pages, or from a program that is no browser;
* a body is one JSON object, of a declared kind that no form of another site can send;
* no answer says that other sites may read it, or can be shown in a frame of theirs;
* a request that Optuna's dashboard cannot make use of is answered with 400 and a sentence, and nothing is printed.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

Application = WSGIApplication

READING = ("GET", "HEAD")
OWN_ORIGIN = ("same-origin", "none")
"""What a browser says of requests that come from the dashboard's own pages, or from its user."""

MAX_BODY_BYTES = 128 << 20
"""As Optuna's dashboard has it, for artifacts."""

_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_NOT_OURS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError)
_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Refused(Exception):
    """A request is not answered; `status` as HTTP has it."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Door:
    """A WSGI application in front of another one.

    Args:
        other: answers what is let in; of its exceptions none passes.
        say: told of what fails here, and is not the request's fault.
        shared: paths that begin so are read by pages without an origin: reports are.
    """

    def __init__(self, other: Application, say: Callable[[str], None] = lambda text: None, shared: str = "") -> None:
        self._other, self._say, self._shared = other, say, shared
        logger = logging.getLogger("optuna_dashboard")
        logger.handlers, logger.propagate = [_failures], False

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        shared = bool(self._shared) and f"{path}/".startswith(f"{self._shared}/")
        try:
            _check_host(environ)
            if environ.get("REQUEST_METHOD", "GET") not in READING:
                _check_origin(environ)
                _check_body(environ)
            elif not shared:
                _check_reader(environ)
        except Refused as error:
            _drain(environ)
            return _answer(start, error.status, path, str(error))
        return self._pass_on(environ, start, path, shared)

    def _pass_on(self, environ: WSGIEnvironment, start: StartResponse, path: str, shared: bool) -> Iterable[bytes]:
        environ.setdefault("HTTP_ACCEPT_ENCODING", "identity")
        environ["wsgi.errors"] = io.StringIO()
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _failed: object = None) -> Callable[[bytes], None]:
            told.append((status, headers))
            return _unused

        _failures.remember(None)
        try:
            answer = self._other(environ, begin)
        except Exception as error:
            _failures.remember(error)
            answer, told = (), [("500 Internal Server Error", [])]
        status, headers = told[-1]
        failure = _failures.last()
        if status.startswith("500") and failure is not None:
            reason = f"{type(failure).__name__}: {(str(failure).strip().splitlines() or [''])[0]}"
            if _of_the_request(failure):
                return _answer(start, "400 Bad Request", path, f"the dashboard cannot make use of this: {reason}")
            self._say(f"dashboard: {environ.get('REQUEST_METHOD')} {path}: {reason}")
            return _answer(start, "500 Internal Server Error", path, reason)
        kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        names = {name.lower() for name, _ in kept}
        ours = [header for header in _HEADERS if header[0].lower() not in names]
        start(status, [*kept, *(header for header in ours if not (shared and header[0] == _HEADERS[2][0]))])
        return answer


class _Failures(logging.Handler):
    """Takes what Optuna's dashboard would print, tracebacks among it; remembers the exception, thread by thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._local = threading.local()

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002  # of logging.Handler
        """Remember the exception that is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception):
            self.remember(error)

    def remember(self, error: Exception | None) -> None:
        """Remember an exception of this thread's request; None begins with another request."""
        self._local.error = error

    def last(self) -> Exception | None:
        """Return the exception of this thread's request."""
        return getattr(self._local, "error", None)


_failures = _Failures()


def _check_host(environ: WSGIEnvironment) -> None:
    host = environ.get("HTTP_HOST", "")
    if not host:
        raise Refused("400 Bad Request", "the request names no host; the dashboard answers to 127.0.0.1 and localhost")
    if not _HOST.fullmatch(host):
        raise Refused(
            "403 Forbidden",
            f"host {host!r}: the dashboard answers to 127.0.0.1, localhost and [::1] alone; to look at it from "
            "elsewhere use a tunnel: ssh -L 8080:127.0.0.1:8080 HOST",
        )


def _check_origin(environ: WSGIEnvironment) -> None:
    """Refuse what a page of another origin asks for; programs that are no browser name none."""
    named = environ.get("HTTP_ORIGIN", environ.get("HTTP_REFERER"))
    own = named is None or _same(named, environ["HTTP_HOST"])
    if not own or environ.get("HTTP_SEC_FETCH_SITE", "none") not in OWN_ORIGIN:
        who = named or "another site"
        raise Refused("403 Forbidden", f"a page of {who!r} asked for this: only the dashboard's own may write")


def _same(address: str, host: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _check_reader(environ: WSGIEnvironment) -> None:
    """Refuse to be part of another site's page; a link that leads here is none."""
    site, mode = environ.get("HTTP_SEC_FETCH_SITE", "none"), environ.get("HTTP_SEC_FETCH_MODE", "navigate")
    if site not in OWN_ORIGIN and mode != "navigate":
        raise Refused("403 Forbidden", "a page of another site asked for this: only the dashboard's own may read it")


def _check_body(environ: WSGIEnvironment) -> None:
    """Read the body, which is nothing or one JSON object, and lay it before whoever answers."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise Refused("411 Length Required", "a body must have a Content-Length")
    if not (length.isascii() and length.isdigit()):
        raise Refused("400 Bad Request", f"Content-Length {length!r}: must be a number of bytes")
    if int(length) > MAX_BODY_BYTES:
        raise Refused("413 Content Too Large", f"Content-Length {length}: must be at most {MAX_BODY_BYTES}")
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if int(length) and kind != "application/json":
        raise Refused("415 Unsupported Media Type", f"Content-Type {kind!r}: must be application/json")
    body = environ["wsgi.input"].read(int(length)) if int(length) else b""
    environ["wsgi.input"] = io.BytesIO(body)
    try:
        if body and not isinstance(json.loads(body), dict):
            raise Refused("400 Bad Request", "the body must be one JSON object")
    except (ValueError, RecursionError) as error:
        raise Refused("400 Bad Request", f"the body is no JSON: {error}") from error


def _of_the_request(error: Exception) -> bool:
    """Whether an exception comes from what was asked for: a wrong type, an unknown number, a trial that has ended."""
    if isinstance(error, OperationalError):
        return False
    optunas = type(error).__module__.startswith("optuna.exceptions")
    return isinstance(error, (*_NOT_OURS, StatementError, DBAPIError)) or optunas


def _drain(environ: WSGIEnvironment) -> None:
    """Read what was sent, within reason: closed before, a connection may take the answer with it."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isascii() and length.isdigit() and int(length) <= 1 << 20:
        environ["wsgi.input"].read(int(length))


def _answer(start: StartResponse, status: str, path: str, reason: str) -> list[bytes]:
    api = path.startswith("/api/")
    body = (json.dumps({"reason": reason}) if api else f"{reason}\n").encode("utf-8", "backslashreplace")
    kind = "application/json" if api else "text/plain; charset=utf-8"
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS])
    return [body]


def _unused(_content: bytes) -> None:
    raise AssertionError("nobody here writes in the old way of WSGI")
