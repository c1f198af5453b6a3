"""Names that no line can hold, in scripts of both directions: no page is wider than its window."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from search.ledger.answers import keep_answer
from search.places import open_ledger
from tests.service.browsing import CHROMIUM, Tab
from tests.service.test_pages import ANSWER
from tests.service.test_served import Running

choreographer = pytest.importorskip("choreographer")

NAMES = ("x" * 200, "שלום_" + "ע" * 190, "🌸" * 100, "كلمة " * 40)


async def _widths(address: str, pages: list[str]) -> dict[Any, int]:
    """Return by how many pixels each page is wider than its window."""
    widths = {}
    async with choreographer.Browser(headless=True, enable_sandbox=False) as browser:
        tab = Tab(await browser.create_tab("about:blank"), address)
        for width in (400, 1400):
            await tab.size(width)
            for page in pages:
                widths[width, page], _ = await tab.layout(page)
    return widths


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome is installed")
def test_names_that_no_line_can_hold_make_no_page_wider(tmp_path: Path) -> None:
    ledger, pages = open_ledger(tmp_path / "results", None), ["/", "/compare", "/actions"]
    for name in NAMES:
        ledger.create_study(name, name, 1, "", "", "classifier")
        number = ledger.study(name).id
        verdict = {"claim": name, "verdict": "supported", "reason": name}
        column = {"head": name, "kind": "text", "texts": [name], "bold": [False]}
        table = {"columns": [column] * 2, "intervals": [], "after": -1, "more": 0, "warnings": [name], "notes": [name]}
        said = {"title": name, "headline": name, "data": name, "verdicts": [verdict], "table": table}
        keep_answer(ledger.engine, number, {**ANSWER, **said})
        pages.append(f"/studies/{number}/")
    ledger.close()
    server = Running(tmp_path / "results")
    try:
        widths = asyncio.run(_widths(server.client._url, pages))
    finally:
        server.end()
    assert {page: wide for page, wide in widths.items() if wide} == {}
    assert len(widths) == 2 * len(pages)
