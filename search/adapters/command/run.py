"""One run of a program: its rows, one epoch after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search.adapters.command.process import Process
from search.adapters.command.rows import EXAMPLE, BadRow, Numbering, row_in
from search.core.values import Settings


class CommandRun:
    """One run of the program.

    Args:
        start: starts it.
        epochs: how many rows it was asked for; None where it was not told, and ends when it is ended.
    """

    def __init__(self, start: Callable[[], Process], epochs: int | None) -> None:
        self._start, self._epochs = start, epochs
        self._process: Process | None = None
        self._number = 0
        self._numbering = Numbering()

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:  # noqa: ARG002  # a command has none
        """Wait for the next row. With the last one the program has to end, and well.

        Raises:
            CommandFailed: there is none, or it is no row, or the program did not end well.
        """
        if self._process is None:
            self._process = self._start()
        process, self._number = self._process, self._number + 1
        if (text := process.line()) is None:
            raise process.failed(self._lacking(process.ending))
        try:
            row = self._numbering.taken_out(row_in(text, self._number, process.where), self._number)
        except BadRow as bad:
            cut = process.closed and not text.rstrip().endswith(b"}")
            ended = f"; the program {process.ending or 'ended'} in the middle of a line" if cut else ""
            raise process.failed(f"{bad}{ended}") from None
        if self._number == self._epochs:
            self._finish(process)
        return row

    def _finish(self, process: Process) -> None:
        if process.line() is not None:
            raise process.failed(
                f"the program wrote more than {self._epochs} rows; it must write one row for each of {{epochs}} epochs"
            )
        if ending := process.ending:
            raise process.failed(
                f"the program {ending} behind its last row, which therefore does not count; see what it does at its end"
            )
        process.close()

    def _lacking(self, ending: str) -> str:
        done = self._number - 1
        rows = f"{done} row{'s' * (done != 1)}" if done else "its first row"
        if ending:
            return f"the program {ending} {'after' if done else 'before'} {rows}"
        if not done:
            return f"the program ended without a row; it must write one JSON object per epoch, such as {EXAMPLE}"
        asked = f"of {self._epochs} epochs" if self._epochs is not None else "and more were asked for"
        remedy = (
            "it must write one row for each of {epochs} epochs"
            if self._epochs is not None
            else "tell it how many with {epochs} in the command, or set `epochs` to what it trains"
        )
        return f"the program ended after {rows} {asked}; {remedy}"

    def save(self) -> bytes:
        """Refuse.

        Raises:
            NotImplementedError: a program's state is its own.
        """
        raise NotImplementedError("a command has no states: every run is trained from its first epoch")

    def load(self, state: bytes) -> None:  # noqa: ARG002
        """Refuse, as `save` does.

        Raises:
            NotImplementedError: always.
        """
        self.save()
