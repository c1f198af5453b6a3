"""Calls of REST on files that are submitted and on the queue."""

from __future__ import annotations

import asyncio

from search.core.errors import UserError
from search.ledger.pages import entries_page
from search.service import acts, bounds
from search.service.folder import output_from
from search.service.openapi import NUMBER, PAGED, SUBMISSION
from search.service.people import Role
from search.service.rest.asked import Asked, Call, paged, shown
from search.service.submission import Submission, submission


async def _submission(asked: Asked) -> Submission:
    """Return what was submitted; in a thread, for a large file takes seconds to read."""
    return await asyncio.to_thread(submission, asked.body)


async def _check(asked: Asked) -> object:
    return await asked.service.examiner.ask("check", await _submission(asked))


async def _plan(asked: Asked) -> object:
    return await asked.service.examiner.ask("plan", await _submission(asked))


async def _submit(asked: Asked) -> object:
    return shown(await acts.submit(asked.service, asked.person, await _submission(asked)))


def _entries(asked: Asked) -> object:
    page = asked.page(entries_page)
    return paged("entries", page, [shown(entry) for entry in page.items])


def _entry(asked: Asked) -> object:
    return acts.whole(asked.service, asked.entry)


def _output(asked: Asked) -> object:
    asked.service.queue.head(asked.entry)
    offset = _offset(asked.query.get("from", "-65536"))
    text, following = output_from(asked.service.places.folder(asked.entry), offset)
    return {"text": text, "next": following}


def _stop(asked: Asked) -> object:
    return shown(acts.stop(asked.service, asked.person, asked.entry))


def _again(asked: Asked) -> object:
    return shown(acts.again(asked.service, asked.person, asked.entry))


def _release(asked: Asked) -> object:
    return shown(acts.release(asked.service, asked.person, asked.entry))


def _move(asked: Asked) -> object:
    acts.move(asked.service, asked.person, asked.entry, asked.number("position", bounds.POSITIONS))
    return _entries(asked)


def _delete(asked: Asked) -> object:
    acts.delete(asked.service, asked.person, asked.entry)
    return {}


def _offset(text: str) -> int:
    try:
        return max(-(1 << 18), min(int(text), 1 << 50))
    except ValueError as error:
        raise UserError(f"from={text!r}: must be a number of bytes") from error


CALLS = (
    Call(
        "POST",
        "/check",
        Role.RUNNER,  # it imports a workload
        "Check a space file: its faults, each with file, line and key.",
        _check,
        SUBMISSION,
    ),
    Call(
        "POST", "/plan", Role.RUNNER, "Price a space file: epochs, time, disk, and what it can show.", _plan, SUBMISSION
    ),
    Call(
        "GET",
        "/entries",
        Role.VIEWER,
        "The queue: entries that wait or run in its order, then those that ended, the last one first.",
        _entries,
        query=PAGED,
    ),
    Call("POST", "/entries", Role.RUNNER, "Submit a space file to the end of the queue.", _submit, SUBMISSION, 201),
    Call(
        "GET", "/entries/{entry:int}", Role.VIEWER, "An entry: how far it is, its files, what was done to it.", _entry
    ),
    Call("DELETE", "/entries/{entry:int}", Role.RUNNER, "Take an entry away; rows on record stay.", _delete),
    Call(
        "GET",
        "/entries/{entry:int}/output",
        Role.VIEWER,
        "What its command wrote, behind ?from=BYTE.",
        _output,
        query={"from": {**NUMBER, "description": "first byte; below 0 it is counted from the end"}},
    ),
    Call("POST", "/entries/{entry:int}/stop", Role.RUNNER, "Stop it, as Ctrl-C does; again: at once.", _stop),
    Call("POST", "/entries/{entry:int}/again", Role.RUNNER, "Let an entry that ended go on.", _again),
    Call("POST", "/entries/{entry:int}/release", Role.ADMIN, "Release an entry that is held back.", _release),
    Call(
        "POST",
        "/entries/{entry:int}/move",
        Role.RUNNER,
        "Move a waiting entry to a position, 1 for the first.",
        _move,
        {"type": "object", "properties": {"position": NUMBER}, "required": ["position"]},
    ),
)
