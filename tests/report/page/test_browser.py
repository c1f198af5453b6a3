"""The page in a browser: no console error, nothing fetched, every figure drawn, nothing wider than a phone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from search.ledger.ledger import Ledger
from search.report.text import value_text
from tests.report.builder import Study
from tests.report.hostile import hostile_study
from tests.report.judging import SPACE, Bench
from tests.report.page.studies import levels, page_of
from tests.report.page.test_compared import SEARCH
from tests.service.browsing import Tab
from tests.surroundings import HANG_S

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine (Debian: apt install chromium)"),
]

PROBE = """
addEventListener("load", () => setTimeout(() => {
  const all = (what) => [...document.querySelectorAll(what)];
  parent.postMessage(JSON.stringify({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    width: innerWidth,
    fetched: performance.getEntriesByType("resource").map((one) => one.name),
    plots: all(".plot").length,
    drawn: all(".plot .main-svg:first-child").length,
    empty: all(".plot").filter((one) => one.offsetHeight < 100 || one.textContent.includes("by a script")).length,
    alerts: all("script:not([id]):not([type])").length,
    first: document.querySelector("a").className,
    table: all(".wide > .cards").map((one) => one.parentElement.scrollWidth - one.parentElement.clientWidth),
    beyond: all(".plot").map((one) => one.querySelector(".main-svg").clientWidth - one.parentElement.clientWidth),
    type: all(".plot .xtick text, .plot .legendtext").map((one) => parseFloat(getComputedStyle(one).fontSize)),
  }), "*");
}, 30000));
"""

FRAME = """<!DOCTYPE html><html lang="en"><title>frame</title><body>
<script>addEventListener("message", (event) => { document.body.dataset.probe = event.data; });</script>
<iframe src="report.html" width="WIDTH" height="900" style="border: 0"></iframe></body></html>"""
"""A window cannot be narrower than 500 pixels, a frame can; what is in it lays itself out for the frame's width."""


