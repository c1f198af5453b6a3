"""What people do by way of a server, from a page or from a program; each action is on record with who did it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from search.core.errors import Fault, Faults, UserError
from search.core.queue import Entry, Phase, released, stopped
from search.core.sequences import sequence_of
from search.ledger.answers import take_off as take_study_off
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.queue import Queue, plain
from search.ledger.tables import utc_now
from search.service.examiner import Examiner
from search.service.folder import Places, live, lives
from search.service.growth import Watcher
from search.service.interim_looks import InterimLooks
from search.service.people import NotAllowed, Person, Role, require
from search.service.pricing import Pricing
from search.service.submission import Submission
from search.service.weights import Weights
from search.study.opened import OpenStudy
from search.study.revision import latest_revision

MAX_SEEDS = 10_000


@dataclass(frozen=True)
class Service:
    """What a server works with: its ledger, its queue, where things lie, and who examines files.

    Attributes:
        wake: called where the queue has changed.
        slots: studies that run at once.
        weights: writes those of best trials.
        pricing: prices what is held until it has a price; None where nobody is held back.
        tasks: what is still done for requests that were answered.
    """

    ledger: Ledger
    queue: Queue
    places: Places
    examiner: Examiner
    wake: Callable[[], None]
    slots: int
    weights: Weights
    pricing: Pricing | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    @cached_property
    def watcher(self) -> Watcher:
        """Reads how far studies have come."""
        return Watcher(self.ledger)

    @cached_property
    def interims(self) -> InterimLooks:
        """Interim looks at studies that run."""
        return InterimLooks(self.examiner.read)

    def look(self) -> None:
        """Take the interim looks that are due, behind the back of whoever watches."""
        for look in self.interims.due():
            self.background(look)

    def holding(self, person: Person) -> dict[str, Any]:
        """Return whether what somebody submits is held until it has a price, and who lets it start else."""
        if self.pricing is None or self.pricing.bound is None:
            return {}
        return {"released": person.name} if person.role >= Role.ADMIN else {"held": True}

    def background(self, work: Coroutine[object, object, None]) -> None:
        """Do something behind the back of whoever asks."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def submit(service: Service, person: Person, submitted: Submission) -> Entry:
    """Check a submission, and put it at the end of the queue.

    Raises:
        Faults: everything that is wrong with it.
        NotNow: this person has too many entries that wait.
    """
    checked = await service.examiner.ask("check", submitted)
    if checked["faults"]:
        raise Faults(Fault(**fault) for fault in checked["faults"])
    submitting = partial(service.queue.submit, checked["name"], submitted.files, submitted.options, person.name)
    entry = await asyncio.to_thread(submitting, **service.holding(person))
    if entry.phase is Phase.HELD:
        _ask_price(service)
    else:
        service.wake()
        service.background(_price(service, entry.id, submitted))
    return entry


def _ask_price(service: Service) -> None:
    if service.pricing is not None:
        service.pricing.wake()


async def _price(service: Service, number: int, submitted: Submission) -> None:
    """Have an entry priced, and put the price on record; an entry without one is run all the same."""
    with suppress(UserError):
        planned = await service.examiner.ask("plan", submitted)
        if "plan" in planned:
            await asyncio.to_thread(service.queue.put_price, number, planned["plan"])


def whole(service: Service, number: int) -> dict[str, object]:
    """Return an entry with its files, how far its command is, and what was done to it.

    Raises:
        EntryNotFound: there is none of that number.
    """
    entry, folder = service.queue.entry(number), service.places.folder(number)
    return {
        **plain(entry),
        "alive": lives(folder),
        "live": live(folder),
        "actions": [vars(action) for action in service.queue.actions(number)],
    }


def stop(service: Service, person: Person, number: int) -> Entry:
    """Ask an entry to stop: the first time as Ctrl-C does, the second time at once.

    Raises:
        EntryNotFound, NotNow, NotAllowed: there is none, it ended, or it is another person's.
    """
    _require_own(service, person, number)
    entry = service.queue.change(number, person.name, "stop", lambda before: stopped(before, utc_now()))
    service.wake()
    return entry


def again(service: Service, person: Person, number: int) -> Entry:
    """Let an entry that ended go on, from the end of the queue.

    Raises:
        EntryNotFound, NotNow, NotAllowed: there is none, it did not end, or it is another person's.
    """
    _require_own(service, person, number)
    entry = service.queue.again(number, person.name, **service.holding(person))
    _ask_price(service)
    service.wake()
    return entry


