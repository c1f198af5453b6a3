"""What studies came to, in short: kept with the last entry of the order log that it rests on, so that lists of studies
read it and compute nothing. And which studies somebody took off the pages of a server: their rows stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from search.core.errors import StudyNotFound
from search.ledger.sequences import members
from search.ledger.tables import MAX_NUMBER, answer, decision, insert, run, study, taken, utc_now, writing


@dataclass(frozen=True)
class Listed:
    """A study in a list.

    Attributes:
        id, name, base_name, created: as on record.
        answer: what it came to, as it was kept last; empty before.
        fresh: whether nothing has come on record since.
        running: whether its last run did not end, as far as the ledger knows.
    """

    id: int
    name: str
    base_name: str
    created: str
    answer: Mapping[str, object]
    fresh: bool
    running: bool


def keep_answer(engine: sa.Engine, study_id: int, content: Mapping[str, object]) -> None:
    """Keep what a study came to, with the last entry of its order log."""
    with writing(engine) as connection:
        values = {"seq": _last(connection, [study_id]).get(study_id, -1), "content": json.dumps(dict(content))}
        statement = insert(engine.dialect.name, answer).values(study_id=study_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["study_id"], set_=values))


def listed(engine: sa.Engine, first: int = 0, most: int = 20, find: str = "") -> list[Listed]:
    """Return studies that nobody took off, the newest first; a sequence of changes is one of them, its members are not.

    Args:
        engine: the ledger's.
        first: studies that are passed over.
        most: studies that are returned at most.
        find: words that a study's name, title, answer or data must have, in any case; "" for all studies.
    """
    shown = sa.and_(_shown(), study.c.id.not_in(members(engine)))
    if words := find.casefold().split():
        kept = sa.select(study.c.id, study.c.name, answer.c.content).outerjoin(answer, answer.c.study_id == study.c.id)
        with engine.connect() as connection:
            rows = connection.execute(kept.where(shown).order_by(study.c.id.desc())).all()
        found = [row.id for row in rows if all(word in _text_of(row.name, row.content) for word in words)]
        return _listed(engine, _STUDIES.where(study.c.id.in_(found[first : first + most])).order_by(study.c.id.desc()))
    return _listed(engine, _STUDIES.where(shown).order_by(study.c.id.desc()).offset(first).limit(most))


def _text_of(name: str, content: str | None) -> str:
    told = json.loads(content) if content else {}
    return " ".join([name, *(str(told.get(key, "")) for key in ("title", "headline", "data"))]).casefold()


def one_listed(engine: sa.Engine, study_id: int) -> Listed:
    """Return one study, whether or not somebody took it off.

    Raises:
        StudyNotFound: there is none of that number.
    """
    found = _listed(engine, _STUDIES.where(study.c.id == study_id)) if study_id <= MAX_NUMBER else []
    if not found:
        raise StudyNotFound(f"there is no study of number {study_id}")
    return found[0]


_STUDIES = sa.select(study.c.id, study.c.name, study.c.base_name, study.c.created)


def _listed(engine: sa.Engine, query: sa.Select[tuple[int, str, str, str]]) -> list[Listed]:
    with engine.connect() as connection:
        rows = connection.execute(query).all()
        numbers = [row.id for row in rows]
        kept = {
            row.study_id: row for row in connection.execute(sa.select(answer).where(answer.c.study_id.in_(numbers)))
        }
        last, running = _last(connection, numbers), _running(connection, numbers)
    return [
        Listed(
            row.id,
            row.name,
            row.base_name,
            row.created,
            answer=json.loads(kept[row.id].content) if row.id in kept else {},
            fresh=row.id in kept and kept[row.id].seq == last.get(row.id, -1),
            running=row.id in running,
        )
        for row in rows
    ]


def stale(engine: sa.Engine, most: int = 20) -> list[str]:
    """Return names of studies whose answer is missing or out of date, and whose last run ended; the newest first.

    None of them is of a sequence of changes: an answer shows test figures.
    """
    last = _newest(study.c.id)
    query = (
        sa.select(study.c.id, study.c.name)
        .outerjoin(answer, answer.c.study_id == study.c.id)
        .where(last.is_not(None), sa.or_(answer.c.seq.is_(None), answer.c.seq != last), _shown())
        .where(study.c.id.not_in(members(engine)))
        .order_by(study.c.id.desc())
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
        running = _running(connection, [row.id for row in rows])
    return [row.name for row in rows if row.id not in running][:most]


def take_off(engine: sa.Engine, study_id: int, who: str) -> None:
    """Take a study off the pages; what is on record of it stays, and it is shown again when it is run again."""
    with writing(engine) as connection:
        values = {"at": utc_now(), "who": who}
        statement = insert(engine.dialect.name, taken).values(study_id=study_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["study_id"], set_=values))


def _shown() -> sa.ColumnElement[bool]:
    """A study is shown unless it was taken off since its last run began."""
    since = sa.select(sa.func.max(run.c.started)).where(run.c.study_id == study.c.id).scalar_subquery()
    off = sa.select(taken.c.study_id).where(
        taken.c.study_id == study.c.id, taken.c.at >= sa.func.coalesce(since, taken.c.at)
    )
    return ~off.exists()


def _newest(study_id: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    """The last entry of a study's order log: one look into the primary key, however long the log is."""
    return sa.select(sa.func.max(decision.c.seq)).where(decision.c.study_id == study_id).scalar_subquery()


def _last(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    query = sa.select(study.c.id, _newest(study.c.id)).where(study.c.id.in_(numbers))
    return {row[0]: -1 if row[1] is None else row[1] for row in connection.execute(query)}


def _running(connection: sa.Connection, numbers: Collection[int]) -> set[int]:
    last = sa.select(sa.func.max(run.c.id)).where(run.c.study_id.in_(numbers)).group_by(run.c.study_id)
    query = sa.select(run.c.study_id).where(run.c.id.in_(last), run.c.ended.is_(None))
    return set(connection.execute(query).scalars())
