"""Which trial is looked into, and after which epoch: what a person names, else what the study's table puts first."""

from __future__ import annotations

import math

from search.core.errors import UserError
from search.inspect.revive import Say
from search.report.record.curves import COUNTED, Curve, Curves
from search.report.table.labels import setting_label
from search.report.text import figure as shown
from search.space.model import Space


def best_trials(read: Curves) -> list[Curve]:
    """Return the trials by their objective at the epoch the study's tables read, the best first, then by number.

    Only trials that finished or were stopped by their rule are among them.
    """
    objective = read.space.search.objective
    found = []
    for curve in read.curves:
        value = curve.metric(objective.metric, curve.epoch(read.space.report.value))
        if curve.trial.state in COUNTED and value is not None and not math.isnan(value):
            found.append((-value if objective.maximize else value, curve.trial.number, curve))
    return [curve for *_, curve in sorted(found, key=lambda one: one[:2])]


def chosen_trial(read: Curves, trial: int | None, verb: str, say: Say) -> Curve:
    """Return the trial of a number, or the best one, which is said.

    Args:
        read: the study's curves.
        trial: the number; None for the first of `best_trials`.
        verb: what is done with it: ``draw``, ``export``.
        say: told which trial is taken, and why.

    Raises:
        UserError: there is none.
    """
    record, objective = read.record, read.space.search.objective
    known = {curve.trial.number: curve for curve in read.curves}
    if trial is not None:
        if trial not in known:
            there = f"it has the trials {min(known)} to {max(known)}" if known else "it has none yet"
            raise UserError(f"study {record.name!r} has no trial {trial}; {there}")
        return known[trial]
    curve = next(iter(best_trials(read)), None)
    if curve is None:
        raise UserError(f"no trial of study {record.name!r} has finished; name the one to {verb}")
    epoch = curve.epoch(read.space.report.value)
    value = shown(objective.metric, curve.metric(objective.metric, epoch))
    say(
        f"{verb}ing trial {curve.trial.number} ({setting_label(read.space, curve.trial.parameters)}, seed "
        f"{curve.trial.seed}): of the finished ones it has the {'highest' if objective.maximize else 'lowest'} "
        f"{objective.metric} at the {read.space.report.value} epoch, {value}"
    )
    return curve


def chosen_epoch(curve: Curve, space: Space, wanted: int | None, verb: str) -> int:
    """Return the epoch that is wanted, or the one the study's tables read.

    Raises:
        UserError: it is not on record.
    """
    epoch = wanted if wanted is not None else curve.epoch(space.report.value)
    if epoch is None:
        raise UserError(f"trial {curve.trial.number} has no epoch on record; there is nothing to {verb}")
    if epoch not in curve.rows:
        raise UserError(f"trial {curve.trial.number} has no epoch {epoch} on record; it has 1 to {max(curve.rows)}")
    return epoch
