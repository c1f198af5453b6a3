"""Starting points: what a search tries before its sampler chooses, as the file says or as an earlier study found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search.core.errors import Fault, Faults, StudyNotFound
from search.core.values import Settings, same
from search.ledger.ledger import Ledger
from search.space.configuration import value_of_axis
from search.space.keys import FROM
from search.space.model import Axis, Grid, WinnerOf
from search.space.nodes import show
from search.study.asked import StartingPoint, started
from search.study.opened import OpenStudy

if TYPE_CHECKING:
    from search.study.leaf import Planner


def starting_points(ledger: Ledger, planner: Planner, asked: Sequence[Mapping[str, Any]] = ()) -> list[StartingPoint]:
    """Return the points that a search has still to try first, in the file's order.

    Args:
        ledger: where the studies are whose winners the file names.
        planner: of the search.
        asked: records of the configurations asked before; what they tried is not looked at again.

    Raises:
        Faults: a study is not there, has no winner, or its winner lies outside of the space.
    """
    space = planner.space
    if not space.search.start:
        return []
    tried, points = started(asked), []
    for place, point in enumerate(space.search.start):
        written = {FROM: point.study} if isinstance(point, WinnerOf) else dict(point)
        name = json.dumps(written, sort_keys=True)
        if name not in tried:
            chosen = _of_winner(ledger, planner, place) if isinstance(point, WinnerOf) else point
            points.append(StartingPoint(name, chosen))
    return points


def began_at(study: OpenStudy) -> dict[int, str]:
    """Return configuration -> the starting point of the file that it is, in words; of those that are some."""
    if not study.space.search.start:
        return {}
    asked = study.ledger.decisions(study.record.id, ["asked"])
    points = started(entry.detail for entry in asked)
    return {configuration: _words(json.loads(name)) for name, configuration in points.items()}


def _words(point: Mapping[str, object]) -> str:
    if list(point) == [FROM]:
        return f"the winner of {point[FROM]}"
    return ", ".join(f"{name}={show(value)}" for name, value in point.items())


def _of_winner(ledger: Ledger, planner: Planner, place: int) -> dict[str, Any]:
    """Return the winner of the study that a starting point names, as a configuration of this space."""
    space = planner.space
    point = space.search.start[place]
    assert isinstance(point, WinnerOf)

    def fault(reason: str) -> Faults:
        return Faults([Fault(space.file or "<python>", 0, f"search.start[{place}].{FROM}", reason)])

    try:
        study = OpenStudy(ledger, ledger.study(point.study))
    except StudyNotFound as error:
        raise fault(str(error)) from error
    settings = _winner(study)
    if settings is None:
        raise fault(
            f"study {point.study!r} has no configuration that finished under all of its seeds; run it to its end"
        )
    parameters: dict[str, Any] = {}
    for axis in space.axes:
        if axis.active(parameters):
            reason = _take(planner, axis, settings, parameters)
            if reason:
                raise fault(f"the winner of {point.study!r} {reason}; widen the axis, or write the point out")
    return parameters


def _winner(study: OpenStudy) -> Settings | None:
    """Return the settings of the best configuration: of the confirm stage, whose seeds are fresh, where it has one."""
    from search.study.confirm import best_configurations  # reads files, which a table does not need

    for one in (study.confirm_stage(), study):
        if one is not None and (best := best_configurations(one)):
            trials = one.ledger.trials(one.record.id)
            return next(trial.settings for trial in trials if same(trial.parameters, best[0]))
    return None


def _take(planner: Planner, axis: Axis, settings: Settings, parameters: dict[str, Any]) -> str:
    """Add an axis's value under these settings; return why it has none, or "".

    A setting that the winner does not have, because it did not act there, is left to the sampler.
    """
    domain = axis.domain
    if isinstance(domain, Grid) and domain.options:
        names = {name for option in domain.options.values() for name in option}
        for option in domain.values:
            ours = planner.settings(planner.space.completed({**parameters, axis.name: option}))
            if all(same(ours.get(name), settings.get(name)) for name in names):
                parameters[axis.name] = option
                return ""
        shown = ", ".join(f"{name}={show(settings.get(name))}" for name in sorted(names))
        return f"does not lie in the space: {shown} is no option of {axis.name!r}"
    if axis.name not in settings:
        return ""
    value = settings[axis.name]
    planned = domain.plans if isinstance(domain, Grid) else {}
    spelled = next((name for name, plan in planned.items() if same(plan, value)), value)
    meant, reason = value_of_axis(axis, spelled)
    if reason:
        return f"does not lie in the space: {reason}"
    parameters[axis.name] = meant
    return ""
