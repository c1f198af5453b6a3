"""A tab of Chromium that is led through pages, and what it wrote to its console and asked other hosts for."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.surroundings import HANG_S

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")

KEYS = {"Tab": 9, "Enter": 13, " ": 32}

LAYOUT = """
(() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth, broken = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("pre, textarea, svg")) continue;
    for (const word of node.data.matchAll(/[^\\s\\/-]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = [...range.getClientRects()].filter(box => box.width > 0).map(box => box.top);
      if (Math.max(...tops) - Math.min(...tops) > 8) broken.push(word[0]);
    }
  }
  return [Math.max(0, wide), broken];
})()
"""
"""Pixels by which a page is wider than its window, and the words that go on in another line."""


class Tab:
    """A tab that shows pages of one server.

    Args:
        tab: of choreographer.
        address: of the server.
    """

    def __init__(self, tab: Any, address: str) -> None:
        self._tab, self.address = tab, address
        self.complaints: list[str] = []
        self.asked_for: list[str] = []

    async def listen(self) -> None:
        """Note from now on what is written to the console, and what is asked for."""

        async def logged(message: Any) -> None:
            entry = message["params"]["entry"]
            if entry["level"] != "verbose":  # hints to whoever makes pages
                self.complaints.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")

        async def thrown(message: Any) -> None:
            self.complaints.append(str(message["params"]["exceptionDetails"]))

        async def called(message: Any) -> None:
            self.complaints.append(str(message["params"]["args"]))

        async def asked(message: Any) -> None:
            self.asked_for.append(message["params"]["request"]["url"])

        for event, callback in (
            ("Log.entryAdded", logged),
            ("Runtime.exceptionThrown", thrown),
            ("Runtime.consoleAPICalled", called),
            ("Network.requestWillBeSent", asked),
        ):
            self._tab.subscribe(event, callback)
        for domain in ("Log", "Runtime", "Network", "Page"):
            await self._tab.send_command(f"{domain}.enable")

    @property
    def hosts(self) -> set[str]:
        """Hosts that were asked for something."""
        return {urlsplit(url).netloc for url in self.asked_for if not url.startswith("data:")}

    async def ask(self, code: str) -> Any:
        """Return what a script comes to; None while a page is left for another."""
        given = {"expression": code, "returnByValue": True, "awaitPromise": True}
        answer = await self._tab.send_command("Runtime.evaluate", given)
        return answer.get("result", {}).get("result", {}).get("value")

    async def until(self, code: str, true: Callable[[Any], bool] = bool, seconds: float = HANG_S) -> Any:
        """Wait until what a script comes to is right."""
        end = time.monotonic() + seconds
        while not true(value := await self.ask(code)):
            assert time.monotonic() < end, (code, value)
            await asyncio.sleep(0.2)
        return value

    async def loaded(self, path: str) -> None:
        """Wait until a page is there whose path begins so."""
        begins = f"location.href.startsWith({self.address + path!r})"
        await self.until(f"{begins} && document.readyState === 'complete'")

    async def go(self, path: str) -> None:
        """Open a page."""
        await self._tab.send_command("Page.navigate", {"url": self.address + path})
        await self.loaded(path)

    async def click(self, selector: str) -> None:
        """Click on what a selector finds first, once it is there."""
        await self.until(f"!!document.querySelector({selector!r})")
        await self.ask(f"document.querySelector({selector!r}).click()")

    async def press(self, key: str) -> None:
        """Press a key."""
        text = {"Enter": "\r", " ": " "}.get(key)
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], **({"text": text} if text else {})}
        await self._tab.send_command("Input.dispatchKeyEvent", {"type": "keyDown", **pressed})
        await self._tab.send_command("Input.dispatchKeyEvent", {"type": "keyUp", **pressed})

    async def tab_to(self, selector: str, most: int = 120) -> None:
        """Press the key Tab until what a selector finds has the focus, and see that it is marked."""
        for _ in range(most):
            await self.press("Tab")
            if await self.ask(f"document.activeElement.matches({selector!r})"):
                assert await self.ask("getComputedStyle(document.activeElement).outlineStyle") != "none", selector
                return
        raise AssertionError(f"no key leads to {selector}")

    async def type(self, text: str) -> None:
        """Type a text where the focus is."""
        await self._tab.send_command("Input.insertText", {"text": text})

    async def replace(self, selector: str, text: str) -> None:
        """Go to a field by the key Tab, and type a text in place of what stands there."""
        await self.tab_to(selector)
        everything = {"key": "a", "code": "KeyA", "modifiers": 2, "commands": ["selectAll"]}
        await self._tab.send_command("Input.dispatchKeyEvent", {"type": "keyDown", **everything})
        await self._tab.send_command("Input.dispatchKeyEvent", {"type": "keyUp", "key": "a", "code": "KeyA"})
        await self.type(text)

    async def choose(self, selector: str, path: str) -> None:
        """Go to a link or button by the key Tab, press Enter, and wait for the page that it leads to."""
        await self.tab_to(selector)
        await self.ask("document.documentElement.dataset.left = 1")
        await self.press("Enter")
        await self.until("!document.documentElement.dataset.left")
        await self.loaded(path)

    async def downloads(self, folder: Path) -> None:
        """Put what is downloaded from now on into a folder."""
        await self._tab.send_command("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})

    async def scripts(self, run: bool) -> None:
        """Let the scripts of pages run, or not."""
        await self._tab.send_command("Emulation.setScriptExecutionDisabled", {"value": not run})

    async def tone(self, name: str) -> None:
        """Be somebody who likes pages ``light`` or ``dark``."""
        liked = {"features": [{"name": "prefers-color-scheme", "value": name}]}
        await self._tab.send_command("Emulation.setEmulatedMedia", liked)

    async def size(self, width: int) -> None:
        """Give the window a width in pixels."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        await self._tab.send_command("Emulation.setDeviceMetricsOverride", size)

    async def layout(self, path: str) -> tuple[int, list[str]]:
        """Open a page; return by how many pixels it is too wide, and the words that are broken."""
        await self.go(path)
        wide, broken = await self.ask(LAYOUT)
        return wide, broken
