"""What a person sees while a study runs: the comparison as it grows on a terminal, one line per event elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from search.core.shown import one_line
from search.core.trial import Trial
from search.engine.decide.outcomes import Progress
from search.engine.drawn import Label, Line, bar, comparison, view
from search.space.model import Space

ANNOUNCE_AFTER_S = 2.0
"""Seconds after which a wait is announced that is mostly shorter."""

LOG_CELLS = 100
"""Width of a comparison in a log."""

LOG_LINES = 24
"""Lines of a comparison in a log."""

STYLES = {"title": "dim", "head": "dim", "baseline": "bold", "progress": "bold", "": ""}
"""Style of a line -> rich's."""

REMARKS = {
    "unkept": "states cannot be kept ({text}): nothing is wrong, but epochs before a branch are trained again",
    "miss": "{text}",
    "died": "{text}",
    "not proven": "{text}",
}
"""What is said of states and workers: kind of event -> sentence."""


class View:
    """Told of everything; called from several threads."""

    def say(self, text: str) -> None:
        """A set-up step that may take long begins, or a remark."""

    def limited(self, text: str) -> None:
        """The run ends at a limit, before all that was planned is trained."""
        self.say(text)

    def name_settings(self, label: Label) -> None:
        """From now on settings are called so."""

    def name_study(self, name: str) -> None:
        """From now on this study is worked on, by its name on record."""

    def begin(self, progress: Progress) -> None:
        """Training begins; `progress` is kept up to date by the driver."""

    def event(self, kind: str, what: Mapping[str, object]) -> None:
        """Something happened; see `search.engine.decide.outcomes.Event`."""

    def end(self) -> None:
        """Training is over."""


class Silent(View):
    """Shows nothing; for notebooks and tests."""


class Lines(Silent):
    """One line per event, for logs; and the comparison whenever one more seed of every setting is there."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._began = time.monotonic()
        self._progress: Progress | None = None
        self._label: Label = plain_label
        self._whole_seeds = 0
        self._proofs_said = False

    def say(self, text: str) -> None:
        """Print one line with the seconds since the start."""
        self._print(f"[{time.monotonic() - self._began:7.1f} s] {one_line(text)}")

    def _print(self, line: str) -> None:
        with suppress(OSError):  # a reader that went away does not end a study
            print(line, file=self._out or sys.stdout, flush=True)

    def name_settings(self, label: Label) -> None:
        """Call settings so in comparisons."""
        self._label = label

    def begin(self, progress: Progress) -> None:
        """Remember what to count."""
        self._progress, self._proofs_said = progress, False
        self._whole_seeds = progress.standings.whole_seeds
        self.say("starting the first worker")

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Say that a trial started or ended; epochs pass silently."""
        if kind == "worker":
            self.say("the first worker is ready; its first epoch is being trained")
        elif kind == "started":
            again = f", attempt {what['attempt']}" if what["attempt"] > 1 else ""
            verb = "goes on" if what.get("begun") and not again else "started"
            self.say(f"trial {what['trial'].number} {verb}: {describe(what['trial'])}{again}")
        elif kind == "ended":
            curve = what["fold"].curve
            value = f", {what['fold'].objective.metric} {curve[-1]:.4g}" if curve else ""
            counts = f" ({self._progress.done} of {self._progress.total})" if self._progress else ""
            self.say(
                f"trial {what['trial'].number} {what['state'].value} at epoch {what['epoch']}, "
                f"{what['ended_by']}{value}{counts}"
            )
            self._compare()
        elif kind == "proving" and self._progress and not (self._progress.undecided or self._proofs_said):
            self._proofs_said = True
            self.say("all trials ended; proving what was shared, in fresh processes")
        elif kind == "alarm":
            self.say(f"ALARM: {what['text']}")
        elif kind in REMARKS:
            self.say(REMARKS[kind].format(**what))

    def _compare(self) -> None:
        """Print the comparison where one more seed of every setting is there."""
        if self._progress is None or (whole := self._progress.standings.whole_seeds) <= self._whole_seeds:
            return
        self._whole_seeds = whole
        for line in comparison(self._progress, self._label, LOG_CELLS - 2, LOG_LINES):
            self._print(f"  {line.text}")


class Terminal(Silent):
    """The comparison as it grows, at the bottom of the terminal; what is said scrolls by above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._label: Label = plain_label

    def say(self, text: str) -> None:
        """Print a line above the comparison."""
        self._console.print(Text(one_line(text), style="dim"))

    def name_settings(self, label: Label) -> None:
        """Call settings so in the comparison."""
        self._label = label

    def begin(self, progress: Progress) -> None:
        """Show the comparison until `end`. A console that cannot be written over shows no more than what is said."""
        self._progress = progress
        if not self._console.is_interactive:
            return
        began = time.monotonic()

        def drawn() -> Group:
            size = self._console.size
            lines = view(progress, self._label, size.width, size.height - 1, time.monotonic(), began)
            return Group(*map(_text, lines))

        self._live = Live(get_renderable=drawn, console=self._console, refresh_per_second=2, transient=True)
        self._live.start()

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Alarms and what goes wrong with states are worth a line of their own; the rest is in the comparison."""
        if kind == "alarm":
            self._console.print(Text.assemble(("ALARM", "bold red"), f" {one_line(what['text'])}"))
        elif kind in REMARKS:
            self.say(REMARKS[kind].format(**what))

    def end(self) -> None:
        """Take the comparison off the screen, for the table comes next; the line of progress stays."""
        if self._live is not None and self._progress is not None:
            self._live.stop()
            self._live = None
            width = self._console.size.width
            self._console.print(_text(Line(bar(self._progress, width, time.monotonic()), "progress")))


def _text(line: Line) -> Text:
    return Text(line.text, style=STYLES[line.style], no_wrap=True, overflow="crop", end="\n")


@contextmanager
def announced(view: View, text: str) -> Iterator[None]:
    """Say what is being done if it takes more than `ANNOUNCE_AFTER_S`."""
    timer = threading.Timer(ANNOUNCE_AFTER_S, view.say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def plain_label(space: Space, parameters: Mapping[str, object]) -> str:  # noqa: ARG001  # see Label
    """Return a setting as ``axis=value``."""
    return ", ".join(_pairs(parameters)) or "all settings fixed"


def describe(trial: Trial) -> str:
    """Return a trial's parameters and seed as short text."""
    return ", ".join([*_pairs(trial.parameters), f"seed={trial.seed}"])


def _pairs(parameters: Mapping[str, object]) -> list[str]:
    return [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in parameters.items()
    ]


def view_for(out: TextIO) -> View:
    """Return the view that suits where the output goes: a terminal that can be written over, or anything else."""
    return Terminal() if out.isatty() and os.environ.get("TERM") not in ("dumb", "unknown") else Lines(out)
