"""The weights of a trial as a file: for whoever uses what a study found, without this service.

They are those of the state after one epoch: of the saved one where it is there, else the epochs behind the last saved
state are trained again, and each of them must equal the record, to the last bit. Nothing else is ever written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search.core.errors import UserError
from search.core.shown import called
from search.core.trial import State
from search.inspect.chosen import chosen_epoch, chosen_trial
from search.inspect.revive import Say, as_in_a_worker, canonical_of, revive
from search.inspect.tensor_file import check_file, fault_of, write_tensors
from search.report.record.curves import Curve, read_curves
from search.study.opened import OpenStudy
from search.workload import Weighing, load_workload
from search.workload.foreign import reason_of


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that was written.

    Attributes:
        path: the file.
        trial: number of the trial.
        epoch: the epoch whose weights these are.
    """

    path: Path
    trial: int
    epoch: int


def export_weights(
    study: OpenStudy, path: Path, trial: int | None = None, *, epoch: int | None = None, say: Say = print
) -> WeightsFile:
    """Write the weights of one trial, with what is needed to use them.

    Beside the arrays the file holds text (see `search.inspect.tensor_file`): ``study``, ``trial``, ``seed``, ``epoch``,
    ``key`` (of the epoch), ``workload``, ``data`` (their fingerprint), ``settings`` (canonical), ``metrics`` (of the
    epoch), ``execution_class``, ``classes`` of the data card where it has some, and what the workload says about them.
    What is no text stands there as JSON; ``about`` has all of it in one JSON object.

    Args:
        study: the study.
        path: ends in ``.safetensors`` or ``.pt``; what stands there is replaced.
        trial: its number; by default the first of `search.inspect.chosen.best_trials`.
        epoch: counted from 1; by default the one the study's tables read, the last or the best.
        say: told in sentences which trial is taken, and what takes long.

    Raises:
        UserError: there is no such trial, epoch or format; the trial did not end well and no epoch is named; the
            workload offers no weights, or others than can be written; or the epoch cannot be trained again as it was.
    """
    check_file(path)
    record, space = study.record, study.space
    name = called(space.workload)
    workload = load_workload(space.workload)
    if not isinstance(workload, Weighing):
        raise UserError(f"the workload {name!r} offers no weights; see search.workload.Weighing")
    curve = chosen_trial(read_curves(study), trial, "export", say)
    if epoch is None:
        _check_ended(curve, record.name)
    epoch = chosen_epoch(curve, space, epoch, "export")
    try:
        with as_in_a_worker(space.resources.cpus):
            run = revive(study, workload, curve.trial, epoch, say, exact=True)
            arrays, about = workload.weights(run), workload.about(run)
    except UserError:
        raise
    except Exception as error:
        doing = f"the weights of trial {curve.trial.number} after epoch {epoch}"
        raise UserError(f"the workload {name!r} failed at {doing}: {reason_of(error)}; nothing was written") from error
    for method, given in (("weights", arrays), ("about", about)):
        if not isinstance(given, Mapping):
            kind = type(given).__name__
            raise UserError(f"the workload {name!r}: {method}() gave a {kind}, must be a mapping; nothing was written")
    card = study.ledger.data(curve.data)
    if card is not None and card.classes:
        about = {"classes": list(card.classes), **about}
    if faults := [fault for label, array in arrays.items() if (fault := fault_of(label, array))] or (
        [] if arrays else ["there are none"]
    ):
        raise UserError(f"the workload {name!r}: of its weights, {faults[0]}; nothing was written")
    ours = {
        "study": record.name,
        "trial": curve.trial.number,
        "seed": curve.trial.seed,
        "epoch": epoch,
        "key": curve.keys[epoch - 1],
        "workload": space.workload,
        "data": curve.data,
        "settings": canonical_of(workload, space, curve.trial),
        "metrics": dict(curve.rows[epoch].row.metrics),
        "execution_class": dict(record.execution_class or {}),
    }
    if twice := sorted({"format", "about", *ours} & set(about)):
        raise UserError(
            f"the workload {name!r} says {twice[0]!r} about its weights, which the file says itself; give it "
            "another name, nothing was written"
        )
    everything = {**ours, **about}
    text = {label: _text(label, value, name) for label, value in everything.items()}
    text["about"] = _text("about", everything, name)
    return WeightsFile(write_tensors(path, arrays, text), curve.trial.number, epoch)


def _check_ended(curve: Curve, study: str) -> None:
    """Refuse a trial whose last epoch is not what anybody looks for.

    Raises:
        UserError: it failed, diverged or has not ended.
    """
    trial = curve.trial
    if trial.state in (State.FINISHED, State.STOPPED, State.PRUNED, State.CUT_OFF):
        return
    on_record = f"; --epoch takes the weights after one of its epochs, 1 to {max(curve.rows)}" if curve.rows else ""
    so_far = f"{trial.state}, epoch {trial.last_epoch} of {trial.epochs}"
    how = {
        State.FAILED: f"failed: `python -m search show {study!r} {trial.number}` tells why, `run` tries it again",
        State.DIVERGED: f"diverged at epoch {trial.last_epoch}",
    }.get(trial.state, f"has not ended ({so_far}): `run` goes on with it")
    raise UserError(f"trial {trial.number} of study {study!r} {how}{on_record}")


def _text(name: object, value: object, workload: str) -> str:
    """Return text as it is, and plain data as JSON.

    Raises:
        UserError: it is neither, or its name is no text.
    """
    if not isinstance(name, str):
        raise UserError(
            f"the workload {workload!r} says {name!r} about its weights, where names must be text; nothing was written"
        )
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, sort_keys=isinstance(value, Mapping))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"the workload {workload!r} says {name!r} about its weights, which is no plain data ({error}); give text, "
            "numbers, lists and mappings, nothing was written"
        ) from error
