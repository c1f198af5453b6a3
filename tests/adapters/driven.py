"""What holds of each adapter that drives a library's own loop: trainings go on exactly, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from search.adapters.torch import flags
from search.adapters.torch.seeding import left_alone, seed_all
from search.core.trial import Row
from search.workload import Workload


def rows(run: Any, schedule: int | Sequence[Mapping[str, Any]]) -> list[Row]:
    """Train epochs, so many without settings of their own or one for each settings."""
    each = [{}] * schedule if isinstance(schedule, int) else schedule
    return [Row(dict(run.train_epoch(settings))) for settings in each]


def goes_on_exactly(made: Workload, fixed: Mapping[str, Any], schedule: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Train four epochs alone, and again from the state behind two of them; return the rows."""
    alone = rows(made.start(fixed, 1, 0), schedule)
    saving = made.start(fixed, 1, 0)
    assert rows(saving, schedule[:2]) == alone[:2]
    state = saving.save()
    assert rows(saving, schedule[2:]) == alone[2:]  # saving changes nothing
    seed_all(99, 99)
    other = made.start(fixed, 1, 0)
    other.load(state)
    seed_all(98, 98)
    assert rows(other, schedule[2:]) == alone[2:]
    other.load(state)  # in a run that has trained
    assert rows(other, schedule[2:3]) == alone[2:3]
    assert rows(made.start({**fixed, "seed": 4}, 1, 0), schedule[:1]) != alone[:1]
    return alone


@contextmanager
def left_as_it_was() -> Iterator[None]:
    """Leave generators, threads and switches of torch as they were."""
    switches, threads = flags.capture(), torch.get_num_threads()
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    with left_alone():
        yield
    flags.apply(switches, threads)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = cudnn
