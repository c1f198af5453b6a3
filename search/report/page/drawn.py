"""The figures of a page: plotly's own description of each as data, drawn by a script when the reader comes near.

A figure without the script is still there: its title, and a sentence with its main numbers, which is its alt text.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

from plotly.offline import get_plotlyjs

from search.report.figures.study import StudyFigure
from search.report.figures.style import HEIGHT, WIDTH
from search.report.formats.markup import NARROW, Markup, element, joined, sentence, wide


@dataclass(frozen=True)
class Figures:
    """The figures as markup.

    Attributes:
        body: to stand under a heading of the second level.
        scripts: to stand at the end of the page; "" where there is no figure.
        policy: what the page's policy must allow for them.
    """

    body: Markup
    scripts: Markup
    policy: str


NUMBERED = (
    "A setting with a long name is called by the number of its configuration, as in the legend of the first figure and "
    "in trials.csv."
)

TITLE_HEIGHT_PX = 25
"""Pixels of a figure's own title."""


class _Drawn(NamedTuple):
    """A figure as JSON, "" where there is no room for it, and its size in pixels."""

    made: StudyFigure
    data: str
    width: int
    height: int


def figures(made: Sequence[StudyFigure], study: str, room: int) -> Figures:
    """Return figures as markup.

    Args:
        study: name of the study.
        room: bytes there are for library and data; the largest figures are left out where they take more, and the
            page says which.
    """
    library, script = get_plotlyjs(), resources.files(__package__).joinpath("page.js").read_text("utf-8")
    drawn = [_drawn(one) for one in made]
    room -= len(library.encode()) + len(script.encode())
    for one in sorted(drawn, key=lambda one: len(one.data)):
        room -= len(one.data.encode())
        if room < 0:
            drawn[drawn.index(one)] = one._replace(data="")
    if not any(one.data for one in drawn):
        return Figures(joined(_figure(i, one, study) for i, one in enumerate(drawn, start=1)), Markup(""), "")
    data = [
        f'<script type="application/json" id="figure-{i}-data">{one.data}</script>'
        for i, one in enumerate(drawn, start=1)
        if one.data
    ]
    parts = [*data, f'<script type="text/plain" id="plotly">{library}</script>', f"<script>{script}</script>"]
    named = [element("p", NUMBERED, class_="quiet")] if any("configuration " in one.alt for one in made) else []
    return Figures(
        joined([*named, NARROW, *(_figure(i, one, study) for i, one in enumerate(drawn, start=1))]),
        Markup("\n".join(parts)),
        f"script-src {_hash(library)} {_hash(script)}; img-src data: blob:; ",
    )


def _figure(number: int, one: _Drawn, study: str) -> Markup:
    """Return one figure: heading, drawing in a box that scrolls, and its sentence."""
    title, alt = one.made.title, one.made.alt
    heading = element("h3", title, id=f"figure-{number}-title")
    caption = element("figcaption", sentence(alt), aria_hidden="true" if one.data else False)
    if not one.data:
        command = element("code", f"python -m search visualize {study!r} --study")
        said = element("p", "Too large for this page; ", command, " draws it.")
        return element("figure", heading, said, caption, aria_labelledby=f"figure-{number}-title")
    plot = element(
        "div",
        element("p", "This figure is drawn by a script. Without it, the sentence below has its main numbers."),
        class_="plot",
        role="img",
        aria_label=alt,
        data_from=f"figure-{number}-data",
        style=f"width: {one.width}px; height: {one.height}px; --width: {one.width}",
    )
    return element("figure", heading, wide(plot, title), caption, aria_labelledby=f"figure-{number}-title")


def _drawn(one: StudyFigure) -> _Drawn:
    """Return a figure as JSON that no parser takes for the end of its script, without the title, which the page has."""
    content = json.loads(one.figure.to_json())
    layout = content["layout"]
    width, height = layout.setdefault("width", WIDTH), layout.setdefault("height", HEIGHT)
    heading, margin = layout.get("title", {}), layout.get("margin", {})
    if heading.get("subtitle") and margin.get("t", 0) > TITLE_HEIGHT_PX:
        layout["title"] = {**heading, **heading.pop("subtitle"), "subtitle": {}}
        layout["height"], margin["t"] = height - TITLE_HEIGHT_PX, margin["t"] - TITLE_HEIGHT_PX
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return _Drawn(one, text.encode("utf-8", "backslashreplace").decode(), int(width), int(layout["height"]))


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
