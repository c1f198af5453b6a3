"""Figures as files: HTML always, PNG where kaleido and a Chrome are there."""

from __future__ import annotations

import asyncio
import html
import importlib.util
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from search.report.text import printable
from search.system.writing import write_bytes, write_text

PNG_PIXELS_PER_PIXEL = 2
"""Pixels of a PNG per pixel of its figure."""

BROWSER_TIMEOUT_S = 60.0
"""How long a browser may take for one figure."""

NO_KALEIDO = (
    'figures are written as HTML alone: PNG needs kaleido, which is not installed; `pip install -e ".[png]"` brings it'
)
NO_CHROME = (
    "figures are written as HTML alone: PNG needs Chrome or Chromium, which was not found; "
    "install one (`apt install chromium`, or `kaleido_get_chrome`) or name it in the variable BROWSER_PATH"
)


@dataclass
class Written:
    """What a call wrote.

    Attributes:
        files: the files, in the order of the figures.
        remark: why there is no PNG, and the remedy; "" where there is.
    """

    files: list[Path] = field(default_factory=list)
    remark: str = ""


def write_all(
    figures: Mapping[str, go.Figure], folder: Path, alts: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> Written:
    """Write figures as ``<name>.html`` and, where possible, ``<name>.png``, and ``plotly.min.js`` beside them.

    Args:
        figures: name -> figure.
        folder: made where it is not there.
        alts: name -> title of the page and a sentence for those who do not see the figure, as text.

    Raises:
        UserError: the folder cannot be written.
    """
    result = Written()
    if not figures:
        return result
    library = get_plotlyjs()
    script = folder / "plotly.min.js"
    if not (script.is_file() and script.stat().st_size == len(library.encode())):
        write_text(script, library)
    for name, figure in figures.items():
        page = figure.to_html(include_plotlyjs="directory", full_html=True, config={"displaylogo": False})
        if name in alts:
            page = _described(page, *alts[name])
        result.files.append(write_text(folder / f"{name}.html", page))
    pictures, result.remark = pngs(figures)
    for name, content in pictures.items():
        result.files.append(write_bytes(folder / f"{name}.png", content))
    return result


def _described(page: str, title: str, alt: str) -> str:
    """Return a page of plotly's with its title, and its figure named to a screen reader by `alt`."""
    head, body = page.split("<body>", 1)
    head = head.replace("<html>", '<html lang="en">', 1)
    head = head.replace("</head>", f"<title>{html.escape(printable(title))}</title></head>", 1)
    body = body.replace("<div", f'<div role="img" aria-label="{html.escape(printable(alt))}"', 1)
    return f"{head}<body>{body}"


def pngs(figures: Mapping[str, go.Figure]) -> tuple[dict[str, bytes], str]:
    """Return the figures as PNG, from one browser, and a sentence where that is not possible."""
    if importlib.util.find_spec("kaleido") is None:
        return {}, NO_KALEIDO
    from choreographer.errors import ChromeNotFoundError  # comes with kaleido

    done: dict[str, bytes] = {}
    failed: list[BaseException] = []

    def draw() -> None:
        try:
            asyncio.run(_draw(figures, done))
        except BaseException as error:  # a browser's failure must not take the HTML files with it
            failed.append(error)

    # In a thread: a notebook has an event loop of its own that is running. A daemon: a hung browser must not keep us.
    thread = threading.Thread(target=draw, name="browser", daemon=True)
    thread.start()
    thread.join(BROWSER_TIMEOUT_S * (1 + len(figures)))
    if thread.is_alive():
        return dict(done), f"the browser did not answer within {BROWSER_TIMEOUT_S:.0f} s: some figures are HTML alone"
    if not failed:
        return done, ""
    if isinstance(failed[0], ChromeNotFoundError):
        return {}, NO_CHROME
    reason = str(failed[0]).strip().splitlines()[:1] or [type(failed[0]).__name__]
    return done, f"some figures are written as HTML alone: the browser failed ({reason[0]})"


async def _draw(figures: Mapping[str, go.Figure], done: dict[str, bytes]) -> None:
    import kaleido

    for name in ("choreographer", "kaleido"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Without the sandbox, which kaleido leaves out by default, it starts as root in a container too; MathJax would be
    # fetched from the network.
    async with kaleido.Kaleido(n=1, timeout=BROWSER_TIMEOUT_S, mathjax=False) as browser:
        for name, figure in figures.items():
            done[name] = await browser.calc_fig(figure.to_dict(), opts={"format": "png", "scale": PNG_PIXELS_PER_PIXEL})
