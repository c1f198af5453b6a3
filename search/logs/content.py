"""What trackers are told of a study: plain data, the same for each of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import pandas as pd

from search.core.trial import State
from search.ledger.ledger import Recorded, StudyRecord
from search.report.formats.render import table_frame, table_markdown
from search.report.record.curves import Curve
from search.report.record.frames import trials_frame
from search.report.table.build import comparison_of
from search.report.table.labels import setting_label
from search.report.text import one_line, plain, value_text
from search.space.model import Space
from search.study.opened import OpenStudy

RECIPE_VERSION = 1
"""Raised when the same record is logged in another way: what was logged before is then replaced."""


@dataclass(frozen=True)
class Point:
    """One epoch: counted from 1, when it was committed (seconds since 1970), and what it measured.

    Where the clock was set back in between, an epoch stands at the time of the one before: none ends before it began.
    """

    epoch: int
    at: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class LoggedTrial:
    """One trial.

    Attributes:
        number: its number in the study.
        name: its number, setting and seed, on one line.
        state: where it stands.
        parameters: axis -> value, and ``seed``.
        settings: everything the workload was given beyond the parameters, and ``epochs``.
        tags: words on it: how it ended, its configuration, the study.
        points: its epochs on record.
        final: its metrics at the epoch the study's tables read.
        final_epoch: that epoch, None before the first.
    """

    number: int
    name: str
    state: State
    parameters: Mapping[str, Any]
    settings: Mapping[str, Any]
    tags: Mapping[str, str]
    points: Sequence[Point]
    final: Mapping[str, float]
    final_epoch: int | None

    @property
    def digest(self) -> str:
        """Hash of everything above: equal digests, equal logs."""
        points = [[point.epoch, point.at, {k: repr(v) for k, v in point.metrics.items()}] for point in self.points]
        final = {name: repr(value) for name, value in self.final.items()}
        told = [self.number, self.name, self.state, plain(self.parameters), plain(self.settings), dict(self.tags)]
        return digest_of([*told, points, final, self.final_epoch])


@dataclass(frozen=True)
class LoggedStudy:
    """A study.

    Attributes:
        name: with its revision.
        title: for people, on one line.
        created: when it was first run (UTC).
        metric, maximize: the objective.
        trials: those that have begun or ended.
        frames: name -> table of numbers: ``table`` (the comparison) and ``trials``.
        texts: file name -> text: the comparison as Markdown, the resolved space.
    """

    name: str
    title: str
    created: str
    metric: str
    maximize: bool
    trials: Sequence[LoggedTrial]
    frames: Mapping[str, pd.DataFrame]
    texts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Hash of the tables."""
        frames = {name: frame.to_json(orient="split", double_precision=15) for name, frame in self.frames.items()}
        return digest_of([self.name, self.title, frames, dict(self.texts)])


def read_study(study: OpenStudy) -> LoggedStudy:
    """Read what trackers are told of a study, from the ledger alone."""
    read, table = comparison_of(study)
    record, space = study.record, study.space
    objective = space.search.objective
    return LoggedStudy(
        record.name,
        one_line(space.title or record.name),
        record.created,
        objective.metric,
        objective.maximize,
        [_trial(record, space, curve) for curve in read.curves if curve.rows or curve.trial.state.ended],
        {"table": table_frame(table), "trials": trials_frame(read)},
        {"table.md": table_markdown(table), "space.yaml": record.space},
    )


def _trial(record: StudyRecord, space: Space, curve: Curve) -> LoggedTrial:
    trial = curve.trial
    setting = one_line(setting_label(space, trial.parameters))
    parameters = {**trial.parameters, "seed": trial.seed}
    settings = {name: value for name, value in trial.settings.items() if name not in parameters}
    epoch, epochs = curve.epoch(space.report.value), sorted(curve.rows)
    times = accumulate((_seconds(curve.rows[each]) for each in epochs), max)
    return LoggedTrial(
        trial.number,
        f"trial {trial.number}, {setting}, seed {trial.seed}",
        trial.state,
        parameters,
        {**settings, "epochs": trial.epochs},
        {
            "study": record.name,
            "trial": str(trial.number),
            "configuration": str(trial.configuration),
            "setting": setting,
            "state": trial.state.value,
            "ended_by": one_line(trial.ended_by),
            "error": trial.error,
        },
        [Point(each, at, dict(curve.rows[each].row.metrics)) for each, at in zip(epochs, times, strict=True)],
        dict(curve.rows[epoch].row.metrics) if epoch else {},
        epoch,
    )


def _seconds(row: Recorded) -> float:
    if not row.recorded:
        return 0.0
    at = datetime.fromisoformat(row.recorded)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def digest_of(content: object) -> str:
    """Return 16 hexadecimal digits that name plain data by its content."""
    text = json.dumps([RECIPE_VERSION, content], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def scalar(value: object) -> bool | int | float | str:
    """Return a value as every tracker can hold it: numbers, truth values and text as they are, others as text."""
    return value if isinstance(value, (bool, int, float, str)) else value_text(value)


def unique(names: Iterable[str], allowed: Any, longest: int) -> dict[str, str]:
    """Return name -> a name a tracker takes.

    Args:
        names: as they are here.
        allowed: a compiled pattern of the signs that are not allowed; each becomes ``_``.
        longest: characters at most. Names that would come out equal are told apart by a number.
    """
    used: set[str] = set()
    result = {}
    for name in names:
        stem = allowed.sub("_", name).strip(" .")[:longest] or "_"
        found, count = stem, 1
        while found in used:
            count += 1
            found = f"{stem[: longest - 1 - len(str(count))]}_{count}"
        used.add(found)
        result[name] = found
    return result
