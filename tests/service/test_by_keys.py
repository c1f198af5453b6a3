"""By keys alone, with a real classifier: two studies, a verdict, more seeds, weights, LaTeX, a search confirmed, one
taken off; then every page without scripts, narrow and wide, in light and in dark."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from search.ledger.ledger import Ledger
from tests.service.browsing import CHROMIUM, Tab
from tests.service.test_served import STUDY_TIMEOUT_S, Running
from tests.surroundings import HANG_S

choreographer = pytest.importorskip("choreographer")

LONG = "ماء 水 🌊 " + "a-name-that-goes-on-and-on_" * 5
STUDY = f"""title: {LONG}
workload: classifier
fixed: {{data: digits, epochs: 2, batch_size: 48}}
space:
  optimizer.lr: {{grid: [0.001, 0.01]}}
seeds: [0, 1]
report: {{baseline: 0.001, claims: [{{better: [0.01, 0.001]}}]}}
"""
SEARCH = """workload: classifier
fixed: {data: digits, epochs: 1, batch_size: 48}
space:
  optimizer.lr: {float: {low: 0.001, high: 0.02}}
seeds: [0]
search: {sampler: random, trials: 2}
"""
STATE = "(document.querySelector('p strong') || {}).textContent"
TEXT = "document.querySelector('main').textContent"


async def walk(address: str, folder: Path, saw: dict[str, Any]) -> None:
    """Note what a person saw who has no mouse."""
    async with choreographer.Browser(headless=True, enable_sandbox=False) as browser:
        tab = Tab(await browser.create_tab("about:blank"), address)
        await tab.listen()
        await tab.downloads(folder)
        await tab.go("/")
        await tab.choose("a[href='/submit?example=1']", "/submit")
        saw["study"] = await _run(tab, "rates", STUDY)
        await _read(tab, saw)
        await tab.go("/submit")
        saw["search"] = await _run(tab, "searched", SEARCH)
        await _confirm(tab, saw)
        await _compare(tab, saw)
        await _take_off(tab, saw)
        pages = ["/", "/submit", saw["compared"], "/actions", "/rest", saw["study"], saw["search"], saw["entry"]]
        await _look(tab, pages, saw)
        saw["complaints"], saw["hosts"] = [*tab.complaints], tab.hosts
        await tab.scripts(False)
        await _without_scripts(tab, pages, saw)


async def _run(tab: Tab, name: str, text: str) -> str:
    """Submit a study, and return the address of its page when it has ended."""
    await tab.replace("#name", name)
    await tab.replace("#text", text)
    await tab.choose("button[value=queue]", "/entries/")
    await _done(tab)
    await tab.choose("main a.button.first[href^='/studies/']", "/studies/")
    return str(await tab.ask("location.pathname"))


async def _done(tab: Tab) -> None:
    await tab.until(STATE, lambda state: state == "done", STUDY_TIMEOUT_S)


async def _said(tab: Tab, page: str, text: str) -> str:
    """Reload a page until it says something."""
    end = time.monotonic() + STUDY_TIMEOUT_S
    await tab.go(page)
    while text not in (found := await tab.ask(TEXT) or ""):
        assert time.monotonic() < end, found
        await asyncio.sleep(1)
        await tab.go(page)
    return str(found)


async def _read(tab: Tab, saw: dict[str, Any]) -> None:
    page = saw["study"]
    await _said(tab, page, "Claims")
    await tab.replace("#count", "1")
    await tab.choose("form[action$='/seeds'] button", "/entries/")
    saw["entry"] = await tab.ask("location.pathname")
    await _done(tab)
    saw["verdict"] = await _said(tab, page, "3 of 3")
    await tab.choose("#weights button", page)
    saw["weights"] = await _said(tab, page, "Written: best.safetensors")
    await tab.tab_to("a[href$='table.tex']")
    await tab.press("Enter")


async def _confirm(tab: Tab, saw: dict[str, Any]) -> None:
    await _said(tab, saw["search"], "Confirm them")
    await tab.replace("#top", "1")
    await tab.replace("#fresh", "2")
    await tab.choose("form[action$='/confirm'] button", "/entries/")
    await _done(tab)
    saw["confirmed"] = await _said(tab, saw["search"], "confirm")


async def _compare(tab: Tab, saw: dict[str, Any]) -> None:
    await tab.go("/compare")
    for page in (saw["study"], saw["search"]):
        await tab.tab_to(f"input[value='{page.split('/')[2]}']")
        await tab.press(" ")
    await tab.choose("main button", "/compare?study=")
    saw["compared"] = await tab.ask("location.pathname + location.search")
    saw["comparison"] = await tab.ask(TEXT)


async def _take_off(tab: Tab, saw: dict[str, Any]) -> None:
    await tab.go(saw["search"])
    saw["warned"] = await tab.ask(TEXT)
    await tab.choose("form[action$='/delete'] button", "/")
    saw["home"] = await tab.ask("[...document.querySelectorAll('.cards a')].map(link => [link.pathname, link.text])")
    await tab.choose("header a[href='/actions']", "/actions")
    saw["actions"] = await tab.ask(TEXT)


async def _look(tab: Tab, pages: list[str], saw: dict[str, Any]) -> None:
    saw["layout"] = {}
    for width in (400, 1400):
        await tab.size(width)
        for tone in ("light", "dark"):
            await tab.tone(tone)
            for page in pages:
                saw["layout"][width, tone, page] = await tab.layout(page)


async def _without_scripts(tab: Tab, pages: list[str], saw: dict[str, Any]) -> None:
    saw["bare"] = {}
    for page in pages:
        await tab.go(page)
        saw["bare"][page] = await tab.ask(TEXT)
    await tab.go("/submit")
    await tab.replace("#text", STUDY.replace("seeds: [0, 1]", "seeds: [0, 0]"))
    await tab.choose("button[value=check]", "/submit")
    saw["bare faults"] = await tab.ask("document.getElementById('margin').textContent")
    await tab.replace("#text", STUDY)
    await tab.choose("button[value=plan]", "/submit")
    saw["bare plan"] = await tab.ask(TEXT)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome is installed")
def test_a_classifier_by_keys_alone_and_every_page_without_scripts(tmp_path: Path) -> None:
    server, saw = Running(tmp_path / "results"), dict[str, Any]()
    try:
        asyncio.run(walk(server.client._url, tmp_path, saw))
    finally:
        server.end()
    assert "better than" in saw["verdict"]
    assert any(word in saw["verdict"] for word in ("supported", "contradicted", "undecided"))
    assert (tmp_path / "results" / "rates" / "best.safetensors").stat().st_size > 1000
    until = time.monotonic() + HANG_S
    while not (latex := tmp_path / "table.tex").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    for text in ("\\begin{tabular}", "0.001", "0.01", "\\end{tabular}"):
        assert text in latex.read_text(), text
    assert "confirm" in saw["confirmed"]
    assert "optimizer.lr=0.01" in saw["comparison"]
    assert "deletes nothing: its rows stay on record" in saw["warned"]
    assert [saw["study"], LONG.strip()] in saw["home"]
    assert saw["search"] not in [path for path, _ in saw["home"]]
    for text in ("submit", "weights", "delete", "its rows stay on record"):
        assert text in saw["actions"], text
    ledger = Ledger(str(tmp_path / "results" / "search.db"))
    assert len(ledger.trials(ledger.study("searched").id)) == 2
    ledger.close()
    assert {page: found for page, found in saw["layout"].items() if found != (0, [])} == {}
    assert saw["complaints"] == []
    assert saw["hosts"] == {server.client._url.removeprefix("http://")}
    assert all(len(text) > 80 for text in saw["bare"].values())
    assert "seeds" in saw["bare faults"]
    assert "What it costs, and what it can show" in saw["bare plan"]
