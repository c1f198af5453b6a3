"""In a browser: a file with two faults is typed, mended, queued and watched to its end, with no reload by hand."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_served import DOCUMENT, STUDY_TIMEOUT_S, Running

choreographer = pytest.importorskip("choreographer")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")

TYPE = """
(text => {
  const area = document.getElementById("text");
  document.getElementById("said").textContent = "";
  area.value = text;
  area.dispatchEvent(new Event("input"));
})(%s)
"""
FAULTS = "[...document.querySelectorAll('#margin li')].map(item => item.textContent).filter(Boolean)"


async def walk(address: str) -> dict[str, Any]:
    """Return what a person saw."""
    async with choreographer.Browser(headless=True, enable_sandbox=False) as browser:
        tab = await browser.create_tab(f"{address}/submit")

        async def ask(code: str) -> Any:
            answer = await tab.send_command("Runtime.evaluate", {"expression": code, "returnByValue": True})
            return answer.get("result", {}).get("result", {}).get("value")  # none while a page is left for another

        async def until(code: str, true: Callable[[Any], bool] = bool) -> Any:
            end = time.monotonic() + STUDY_TIMEOUT_S
            while not true(value := await ask(code)):
                assert time.monotonic() < end, (code, value)
                await asyncio.sleep(0.2)
            return value

        saw: dict[str, Any] = {}
        text = json.dumps({**DOCUMENT, "seeds": [0, 0], "fixd": {}}, indent=1)
        loaded = "location.pathname === '/submit' && document.readyState === 'complete'"
        await until(loaded)
        await ask(TYPE % json.dumps(text))
        saw["faults"] = await until("document.getElementById('said').textContent")
        saw["beside"] = await ask(FAULTS)
        await ask(TYPE % json.dumps(json.dumps(DOCUMENT, indent=1)))
        saw["mended"] = await until("document.getElementById('said').textContent")
        await ask("document.querySelector('button[value=queue]').click()")
        await until("location.pathname", lambda value: str(value).startswith("/entries/"))
        saw["states"] = []

        def ended(state: Any) -> bool:
            if state and state not in saw["states"]:
                saw["states"].append(state)
            return state == "done"

        await until("(document.querySelector('p strong') || {}).textContent", ended)
        saw["comparison"] = await ask("document.getElementById('comparison').textContent")
        return saw


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome is installed")
def test_from_two_faults_to_the_end(tmp_path: Path) -> None:
    server = Running(tmp_path / "results", "--allow-code")
    try:
        saw = asyncio.run(walk(server.client._url))
    finally:
        server.end()
    assert saw["faults"] == "2 faults"
    assert {line.partition(": ")[2].partition(":")[0] for line in saw["beside"]} == {"fixd", "seeds[1]"}
    assert saw["mended"] == "Sound: study sine, 9 trials."
    assert saw["states"][-2:] == ["running", "done"]
    assert "degree=5" in saw["comparison"]
