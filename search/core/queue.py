"""The queue of a server: what may become of an entry, and what is to be done next; pure.

An entry is a submitted space file with its options. It is queued, then running, then ended, and it may be queued again.
Where a server holds back what costs more than a bound, an entry is held first: until it has a price, and where that is
above the bound, until a person releases it.
Whatever happens to the server, the next one is given the same entries and says the same of them: `due` depends on
nothing else than the entries, which of their commands live, and the time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from search.core.errors import UserError

MAX_DEATHS_IN_A_ROW = 10
"""Times that the command of an entry may die one after the other without anything new on record."""

MAX_PAUSE_S = 60.0
"""Seconds that a command which died is not started again, at most."""

LOCKED_PAUSE_S = 20.0
"""Seconds after which a study that somebody else runs is tried again."""


class Phase(StrEnum):
    """Where an entry stands."""

    HELD = "waits for release"
    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


class Outcome(StrEnum):
    """How an entry ended."""

    DONE = "done"
    FAILED_TRIALS = "failed trials"
    STOPPED = "stopped"
    REFUSED = "refused"  # what the user can mend: a fault of the file, other data than on record
    BROKEN = "broken"  # a bug of ours, or a command that died again and again


@dataclass(frozen=True)
class Entry:
    """One entry of a queue.

    Attributes:
        id: its number.
        name: of its study, as the file has it.
        files: name -> text: the space file first, then the base files it extends; in lists of entries the texts are
            left out, each is "".
        options: of its command: ``data``, ``set`` (a list of KEY=VALUE), ``new_revision``; ``judge`` and ``max_seeds``
            where that is `judge`.
        who: submitted it.
        submitted, started, ended: when (UTC), "" where it has not come to that.
        place: entries with a lower one come first; those of one place by number.
        phase, outcome: where it stands, and how it ended.
        stops: how often somebody asked it to stop since it was queued.
        deaths: how often its command died in a row without anything new on record.
        reached: the length of its study's order log, when its command was started last.
        not_before: it is not started before this time (UTC), "" for any.
        said: with what words it ended, or why it waits; "" for one that is held until its price is known.
        study: the study it works on, by its name on record; "" before that is known.
        price: figures of its plan; None before they are known.
        released: who let it start: a person, or the server, where it costs no more than starts by itself; "" for nobody
            yet, and where nobody is asked.
    """

    id: int
    name: str
    files: Mapping[str, str] = field(repr=False)
    options: Mapping[str, object]
    who: str
    submitted: str
    place: int
    phase: Phase = Phase.QUEUED
    outcome: Outcome | None = None
    stops: int = 0
    deaths: int = 0
    reached: int = 0
    not_before: str = ""
    said: str = ""
    study: str = ""
    started: str = ""
    ended: str = ""
    price: Mapping[str, object] | None = field(default=None, repr=False)
    released: str = ""

    @property
    def state(self) -> str:
        """Where it stands, for a person to read: how it ended, or its phase."""
        return "being priced" if self.unpriced else str(self.outcome or self.phase)

    @property
    def unpriced(self) -> bool:
        """Whether it is held until its price is known."""
        return self.phase is Phase.HELD and not self.said

    @property
    def order(self) -> tuple[int, int]:
        """What entries are sorted by."""
        return self.place, self.id


class NotNow(UserError):
    """An entry cannot be changed so where it stands."""


def begun(entry: Entry, now: str, reached: int) -> Entry:
    """Start the command of an entry.

    Raises:
        NotNow: it is not queued.
    """
    _require(entry, Phase.QUEUED, "started")
    return replace(
        entry, phase=Phase.RUNNING, started=now, reached=reached, deaths=0, not_before="", said="", outcome=None
    )


def stopped(entry: Entry, now: str) -> Entry:
    """Ask an entry to stop: one that waits ends at once, one that runs hears of it.

    Raises:
        NotNow: it ended already.
    """
    if entry.phase in (Phase.QUEUED, Phase.HELD):
        return replace(
            entry, phase=Phase.ENDED, outcome=Outcome.STOPPED, ended=now, said="stopped before it was started"
        )
    _require(entry, Phase.RUNNING, "stopped")
    return replace(entry, stops=entry.stops + 1)


def concluded(entry: Entry, now: str, outcome: Outcome, said: str) -> Entry:
    """End an entry whose command ended.

    Raises:
        NotNow: it is not running.
    """
    _require(entry, Phase.RUNNING, "ended")
    return replace(entry, phase=Phase.ENDED, outcome=outcome, ended=now, said=said, not_before="")


def postponed(entry: Entry, now: str, said: str, pause_s: float | None = None) -> Entry:
    """Put an entry that cannot run now back where it stood, for `LOCKED_PAUSE_S` by default.

    Raises:
        NotNow: it is not running.
    """
    _require(entry, Phase.RUNNING, "put back")
    if entry.stops:
        return concluded(entry, now, Outcome.STOPPED, "stopped while it waited")
    return replace(
        entry, phase=Phase.QUEUED, not_before=later(now, LOCKED_PAUSE_S if pause_s is None else pause_s), said=said
    )


def queued_again(entry: Entry, place: int, held: bool = False, released: str = "") -> Entry:
    """Let an entry that ended go on.

    Args:
        entry: has ended.
        place: in the queue.
        held: whether it is held until it has a price; not where somebody let it start before.
        released: who lets it start by asking for this.

    Raises:
        NotNow: it did not end.
    """
    _require(entry, Phase.ENDED, "queued again")
    released = entry.released or released
    phase = Phase.HELD if held and not released else Phase.QUEUED
    fresh = replace(entry, outcome=None, stops=0, deaths=0, said="", not_before="")
    return replace(fresh, phase=phase, place=place, released=released)


def released(entry: Entry, who: str) -> Entry:
    """Let an entry that is held start when its turn comes; it keeps its place.

    Raises:
        NotNow: it is not held.
    """
    _require(entry, Phase.HELD, "released")
    return replace(entry, phase=Phase.QUEUED, released=who, said="")


def priced(entry: Entry, core_hours: float | None, bound: float | None, why_none: str, server: str) -> Entry:
    """Let an entry start that costs no more than starts by itself, or say why it waits for a person.

    Args:
        entry: is held until it has a price.
        core_hours: that it costs; None where nothing tells.
        bound: core hours that start by themselves; None for any.
        why_none: why nothing tells what it costs, where there is a reason to give.
        server: the name of who lets it start.

    Raises:
        NotNow: somebody has released it, or said what becomes of it.
    """
    if not entry.unpriced:
        raise NotNow(f"entry {entry.id} ({entry.name}) {_stands(entry.phase)}: its price is not asked for")
    if bound is None or (core_hours is not None and core_hours <= bound):
        return released(entry, server)
    if core_hours is not None:
        costs = f"costs {core_hours:.3g} core hours, and no more than {bound:g} start by themselves"
        said = f"{costs}; an admin may release it"
    else:
        reason = why_none or "no similar trial is on record"
        said = (
            f"nothing tells what it costs ({reason}), and no more than {bound:g} core hours start by themselves; an "
            "admin may release it, or its file bounds them with `limits.core_hours`"
        )
    return replace(entry, said=said)


def died(entry: Entry, now: str, reached: int) -> Entry:
    """Note that the command of an entry is gone without a word: it is started again, at once where it came further.

    Args:
        entry: running.
        now: UTC time.
        reached: the length of its study's order log by now.

    Raises:
        NotNow: it is not running.
    """
    _require(entry, Phase.RUNNING, "started again")
    if entry.stops:
        return concluded(entry, now, Outcome.STOPPED, "stopped; what is on record stays, and it can go on")
    deaths = 1 if reached > entry.reached else entry.deaths + 1
    if deaths > MAX_DEATHS_IN_A_ROW:
        said = f"its command died {MAX_DEATHS_IN_A_ROW} times in a row, and nothing new came on record; see its output"
        return concluded(entry, now, Outcome.BROKEN, said)
    pause = 0.0 if deaths == 1 else min(MAX_PAUSE_S, 2.0 ** (deaths - 1))
    return replace(entry, deaths=deaths, reached=reached, not_before=later(now, pause))


def restarted(entry: Entry) -> Entry:
    """Start the command of an entry again that died.

    Raises:
        NotNow: it is not running.
    """
    _require(entry, Phase.RUNNING, "started again")
    return replace(entry, not_before="")


def require_idle(entry: Entry) -> None:
    """Refuse to take an entry away whose command runs.

    Raises:
        NotNow: it does.
    """
    if entry.phase is Phase.RUNNING:
        raise NotNow(f"entry {entry.id} ({entry.name}) is running: stop it first")


def moved(entries: Sequence[Entry], number: int, position: int) -> list[Entry]:
    """Return the queued entries with new places, one of them at another position.

    Args:
        entries: of the queue.
        number: of the entry to move.
        position: where it is to stand among the queued ones, 1 for the first; a higher one than there is means last.

    Raises:
        NotNow: it is not queued.
    """
    waiting = sorted((entry for entry in entries if entry.phase is Phase.QUEUED), key=lambda entry: entry.order)
    chosen = [entry for entry in waiting if entry.id == number]
    if not chosen:
        raise NotNow(f"entry {number} is not queued: only an entry that waits can be moved")
    others = [entry for entry in waiting if entry.id != number]
    others.insert(min(max(position, 1) - 1, len(others)), chosen[0])
    return [replace(entry, place=place) for place, entry in enumerate(others, start=1)]


class Step(NamedTuple):
    """What a server is to do with an entry: ``start`` its command, ``bury`` one that died, or ``restart`` it."""

    what: str
    entry: int


def due(entries: Sequence[Entry], living: Collection[int], slots: int, now: str) -> list[Step]:
    """Return what is to be done now, in this order.

    Args:
        entries: of the queue.
        living: numbers of entries whose command lives.
        slots: commands that run at once.
        now: UTC time.
    """
    steps = []
    running = [entry for entry in entries if entry.phase is Phase.RUNNING]
    for entry in sorted(running, key=lambda entry: entry.order):
        if entry.id not in living:
            waits = entry.not_before and not entry.stops
            steps.append(Step("restart" if waits else "bury", entry.id))
    steps = [step for step in steps if step.what == "bury" or not _pauses(_of(entries, step.entry), now)]
    taken = {entry.name for entry in running}
    free = slots - len(running)
    for entry in sorted((entry for entry in entries if entry.phase is Phase.QUEUED), key=lambda entry: entry.order):
        if free > 0 and not _pauses(entry, now) and entry.name not in taken and entry.id not in living:
            taken.add(entry.name)
            free -= 1
            steps.append(Step("start", entry.id))
    return steps


def _pauses(entry: Entry, now: str) -> bool:
    """Whether an entry is not to be started yet; a pause that is longer than any was made by a clock since set back."""
    return now < entry.not_before <= later(now, MAX_PAUSE_S)


def later(now: str, seconds: float) -> str:
    """Return a UTC time so many seconds later, in the same spelling, so that times compare as texts."""
    return (datetime.fromisoformat(now) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _of(entries: Sequence[Entry], number: int) -> Entry:
    return next(entry for entry in entries if entry.id == number)


def _require(entry: Entry, phase: Phase, verb: str) -> None:
    if entry.phase is not phase:
        raise NotNow(
            f"entry {entry.id} ({entry.name}) {_stands(entry.phase)}: only an entry that {_stands(phase)} can be {verb}"
        )


def _stands(phase: Phase) -> str:
    return str(phase) if phase is Phase.HELD else f"is {phase}"
