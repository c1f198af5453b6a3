"""What only data and weights can tell: asked by `check --data`, and by `plan` and `run` before anything else."""

from __future__ import annotations

import json

from search.core.errors import Fault, Faults
from search.space.addressed import addressed
from search.space.model import Space
from search.space.sampling import samples
from search.space.service import SERVICE_SETTINGS
from search.workload import Workload


def read_all(space: Space, workload: Workload) -> None:
    """Have the workload read the data and the weights of configurations that show what the axes can ask for.

    Each different set of fixed settings is asked for once, as trials will.

    Raises:
        Faults: everything that it refuses.
        UserError: its code raised something else.
    """
    asked: set[str] = set()
    faults: set[Fault] = set()
    for parameters in samples(space):
        chosen = space.settings(parameters)
        theirs = {name: value for name, value in chosen.items() if name not in SERVICE_SETTINGS}
        try:
            with addressed(space):
                fixed, _ = workload.schedule(workload.canonical({**theirs, "seed": space.seeds[0]}), 1)
                name = json.dumps(fixed, sort_keys=True, default=repr)
                if name not in asked:
                    asked.add(name)
                    workload.data(fixed)
                    workload.inputs(fixed)
        except Faults as error:
            faults |= set(error.faults)
    if faults:
        raise Faults(faults)
