"""The price of a study as files on disk stand: its plan, from the ledger there is, or from an empty one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from search.ledger.ledger import Ledger
from search.ledger.urls import ledger_exists
from search.plan.place import place_of
from search.plan.plan import Plan, plan_of
from search.plan.process import Probe
from search.plan.process import probe as train_probe
from search.space.model import Space
from search.space.reading import read_all
from search.study.cards import unnoticed
from search.study.changed import check_unchanged
from search.study.leaf import Leaf, Planner
from search.study.opened import OpenStudy
from search.study.revision import continued_study
from search.workload import load_workload

PROBING = "no timing on record for a similar trial: training one epoch to measure it"


def priced(
    space: Space,
    results: Path,
    storage: str | None,
    say: Callable[[str], object],
    *,
    probed: bool = True,
    sharing: bool = True,
) -> Plan:
    """Return what a study will cost; nothing is written.

    Args:
        space: the study.
        results: folder of the ledger, which need not be there.
        storage: its database, None for the one in `results`.
        say: told that an epoch is trained to time it, and of data that cannot be told from others.
        probed: whether an epoch is trained where no similar trial is on record.
        sharing: where false, as if every trial were trained alone.

    Raises:
        UserError: a configuration cannot be trained, its data cannot be read, or what is on record has changed.
    """
    workload = load_workload(space.workload)
    if space.search.sampler != "grid":  # of a grid every configuration is looked at below
        read_all(space, workload)
    with ledger_to_read(results, storage) as ledger:
        record = continued_study(ledger, space)
        if record is not None and record.execution_class is not None:
            check_unchanged(OpenStudy(ledger, record, space), workload, record.execution_class)
        place = place_of(ledger, space, record)

        def probe(leaf: Leaf) -> Probe:
            say(PROBING)
            return train_probe(space.workload, place.cpus, place.gpus, leaf.fixed, leaf.schedule)

        name = record.name if record is not None else ""
        fingerprints: list[str] = []
        planner = Planner(
            space,
            workload,
            place.execution_class,
            sharing,
            lambda card: fingerprints.append(card.fingerprint),
            name,
            ledger.distrusted(),
        )
        plan = plan_of(space, ledger, planner, place, record, probe if probed else None)
    if "" in fingerprints:
        say(unnoticed(space.workload))
    return plan


@contextmanager
def ledger_to_read(results: Path, storage: str | None) -> Iterator[Ledger]:
    """Open the ledger there is; where there is none, an empty one that leaves no trace."""
    named = storage or str(results / "search.db")
    with tempfile.TemporaryDirectory() as folder:
        there = ledger_exists(named)
        ledger = Ledger(named, results / "states", reading=True) if there else Ledger(str(Path(folder, "search.db")))
        with closing(ledger):
            yield ledger
