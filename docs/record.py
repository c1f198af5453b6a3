"""Records what pages show of real runs: python docs/record.py [tutorial] [focal] [--results FOLDER] [--out FOLDER]

`tutorial` gives every command of docs/tutorial.md, lays what they print into the page, and takes the README's pictures
of its study: the terminal in mid-run, and, where there is a Chromium, the page. `focal` trains spaces/focal.yaml, or
reads it where FOLDER has it on record, and lays its table into docs/explanation/tables.md. Without a name both.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from search import api
from search.engine.live import Terminal

ROOT = Path(__file__).resolve().parents[1]

COLUMNS = 80
ROWS = 40
"""Size of the terminal, in letters."""

SHORT = ("epochs=2", "data.limit=[60,40,40]")
"""What makes the tutorial's study short, for a test of this script."""

REPORT_PX = (1300, 980)
"""Width and height of the picture of the page."""

PICTURED_AT = 6
"""The terminal's picture is taken when so many of the nine trials of the tutorial have ended."""

COLOURS = 64
"""Of a picture's palette."""

SCHEMES = {"dark": 0, "light": 1}
"""Colour scheme -> Chromium's number of it."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

TABLE = r"^(?: .*\n)?setting  .*\n─+\n(?:\S.*  .*\n)+(?:Left out .*\n(?:  .*\n)*)?"
"""The comparison table as a terminal shows it, without its notes."""

RUN = "run rates.yaml"
"""The command of the tutorial whose study the pictures show."""

QUOTES = {
    RUN: TABLE,
    "check rates.yaml": r"^rates\.yaml: .*\n",
    "plan rates.yaml": r"^trials  .*\n(?:.*\n)*?  to prove .*\n(?:      .*\n)*",
}
"""Command of the tutorial -> what of its output stands on the page."""


class Recorder(Terminal):
    """The live view of a run, and what it showed when `PICTURED_AT` trials had ended."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO(), force_terminal=True, width=COLUMNS, height=ROWS))
        self.picture = Console(record=True, file=io.StringIO(), force_terminal=True, width=COLUMNS)
        self._ended = 0

    def say(self, text: str) -> None:
        """Remember what is said before the picture is taken."""
        super().say(text)
        if self._ended < PICTURED_AT:
            self.picture.print(text, style="dim", markup=False, highlight=False)

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Take the picture when the time has come."""
        super().event(kind, what)
        if kind == "ended" and self._live is not None:
            self._ended += 1
            if self._ended == PICTURED_AT:
                self.picture.print(self._live.get_renderable())

    def svg(self, title: str) -> str:
        """Return the picture; it asks no network for a font."""
        picture = self.picture.export_svg(title=title, theme=SVG_EXPORT_THEME, unique_id="live")
        return re.sub(r" *@font-face \{.*?\}\n", "", picture, flags=re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """Return the words of each command that stands on a line of its own, without ``python -m search``."""
    return [shlex.split(words) for words in re.findall(r"^    python -m search (.+)$", page, re.MULTILINE)]


def printed(words: Sequence[str], folder: Path) -> str:
    """Return what a command prints in a terminal of `COLUMNS` letters without colours.

    Raises:
        CalledProcessError: it failed.
    """
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = {**os.environ, "PYTHONPATH": path, "TERM": "dumb", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "search", *words]
    ours, its = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=its, stdout=its) as process:
        os.close(its)
        parts = []
        with contextlib.suppress(OSError):  # the terminal is gone when the command has ended
            while part := os.read(ours, 4096):
                parts.append(part)
        os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return re.sub(r"[ \r]+$", "", b"".join(parts).decode(), flags=re.MULTILINE)


def quoted(page: str, after: str, pattern: str, output: str) -> str:
    """Return a page whose first block of text behind the command `after` holds what of an output fits a pattern.

    Raises:
        ValueError: nothing fits, or the page has no such block.
    """
    shown = re.search(pattern, output, re.MULTILINE)
    place = re.compile(re.escape(after) + r".*?```text\n(.*?)```", re.DOTALL).search(page)
    if shown is None or place is None:
        raise ValueError(f"{after}: {'no such block' if shown else 'nothing to quote'} in\n{output}")
    return page[: place.start(1)] + shown[0] + page[place.end(1) :]


def tutorial(out: Path, changes: Sequence[str] = ()) -> None:
    """Give the commands of the tutorial, and write the page and the picture of the terminal.

    Args:
        out: folder of pages.
        changes: settings that make its study shorter.
    """
    page = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    sets = [word for change in changes for word in ("--set", change)]
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rates.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
        for words in commands(page):
            command = shlex.join(words)
            if command == RUN:
                space = api.load_space(folder / "rates.yaml", dict(change.split("=", 1) for change in changes))
                api.run(space, results=folder / "results", view=recorder)
                if not changes:
                    photograph(folder / "results/rates/report.html", out / "pictures")
                output = printed(["report", "rates"], folder)
            else:
                output = printed([*words, *(sets if words[0] in ("plan", "run") else [])], folder)
            if command in QUOTES:
                page = quoted(page, f"    python -m search {command}\n", QUOTES[command], output)
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    (out / "pictures/live.svg").write_text(recorder.svg(f"python -m search {RUN}"), encoding="utf-8")
    (out / "tutorial.md").write_text(page, encoding="utf-8")


def focal(out: Path, results: Path) -> None:
    """Write the page that quotes the table of `make run`."""
    page = (ROOT / "docs/explanation/tables.md").read_text(encoding="utf-8")
    printed(["run", "spaces/focal.yaml", "--results", str(results)], ROOT)
    output = printed(["report", "focal", "--results", str(results)], ROOT)
    (out / "explanation").mkdir(parents=True, exist_ok=True)
    (out / "explanation/tables.md").write_text(quoted(page, "`make run` printed", TABLE, output), encoding="utf-8")


def photograph(page: Path, folder: Path) -> None:
    """Take pictures of a page in both colour schemes; without a Chromium say that there are none."""
    browser = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if browser is None:
        print("no Chromium: no pictures of the page", file=sys.stderr)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for scheme, number in SCHEMES.items():
        target = (folder / f"report-{scheme}.png").resolve()
        width, height = REPORT_PX
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=5000"),
                *(f"--blink-settings=preferredColorScheme={number}", f"--window-size={width},{height}"),
                *(f"--screenshot={target}", page.resolve().as_uri()),
            ],
            check=True,
            capture_output=True,
        )
        Image.open(target).convert("RGB").quantize(COLOURS).save(target, optimize=True)


def main() -> None:
    """Record what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="*", metavar="tutorial|focal", default=["tutorial", "focal"])
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where spaces/focal.yaml is on record")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where pages and pictures are written")
    parser.add_argument("--short", action="store_true", help="the tutorial with small settings")
    given = parser.parse_args()
    if "tutorial" in given.what:
        tutorial(given.out, SHORT if given.short else ())
    if "focal" in given.what:
        focal(given.out, given.results)


if __name__ == "__main__":
    main()
