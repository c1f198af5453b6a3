"""Pictures in the dashboard, as Optuna's artifacts: of each study, and of its best trials.

A picture's id is a hash of what it shows, so drawing again replaces a file by itself. Artifacts of a trial that has
ended belong to its study, under the key by which the dashboard reads them: Optuna lets nobody add to such a trial.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import BaseStorage

from search.inspect.chosen import best_trials
from search.inspect.visualize import recorded_figures
from search.ledger.ledger import Ledger
from search.ledger.sequences import members
from search.report.figures.study import figures_of
from search.report.figures.writing import pngs
from search.report.record.curves import Curve, Curves, read_curves
from search.report.table.build import Comparison, table_of
from search.report.table.labels import setting_label
from search.study.opened import OpenStudy
from search.study.optuna_storage import open_optuna

ARTIFACTS = "artifacts"
"""Folder of the pictures in the results folder."""

BEST_TRIALS_DRAWN = 3
"""Trials of a study whose pictures are drawn."""

RECIPE_VERSION = 3
"""Raised when the same record is drawn in another way: what was drawn before is then replaced."""

DRAWN_ATTRIBUTE = "search:pictures"
"""Study attribute that holds what was drawn: group -> digest and the attributes of its artifacts."""

OUR_ID_PREFIX = "5ea2c4"
"""What the ids of our artifacts begin with; others, which users uploaded, are never removed."""

STUDY = "study"

Draw = Callable[[], Mapping[str, go.Figure]]


def draw(
    ledger: Ledger, mirror: str, results: Path, say: Callable[[str], None], end: threading.Event | None = None
) -> None:
    """Draw what is missing of every study's pictures; never raises.

    Args:
        ledger: where the truth is.
        mirror: SQLAlchemy URL of the Optuna database, which is up to the ledger.
        results: the results folder.
        say: told once how many pictures were drawn, and why some were not.
        end: where it is set, no further picture is begun.
    """
    count, remarks = 0, []
    try:
        storage, store = open_optuna(mirror), artifact_store(results)
        unread = members(ledger.engine)  # of a sequence of changes: figures show test values
        for record in (one for one in ledger.studies() if one.id not in unread):
            if end is not None and end.is_set():
                return
            try:
                made, remark = _Study(OpenStudy(ledger, record), storage, store, end or threading.Event()).draw()
            except Exception as error:  # a study that cannot be drawn, or was deleted in the dashboard
                made, remark = 0, f"the pictures of {record.name!r} cannot be drawn: {type(error).__name__}: {error}"
            count += made
            remarks += [remark] if remark else []
        _sweep(storage, results)
    except Exception as error:
        remarks.append(f"pictures cannot be drawn: {type(error).__name__}: {error}")
    if count:
        say(f"drew {count} pictures; reload the dashboard to see them")
    for remark in dict.fromkeys(remarks):
        say(remark)


class _Study:
    """The pictures of one study: groups of artifacts, ``study`` and one per trial by its number."""

    def __init__(
        self,
        study: OpenStudy,
        storage: BaseStorage,
        store: FileSystemArtifactStore,
        end: threading.Event,
    ) -> None:
        self._study, self._record = study, study.record
        self._storage, self._store, self._end = storage, store, end
        self._id = storage.get_study_id_from_name(study.record.name)
        self._attributes = dict(storage.get_study_system_attrs(self._id))

    def draw(self) -> tuple[int, str]:
        """Draw what is missing; return how many pictures, and why there are no more."""
        read = read_curves(self._study)
        drawn: dict[str, Any] = dict(self._attributes.get(DRAWN_ATTRIBUTE) or {})
        wanted = self._wanted(read)
        for group in [group for group in drawn if group not in wanted]:
            self._remove(drawn.pop(group)["keys"])
        behind = {
            group: figures for group, (digest, figures) in wanted.items() if not self._there(drawn.get(group), digest)
        }
        figures = {(group, name): figure for group, make in behind.items() for name, figure in make().items()}
        named = {f"{group} {name}": figure for (group, name), figure in figures.items()}
        images, remark = pngs(_Until(self._end, named))
        made = 0
        for group in behind:
            mine = {name: images.get(f"{group} {name}") for one, name in figures if one == group}
            if any(content is None for content in mine.values()):
                continue  # tried again by the next start
            self._remove(drawn.pop(group, {}).get("keys", []))
            keys = [self._put(group, name, content) for name, content in mine.items() if content is not None]
            drawn[group] = {"digest": wanted[group][0], "keys": keys}
            made += len(keys)
        if drawn != (self._attributes.get(DRAWN_ATTRIBUTE) or {}):
            self._storage.set_study_system_attr(self._id, DRAWN_ATTRIBUTE, drawn)
        return made, remark.replace("figures are written as HTML alone", "the dashboard has no pictures")

    def _wanted(self, read: Curves) -> dict[str, tuple[str, Draw]]:
        """Return group -> what names its content, and what draws it."""
        about = [RECIPE_VERSION, self._record.space]
        reached = [[curve.trial.number, curve.trial.state, list(curve.keys)] for curve in read.curves]
        wanted: dict[str, tuple[str, Draw]] = {STUDY: (_digest([*about, reached]), lambda: self._figures(read))}
        for curve in best_trials(read)[:BEST_TRIALS_DRAWN]:

            def one(curve: Curve = curve) -> Mapping[str, go.Figure]:
                return self._trial(read, curve)

            wanted[str(curve.trial.number)] = _digest([*about, curve.trial.number, list(curve.keys)]), one
        return wanted

    def _figures(self, read: Curves) -> Mapping[str, go.Figure]:
        made = figures_of(Comparison(read, table_of(read)))
        return {f"{place:02d}-{one.name.removeprefix('study-')}": one.figure for place, one in enumerate(made, 1)}

    def _trial(self, read: Curves, curve: Curve) -> Mapping[str, go.Figure]:
        epoch = curve.epoch(read.space.report.value)
        assert epoch is not None  # it has an objective there
        head = f"{read.space.title or self._record.name}: trial {curve.trial.number}"
        about = f"{setting_label(read.space, curve.trial.parameters)}, seed {curve.trial.seed}"
        charts = recorded_figures(read, curve, epoch, head, about)
        return {name: chart for name, chart in charts.items() if name in ("curves", "confusion-val")}

    def _there(self, group: Mapping[str, Any] | None, digest: str) -> bool:
        """Whether a group is drawn as it should be; a picture that was deleted in the dashboard stays deleted."""
        if group is None or group["digest"] != digest:
            return False
        kept = [key for key in group["keys"] if json.loads(self._attributes.get(key) or "null") is not None]
        try:
            for key in kept:
                self._store.open_reader(key.rpartition(":")[2]).close()
        except ArtifactNotFound:
            return False
        return True

    def _put(self, group: str, name: str, content: bytes) -> str:
        """Keep one picture; return the study's attribute that holds it."""
        told = f"{self._record.name}\0{self._record.created}\0{group}\0{name}".encode("utf-8", "backslashreplace")
        number = OUR_ID_PREFIX + hashlib.sha256(told + content).hexdigest()[: 32 - len(OUR_ID_PREFIX)]
        prefix = "artifacts:"
        if group != STUDY:
            trial = self._storage.get_trial_id_from_study_id_trial_number(self._id, int(group))
            prefix = f"dashboard:artifacts:{trial}:"
        self._store.write(number, io.BytesIO(content))
        meta = {"artifact_id": number, "filename": f"{name}.png", "mimetype": "image/png", "encoding": None}
        self._storage.set_study_system_attr(self._id, prefix + number, json.dumps(meta))
        return prefix + number

    def _remove(self, keys: list[str]) -> None:
        for key in keys:
            self._storage.set_study_system_attr(self._id, key, json.dumps(None))  # as the dashboard deletes one


class _Until(dict[str, go.Figure]):
    """Figures that come to an end as soon as somebody sets `end`: the browser is then closed after the one in hand."""

    def __init__(self, end: threading.Event, figures: Mapping[str, go.Figure]) -> None:
        super().__init__(figures)
        self._end = end

    def items(self) -> Any:
        """Return the figures one by one."""
        return itertools.takewhile(lambda _: not self._end.is_set(), super().items())


def artifact_store(results: Path) -> FileSystemArtifactStore:
    """Return where pictures are kept, made where it is not there."""
    place = results / ARTIFACTS
    place.mkdir(parents=True, exist_ok=True)
    return FileSystemArtifactStore(place)


def _sweep(storage: BaseStorage, results: Path) -> None:
    """Remove the files of pictures of ours that no study of the mirror has any more."""
    used = set()
    for study in storage.get_all_studies():
        for key, value in storage.get_study_system_attrs(study._study_id).items():
            if "artifacts:" in key and json.loads(value) is not None:
                used.add(key.rpartition(":")[2])
    for file in (results / ARTIFACTS).glob(f"{OUR_ID_PREFIX}*"):
        if file.name not in used:
            file.unlink(missing_ok=True)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
