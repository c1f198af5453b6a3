"""The queue of a server in the ledger's database: every change is one transaction, and on record with who made it.

What may become of an entry says `search.core.queue`. Changes come from several processes: the server, and the commands
of entries; each reads the entry it changes within its transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa

from search.core.errors import UserError
from search.core.queue import Entry, NotNow, Phase, moved, queued_again, require_idle
from search.ledger.entries import HEAD, OPEN, heads, read, texts_of, values_of
from search.ledger.tables import MAX_NUMBER, action, decision, entry, study, utc_now, writing
from search.space.model import confirm_name

MAX_QUEUED_PER_PERSON = 100
"""Entries of one person that wait at once."""

SERVER = "server"
"""Who does what nobody asked for: starts, restarts and ends."""


class EntryNotFound(UserError):
    """The queue has no entry of that number."""


@dataclass(frozen=True)
class Action:
    """One thing that somebody did: who, when (UTC), what, to which entry or study, and with what detail."""

    at: str
    who: str
    what: str
    entry: int | None
    study: str
    detail: str


class Queue:
    """The queue of one database.

    Args:
        engine: the ledger's.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def entries(self) -> list[Entry]:
        """Return all entries, in the order of the queue; of their files the names alone, as in all lists."""
        with self._engine.connect() as connection:
            return _entries(connection)

    def open_entries(self) -> list[Entry]:
        """Return the entries that wait or run, in the order of the queue; those that ended may be many."""
        with self._engine.connect() as connection:
            return _entries(connection, OPEN)

    def held_entries(self) -> list[Entry]:
        """Return the entries that are held, in the order of the queue."""
        with self._engine.connect() as connection:
            return _entries(connection, entry.c.phase == Phase.HELD.value)

    def last_action(self) -> int:
        """Return the number of the last action: where it is the same, no entry has changed but for study and price."""
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.max(action.c.id))).scalar() or 0)

    def entry(self, number: int) -> Entry:
        """Return one entry.

        Raises:
            EntryNotFound: there is none of that number.
        """
        with self._engine.connect() as connection:
            return _entry(connection, number)

    def head(self, number: int) -> Entry:
        """Return one entry without the texts of its files.

        Raises:
            EntryNotFound: there is none of that number.
        """
        with self._engine.connect() as connection:
            found = heads(connection, sa.select(*HEAD).where(entry.c.id == number)) if number <= MAX_NUMBER else []
        if not found:
            raise EntryNotFound(_MISSING.format(number=number))
        return found[0]

    def stops(self, number: int) -> int:
        """Return how often somebody asked an entry to stop; 0 for one that is gone."""
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(entry.c.stops).where(entry.c.id == number)).scalar() or 0)

    def submit(
        self,
        name: str,
        files: Mapping[str, str],
        options: Mapping[str, object],
        who: str,
        held: bool = False,
        released: str = "",
    ) -> Entry:
        """Put a space file at the end of the queue.

        Args:
            name: of its study.
            files: name -> text, the space file first.
            options: of the command `run`.
            who: submits it.
            held: whether it is held until it has a price.
            released: who lets it start by submitting it; "" where nobody is asked.

        Raises:
            NotNow: this person has too many entries that wait.
        """
        with writing(self._engine) as connection:
            waits = entry.c.phase.in_([Phase.QUEUED.value, Phase.HELD.value])
            count = sa.select(sa.func.count()).select_from(entry).where(waits, entry.c.who == who)
            if connection.execute(count).scalar_one() >= MAX_QUEUED_PER_PERSON:
                raise NotNow(f"{who} has {MAX_QUEUED_PER_PERSON} studies in the queue, which is the most; wait for one")
            phase = Phase.HELD if held else Phase.QUEUED
            submitted = Entry(
                *(0, name, files, options, who, utc_now(), _last(connection) + 1), phase=phase, released=released
            )
            values = {**values_of(submitted), **texts_of(submitted), **_number(connection)}
            result = connection.execute(entry.insert().values(**values))
            assert result.inserted_primary_key is not None
            number = int(result.inserted_primary_key[0])
            _log(connection, who, "submit", number, name, "")
        return replace(submitted, id=number)

    def change(self, number: int, who: str, what: str, change: Callable[[Entry], Entry], detail: str = "") -> Entry:
        """Change one entry, and put on record who did it.

        Args:
            number: of the entry.
            who: changes it.
            what: they do, as a verb.
            change: returns the entry as it is to be.
            detail: more of it.

        Raises:
            EntryNotFound: there is none of that number.
            NotNow: it cannot be changed so.
        """
        with writing(self._engine) as connection:
            before = _entry(connection, number, locked=True)
            after = change(before)
            _put(connection, after)
            _log(connection, who, what, number, after.study or after.name, detail)
        return after

    def name_study(self, number: int, name: str) -> None:
        """Note which study an entry works on, by its name on record."""
        with writing(self._engine) as connection:
            connection.execute(entry.update().where(entry.c.id == number).values(study=name))

    def put_price(self, number: int, price: Mapping[str, object]) -> None:
        """Note what an entry costs: figures of its plan."""
        with writing(self._engine) as connection:
            connection.execute(entry.update().where(entry.c.id == number).values(price=json.dumps(dict(price))))

    def again(self, number: int, who: str, held: bool = False, released: str = "") -> Entry:
        """Put an entry that ended at the end of the queue; `held` and `released` as for `submit`.

        Raises:
            EntryNotFound: there is none of that number.
            NotNow: it did not end.
        """
        with self._engine.connect() as connection:
            place = _last(connection) + 1
        return self.change(number, who, "go on", lambda before: queued_again(before, place, held, released))

    def move(self, number: int, position: int, who: str) -> None:
        """Move an entry to a position among those that wait, 1 for the first.

        Raises:
            EntryNotFound: there is none of that number.
            NotNow: it does not wait.
        """
        with writing(self._engine) as connection:
            name = _entry(connection, number, locked=True).name
            for after in moved(_entries(connection, OPEN), number, position):
                _put(connection, after)
            _log(connection, who, "move", number, name, f"to position {position}")

    def delete(self, number: int, who: str) -> None:
        """Take an entry away; what its study has on record stays.

        Raises:
            EntryNotFound: there is none of that number.
            NotNow: it is running.
        """
        with writing(self._engine) as connection:
            gone = _entry(connection, number, locked=True)
            require_idle(gone)
            connection.execute(entry.delete().where(entry.c.id == number))
            _log(connection, who, "delete", number, gone.study or gone.name, "")

    def reached(self, name: str) -> int:
        """Return the length of the order logs of all revisions of a study."""
        query = (
            sa.select(sa.func.count())
            .select_from(decision.join(study))
            .where(study.c.base_name.in_((name, confirm_name(name))))
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def log(self, who: str, what: str, study_name: str, detail: str = "") -> None:
        """Put on record what somebody did to a study."""
        with writing(self._engine) as connection:
            _log(connection, who, what, None, study_name, detail)

    def actions(self, number: int | None = None, most: int = 100) -> list[Action]:
        """Return what was done last, to an entry or at all, the newest first."""
        query = sa.select(action).order_by(action.c.id.desc()).limit(most)
        if number is not None:
            query = query.where(action.c.entry == number)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Action(row.at, row.who, row.what, row.entry, row.study, row.detail) for row in rows]


