"""The figures of a page: plotly's own description of each as data, drawn by a script when the reader comes near.

A figure is drawn for the width it has, and on a narrow page laid out anew (`search.report.figures.narrow`). Without the
script it is still there: its title, and a sentence with its main numbers, which is its alt text.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from importlib import resources
from typing import Any, NamedTuple

from plotly.offline import get_plotlyjs

from search.report import design
from search.report.figures.narrow import NARROW_PX, narrow
from search.report.figures.study import StudyFigure
from search.report.figures.style import HEIGHT, ISOLATE, ISOLATE_END, TEMPLATE, TOP_MARGIN_PX, WIDTH
from search.report.formats.markup import Markup, element, sentence, wide


@dataclass(frozen=True)
class Figures:
    """The figures as markup.

    Attributes:
        pieces: name of a figure -> itself, to stand under a heading of the second level.
        remark: to stand above them; "" where there is nothing to say.
        scripts: to stand at the end of the page; "" where there is no figure.
        policy: what the page's policy must allow for them.
    """

    pieces: Mapping[str, Markup]
    remark: Markup
    scripts: Markup
    policy: str


NUMBERED = "A setting with a long name is called by the number of its configuration, as in the table and in trials.csv."

ACROSS = ("objective", "accuracy", "confusion", "classes", "parallel", "slice", "tree")
"""Figures that take the whole width of a page."""

LINE_PX = 16
"""Pixels of a line of a figure's subtitle."""

TOP_PX = 12
"""Pixels above a figure whose title and subtitle the page has."""


class _Drawn(NamedTuple):
    """A figure as JSON, "" where there is no room; what the page says above it; its smallest width in pixels."""

    made: StudyFigure
    data: str
    about: str
    least: int


def figures(made: Sequence[StudyFigure], study: str, title: str, room: int) -> Figures:
    """Return figures as markup.

    Args:
        study: name of the study.
        title: of the study, which figures need not repeat.
        room: bytes there are for library and data; the largest figures are left out where they take more, and the
            page says which.
    """
    library, script = get_plotlyjs(), resources.files(__package__).joinpath("page.js").read_text("utf-8")
    drawn = [_drawn(one, title) for one in made]
    room -= len(library.encode()) + len(script.encode())
    for one in sorted(drawn, key=lambda one: len(one.data)):
        room -= len(one.data.encode())
        if room < 0:
            drawn[drawn.index(one)] = one._replace(data="")
    named = any("configuration " in one.alt for one in made)
    remark = element("p", NUMBERED, class_="quiet") if named else Markup("")
    pieces = {one.made.name: _figure(i, one, study) for i, one in enumerate(drawn, start=1)}
    if not any(one.data for one in drawn):
        return Figures(pieces, remark, Markup(""), "")
    template = TEMPLATE.to_plotly_json()
    look = json.dumps({"narrow": NARROW_PX, "dark": design.DARK, "template": template}, separators=(",", ":"))
    data = {f"figure-{i}-data": one.data for i, one in enumerate(drawn, start=1) if one.data}
    parts = [
        *(
            f'<script type="application/json" id="{name}">{content}</script>'
            for name, content in {"figures-look": look, **data}.items()
        ),
        f'<script type="text/plain" id="plotly">{library}</script>',
        f"<script>{script}</script>",
    ]
    policy = f"script-src {_hash(library)} {_hash(script)}; img-src data: blob:; "
    return Figures(pieces, remark, Markup("\n".join(parts)), policy)


def _figure(number: int, one: _Drawn, study: str) -> Markup:
    """Return one figure: heading, what is drawn, the drawing, and its sentence."""
    title, alt = one.made.title, one.made.alt
    name = one.made.name.removeprefix("study-")
    several = name == "cost" and "xaxis2" in one.made.figure.layout  # the titles of two axes need the room
    across = "across" if name in ACROSS or several else False
    label = f"figure-{number}-title"
    heading = element("h3", title, id=label)
    about = element("p", sentence(one.about), class_="about") if one.about else Markup("")
    if not one.data:
        command = element("code", f"python -m search visualize {study!r} --study")
        said = element("p", "Too large for this page; ", command, " draws it.")
        return element(
            "figure", heading, said, element("figcaption", sentence(alt)), aria_labelledby=label, class_=across
        )
    plot = element(
        "div",
        element("p", "This figure is drawn by a script. Without it, the sentence below has its main numbers."),
        class_="plot",
        role="img",
        aria_label=alt,
        data_from=f"figure-{number}-data",
        data_least=str(one.least),
    )
    numbers = element("details", element("summary", "In numbers"), element("p", sentence(alt)))
    caption = element("figcaption", numbers)
    return element("figure", heading, about, wide(plot, title), caption, aria_labelledby=label, class_=across)


def _drawn(one: StudyFigure, title: str) -> _Drawn:
    """Return a figure as JSON that no parser takes for the end of its script, without the title, which the page has."""
    content = _untitled(json.loads(one.figure.to_json()))
    other = None if one.narrow is None else _untitled(json.loads(one.narrow.to_json()))
    about = unescape(str((content["layout"].get("meta") or {}).get("subtitle", ""))).strip(f"{ISOLATE}{ISOLATE_END}")
    content["narrow"] = narrow(content) if other is None else other
    for layout in (content["layout"], content["narrow"]["layout"]):
        layout.pop("meta", None)
        layout.pop("template", None)
        layout |= {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    data = text.encode("utf-8", "backslashreplace").decode()
    about = about.removeprefix(title).lstrip(";, ")
    matrix = any(trace.get("type") == "heatmap" for trace in content["data"])
    share = 0.55 if matrix else 0.75 if one.name == "study-parallel" else 0
    least = int(share * content["layout"].get("width", WIDTH))
    return _Drawn(one, data, f"{about[:1].upper()}{about[1:]}", least)


def _untitled(content: dict[str, Any]) -> dict[str, Any]:
    """Return a figure without title and subtitle, and without the room for them."""
    layout = content["layout"]
    heading, margin = layout.pop("title", {}), layout.setdefault("margin", {})
    lines = 1 + str((heading.get("subtitle") or {}).get("text") or "").count("<br>")
    spare = TOP_MARGIN_PX + LINE_PX * (lines - 1) - TOP_PX
    margin["t"] = max(margin.get("t", TOP_MARGIN_PX) - spare, TOP_PX)
    layout["height"] = layout.get("height", HEIGHT) - spare
    return content


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
