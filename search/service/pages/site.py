"""All pages of a server, by their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from search.core.errors import UserError
from search.ledger.pages import actions_page
from search.report import design
from search.service.acts import Service
from search.service.bounds import limit_of
from search.service.pages.compare import Compare
from search.service.pages.entry import EntryPage
from search.service.pages.home import Home
from search.service.pages.shown import refused, show
from search.service.pages.study import StudyPage
from search.service.pages.submit import Submit
from search.service.rest.replies import status_of
from search.service.rest.routes import CALLS
from search.service.watching import Watching


class Pages:
    """Makes the pages of one server."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def actions(self, request: Request) -> Response:
        """Who did what."""
        most, after = limit_of(request.query_params.get("limit")), request.query_params.get("after", "")
        page = await asyncio.to_thread(actions_page, self.service.ledger.engine, most, after)
        return show(request, "actions.html", {"page": page, "most": most, "later": bool(after)})

    async def rest(self, request: Request) -> Response:
        """The calls of REST."""
        return show(request, "rest.html", {"calls": CALLS})

    async def ours(self, request: Request) -> Response:
        """Our style sheet and scripts."""
        return _OURS.get(request.path_params["name"], lambda: Response("no such file\n", 404))()

    def route(self, path: str, answer: Callable[[Request], Awaitable[Response]], method: str = "GET") -> Route:
        """Return a route whose refusals are pages, too."""

        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except UserError as error:
                return refused(request, str(error), status_of(error))

        return Route(path, endpoint, methods=[method])

    def routes(self) -> list[Route]:
        """Return the routes of all pages."""
        watching = Watching(self.service)
        home, submit, entry = Home(self.service), Submit(self.service), EntryPage(self.service, watching)
        study, compare = StudyPage(self.service, watching), Compare(self.service)
        return [
            self.route("/", home.home),
            self.route("/submit", submit.submit_form),
            self.route("/submit", submit.submit, "POST"),
            self.route("/entries/{entry:int}", entry.entry),
            self.route("/entries/{entry:int}/events", watching.events),
            self.route("/entries/{entry:int}/{act}", entry.act, "POST"),
            self.route("/studies/{study:int}/", study.study),
            self.route("/studies/{study:int}/curves.svg", watching.curves),
            self.route("/studies/{study:int}/{act}", study.act_on_study, "POST"),
            self.route("/compare", compare.compare),
            self.route("/actions", self.actions),
            self.route("/rest", self.rest),
            self.route("/ours/{name}", self.ours),
        ]


def _file(name: str) -> str:
    return resources.files("search.service").joinpath("ours", name).read_text("utf-8")


_OURS: Mapping[str, Callable[[], Response]] = {
    "service.css": lambda: Response(f"{design.variables()}\n{_file('service.css')}", media_type="text/css"),
    "watch.js": lambda: Response(_file("watch.js"), media_type="text/javascript"),
    "icon.svg": lambda: Response(
        _file("icon.svg"), media_type="image/svg+xml", headers={"Content-Security-Policy": "style-src 'unsafe-inline'"}
    ),
    "submit.js": lambda: Response(_file("submit.js"), media_type="text/javascript"),
}
