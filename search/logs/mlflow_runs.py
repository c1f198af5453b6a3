"""Runs in MLflow: one experiment per study, one run per trial below a run that holds the tables.

They go where ``MLFLOW_TRACKING_URI`` says, else into ``mlflow.db`` (SQLite) in the results folder, files beside it in
``mlartifacts/``. The tag ``search.digest`` names what was logged of a trial: a later call leaves equal ones alone and
replaces the others (MLflow keeps what was replaced among its deleted runs).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read at import; nothing is sent that nobody asked for

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException

from search.core.errors import UserError
from search.core.grouped import grouped
from search.core.shown import shell_word
from search.core.trial import State
from search.ledger.urls import sqlite_url
from search.logs.content import LoggedStudy, LoggedTrial, scalar, unique
from search.report.formats.render import frame_csv
from search.report.text import storable

STUDY = "study"
DIGEST = "search.digest"
MAX_PARAMETER_LETTERS = 6_000
MAX_TAG_LETTERS = 5_000
MAX_NAME_LETTERS = 250
BATCH_PARAMETERS = 100
"""Parameters and tags MLflow takes at once; of metrics it takes 1000."""

_UNSAFE = re.compile(r"[^\w .:-]", re.ASCII)
_STATUS = {
    State.WAITING: "SCHEDULED",
    State.RUNNING: "RUNNING",
    State.FINISHED: "FINISHED",
    State.STOPPED: "FINISHED",
    State.INTERRUPTED: "KILLED",
    State.PRUNED: "KILLED",
    State.CUT_OFF: "KILLED",
    State.DIVERGED: "KILLED",
    State.FAILED: "FAILED",
}


def write(study: LoggedStudy, results: Path, _folder: Path) -> str:
    """Write what is new of a study; return where it is.

    Raises:
        UserError: MLflow refuses; its own reason.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or sqlite_url((results / "mlflow.db").absolute())
    try:
        _write(study, uri, results)
    except (MlflowException, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"MLflow at {_shown(uri)}: {reason}; mend it, or set MLFLOW_TRACKING_URI") from error
    said = f"MLflow: {len(study.trials)} trials in experiment {study.name!r} of {_shown(uri)}"
    if uri.startswith(("http://", "https://", "databricks")):
        return said
    return f"{said}; look at them with `mlflow ui --backend-store-uri {shell_word(_shown(uri))}`"


def _write(study: LoggedStudy, uri: str, results: Path) -> None:
    results.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(uri)
    experiment = _experiment(client, study, results if uri.startswith("sqlite") else None)
    runs_of = grouped(_runs(client, experiment), lambda run: str(run.data.tags.get("search.trial", "")))
    study_start = min((trial.points[0].at for trial in study.trials if trial.points), default=0.0)
    old = runs_of.pop(STUDY, [])
    parent = old[0] if old else _begin(client, experiment, study.title, study_start, {"search.trial": STUDY})
    if parent.data.tags.get(DIGEST) != study.digest:
        _tables(client, parent, study)
    for trial in study.trials:
        found = runs_of.pop(str(trial.number), [])
        if len(found) == 1 and found[0].data.tags.get(DIGEST) == trial.digest:
            continue
        for run in found:
            client.delete_run(run.info.run_id)
        _trial(client, experiment, parent, trial)
    for number, runs in runs_of.items():
        for run in runs:
            if number:  # a run without our tag is somebody else's
                client.delete_run(run.info.run_id)


def _experiment(client: MlflowClient, study: LoggedStudy, results: Path | None) -> str:
    """Return the id of a study's experiment; files lie in the results folder where the database does."""
    experiment = client.get_experiment_by_name(study.name)
    if experiment is None:
        place = (results / "mlartifacts" / study.digest).absolute().as_uri() if results else None
        return str(client.create_experiment(study.name, artifact_location=place))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _runs(client: MlflowClient, experiment: str) -> Iterable[Run]:
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _begin(client: MlflowClient, experiment: str, name: str, at: float, tags: Mapping[str, str]) -> Run:
    name = storable(name)[:MAX_NAME_LETTERS]
    return client.create_run(experiment, start_time=int(1000 * at), run_name=name, tags=dict(tags))


def _trial(client: MlflowClient, experiment: str, parent: Run, trial: LoggedTrial) -> None:
    start = trial.points[0].at if trial.points else 0.0
    tags = {"mlflow.parentRunId": parent.info.run_id, "search.trial": str(trial.number)}
    run = _begin(client, experiment, trial.name, start, tags).info.run_id
    values = {**trial.parameters, **trial.settings}
    names = unique(values, _UNSAFE, MAX_NAME_LETTERS)
    parameters = [Param(names[name], _cut(scalar(value), MAX_PARAMETER_LETTERS)) for name, value in values.items()]
    for i in range(0, len(parameters), BATCH_PARAMETERS):
        client.log_batch(run, params=parameters[i : i + BATCH_PARAMETERS])
    series = dict.fromkeys(name for point in trial.points for name in point.metrics)
    called = unique(series, _UNSAFE, MAX_NAME_LETTERS)
    metrics = [
        Metric(called[name], float(value), int(1000 * point.at), point.epoch)
        for point in trial.points
        for name, value in point.metrics.items()
    ]
    last = int(1000 * trial.points[-1].at) if trial.points else 0
    # MLflow shows the last value of a metric; the tables may read another epoch, so that one stands by itself.
    metrics += [
        Metric(f"final.{called[name]}", float(value), last, trial.final_epoch or 0)
        for name, value in trial.final.items()
    ]
    for i in range(0, len(metrics), 10 * BATCH_PARAMETERS):
        client.log_batch(run, metrics=metrics[i : i + 10 * BATCH_PARAMETERS])
    told = {f"search.{name}": value for name, value in trial.tags.items() if value and name != "trial"}
    client.log_batch(run, tags=[RunTag(name, _cut(value, MAX_TAG_LETTERS)) for name, value in told.items()])
    if trial.state.ended or trial.state == State.INTERRUPTED:
        client.set_terminated(run, _STATUS[trial.state], last or None)
    else:
        client.update_run(run, _STATUS[trial.state])
    client.set_tag(run, DIGEST, trial.digest)  # last: a run without it is written again


def _tables(client: MlflowClient, parent: Run, study: LoggedStudy) -> None:
    run = parent.info.run_id
    with tempfile.TemporaryDirectory() as folder:
        texts = {**study.texts, **{f"{name}.csv": frame_csv(frame) for name, frame in study.frames.items()}}
        for name, text in texts.items():
            path = Path(folder) / name
            path.write_text(storable(text), encoding="utf-8", newline="")
            client.log_artifact(run, str(path))
    client.set_tag(run, "mlflow.note.content", _cut(study.texts["table.md"], MAX_TAG_LETTERS))
    ended = max((trial.points[-1].at for trial in study.trials if trial.points), default=0.0)
    client.set_terminated(run, "FINISHED", int(1000 * ended) or None)
    client.set_tag(run, DIGEST, study.digest)


def _cut(value: object, longest: int) -> str:
    text = storable(str(value))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _shown(uri: str) -> str:
    """Return an address without its password."""
    return re.sub(r"://([^:/@]+):[^@/]+@", r"://\1:***@", uri)
