"""Templates filled in: whole pages, and the parts of them that are sent as they change."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from search.core.shown import duration
from search.ledger.answers import Listed
from search.service.shown_table import rows_of
from search.service.study_files import TOLD


def page_of(study: Listed) -> str:
    """Return the address of a study's page."""
    return f"/studies/{study.id}/"


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


def rendered(name: str, given: Mapping[str, object]) -> str:
    """Return a template filled in, as markup: its texts escaped."""
    return Markup(_TEMPLATES.get_template(name).render(given))


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
