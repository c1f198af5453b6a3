"""Event files for TensorBoard: one folder per trial under ``tensorboard/`` in the study's folder.

A trial's scalars stand under the names of its metrics, at the time each epoch was committed; its parameters and the
metrics the tables read (``final/...``) in the HParams tab; the comparison table under Text, in the run ``study``. An
event file's name holds a hash of its content, which is how a later call knows what it need not write.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

from search.core.errors import UserError
from search.core.shown import shell_word
from search.logs.content import LoggedStudy, LoggedTrial, scalar, unique

STUDY = "study"
_UNSAFE = re.compile(r"[^\w .,=()+-]")
_MAX_NAME_LETTERS = 100
_OURS = "events.out.tfevents.*.search.*"


def write(study: LoggedStudy, _results: Path, folder: Path) -> str:
    """Write what is new of a study into `folder`/tensorboard; return where it is.

    Raises:
        UserError: the folder cannot be written.
    """
    place = folder / "tensorboard"
    try:
        place.mkdir(parents=True, exist_ok=True)
        runs = unique([STUDY, *(trial.name for trial in study.trials)], _UNSAFE, _MAX_NAME_LETTERS)
        _remove_others(place, set(runs.values()))
        _put(place / runs[STUDY], study.digest, partial(_study, study))
        for trial in study.trials:
            _put(place / runs[trial.name], trial.digest, partial(_trial, trial, study.metric))
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{place}: cannot be written: {reason}; --results and --storage name other places") from error
    look = f"tensorboard --logdir {shell_word(str(place))}"
    return f"TensorBoard: {len(study.trials)} trials in {place}; look at them with `{look}`"


def _put(run: Path, digest: str, fill: Callable[[SummaryWriter], object]) -> None:
    """Fill one run's folder with one event file, unless the same is there."""
    files = list(run.glob(_OURS))
    if len(files) == 1 and files[0].name.endswith(f".search.{digest}"):
        return
    # Not below `run`: TensorBoard may be looking, and would take the unfinished file for a run.
    temporary = run.parent.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with SummaryWriter(str(temporary)) as writer:
            fill(writer)
        (made,) = temporary.iterdir()
        run.mkdir(exist_ok=True)
        for old in files:
            old.unlink()
        made.rename(run / f"{made.name}.search.{digest}")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_others(place: Path, runs: set[str]) -> None:
    """Remove runs of ours that have another name now; what others put there stays."""
    for run in place.iterdir():
        if run.name in runs or not run.is_dir():
            continue
        for old in run.glob(_OURS):
            old.unlink()
        if not any(run.iterdir()):
            run.rmdir()


def _trial(trial: LoggedTrial, objective: str, writer: SummaryWriter) -> None:
    for point in trial.points:
        for name, value in point.metrics.items():
            writer.add_scalar(name, value, point.epoch, walltime=point.at)
    last = trial.points[-1].at if trial.points else 0.0
    final = {f"final/{name}": value for name, value in trial.final.items()}
    for name, value in final.items():
        writer.add_scalar(name, value, trial.final_epoch, walltime=last)
    parameters: dict[str, Any] = {name: scalar(value) for name, value in trial.parameters.items()}
    # The tab shows five metrics at first: those of the training images would crowd out the objective.
    judged = (f"final/{objective}", "final/val_", "final/test_")
    columns = {name: value for name, value in final.items() if name.startswith(judged)}
    for summary in hparams({**parameters, "state": trial.state.value}, columns):
        writer.file_writer.add_summary(summary)
    lines = {"ended by": trial.tags["ended_by"], **{name: scalar(value) for name, value in trial.settings.items()}}
    writer.add_text("settings", "\n".join(f"    {name}: {value}" for name, value in lines.items()), walltime=last)
    if trial.tags["error"]:
        writer.add_text("error", _indented(trial.tags["error"]), walltime=last)


def _study(study: LoggedStudy, writer: SummaryWriter) -> None:
    last = max((trial.points[-1].at for trial in study.trials if trial.points), default=0.0)
    writer.add_text("table", study.texts["table.md"], walltime=last)
    writer.add_text("space", _indented(study.texts["space.yaml"]), walltime=last)


def _indented(text: str) -> str:
    """Return text as a block of code in Markdown."""
    return "\n".join(f"    {line}" for line in text.splitlines())
