"""The confirm stage of a sampled study: its best configurations again, under seeds the search has not seen.

A search picks what is good and what was lucky. What it found is judged on fresh seeds: the ledger would otherwise hand
back the very runs that were chosen. The stage is a study of its own, a grid over the chosen configurations at full
length and without pruning, so that everything that holds for grids holds for it.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.mean import mean
from search.core.trial import State
from search.core.values import same
from search.ledger.measured import Measured
from search.space.model import MAX_SEED, Confirm, Space, confirm_name
from search.space.reader import space_from_mapping
from search.statistics.front import undominated
from search.study.costs import costs_on_record
from search.study.opened import OpenStudy

BASELINE = "baseline"
AXIS = "candidate"
RESOURCES = ("cpus", "states_gb", "gpus", "epoch_seconds")


def confirm_space(study: OpenStudy) -> Space | None:
    """Return the space of the confirm stage, None where the search finished no configuration.

    Args:
        study: the search, over, whose space asks for a confirm stage.
    """
    space = study.space
    confirm = space.search.confirm
    assert confirm is not None
    baseline = None if confirm.baseline is None else space.completed(confirm.baseline)
    known = None if baseline is None else space.chosen(baseline)
    # The baseline may be among the best: it is there already.
    best = [one for one in best_configurations(study) if not same(space.chosen(one), known)][: confirm.top]
    if not best:
        return None
    chosen_ones = {f"best {rank}": parameters for rank, parameters in enumerate(best, start=1)}
    if baseline is not None:
        chosen_ones = {BASELINE: baseline, **chosen_ones}
    options = {name: space.chosen(parameters) for name, parameters in chosen_ones.items()}
    chosen = {name for settings in options.values() for name in settings}
    objectives = [{"metric": one.metric, "direction": one.direction} for one in space.search.objectives]
    report: dict[str, Any] = {
        "rows": AXIS,
        "value": space.report.value,
        "labels": {name: _label(name, parameters) for name, parameters in chosen_ones.items()},
    }
    if space.report.metrics:
        report["metrics"] = list(space.report.metrics)
    if confirm.baseline is not None:
        report["baseline"] = BASELINE
    content = {
        "title": f"{space.title or space.name}: the best, confirmed under fresh seeds",
        "workload": space.workload,
        "fixed": {name: value for name, value in space.fixed.items() if name not in chosen},
        "space": {AXIS: {"grid": options}},
        "seeds": _fresh(study, confirm),
        "search": {
            "objective": objectives if space.search.further else objectives[0],
            "attempts": space.search.attempts,
        },
        "resources": {name: value for name in RESOURCES if (value := getattr(space.resources, name)) is not None},
        "report": report,
    }
    return space_from_mapping(content, confirm_name(study.record.name))


def best_configurations(study: OpenStudy) -> list[Mapping[str, object]]:
    """Return the configurations that finished under all their seeds, best mean objective first.

    Each run counts with the epoch that the table shows it at: its last one, or its best. Of equally good ones the first
    comes first. Of several objectives those are returned that none dominates by these means, sorted by the first one.
    """
    ledger, record, space = study.ledger, study.record, study.space
    objectives = space.search.objectives
    measured = Measured(ledger, space.search.measured)
    costs = costs_on_record(ledger, record.id, space)
    paths = ledger.paths(record.id)
    values: defaultdict[int, list[Sequence[float]]] = defaultdict(list)
    parameters: dict[int, Mapping[str, Any]] = {}
    for trial in ledger.trials(record.id):
        parameters[trial.configuration] = trial.parameters
        found: Sequence[float] = [math.nan] * len(objectives)
        if trial.state in (State.FINISHED, State.STOPPED) and trial.last_epoch:
            path, data = paths[trial.number]
            keys = path[: trial.last_epoch][0 if space.report.value == "best" else -1 :]
            rows = measured.rows(dict.fromkeys(keys, data))
            read = [rows[key].row.metrics for key in keys if key in rows]
            found = _read(read, costs.get(trial.configuration, {}), space)
        values[trial.configuration].append(found)
    means = {number: [mean(one) for one in zip(*found, strict=True)] for number, found in values.items()}
    sound = [number for number, figures in means.items() if all(map(math.isfinite, figures))]
    if len(objectives) > 1:
        kept = undominated([means[number] for number in sound], [one.maximize for one in objectives])
        sound = [sound[place] for place in kept]
    first = objectives[0]
    sound.sort(key=lambda number: (-means[number][0] if first.maximize else means[number][0], number))
    return [parameters[number] for number in sound]


def _read(rows: Sequence[Mapping[str, float | None]], costs: Mapping[str, float], space: Space) -> list[float]:
    """Return all objectives of a run at the epoch that the table shows it at; NaN where one is not there."""
    first = space.search.objective
    figures = [_number(row.get(first.metric)) for row in rows]
    epoch = len(rows) - 1
    if space.report.value == "best":
        finite = [place for place, figure in enumerate(figures) if math.isfinite(figure)]
        epoch = (max if first.maximize else min)(finite, key=figures.__getitem__, default=epoch)
    row = rows[epoch] if rows else {}
    return [costs.get(one.metric, _number(row.get(one.metric))) for one in space.search.objectives]


def _number(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else value


def _fresh(study: OpenStudy, confirm: Confirm) -> list[int]:
    """Return seeds that no trial of the search ran under."""
    used = {trial.seed for trial in study.ledger.trials(study.record.id)} | set(study.space.seeds)
    behind = range(max(used) + 1, MAX_SEED + 1)
    unused = (seed for seed in itertools.chain(behind, range(MAX_SEED + 1)) if seed not in used)
    return list(itertools.islice(unused, confirm.seeds))


def _label(name: str, parameters: Mapping[str, object]) -> str:
    """Return what a table calls an option: its rank and what it sets; a baseline is called so by the table."""
    shown = {axis: f"{value:.4g}" if isinstance(value, float) else value for axis, value in parameters.items()}
    settings = ", ".join(f"{axis}={value}" for axis, value in shown.items())
    return settings if name == BASELINE else f"{name}: {settings}"
