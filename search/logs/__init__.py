"""A study's curves, parameters and final tables for other people's trackers: TensorBoard, MLflow and Weights & Biases.

What this room promises:

* everything comes from the ledger, after the run: training waits for no tracker, and a study that was interrupted, or
  run before anybody thought of a tracker, is logged all the same;
* logging twice adds nothing: a trial whose record is what was logged before is left alone, one that went on replaces
  what was logged of it;
* nothing leaves this machine unless the tracker's own configuration sends it (``MLFLOW_TRACKING_URI``): TensorBoard
  gets files, MLflow an SQLite file, Weights & Biases runs in its offline mode;
* a missing library is an error with its remedy before anything is trained or written.

Each trial is one run of the tracker, named by its setting and seed; a further run, ``study``, holds the tables.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path

from search.core.errors import UserError, nearest
from search.logs.content import LoggedStudy, LoggedTrial, read_study
from search.study.opened import OpenStudy

TRACKERS: Mapping[str, tuple[str, str]] = {
    "tensorboard": ("tensorboardX", "tensorboard_files"),
    "mlflow": ("mlflow", "mlflow_runs"),
    "wandb": ("wandb", "wandb_runs"),
}
"""Tracker -> the module of its library, and the file of this room that writes for it. The extra of this package that
brings the library has the tracker's name; `write` takes the study, the results folder and the study's folder, and says
where the study is and how to look at it."""


def require(names: Iterable[str]) -> None:
    """See that every tracker is known and its library installed; imports none of them.

    Raises:
        UserError: one is not.
    """
    for name in names:
        if name not in TRACKERS:
            known = ", ".join(TRACKERS)
            raise UserError(f"tracker {name!r}: must be one of {known}{nearest(name, TRACKERS)}")
        library, _ = TRACKERS[name]
        if importlib.util.find_spec(library) is None:
            raise UserError(
                f'tracker {name!r}: its library {library} is not installed; `pip install -e ".[{name}]"` brings it'
            )


def log_study(names: Iterable[str], study: OpenStudy, results: Path, folder: Path) -> list[str]:
    """Write a study for trackers.

    Args:
        names: of `TRACKERS`.
        results: the results folder, where MLflow's database lies.
        folder: the study's folder, where files of the others lie.

    Returns:
        one sentence per tracker: where it is and how to look at it.

    Raises:
        UserError: a tracker is not known, or its library is not installed; nothing was written.
    """
    wanted = list(dict.fromkeys(names))
    require(wanted)
    content = read_study(study)
    rooms = [importlib.import_module(f"{__name__}.{TRACKERS[name][1]}") for name in wanted]
    return [room.write(content, results, folder) for room in rooms]


__all__ = ["TRACKERS", "LoggedStudy", "LoggedTrial", "log_study", "require"]
