"""What a person sees while a study runs: a live table on a terminal, one line per event elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.core.shown import one_line
from search.core.trial import State, Trial
from search.engine.decide.outcomes import Progress

SHOWN = (State.FINISHED, State.STOPPED, State.PRUNED, State.DIVERGED, State.FAILED)


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

    def begin(self, progress: Progress, epochs: int, metric: str) -> None:
        """Training begins; `progress` is kept up to date by the driver, `epochs` is the length of the longest trial."""

    def event(self, kind: str, what: Mapping[str, object]) -> None:
        """Something happened; see `search.engine.decide.outcomes.Event`."""

    def end(self) -> None:
        """Training is over."""


class Silent(View):
    """Shows nothing; for notebooks and tests."""


class Lines(Silent):
    """One line per event, for logs."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._began = time.monotonic()
        self._progress: Progress | None = None

    def say(self, text: str) -> None:
        """Print one line with the seconds since the start."""
        line = f"[{time.monotonic() - self._began:7.1f} s] {one_line(text)}"
        with suppress(OSError):  # a reader that went away does not end a study
            print(line, file=self._out or sys.stdout, flush=True)

    def begin(self, progress: Progress, epochs: int, metric: str) -> None:  # noqa: ARG002  # see View
        """Remember what to count."""
        self._progress = progress

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Say that a trial started or ended; epochs pass silently."""
        if kind == "started":
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
        elif kind == "alarm":
            self.say(f"ALARM: {what['text']}")
        elif kind in REMARKS:
            self.say(REMARKS[kind].format(**what))


class Terminal(Silent):
    """A live table at the bottom of the terminal; what is said scrolls by above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None

    def say(self, text: str) -> None:
        """Print a line above the table."""
        self._console.print(Text(one_line(text), style="dim"))

    def begin(self, progress: Progress, epochs: int, metric: str) -> None:
        """Show the table until `end`."""
        began = time.monotonic()
        self._live = Live(
            get_renderable=lambda: table(progress, epochs, metric, time.monotonic() - began),
            console=self._console,
            refresh_per_second=2,
        )
        self._live.start()

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Alarms and what goes wrong with states are worth a line of their own; the rest is in the table."""
        if kind == "alarm":
            self._console.print(Text.assemble(("ALARM", "bold red"), f" {one_line(what['text'])}"))
        elif kind in REMARKS:
            self.say(REMARKS[kind].format(**what))

    def end(self) -> None:
        """Leave the last state of the table on the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def table(progress: Progress, epochs: int, metric: str, seconds: float) -> Table:
    """Return the live table: trials by state, best so far, epochs per second, time left.

    Trials are settled where rows on record decided them; epochs are trained, trained again to reach a state, or reused.
    Those that prove a state are few, and the last line of the run has them: there is no room for them at 80 columns.
    """
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True, pad_edge=False)
    of = f" of {progress.total}" if progress.total is not None else ""
    shown = [state for state in SHOWN if state == State.PRUNED or progress.states[state]]
    best_column = f"best {metric}"
    for name in ("done", "running", *shown, best_column, "epochs", "epochs/s", "left"):
        result.add_column(name, justify="right", no_wrap=name == best_column)
    best = "" if progress.best is None else f"{progress.best:.4g} (trial {progress.best_trial})"
    rate = progress.epochs_trained / seconds if seconds > 0 else 0.0
    reused = f" + {progress.epochs_reused} reused" if progress.epochs_reused else ""
    again = f" + {progress.epochs_retrained} again" if progress.epochs_retrained else ""
    settled = f", {progress.settled} settled" if progress.settled else ""
    result.add_row(
        f"{progress.done}{of}{settled}",
        str(progress.running),
        *(str(progress.states[state]) for state in shown),
        best,
        f"{progress.epochs_trained}{again}{reused}",
        f"{rate:.1f}" if progress.epochs_trained else "",
        time_left(progress, epochs, rate),
    )
    return result


def time_left(progress: Progress, epochs: int, rate: float) -> str:
    """Return the time left if every trial to come is as long as those that ended were, on average."""
    if progress.total is None or not rate or not progress.done:
        return ""
    each = min(
        float(epochs), (progress.epochs_trained + progress.epochs_reused) / (progress.done + 0.5 * progress.running)
    )
    seconds = max(0.0, (progress.total - progress.done - 0.5 * progress.running) * each / rate)
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def describe(trial: Trial) -> str:
    """Return a trial's parameters and seed as short text."""
    shown = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in trial.parameters.items()
    ]
    return ", ".join([*shown, f"seed={trial.seed}"])


def view_for(out: TextIO) -> View:
    """Return the view that suits where the output goes."""
    return Terminal() if out.isatty() else Lines(out)
