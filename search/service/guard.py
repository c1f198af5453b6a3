"""What every request passes: whose host it names, which page sent it, how large it is, how long it takes.

The server answers to its own names alone, for another site can let its name point to this machine (DNS rebinding).
What changes something comes from its own pages, or from a program that is no browser and sends JSON, which no form of
another site can. Bodies are bounded in bytes and seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = ("GET", "HEAD")
OWN_SITES = ("same-origin", "none")
"""What a browser says of requests that come from our own pages, or from its user."""

MAX_PATH_LETTERS = 2000
"""Letters of an address: longer than any study's name, shorter than a number that Python refuses to read."""

MAX_BODY_BYTES = 2 << 20
BODY_TIMEOUT_S = 30.0
"""Seconds within which a body has come."""

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Content security policy of our pages."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, a browser would call our own forms another site's
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
}

OTHERS = ("/dashboard", "/static/", "/api/", "/artifacts", "/csv", "/reports", "/favicon.ico")
"""Beginnings of paths of Optuna's dashboard and of reports, which bring headers of their own; ours are excepted."""

OURS = ("/api/v1",)

FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
"""Headers by which a reverse proxy says that somebody else asks."""


class Refused(Exception):
    """A request is not answered."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Guard:
    """An ASGI application in front of another one.

    Args:
        app: answers what is let in.
        names: hosts that the server answers to, without port.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = LOOPBACK_NAMES) -> None:
        self._app, self._names = app, {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            _check_path(scope["path"])
            if scope["method"] in READING:
                _check_reader(headers, scope["path"])
            else:
                _check_writer(headers)
                _check_length(headers)
        except Refused as error:
            await _refuse(scope, send, error)
            return
        body, started = _Bounded(receive), False

        async def answer(message: Message) -> None:
            nonlocal started
            started |= message["type"] == "http.response.start"
            if message["type"] == "http.response.start" and not theirs(scope["path"]):
                ours = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    ours.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, body, answer)
        except Refused as error:
            if not started:
                await _refuse(scope, send, error)

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        named = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]@/\s,]+)(:[0-9]{1,5})?", hosts[0].lower()) if hosts else None
        if len(hosts) != 1 or named is None or named[1] not in self._names:
            names = ", ".join(sorted(self._names))
            raise Refused(
                403 if hosts and hosts[0] else 400,
                f"host {', '.join(hosts)!r}: this server answers to {names}; give it another name with --name NAME",
            )


def theirs(path: str) -> bool:
    """Whether an address belongs to Optuna's dashboard or to a report."""
    return path.startswith(OTHERS) and not path.startswith(OURS)


def _check_path(path: str) -> None:
    if len(path) > MAX_PATH_LETTERS:
        raise Refused(414, f"the address has {len(path)} letters: must be at most {MAX_PATH_LETTERS}")
    if odd := next((letter for letter in path if ord(letter) < 32 or ord(letter) == 127), ""):  # no route matches it
        raise Refused(400, f"the address holds the control character {odd!r}: no page and no study has one")


def _check_reader(headers: Headers, path: str) -> None:
    """Refuse to be part of another site's page; a link that leads here is none, and reports have no origin."""
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
    if site not in OWN_SITES and mode != "navigate" and not f"{path}/".startswith("/reports/"):
        raise Refused(403, "a page of another site asked for this: only the server's own may read it")


def _check_writer(headers: Headers) -> None:
    """Refuse what a page of another origin asks for. Programs that are no browser name no origin, and send JSON."""
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "none") not in OWN_SITES or (origin is not None and not _same(origin, headers)):
        raise Refused(403, f"a page of {origin or 'another site'!r} asked for this: only the server's own may write")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if origin is None and kind not in ("", "application/json"):
        raise Refused(415, f"Content-Type {kind!r}: a program that is no browser sends application/json")


def _same(origin: str, headers: Headers) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == headers["host"].lower()


def _check_length(headers: Headers) -> None:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 20):
        raise Refused(400, f"Content-Length {length!r}: must be a number of bytes")
    if int(length) > MAX_BODY_BYTES:
        raise Refused(413, f"Content-Length {length}: must be at most {MAX_BODY_BYTES}")


class _Bounded:
    """Receives a body, within `MAX_BODY_BYTES` and `BODY_TIMEOUT_S`."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._size, self._whole = receive, 0, False
        self._until: float | None = None

    async def __call__(self) -> Message:
        """Receive one message."""
        if self._whole:  # what follows is that the other side goes, which may take as long as it likes
            return await self._receive()
        loop = asyncio.get_running_loop()
        if self._until is None:
            self._until = loop.time() + BODY_TIMEOUT_S
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - loop.time()))
        except TimeoutError as error:
            raise Refused(408, f"the body did not come within {BODY_TIMEOUT_S:.0f} s") from error
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._size > MAX_BODY_BYTES:
            raise Refused(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        return message


def refusal(path: str, error: Refused) -> Response:
    """Return the answer to a request that is refused: JSON to a program."""
    api = path.startswith("/api/")
    body = json.dumps({"reason": str(error), "faults": []}) if api else f"{error}\n"
    kind = "application/json" if api else "text/plain; charset=utf-8"
    headers = {"Content-Type": kind, "Connection": "close", **HEADERS}
    return Response(body.encode("utf-8", "backslashreplace"), error.status, headers)


async def _refuse(scope: Scope, send: Send, error: Refused) -> None:
    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    await refusal(scope["path"], error)(scope, nothing, send)
