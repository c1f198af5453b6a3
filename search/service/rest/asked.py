"""What a call of REST is, what it is given, and how it is answered."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from search.core.errors import UserError
from search.core.queue import Entry
from search.ledger.pages import Page
from search.ledger.queue import plain
from search.service import bounds
from search.service.acts import Service
from search.service.openapi import Schema
from search.service.people import Person, Role

Item = TypeVar("Item")

Answer = Callable[["Asked"], object]
"""Answers a call: at once, in a thread of its own, or as a coroutine."""


@dataclass(frozen=True)
class Asked:
    """What a call is given: who asks, numbers and names of its path, what stands behind the ``?``, and its JSON."""

    service: Service
    person: Person
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def entry(self) -> int:
        """The number of the entry that the path names."""
        return int(self.path["entry"])

    def number(self, name: str, allowed: bounds.Bounds) -> int:
        """Return a number of the body.

        Raises:
            UserError: it is none, or out of bounds.
        """
        value = self.body.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not allowed.low <= value <= allowed.high:
            raise UserError(f"`{name}` must be a number from {allowed.low} to {allowed.high}, found {value!r}")
        return value

    def page(self, read: Callable[[sa.Engine, int, str], Page[Item]]) -> Page[Item]:
        """Read the page of a list that is asked for.

        Args:
            read: reads one, given the engine, how many items it may have, and the cursor of the page before.

        Raises:
            UserError: how many, or the cursor, is none.
        """
        most = bounds.limit_of(self.query.get("limit"))
        return read(self.service.ledger.engine, most, self.query.get("after", ""))


@dataclass(frozen=True)
class Call:
    """One call: method, path, who may, what it does, the schemas of its body and of what stands behind the ``?``."""

    method: str
    path: str
    role: Role
    summary: str
    answer: Answer
    body: Schema = field(default_factory=dict)
    status: int = 200
    query: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def bare_path(self) -> str:
        """Its path without the kinds of its names: ``/entries/{entry}``."""
        return self.path.replace(":int", "").replace(":path", "")


async def answered(answer: Answer, asked: Asked) -> object:
    """Answer a call: as a coroutine, or in a thread of its own."""
    if inspect.iscoroutinefunction(answer):
        return await answer(asked)
    return await asyncio.to_thread(answer, asked)


def paged(name: str, page: Page[Any], items: list[dict[str, object]]) -> dict[str, object]:
    """Return a page of a list as an answer: its items under their name, and the cursor of the next page, or null."""
    return {name: items, "next": page.next or None}


def shown(entry: Entry) -> dict[str, object]:
    """Return an entry without the texts of its files."""
    return {**plain(entry), "files": list(entry.files)}
