"""The dashboard and a report in a browser: what a reader sees is there, and no error is written to the console."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import Served
from tests.surroundings import HANG_S

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome is installed"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard that runs in a process of its own, its pictures drawn where kaleido is there."""
    results = tmp_path_factory.mktemp("served") / "results"
    Served(results).ledger.close()
    command = [sys.executable, "-u", "-m", "search", "dashboard", "--results", str(results), "--port", "0"]
    out = results / "out.txt"
    with out.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        yield _said(r"(http://127\.0\.0\.1:\d+)/dashboard", out, process, HANG_S)
        # Pictures are last: nothing of them may keep the dashboard from answering, or from ending.
        assert _said(r"(drew \d+ pictures|dashboard has no pictures)", out, process, HANG_S)
    finally:
        process.terminate()
        process.wait(HANG_S)


def _said(pattern: str, out: Path, process: subprocess.Popen[bytes], seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := re.search(pattern, out.read_text()):
            return found[1]
        assert process.poll() is None, out.read_text()
        time.sleep(0.2)
    raise AssertionError(f"not said within {seconds} s: {pattern}\n{out.read_text()}")


def look(address: str, folder: Path, size: str = "1300,1200") -> tuple[str, list[str]]:
    """Open a page; return its document after its scripts ran, and what they wrote to the console."""
    assert CHROMIUM is not None
    options = [
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={size}"),
        *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=15000"),
    ]
    command = [CHROMIUM, *options, "--dump-dom", address]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=True)
    return seen.stdout, re.findall(r".*:CONSOLE.*", seen.stderr)


def test_the_list_of_studies(address: str, tmp_path: Path) -> None:
    document, console = look(f"{address}/dashboard", tmp_path)
    assert "focal" in document
    assert "MAXIMIZE" in document
    assert console == []


def test_a_study_and_its_note(address: str, tmp_path: Path) -> None:
    document, console = look(f"{address}/dashboard/studies/1", tmp_path)
    assert "Best Trial (number=5)" in document
    assert "/reports/focal/" in document
    assert console == []
    document, console = look(f"{address}/dashboard/studies/1/note", tmp_path)
    assert 'href="/reports/focal/"' in document
    assert console == []


@pytest.mark.parametrize("size", ["1300,1200", "400,900"])
def test_the_report(address: str, tmp_path: Path, size: str) -> None:
    document, console = look(f"{address}/reports/focal/", tmp_path, size)
    assert "Focal &lt;b&gt;loss&lt;/b&gt;" in document
    assert "degree=5" in document
    assert console == []


def test_a_page_of_the_report_cannot_call_the_dashboard(address: str, tmp_path: Path) -> None:
    results = next(path for path in tmp_path.parent.glob("served*/results/focal"))
    (results / "hostile.html").write_text(
        "<!DOCTYPE html><title>waiting</title><script>document.title = 'ran';"
        "fetch('/api/studies/1', {method: 'DELETE'}).then(() => document.title = 'sent', () => 0)</script>"
    )
    document, console = look(f"{address}/reports/focal/hostile.html", tmp_path, "600,600")
    assert "<title>ran</title>" in document
    assert any("Content Security Policy" in line for line in console)
    with urllib.request.urlopen(f"{address}/api/studies", timeout=HANG_S) as page:
        assert b"focal" in page.read()


@pytest.mark.parametrize("path", ["/", "/studies/1/", "/compare", "/rest"])
def test_our_own_pages(address: str, tmp_path: Path, path: str) -> None:
    """Their policy lets their own style sheet in, and nothing is against it."""
    document, console = look(f"{address}{path}", tmp_path)
    assert 'href="/ours/service.css"' in document
    assert console == []
    assert "/submit" not in document, "a dashboard is only read"
