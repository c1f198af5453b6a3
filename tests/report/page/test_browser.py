"""The page in a browser: no console error, nothing fetched, every figure drawn, nothing wider than a phone."""

from __future__ import annotations

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
from tests.report.builder import Study
from tests.report.hostile import hostile_study
from tests.report.judging import SPACE, Bench
from tests.report.page.studies import levels, page_of
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


def probed(text: str) -> str:
    """Return a page with a script that measures it, allowed by its hash."""
    own = b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    assert text.count("script-src ") == 1
    text = text.replace("script-src ", f"script-src 'sha256-{own}' ")
    return text.replace("</body>", f"<script>{PROBE}</script></body>")


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


@pytest.mark.parametrize("name", ["sound", "empty"])
def test_the_page_as_it_is_logs_nothing_and_has_a_picture(pages, tmp_path, name):
    page, picture = tmp_path / "report.html", tmp_path / "page.png"
    page.write_text(pages[name], encoding="utf-8")
    dark = "--blink-settings=preferredColorScheme=0"
    _, log = browse(page, tmp_path / "profile", dark, "--window-size=400,1200", f"--screenshot={picture}")
    assert console(log) == []
    assert picture.stat().st_size > 20_000


def test_a_script_that_slips_in_does_not_run(pages, tmp_path):
    """The policy is the second wall, behind escaping: the log names what it stopped."""
    page = tmp_path / "report.html"
    bad = "<script>document.body.dataset.bad = 1</script><img src='https://example.org/x.png' onerror='alert(1)'>"
    page.write_text(pages["sound"].replace("<footer>", f"{bad}<footer>"), encoding="utf-8")
    text, log = browse(page, tmp_path / "profile", "--window-size=400,900", "--dump-dom")
    assert "data-bad" not in text
    assert log.count("Content Security Policy") >= 2
