"""What verbs that notify share: the option, and what is told of a command that trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import say
from search.core.errors import ClaimContradicted, ClaimUndecided, StudyInterrupted, TrialsFailed

if TYPE_CHECKING:
    from search.ledger.ledger import Ledger
    from search.notebook import Study
    from search.service.notices import Kind, Notices

notify_option = click.option(
    "--notify",
    multiple=True,
    metavar="URL|FILE",
    help="Tell this address of Apprise how it ends, or those of a file, one per line; repeatable. An address is never "
    "shown; in a file no list of processes shows it, either.",
)


def notices_of(given: Sequence[str]) -> Notices | None:
    """Return what sends to the addresses given; None where there are none.

    Raises:
        UserError: one cannot be used.
    """
    if not given:
        return None
    from search.service.notices import Notices, addresses

    return Notices(addresses(given), lambda text: say(text, err=True))


@contextmanager
def announcing(given: Sequence[str], ledger: Ledger, results: Path) -> Iterator[None]:
    """Tell what becomes of a queue and of the disk, while a server runs.

    Args:
        given: behind ``--notify``.
        ledger: in whose database the queue is.
        results: the results folder.
    """
    notices = notices_of(given)
    if notices is None:
        yield
        return
    from search.ledger.queue import Queue
    from search.service.announcer import Announcer

    with Announcer(ledger, Queue(ledger.engine), results, notices.send).working():
        yield


class Told:
    """What a command that trains has come to so far, for the message at its end."""

    def __init__(self, file: str) -> None:
        self.name, self.lines = Path(file).stem, list[str]()

    def stages(self, stages: Sequence[Study]) -> None:
        """Note the studies that were run, and what their tables say."""
        from search.report.table.judged_text import claim_note

        self.name = stages[0].name
        for stage in stages:
            table, outcome = stage.written, stage.outcome
            if table is None:
                continue
            if outcome is not None and not outcome.complete and not outcome.interrupted:
                self.lines.append(f"Study {stage.name} has reached a limit: raise it to go on.")
            self.lines += [table.incomplete] if table.incomplete else []
            self.lines += map(claim_note, table.verdicts)


@contextmanager
def telling(given: Sequence[str], file: str, results: str) -> Iterator[Told]:
    """Tell, at its end, what became of a command that trains, and meanwhile where the disk runs short.

    Args:
        given: behind ``--notify``.
        file: the space file.
        results: the results folder.
    """
    notices, told = notices_of(given), Told(file)
    if notices is None:
        yield told
        return
    from search.service.announcer import disk_watched
    from search.service.notices import Notice

    with ExitStack() as stack:
        stack.enter_context(disk_watched(Path(results), notices.send))
        try:
            yield told
        except BaseException as error:
            words, kind = _ended(error)
            lines = told.lines if isinstance(error, (ClaimContradicted, ClaimUndecided)) else [str(error), *told.lines]
            notices.send(Notice(f"Study {told.name} {words}", "\n".join(lines), kind))
            raise
        notices.send(Notice(f"Study {told.name} ended", "\n".join(told.lines) or "All of it is on record.", "success"))


def _ended(error: BaseException) -> tuple[str, Kind]:
    if isinstance(error, (ClaimContradicted, ClaimUndecided)):
        return "ended", "success"
    if isinstance(error, TrialsFailed):
        return "ended, and some trials failed", "warning"
    if isinstance(error, (StudyInterrupted, KeyboardInterrupt)):
        return "was interrupted", "info"
    return "failed", "failure"
