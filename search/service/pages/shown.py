"""How a page is made of its template, and what all templates share."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from search.service.acts import Service
from search.service.people import Person, Role
from search.service.templating import rendered


def show(request: Request, name: str, given: Mapping[str, object], status: int = 200) -> Response:
    """Return a page."""
    person: Person = request.state.person
    here = {"person": person, "current": request.url.path, "may": person.role >= Role.RUNNER}
    return HTMLResponse(rendered(name, {**here, **given}), status)


def refused(request: Request, reason: str, status: int) -> Response:
    """Return the page that says why something was not done, or is not there."""
    return show(request, "refused.html", {"reason": reason, "missing": status == 404}, status)


def enter_page(reason: str) -> Response:
    """Return the page that asks for a token."""
    status = 401 if reason else 200
    return HTMLResponse(rendered("enter.html", {"reason": reason}), status)


def text_of(form: FormData, name: str) -> str:
    """Return what a field of a form holds; "" where it holds no text."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def places_words(service: Service) -> list[str]:
    """Return the options by which a command finds the results folder."""
    results = str(service.places.results)
    return [] if results == "results" else ["--results", results]