def plain(found: Entry) -> dict[str, object]:
    """Return an entry as plain data. Names are stable."""
    return asdict(found)


_MISSING = "the queue has no entry {number}; `python -m search server status` lists those it has"


def _entries(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Entry]:
    return heads(connection, sa.select(*HEAD).where(*conditions).order_by(entry.c.place, entry.c.id))


def _entry(connection: sa.Connection, number: int, locked: bool = False) -> Entry:
    query = sa.select(entry).where(entry.c.id == number)
    row = None
    if number <= MAX_NUMBER:
        row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        raise EntryNotFound(_MISSING.format(number=number))
    return read(dict(row._mapping), json.loads(row.files))


def _number(connection: sa.Connection) -> dict[str, int]:
    """Return the number of the next entry, where the database would give one again that was taken away: its folder,
    its actions and what was told of it are another's."""
    if connection.dialect.name != "sqlite":
        return {}
    last = sa.select(sa.func.max(entry.c.id)), sa.select(sa.func.max(action.c.entry))
    return {"id": 1 + max(int(connection.execute(query).scalar() or 0) for query in last)}


def _last(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(entry.c.place))).scalar() or 0)


def _put(connection: sa.Connection, after: Entry) -> None:
    connection.execute(entry.update().where(entry.c.id == after.id).values(**values_of(after)))


def _log(connection: sa.Connection, who: str, what: str, number: int | None, name: str, detail: str) -> None:
    values = {"at": utc_now(), "who": who, "what": what, "entry": number, "study": name, "detail": detail}
    connection.execute(action.insert().values(**values))