def release(service: Service, person: Person, number: int) -> Entry:
    """Let an entry start that is held back.

    Raises:
        EntryNotFound, NotNow, NotAllowed: there is none, it is not held, or this person is no admin.
    """
    require(person, Role.ADMIN, "release an entry")
    entry = service.queue.change(number, person.name, "release", lambda before: released(before, person.name))
    service.wake()
    return entry


def move(service: Service, person: Person, number: int, position: int) -> None:
    """Move a waiting entry, 1 for the first.

    Raises:
        EntryNotFound, NotNow, NotAllowed: there is none, it does not wait, or it is another person's.
    """
    _require_own(service, person, number)
    service.queue.move(number, position, person.name)
    service.wake()


def delete(service: Service, person: Person, number: int) -> None:
    """Take an entry away; what its study has on record stays.

    Raises:
        EntryNotFound, NotNow, NotAllowed: there is none, it runs, or it is another person's.
    """
    _require_own(service, person, number)
    service.queue.delete(number, person.name)


def take_off(service: Service, person: Person, study_id: int, name: str) -> None:
    """Take a study off the pages; all that is on record of it stays."""
    take_study_off(service.ledger.engine, study_id, person.name)
    service.queue.log(person.name, "delete", name, "taken off the pages; its rows stay on record")


async def write_weights(service: Service, person: Person, name: str) -> None:
    """Have the weights of a study's best trial written, behind the back of whoever asks.

    Raises:
        UserError: they are being written, or it is a sequence of changes.
    """
    _no_sequence(name)
    service.weights.claim(name)
    service.background(service.weights.write(name))
    await asyncio.to_thread(service.queue.log, person.name, "weights", name, "of the best trial")


async def add_seeds(service: Service, person: Person, name: str, count: int) -> Entry:
    """Queue a study on record once more, with so many seeds besides (0 for none): the numbers behind its highest one.

    Raises:
        StudyNotFound: there is no such study.
        NotNow: this person has too many entries that wait.
        Faults: its file cannot be run here any more.
        UserError: it is in the queue already, or would have too many seeds.
    """
    record = _run_again(service, name)
    seeds = OpenStudy(service.ledger, record).space.seeds
    if len(seeds) + count > MAX_SEEDS:
        raise UserError(f"study {name!r} has {len(seeds)} seeds, and may have {MAX_SEEDS} at most")
    more = [*seeds, *range(max(seeds) + 1, max(seeds) + 1 + count)]
    return await _once_more(service, person, record, f"seeds={more}")


async def confirm(service: Service, person: Person, name: str, top: int, seeds: int) -> Entry:
    """Queue a search on record once more, with a confirm stage: its best settings are run again under fresh seeds.

    Raises:
        StudyNotFound, NotNow, Faults: as `add_seeds`.
        UserError: it is no search, or is in the queue already.
    """
    record = _run_again(service, name)
    if OpenStudy(service.ledger, record).space.search.sampler == "grid":
        raise UserError(f"study {name!r} compares all of its settings: there is no best of a search to confirm")
    return await _once_more(service, person, record, f"search.confirm={{top: {top}, seeds: {seeds}}}")


def _run_again(service: Service, name: str) -> StudyRecord:
    """Return the newest revision of a study that can be run once more."""
    _no_sequence(name)
    return latest_revision(service.ledger, service.ledger.study(name))


def _no_sequence(name: str) -> None:
    if sequence := sequence_of(name):
        raise UserError(
            f"{name!r} is a sequence of changes, which has no seeds of its own, and no weights; it goes on with the "
            f"next proposal: python -m search judge FILE --against {shlex.quote(sequence)}"
        )


async def _once_more(service: Service, person: Person, record: StudyRecord, setting: str) -> Entry:
    if any(entry.name == record.base_name for entry in service.queue.open_entries()):
        raise UserError(f"study {record.base_name!r} is in the queue already: wait for it, or take that entry away")
    return await submit(service, person, Submission({"study.yaml": record.space}, {"set": [setting]}))


def _require_own(service: Service, person: Person, number: int) -> None:
    """Refuse to change what somebody else submitted, but to an admin."""
    who = service.queue.head(number).who
    if who != person.name and person.role < Role.ADMIN:
        raise NotAllowed(f"entry {number} was submitted by {who}: only they, or an admin, may change it")
