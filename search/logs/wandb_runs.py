"""Offline runs of Weights & Biases: one folder per trial under ``wandb/`` in the study's folder.

Nothing is sent: ``wandb sync`` uploads the folders when the user wants it. A run's id is made of the study and the
trial, so a trial that went on replaces its folder and keeps its id. ``logged.json`` says what each folder holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read at import; nothing is sent that nobody asked for

import wandb

from search.core.errors import UserError
from search.core.shown import shell_word
from search.core.trial import State
from search.logs.content import LoggedStudy, LoggedTrial, scalar, unique
from search.report.text import plain, storable
from search.system.writing import write_text

STUDY = "study"
MAX_NAME_LETTERS = 120
_UNSAFE = re.compile(r"[/\\#?%:\x00-\x1f\x7f]")


def write(study: LoggedStudy, _results: Path, folder: Path) -> str:
    """Write what is new of a study into `folder`/wandb; return where it is.

    Raises:
        UserError: the folder cannot be written, or the library refuses; its own reason.
    """
    place = folder / "wandb"
    try:
        place.mkdir(parents=True, exist_ok=True)
        logged = _Logged(place)
        project = unique([study.name], _UNSAFE, MAX_NAME_LETTERS)[study.name]
        wanted = {_id(study, STUDY): study.digest, **{_id(study, t.number): t.digest for t in study.trials}}
        logged.keep(wanted)
        for trial in study.trials:
            if not logged.holds(_id(study, trial.number), trial.digest):
                made = _trial(study, trial, project, folder)
                logged.put(_id(study, trial.number), trial.digest, made)
        if not logged.holds(_id(study, STUDY), study.digest):
            logged.put(_id(study, STUDY), study.digest, _tables(study, project, folder))
    except (OSError, wandb.Error) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"Weights & Biases in {place}: {reason}; mend it, or leave wandb out") from error
    return (
        f"Weights & Biases: {len(study.trials)} trials in {place}, offline; "
        f"`wandb sync {shell_word(str(place))}/offline-run-*` uploads them"
    )


class _Logged:
    """What the folder holds, by run id: digest and name of its folder. A list that is lost or damaged is empty."""

    def __init__(self, place: Path) -> None:
        self._place, self._file = place, place / "logged.json"
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            self._runs = {str(key): (str(digest), str(name)) for key, (digest, name) in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._runs = {}

    def holds(self, key: str, digest: str) -> bool:
        known, name = self._runs.get(key, ("", ""))
        return known == digest and (self._place / name).is_dir()

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Remove the folders of runs that are not wanted as they are: offline runs of this study's ids alone."""
        for key in [*self._runs, *wanted]:
            if key not in self._runs or not self.holds(key, wanted.get(key, "")):
                self._runs.pop(key, None)
                for old in self._place.glob(f"offline-run-*-{key}"):
                    shutil.rmtree(old)

    def put(self, key: str, digest: str, name: str) -> None:
        self._runs[key] = digest, name
        write_text(self._file, json.dumps(self._runs, indent=1, sort_keys=True) + "\n")


def _id(study: LoggedStudy, what: object) -> str:
    return hashlib.sha256(f"{study.name}\0{study.created}\0{what}".encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _begin(folder: Path, project: str, key: str, name: str, config: Mapping[str, object], **more: object) -> Any:
    return wandb.init(
        mode="offline",
        dir=str(folder),
        project=project,
        id=key,
        name=storable(name)[:MAX_NAME_LETTERS],
        config=dict(config),
        reinit="finish_previous",
        settings=wandb.Settings(
            silent=True,
            console="off",
            save_code=False,
            disable_git=True,
            x_disable_stats=True,
            x_disable_meta=True,
        ),
        **more,
    )


def _end(run: Any, failed: bool) -> str:
    name = Path(run.dir).parent.name
    run.finish(exit_code=1 if failed else 0)
    return name


def _trial(study: LoggedStudy, trial: LoggedTrial, project: str, folder: Path) -> str:
    """Write one run; return the name of its folder."""
    config = {name: plain(value) for name, value in {**trial.settings, **trial.parameters}.items()}
    tags = [trial.state.value, f"seed {trial.parameters['seed']}"]
    key = _id(study, trial.number)
    more = {"group": storable(trial.tags["setting"])[:MAX_NAME_LETTERS], "job_type": "trial", "tags": tags}
    run = _begin(folder, project, key, trial.name, config, **more)
    run.define_metric("*", step_metric="epoch")
    for point in trial.points:
        run.log({**point.metrics, "epoch": point.epoch}, step=point.epoch)
    for name, value in trial.final.items():
        run.summary[f"final/{name}"] = value
    for name in ("state", "ended_by", "error"):
        run.summary[name] = storable(trial.tags[name])
    return _end(run, trial.state == State.FAILED)


def _tables(study: LoggedStudy, project: str, folder: Path) -> str:
    config = {"objective": study.metric, "direction": "maximize" if study.maximize else "minimize"}
    run = _begin(folder, project, _id(study, STUDY), study.title, config, job_type="study")
    run.log({name: _table(frame) for name, frame in study.frames.items()})
    run.summary["space"] = storable(study.texts["space.yaml"])
    return _end(run, False)


def _table(frame: pd.DataFrame) -> Any:
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return wandb.Table(columns=[str(name) for name in frame.columns], data=rows, allow_mixed_types=True)


def _cell(value: object) -> object:
    """Return one value of a table: numbers and text as they are, what is not there or not finite as None."""
    value = plain(value)
    return None if value is None else scalar(value)
