"""Where a study would be trained: execution class, share of the machine and workers, without starting Ray.

A study that was begun is pinned to its class. Else a run on record tells it: one of the same workload, on this host
with these packages, with the same CPUs and GPUs per trial. Else a fresh process with the right threads is asked.
Workers verify the class before they train, so that a wrong guess costs time and never a wrong row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.newest import runs_newest
from search.plan.process import ask_class
from search.space.model import Resources, Space
from search.system import gpus as system_gpus
from search.system import limits, machine
from search.workload.execution import still_installed

MAX_RUNS_LOOKED_AT = 50
"""Newest runs of the workload that are looked at, however many are on record."""

ASKED = "a process on this machine"
"""Source of a place whose class was asked for now."""


@dataclass(frozen=True)
class Place:
    """Where trials are trained.

    Attributes:
        execution_class: everything about it that can change a bit.
        cpus, gpus: of one trial.
        workers: trials that run at once; where they come to share a GPU, as many as in that run.
        source: where this is known from, for people.
        note: what is to be said of the CPUs that may be used, or "".
    """

    execution_class: Mapping[str, str]
    cpus: int
    gpus: float
    workers: int
    source: str
    note: str = ""


def recorded_place(ledger: Ledger, space: Space) -> Place | None:
    """Return the place of the last run of this workload on this host that gave its trials as much, or None."""
    hardware, versions = machine.hardware(), machine.versions()
    for run in islice(runs_newest(ledger, space.workload), MAX_RUNS_LOOKED_AT):
        conditions: Mapping[str, Any] = run["conditions"]
        recorded = conditions.get("hardware", {})
        if (
            "cluster" not in conditions  # its class is that of other machines
            and conditions.get("execution_class")
            and conditions.get("versions") == versions
            and still_installed(conditions["execution_class"])
            and all(recorded.get(name) == hardware[name] for name in ("host", "system", "processor", "cores"))
            and conditions.get("cpus_per_trial") == space.resources.cpus
            and space.resources.gpus in (None, conditions.get("gpus_per_trial"))
        ):
            gpus = float(conditions.get("gpus_per_trial", 0.0))
            shared = (conditions.get("gpu_sharing") or {}) if space.resources.gpus is None else {}
            workers = _workers(space.resources.cpus, gpus, int(shared.get("trials_per_gpu", 1)))
            source = f"as in the last run of study {run['study']!r} on this machine"
            return Place(dict(conditions["execution_class"]), space.resources.cpus, gpus, workers, source)
    return None


def place_of(ledger: Ledger, space: Space, record: StudyRecord | None) -> Place:
    """Return where a study would be trained: as it is pinned, as a run on record says, or as a fresh process answers.

    Raises:
        UserError: the workload cannot be asked, or this machine's GPUs are of several models.
    """
    if space.resources.gpus != 0:
        system_gpus.require_alike()
    place, cpus = recorded_place(ledger, space), space.resources.cpus
    gpus = place.gpus if place is not None else share(space.resources)
    workers = place.workers if place is not None else _workers(cpus, gpus)
    if record is not None and record.execution_class is not None:
        place = Place(dict(record.execution_class), cpus, gpus, workers, "the study's own")
    elif place is None:
        place = Place(ask_class(space.workload, cpus, gpus), cpus, gpus, workers, ASKED)
    return replace(place, note=limits.cpus().note(cpus))


def share(resources: Resources) -> float:
    """Return the GPUs of one trial: those asked for, or one where there is one."""
    return resources.gpus if resources.gpus is not None else min(1.0, float(system_gpus.count()))


def _workers(cpus: int, gpus: float, per_gpu: int = 1) -> int:
    """Return how many trials run at once; at least one, for whoever runs it may have a larger machine.

    Args:
        cpus, gpus: of one trial.
        per_gpu: trials that came to share each GPU.
    """
    fits = limits.cpus().usable // cpus
    if gpus:
        fits = min(fits, math.floor(system_gpus.count() / gpus + 1e-9) * per_gpu)
    return max(1, fits)
