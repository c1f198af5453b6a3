"""Calls of REST on studies on record, and on settings of workloads."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from search.ledger.pages import studies_page
from search.service import acts, bounds
from search.service.openapi import NUMBER, PAGED
from search.service.people import Role
from search.service.rest.asked import Asked, Call, paged, shown

STUDY_SHOWN = ("name", "base_name", "revision", "workload", "created")
"""What a list says of each study."""


async def _seeds(asked: Asked) -> object:
    count = asked.number("count", bounds.SEEDS)
    return shown(await acts.add_seeds(asked.service, asked.person, str(asked.path["study"]), count))


async def _confirm(asked: Asked) -> object:
    top, seeds = asked.number("top", bounds.CONFIRM_SETTINGS), asked.number("seeds", bounds.CONFIRM_SEEDS)
    return shown(await acts.confirm(asked.service, asked.person, str(asked.path["study"]), top, seeds))


def _studies(asked: Asked) -> object:
    page = asked.page(studies_page)
    return paged("studies", page, [{name: getattr(study, name) for name in STUDY_SHOWN} for study in page.items])


async def _table(asked: Asked) -> object:
    return await asked.service.examiner.read("table", str(asked.path["study"]))


async def _verdicts(asked: Asked) -> object:
    return await asked.service.examiner.read("verdicts", str(asked.path["study"]))


async def _audit(asked: Asked) -> object:
    return await asked.service.examiner.read("audit", str(asked.path["study"]))


def _curves(asked: Asked) -> object:
    return asdict(asked.service.watcher.growth(str(asked.path["study"])))


async def _write_weights(asked: Asked) -> object:
    name = (await asyncio.to_thread(asked.service.ledger.study, str(asked.path["study"]))).name
    await acts.write_weights(asked.service, asked.person, name)
    return {"said": asked.service.weights.said(name)}


def _weights(asked: Asked) -> object:
    return {"said": asked.service.weights.said(asked.service.ledger.study(str(asked.path["study"])).name)}


async def _settings(asked: Asked) -> object:
    return await asked.service.examiner.settings(str(asked.path["workload"]))


CALLS = (
    Call("GET", "/studies", Role.VIEWER, "The studies on record, the newest first.", _studies, query=PAGED),
    Call(
        "POST",
        "/studies/{study:path}/seeds",
        Role.RUNNER,
        "Add seeds to a study on record: it goes to the end of the queue.",
        _seeds,
        {"type": "object", "properties": {"count": NUMBER}, "required": ["count"]},
        201,
    ),
    Call("GET", "/studies/{study:path}/table", Role.VIEWER, "The comparison table of a study, with its notes.", _table),
    Call(
        "GET",
        "/studies/{study:path}/verdicts",
        Role.VIEWER,
        "What may be concluded from a study and what not, in sentences to cite.",
        _verdicts,
    ),
    Call(
        "GET",
        "/studies/{study:path}/curves",
        Role.VIEWER,
        "How far a study has come: curves of its settings, rungs, and runs in training.",
        _curves,
    ),
    Call(
        "POST",
        "/studies/{study:path}/weights",
        Role.RUNNER,
        "Have the weights of its best trial written.",
        _write_weights,
    ),
    Call("GET", "/studies/{study:path}/weights", Role.VIEWER, "What came of writing weights.", _weights),
    Call("GET", "/studies/{study:path}/audit", Role.VIEWER, "What rows show to be wrong with a study.", _audit),
    Call("GET", "/workloads/{workload:path}/settings", Role.VIEWER, "The settings that a workload has.", _settings),
    Call(
        "POST",
        "/studies/{study:path}/confirm",
        Role.RUNNER,
        "Confirm the best of a search under fresh seeds: it goes to the end of the queue.",
        _confirm,
        {"type": "object", "properties": {"top": NUMBER, "seeds": NUMBER}, "required": ["top", "seeds"]},
        201,
    ),
)
