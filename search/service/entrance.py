"""Who a request comes from: over loopback whoever started the server, elsewhere the one whose token it bears.

Where a reverse proxy says who asks (`search.service.proxy`), that counts, and nobody else may say so.

A program sends its token as ``Authorization: Bearer``; a browser is given it as a cookie that no script and no other
site can use, behind the page ``/enter``. A valid token is always let in. Wrong ones are counted by address: behind
`MAX_WRONG` of them within `WRONG_WINDOW_S`, whoever brings another one is told to wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from search.ledger.tokens import Tokens
from search.service.guard import FORWARDED, Refused, refusal
from search.service.people import Person, Role
from search.service.proxy import Proxy

COOKIE = "search_token"
COOKIE_DAYS = 30
MAX_WRONG = 10
WRONG_WINDOW_S = 60.0
MAX_TOKEN_LETTERS = 200
ENTER = "/enter"
OPEN = (ENTER, "/ours/service.css", "/ours/icon.svg")
"""What is answered without a token."""


class Entrance:
    """An ASGI application in front of another one; says to it who asks, as ``request.state.person``.

    Args:
        app: answers those who are known.
        owner: whoever asks without a token; None where a token is needed.
        tokens: whose token is valid.
        enter_page: makes the page that asks for a token, given a reason or "".
        secure: whether cookies are for https alone: a reverse proxy speaks it.
        proxy: is believed to say who asks; None for nobody.
    """

    def __init__(
        self,
        app: ASGIApp,
        owner: Person | None,
        tokens: Tokens,
        enter_page: Callable[[str], Response],
        secure: bool = False,
        proxy: Proxy | None = None,
    ) -> None:
        self._app, self._owner, self._tokens, self._enter_page = app, owner, tokens, enter_page
        self._secure, self._proxy = secure, proxy
        self._wrong: dict[str, list[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            if scope["path"] == ENTER:
                await (await self._enter(request))(scope, receive, send)
                return
            person = await self._person(request)
        except Refused as error:
            await refusal(scope["path"], error)(scope, receive, send)
            return
        if person is None and scope["path"] not in OPEN:
            await self._unknown(request)(scope, receive, send)
            return
        scope.setdefault("state", {})["person"] = person or Person("nobody", Role.VIEWER)
        await self._app(scope, receive, send)

    async def _person(self, request: Request) -> Person | None:
        if self._proxy is not None and (name := self._proxy.name(request)):
            return await asyncio.to_thread(self._proxy.person, name, self._tokens)
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")
        if given:
            return await self._known(request, given)
        forwarded = any(name in request.headers for name in FORWARDED)  # a proxy on this machine asks for others
        return None if forwarded else self._owner

    async def _known(self, request: Request, given: str) -> Person | None:
        """Return whose token is given.

        Raises:
            Refused: it is wrong, and so were too many from this address.
        """
        valid = await asyncio.to_thread(self._tokens.find, given) if len(given) <= MAX_TOKEN_LETTERS else None
        if valid is not None:  # whatever came from its address: behind a proxy that is everybody's
            return Person(valid.name, Role[valid.role.upper()])
        address, now = request.client.host if request.client else "", time.monotonic()
        self._wrong = {each: recent for each, moments in self._wrong.items() if (recent := _since(moments, now))}
        wrong = self._wrong.setdefault(address, [])
        if len(wrong) >= MAX_WRONG:
            raise Refused(429, f"{MAX_WRONG} wrong tokens came from {address}: wait a minute")
        wrong.append(now)
        return None

    async def _enter(self, request: Request) -> Response:
        """Ask for a token, and keep it in the browser; without one, forget it."""
        if request.method != "POST":
            return self._enter_page("")
        async with request.form(max_files=0, max_fields=3) as form:
            given = form.get("token", "")
        given = given.strip() if isinstance(given, str) else ""
        if not given:
            response: Response = RedirectResponse(ENTER, 303)
            response.delete_cookie(COOKIE)
            return response
        if await self._known(request, given) is None:
            return self._enter_page("this token is not valid, or was revoked")
        response = RedirectResponse("/", 303)
        seconds = 86_400 * COOKIE_DAYS
        response.set_cookie(
            COOKIE, given, max_age=seconds, httponly=True, samesite="strict", secure=self._secure, path="/"
        )
        return response

    def _unknown(self, request: Request) -> Response:
        reason = f"a token is needed: `python -m search server token add NAME --role ROLE` makes one; see {ENTER}"
        if request.url.path.startswith("/api/"):
            answer = refusal(request.url.path, Refused(401, reason))
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if request.method == "GET" and "text/html" in Headers(scope=request.scope).get("accept", ""):
            return RedirectResponse(ENTER, 303)
        return PlainTextResponse(f"{reason}\n", 401, {"WWW-Authenticate": "Bearer"})


def _since(moments: list[float], now: float) -> list[float]:
    """Return those moments that are within the window."""
    return [moment for moment in moments if moment >= now - WRONG_WINDOW_S]
