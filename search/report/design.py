"""How everything looks that the product draws: colours, sizes of type and distances, in one place.

A page takes them as variables of its style sheet (`variables`), figures take them by name. Each colour has a tone for
light paper and one for a dark screen; a figure is made in light tones, and a page that is dark changes each of them for
its partner (`DARK`).

Sources: `SERIES` in light tones is the palette of Okabe and Ito (2008) without its yellow, which vanishes on white, and
without its black, which here belongs to no setting; a wine red takes its place. The dark tones were searched near the
same hues for the largest smallest distance in CIELAB between any two of them, as seen with normal, protan, deutan and
tritan sight (Machado, Oliveira and Fernandes 2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Tone(NamedTuple):
    """A colour on light paper and on a dark screen, as ``#rrggbb``."""

    light: str
    dark: str


PAGE = Tone("#ffffff", "#14171a")
BOX = Tone("#f4f6f8", "#1e2328")
"""Ground of what stands out a little: code, cards, every other row."""

INK = Tone("#1b1f24", "#e6e9ec")
QUIET = Tone("#535b64", "#a6afb8")
"""Text of second rank."""

LINE = Tone("#858d96", "#6f7882")
"""Lines that must be seen: heads of tables, borders of buttons, axes."""

RULE = Tone("#dde1e6", "#30363d")
"""Lines that only guide the eye: between rows, grids of figures."""

LINK = Tone("#0a58ad", "#84bdff")
SUPPORTED = Tone("#0f5b26", "#7ee08f")
CONTRADICTED = Tone("#a40e26", "#ff9d9d")

SHAPE = Tone("#4a5560", "#aab4be")
"""What is drawn in a figure and belongs to no setting, or to all of them."""

FAINT = Tone("#c3cad1", "#4a525b")
"""Areas and lines behind what a figure is about."""

FULL = Tone("#08306b", "#a8d1ff")
"""The far end of a scale that begins at the page's own colour; and what there is more of."""

FEWER = Tone("#b2182b", "#ff8f96")
"""What there is less of."""

SERIES = (
    Tone("#0072b2", "#2780f7"),
    Tone("#d55e00", "#ee8a4d"),
    Tone("#009e73", "#30d8a2"),
    Tone("#cc79a7", "#d084c3"),
    Tone("#56b4e9", "#ccf3ff"),
    Tone("#e69f00", "#f7e047"),
    Tone("#882255", "#d13052"),
)
"""Colours of settings, by their place in the study."""

NAMED: Mapping[str, Tone] = {
    "page": PAGE,
    "box": BOX,
    "text": INK,
    "quiet": QUIET,
    "line": LINE,
    "rule": RULE,
    "link": LINK,
    "supported": SUPPORTED,
    "contradicted": CONTRADICTED,
    "undecided": QUIET,
}
"""Colours of a page, by the name of their variable."""

PRINTED: Mapping[str, str] = {
    **{name: tone.light for name, tone in NAMED.items()},
    **dict.fromkeys(("text", "link", "supported", "contradicted"), "#000000"),
    **dict.fromkeys(("quiet", "undecided"), "#444444"),
}
"""Colours on paper: what is read is black or nearly so."""

TONES = (*NAMED.values(), SHAPE, FAINT, FULL, FEWER, *SERIES)
DARK: Mapping[str, str] = {tone.light: tone.dark for tone in TONES}
"""Light tone -> dark tone, of every colour there is."""

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif'
MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
SIZES: Mapping[str, str] = {
    "small": ".875rem",
    "body": "1rem",
    "large": "1.25rem",
    "gap": "1rem",
    "section": "3.5rem",
    "measure": "44rem",
    "round": ".5rem",
}
"""Sizes of type, distances, the longest line of text (``measure``) and the radius of corners."""

FIGURE_TYPE_PX = 13
"""Type in a figure, also in one for a phone; labels of many rows may be `SMALL_FIGURE_TYPE_PX`."""

SMALL_FIGURE_TYPE_PX = 11


def variables() -> str:
    """Return the style sheet's variables: light, dark where the screen is, and black on white where it is printed."""
    light, dark, printed = (
        " ".join(f"--{name}: {colour};" for name, colour in colours.items())
        for colours in (
            {name: tone.light for name, tone in NAMED.items()},
            {name: tone.dark for name, tone in NAMED.items()},
            PRINTED,
        )
    )
    sizes = " ".join(f"--{name}: {size};" for name, size in SIZES.items())
    return (
        f":root {{ color-scheme: light dark; {light} {sizes} --font: {FONT}; --monospace: {MONOSPACE}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {printed} }} }}"
    )