def browse(page: Path, profile: Path, *options: str) -> tuple[str, str]:
    """Open a page and return what is on standard output and on standard error, where the console is logged."""
    command = [
        *(str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *(f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=60000"),
        *(*options, page.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=True)
    return done.stdout, done.stderr


def console(log: str) -> list[str]:
    """Return what was written to the console; plotly warns that `$x$` will not be typeset, which is as it should be."""
    return [line for line in log.splitlines() if "CONSOLE" in line and "MathJax is not loaded" not in line]


def probed(text: str, probe: str = PROBE) -> str:
    """Return a page with a script that measures it, allowed by its hash."""
    own = b64encode(hashlib.sha256(probe.encode()).digest()).decode()
    assert text.count("script-src ") == 1
    text = text.replace("script-src ", f"script-src 'sha256-{own}' ")
    return text.replace("</body>", f"<script>{probe}</script></body>")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    ledger = Ledger(str(tmp_path_factory.mktemp("browser") / "search.db"))
    claims: Any = ({"best": 2}, {"better": [0, 2]})
    made = {
        "sound": page_of(levels(ledger, claims=claims)),
        "hostile": page_of(hostile_study(lambda *args, **more: Study(ledger, *args, **more))),
        "empty": page_of(Bench(ledger, replace(SPACE, name="empty"))),
    }
    ledger.close()
    return made


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", ["sound", "hostile"])
def test_figures_are_drawn_nothing_is_fetched_and_nothing_overflows(pages, tmp_path, name, width):
    page = tmp_path / "report.html"
    page.write_text(probed(pages[name]), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.replace("WIDTH", str(width)))
    text, log = browse(frame, tmp_path / "profile", "--window-size=1500,1000", "--dump-dom")
    assert console(log) == []
    found = re.search('<body data-probe="([^"]*)"', text)
    assert found, log
    probe = json.loads(unescape(found[1]))
    assert probe["width"] == width
    assert probe["wide"] <= 0, "the page scrolls sideways"
    assert probe["fetched"] == []
    assert probe["plots"] == probe["drawn"] >= 2
    assert probe["empty"] == 0
    assert probe["alerts"] == 3, "the page's script, the library it runs, and the probe"
    assert probe["first"] == "skip"
    if name == "sound":
        assert min(probe["type"]) >= 11, "type in figures is read at any width"
        assert probe["table"] == [0], "the whole table is seen, on a phone as cards"
        assert max(probe["beyond"]) <= 0, "a figure is drawn for the width it has"


@pytest.mark.parametrize("name", ["sound", "empty"])
def test_the_page_as_it_is_logs_nothing_and_has_a_picture(pages, tmp_path, name):
    page, picture = tmp_path / "report.html", tmp_path / "page.png"
    page.write_text(pages[name], encoding="utf-8")
    dark = "--blink-settings=preferredColorScheme=0"
    _, log = browse(page, tmp_path / "profile", dark, "--window-size=400,1200", f"--screenshot={picture}")
    assert console(log) == []
    assert picture.stat().st_size > 20_000


FIGURES = """
[...document.querySelectorAll(".plot")].map(one => one.querySelector(".main-svg"))
  .map(svg => [svg ? svg.clientWidth : 0, svg ? svg.clientWidth - svg.closest(".plot").parentElement.clientWidth : 1])
"""
"""Of each figure the pixels that it is wide, and by how many it is too wide."""


def test_figures_are_drawn_anew_where_the_page_has_less_room_and_the_window_has_not(pages, tmp_path):
    choreographer = pytest.importorskip("choreographer", reason="choreographer leads a browser in real time")
    page = tmp_path / "report.html"
    page.write_text(pages["sound"], encoding="utf-8")

    def fit(figures):
        return bool(figures) and all(beyond <= 0 for _, beyond in figures)

    async def narrowed():
        async with choreographer.Browser(headless=True, enable_sandbox=False) as browser:
            tab = Tab(await browser.create_tab("about:blank"), "")
            await tab.listen()
            await tab.size(1300)
            await tab.go(page.as_uri())
            before = await tab.until(FIGURES, fit)
            # As a scroll bar takes room, the window stays as wide.
            await tab.ask("document.body.style.paddingInlineEnd = '300px'")
            await tab.until(FIGURES, lambda figures: not fit(figures))
            return before, await tab.until(FIGURES, fit)

    before, after = asyncio.run(narrowed())
    assert all(narrow < wide for (wide, _), (narrow, _) in zip(before, after, strict=True))


SORTING = """
addEventListener("load", () => setTimeout(() => {
  const table = document.querySelector("table.sortable");
  const shown = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[2].textContent);
  const said = { first: shown() };
  const head = [...table.querySelectorAll("thead th")].find((cell) => cell.textContent === "lr");
  head.querySelector("button").click();
  said.descending = [head.getAttribute("aria-sort"), shown()];
  head.querySelector("button").click();
  said.ascending = [head.getAttribute("aria-sort"), shown()];
  document.querySelector("button.more").click();
  said.all = shown().length;
  document.body.dataset.probe = JSON.stringify(said);
}, 5000));
"""


def test_a_search_is_sorted_by_the_head_of_a_column_and_shows_its_first_lines(make, tmp_path):
    study = make(SEARCH)
    rates = [0.5, 0.0625, 0.25, 1e-5, 0.125, 0.03125, 1.0]
    for i, rate in enumerate(rates):
        study.trial({"lr": rate, "kind": "plain"}, 0, [0.1, 0.9 - 0.1 * i], configuration=i)
    page = tmp_path / "report.html"
    page.write_text(probed(page_of(study), SORTING), encoding="utf-8")
    text, log = browse(page, tmp_path / "profile", "--dump-dom")
    assert console(log) == []
    found = re.search('<body data-probe="([^"]*)"', text)
    assert found, log
    told = json.loads(unescape(found[1]))
    by_rate = [value_text(rate, 4) for rate in sorted(rates, reverse=True)]
    assert told["first"] == [value_text(rate, 4) for rate in rates[:5]]
    assert told["descending"] == ["descending", by_rate[:5]]
    assert told["ascending"] == ["ascending", by_rate[:1:-1]]
    assert told["all"] == 7


def test_a_script_that_slips_in_does_not_run(pages, tmp_path):
    """The policy is the second wall, behind escaping: the log names what it stopped."""
    page = tmp_path / "report.html"
    bad = "<script>document.body.dataset.bad = 1</script><img src='https://example.org/x.png' onerror='alert(1)'>"
    page.write_text(pages["sound"].replace("<footer>", f"{bad}<footer>"), encoding="utf-8")
    text, log = browse(page, tmp_path / "profile", "--window-size=400,900", "--dump-dom")
    assert "data-bad" not in text
    assert log.count("Content Security Policy") >= 2
