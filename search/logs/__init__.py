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

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from search.core.errors import UserError, nearest
from search.logs.content import LoggedStudy, LoggedTrial, read_study
from search.study.opened import OpenStudy


class Tracker(NamedTuple):
    """One tracker.

    Attributes:
        library: the module that writes for it.
        extra: the extra of this package that brings the library.
        write: (study, results folder, the study's folder) -> a sentence on where it is and how to look at it.
    """

    library: str
    extra: str
    write: Callable[[LoggedStudy, Path, Path], str]


def _tensorboard(study: LoggedStudy, _results: Path, folder: Path) -> str:
    from search.logs.tensorboard_files import write

    return write(study, folder)


def _mlflow(study: LoggedStudy, results: Path, _folder: Path) -> str:
    from search.logs.mlflow_runs import write

    return write(study, results)


def _wandb(study: LoggedStudy, _results: Path, folder: Path) -> str:
    from search.logs.wandb_runs import write

    return write(study, folder)


TRACKERS: Mapping[str, Tracker] = {
    "tensorboard": Tracker("tensorboardX", "tensorboard", _tensorboard),
    "mlflow": Tracker("mlflow", "mlflow", _mlflow),
    "wandb": Tracker("wandb", "wandb", _wandb),
}


def require(names: Iterable[str]) -> None:
    """See that every tracker is known and its library installed; imports none of them.

    Raises:
        UserError: one is not.
    """
    for name in names:
        if name not in TRACKERS:
            known = ", ".join(TRACKERS)
            raise UserError(f"tracker {name!r}: must be one of {known}{nearest(name, TRACKERS)}")
        tracker = TRACKERS[name]
        if importlib.util.find_spec(tracker.library) is None:
            raise UserError(
                f"tracker {name!r}: its library {tracker.library} is not installed; "
                f'`pip install -e ".[{tracker.extra}]"` brings it'
            )


def log_study(names: Iterable[str], study: OpenStudy, results: Path, folder: Path) -> list[str]:
    """Write a study for trackers.

    Args:
        names: of `TRACKERS`.
        study: the study.
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
    return [TRACKERS[name].write(content, results, folder) for name in wanted]


__all__ = ["TRACKERS", "LoggedStudy", "LoggedTrial", "log_study", "require"]
