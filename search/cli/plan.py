"""The verb that says what a study will cost."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import changes, overrides, places, say
from search.system import streams

if TYPE_CHECKING:
    from search.ledger.ledger import Ledger


@click.command()
@click.argument("file")
@changes
@places
@click.option("--json", "as_json", is_flag=True, help="The same figures as JSON.")
@click.option("--tree", is_flag=True, help="Show all of the stage tree.")
@click.option("--no-probe", is_flag=True, help="Do not train an epoch to time it where no similar trial is on record.")
@click.option("--no-sharing", is_flag=True, help="As if every trial were trained alone.")
def plan(
    file: str,
    data: str | None,
    sets: Sequence[str],
    results: str,
    storage: str | None,
    as_json: bool,
    tree: bool,
    no_probe: bool,
    no_sharing: bool,
) -> None:
    """Say what a study will cost before it is run: trials, epochs, time and disk, and what sharing saves.

    Example: python -m search plan spaces/focal.yaml
    """
    from search.space.reader import read_space
    from search.space.reading import read_all

    space = read_space(file, overrides(data, sets))
    # After the file is known to be sound: these imports take a second.
    from search.plan.place import place_of
    from search.plan.plan import plan_of
    from search.plan.process import Probe
    from search.plan.process import probe as train_probe
    from search.plan.text import text
    from search.study.cards import unnoticed
    from search.study.changed import check_unchanged
    from search.study.leaf import Leaf, Planner
    from search.study.opened import OpenStudy
    from search.study.revision import continued_study
    from search.workload import load_workload

    workload = load_workload(space.workload)
    if space.search.sampler != "grid":  # of a grid every configuration is looked at below
        read_all(space, workload)
    with _ledger(Path(results), storage) as ledger:
        record = continued_study(ledger, space)
        if record is not None and record.execution_class is not None:
            check_unchanged(OpenStudy(ledger, record, space), workload, record.execution_class)
        place = place_of(ledger, space, record)

        def probe(leaf: Leaf) -> Probe:
            say("no timing on record for a similar trial: training one epoch to measure it", err=True)
            return train_probe(space.workload, place.cpus, place.gpus, leaf.fixed, leaf.schedule)

        name = record.name if record is not None else ""
        fingerprints: list[str] = []
        planner = Planner(
            space,
            workload,
            place.execution_class,
            not no_sharing,
            lambda card: fingerprints.append(card.fingerprint),
            name,
            ledger.distrusted(),
        )
        found = plan_of(space, ledger, planner, place, record, None if no_probe else probe)
    width = streams.terminal_columns(sys.stdout) if sys.stdout.isatty() else None
    click.echo(json.dumps(found.to_json(), indent=2) if as_json else text(found, tree, width))
    if "" in fingerprints:
        say(unnoticed(space.workload), err=True)


@contextmanager
def _ledger(results: Path, storage: str | None) -> Iterator[Ledger]:
    """Open the ledger there is; where there is none, an empty one that leaves no trace."""
    from search.ledger.ledger import Ledger
    from search.ledger.urls import ledger_exists

    named = storage or str(results / "search.db")
    with tempfile.TemporaryDirectory() as folder:
        there = ledger_exists(named)
        ledger = Ledger(named, results / "states", reading=True) if there else Ledger(str(Path(folder, "search.db")))
        with closing(ledger):
            yield ledger
