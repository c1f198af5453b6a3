"""In a browser, from a file with two faults to what two studies come to: no reload by hand, no other host asked."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from search.ledger.answers import take_off
from search.ledger.ledger import Ledger
from tests.service.browsing import CHROMIUM, Tab
from tests.service.test_served import DOCUMENT, STUDY_TIMEOUT_S, Running
from tests.surroundings import ROOT

choreographer = pytest.importorskip("choreographer")

STUDY: dict[str, Any] = {
    **DOCUMENT,
    "workload": "tests.contracts.toy:Scored",
    "fixed": {"epochs": 400, "lr": 0.1},
    "space": {"degree": {"grid": [0, 5]}},
    "seeds": [0, 1, 2, 3],
    "report": {"rows": "degree", "baseline": 0, "claims": [{"better": [5, 0]}]},
}
FAULTS = "[...document.querySelectorAll('#margin li')].map(item => item.textContent).filter(Boolean)"
SAID = "document.getElementById('said').textContent"
STATE = "(document.querySelector('p strong') || {}).textContent"
CLEAR = "document.getElementById('said').textContent = ''; document.getElementById('text').value = ''"


async def walk(address: str, saw: dict[str, Any]) -> None:
    """Note what a person saw."""
    async with choreographer.Browser(headless=True, enable_sandbox=False) as browser:
        tab = Tab(await browser.create_tab("about:blank"), address)
        await tab.listen()
        await _submit_by_keys(tab, saw)
        await _stop_and_go_on(tab, saw)
        await _read(tab, saw)
        await _compare(tab, saw)
        saw["layout"] = {}
        for width in (400, 1400):
            await tab.size(width)
            for path in ("/", "/submit", saw["compared"], "/actions", "/rest", saw["entry"], saw["study"], "/enter"):
                saw["layout"][width, path] = await tab.layout(path)
        saw["complaints"], saw["hosts"] = tab.complaints, tab.hosts


async def _submit_by_keys(tab: Tab, saw: dict[str, Any]) -> None:
    await tab.go("/submit")
    await tab.tab_to("#text")
    await tab.type(json.dumps({**STUDY, "seeds": [0, 0], "fixd": {}}, indent=1))
    saw["faults"] = await tab.until(SAID)
    saw["beside"] = await tab.ask(FAULTS)
    await tab.ask(CLEAR)
    await tab.type(json.dumps(STUDY, indent=1))
    saw["mended"] = await tab.until(SAID)
    await tab.tab_to("button[value=plan]")
    await tab.press("Enter")
    saw["plan"] = await tab.until("(document.querySelector('main pre') || {}).textContent")
    await tab.tab_to("button[value=queue]")
    await tab.press("Enter")
    await tab.loaded("/entries/")
    saw["entry"] = await tab.ask("location.pathname")


async def _ended(tab: Tab, saw: dict[str, Any], outcome: str) -> None:
    def over(state: Any) -> bool:
        if state and saw["states"][-1:] != [state]:
            saw["states"].append(state)
        return bool(state == outcome)

    await tab.until(STATE, over, STUDY_TIMEOUT_S)


async def _stop_and_go_on(tab: Tab, saw: dict[str, Any]) -> None:
    saw["states"] = []
    await tab.until("document.getElementById('comparison').textContent", seconds=STUDY_TIMEOUT_S)
    await tab.click("form[action$='/stop'] button")
    await _ended(tab, saw, "stopped")
    await tab.click("form[action$='/again'] button")
    await _differences(tab, saw)
    await _ended(tab, saw, "done")
    saw["comparison"] = await tab.ask("document.getElementById('comparison').textContent")


async def _differences(tab: Tab, saw: dict[str, Any]) -> None:
    """See intervals come while the study runs, without a reload, and be there right after one."""
    await tab.until("!!document.querySelector('#live[data-events]')")
    await tab.ask("document.documentElement.dataset.stayed = 1")
    shown = "document.documentElement.dataset.stayed && document.getElementById('between').checkVisibility()"
    await tab.until(f"{shown} && document.querySelectorAll('#interim svg.interval').length")
    saw["between"] = await tab.ask("document.getElementById('between').textContent")
    saw["after a reload"] = await tab.ask("fetch(location.href).then(answer => answer.text())")


async def _read(tab: Tab, saw: dict[str, Any]) -> None:
    await tab.click("a[href^='/studies/']")
    await tab.loaded("/studies/")
    saw["study"] = await tab.ask("location.pathname")
    await tab.click("form[action$='/seeds'] button")
    await tab.loaded("/entries/")
    await _ended(tab, saw, "done")
    claims = "[...document.querySelectorAll('h2')].some(head => head.textContent === 'Claims')"
    await tab.go(saw["study"])
    while not await tab.ask(f"{claims} && !document.body.textContent.includes('In progress')"):
        await asyncio.sleep(1)  # what it comes to is worked out behind the server's back
        await tab.go(saw["study"])
    saw["verdict"] = await tab.ask(STATE.replace("p strong", "li strong"))
    saw["latex"] = await tab.ask(
        "fetch(document.querySelector('a[href$=\".tex\"]').href).then(answer => answer.text())"
    )


async def _compare(tab: Tab, saw: dict[str, Any]) -> None:
    await tab.go("/compare")
    for name in ("Focal", "Learning-rate decay"):
        found = f"[...document.querySelectorAll('label')].find(label => label.textContent.includes({name!r}))"
        await tab.ask(f"{found}.querySelector('input').click()")
    await tab.click("main button")
    await tab.until("document.querySelectorAll('tbody tr').length")
    saw["compared"] = await tab.ask("location.pathname + location.search")
    saw["settings"] = await tab.ask("document.querySelectorAll('tbody tr').length")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome is installed")
def test_from_two_faults_to_what_two_studies_come_to(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    shutil.copy(ROOT / "results" / "reference" / "search.db", tmp_path / "results")
    ledger = Ledger(str(tmp_path / "results" / "search.db"))
    for study in ledger.studies():
        if study.name not in ("focal", "decay"):  # whose reports need not be written
            take_off(ledger.engine, study.id, "ann")
    ledger.close()
    server, saw = Running(tmp_path / "results", "--allow-code"), dict[str, Any]()
    try:
        asyncio.run(walk(server.client._url, saw))
    finally:
        server.end()
    assert saw["faults"] == "2 faults"
    assert {line.partition(": ")[2].partition(":")[0] for line in saw["beside"]} == {"fixd", "seeds[1]"}
    assert saw["mended"].startswith("Sound: study sine, 8 trials.")
    assert "3,200" in saw["plan"]
    assert [state for state in saw["states"] if state not in ("queued", "running")] == ["stopped", "done", "done"]
    assert "degree=5" in saw["comparison"]
    for text in ("degree=5", "[95 %", "A look in between, and no verdict"):
        assert text in saw["between"], text
        assert text in saw["after a reload"], text
    assert "Holm" not in saw["between"]
    assert saw["verdict"] in ("supported", "contradicted", "undecided")
    assert "\\begin{tabular}" in saw["latex"]
    assert saw["settings"] == 8
    assert {page: found for page, found in saw["layout"].items() if found != (0, [])} == {}
    assert saw["complaints"] == []
    assert saw["hosts"] == {server.client._url.removeprefix("http://")}
