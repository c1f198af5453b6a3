"""Lists that grow, a page at a time: what is read is the page alone, however long the list is.

A page ends with a cursor, which names the place of its last item in the order of the list. The page behind it goes on
from there, whatever was added or taken away since: nothing is shown twice or left out, but what has moved itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from search.core.errors import UserError
from search.core.queue import Entry, Phase
from search.ledger.entries import HEAD, OPEN, heads
from search.ledger.tables import MAX_NUMBER, action, entry, study

Item = TypeVar("Item")

_WAITS = re.compile(r"queue\.([0-9]{1,10})\.([0-9]{1,10})")
_ENDED = re.compile(r"ended\.([0-9T:.-]{1,40})\.([0-9]{1,10})")
_NUMBER = re.compile(r"[0-9]{1,10}")
_UTC = "+00:00"


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list.

    Attributes:
        items: in the order of the list.
        next: the cursor of the page behind it; "" where there is none.
    """

    items: Sequence[Item]
    next: str = ""


def entries_page(engine: sa.Engine, most: int, after: str = "") -> Page[Entry]:
    """Return entries of a queue: those that wait or run in the order of the queue, then those that ended, the one that
    ended last first. Of their files they have the names alone.

    Args:
        engine: the ledger's.
        most: entries of a page.
        after: the cursor of the page before; "" for the first page.

    Raises:
        UserError: `after` is no cursor of this list.
    """
    found: list[Entry] = []
    with engine.connect() as connection:
        if not after or _WAITS.fullmatch(after):
            found, after = heads(connection, _open_behind(after).limit(most + 1)), ""
        if len(found) <= most:
            found += heads(connection, _ended_behind(after).limit(most + 1 - len(found)))
    return _page(found, most, _place_of)


def ended_page(engine: sa.Engine, most: int, after: str = "") -> Page[Entry]:
    """Return entries that ended, the one that ended last first; arguments and errors as for `entries_page`."""
    with engine.connect() as connection:
        return _page(heads(connection, _ended_behind(after).limit(most + 1)), most, _place_of)


def _open_behind(after: str) -> sa.Select[Any]:
    query = sa.select(*HEAD).where(OPEN).order_by(entry.c.place, entry.c.id)
    if found := _WAITS.fullmatch(after):
        query = query.where(sa.tuple_(entry.c.place, entry.c.id) > sa.tuple_(*map(_number, found.groups())))
    return query


def _ended_behind(after: str) -> sa.Select[Any]:
    query = sa.select(*HEAD).where(entry.c.phase == Phase.ENDED.value)
    query = query.order_by(entry.c.ended.desc(), entry.c.id.desc())
    if not after:
        return query
    if not (found := _ENDED.fullmatch(after)):
        raise _no_cursor(after)
    return query.where(sa.tuple_(entry.c.ended, entry.c.id) < sa.tuple_(f"{found[1]}{_UTC}", _number(found[2])))


def _place_of(last: Entry) -> str:
    if last.phase is Phase.ENDED:
        return f"ended.{last.ended.removesuffix(_UTC)}.{last.id}"
    return f"queue.{last.place}.{last.id}"


def _number(text: str) -> int:
    """Return a number that the database takes; none on record is greater."""
    return min(int(text), MAX_NUMBER)


def studies_page(engine: sa.Engine, most: int, after: str = "") -> Page[sa.Row[Any]]:
    """Return studies, the newest first: id, name, base_name, revision, workload and created, without their files."""
    columns = [study.c[name] for name in ("id", "name", "base_name", "revision", "workload", "created")]
    return _newest(engine, study.c.id, columns, most, after)


def actions_page(engine: sa.Engine, most: int, after: str = "") -> Page[sa.Row[Any]]:
    """Return what somebody did, the newest first: rows of the table of actions."""
    return _newest(engine, action.c.id, [*action.c], most, after)


def _newest(
    engine: sa.Engine, number: sa.Column[int], columns: Sequence[sa.Column[Any]], most: int, after: str
) -> Page[sa.Row[Any]]:
    query = sa.select(*columns).order_by(number.desc()).limit(most + 1)
    if after:
        if not _NUMBER.fullmatch(after):
            raise _no_cursor(after)
        query = query.where(number < _number(after))
    with engine.connect() as connection:
        return _page(list(connection.execute(query)), most, lambda last: str(last.id))


def _page(found: Sequence[Item], most: int, cursor: Callable[[Item], str]) -> Page[Item]:
    """Return a page, given one item more where there is a page behind it."""
    return Page(found[:most], cursor(found[most - 1]) if len(found) > most else "")


def _no_cursor(after: str) -> UserError:
    return UserError(
        f"after={after[:80]!r}: must be what `next` of the page before says; leave it out for the first page"
    )
