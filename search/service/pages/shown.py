"""How a page is made of its template, and what all templates share."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from search.core.shown import duration
from search.ledger.answers import Listed
from search.service.acts import Service
from search.service.people import Person, Role
from search.service.shown_table import rows_of
from search.service.study_files import TOLD


def show(request: Request, name: str, given: Mapping[str, object], status: int = 200) -> Response:
    """Return a page."""
    person: Person = request.state.person
    here = {"person": person, "current": request.url.path, "may": person.role >= Role.RUNNER}
    return HTMLResponse(_TEMPLATES.get_template(name).render({**here, **given}), status)


def refused(request: Request, reason: str, status: int) -> Response:
    """Return the page that says why something was not done, or is not there."""
    return show(request, "refused.html", {"reason": reason, "missing": status == 404}, status)


def enter_page(reason: str) -> Response:
    """Return the page that asks for a token."""
    status = 401 if reason else 200
    return HTMLResponse(_TEMPLATES.get_template("enter.html").render({"reason": reason}), status)


def page_of(study: Listed) -> str:
    """Return the address of a study's page."""
    return f"/studies/{study.id}/"


def text_of(form: FormData, name: str) -> str:
    """Return what a field of a form holds; "" where it holds no text."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def places_words(service: Service) -> list[str]:
    """Return the options by which a command finds the results folder."""
    results = str(service.places.results)
    return [] if results == "results" else ["--results", results]


def breakable(text: str) -> Markup:
    """Return a text as markup whose paths may go on in the next line behind a slash; nowhere else within a word."""
    return Markup("/<wbr>").join(str(text).split("/"))


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _when(moment: str) -> str:
    return moment[:16].replace("T", " ")


def named(text: str) -> Markup:
    """Return a heading as markup that may be broken behind the points and low lines of a name."""
    return Markup(re.sub(r"(?<=\w)([._])(?=\w)", r"\1<wbr>", str(escape(text))))


_TEMPLATES = Environment(loader=PackageLoader("search.service", "templates"), autoescape=True, trim_blocks=True)
_TEMPLATES.filters |= {
    "when": _when,
    "duration": duration,
    "page_of": page_of,
    "breakable": breakable,
    "named": named,
    "rows": rows_of,
    "told": TOLD.get,
    "sentence": _sentence,
}
