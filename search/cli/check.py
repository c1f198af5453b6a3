"""Verbs that read files and run nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from search.cli.options import changes, overrides
from search.errors import Faults


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@changes
def check(files: Sequence[str], data: str | None, sets: Sequence[str]) -> None:
    """Read space files without running anything; report every fault with its file, line and key.

    Example: python -m search check spaces/*.yaml
    """
    from search.space import read_space

    faults = []
    for file in files:
        try:
            space = read_space(file, overrides(data, sets))
        except Faults as error:
            faults += list(error.faults)
            continue
        trials = (space.search.trials or space.grid_size()) * len(space.seeds)
        click.echo(f"{file}: sound; {space.search.sampler}, {trials} trials")
    if faults:
        raise Faults(faults)


@click.command()
@click.argument("workload", default="classifier", metavar="[WORKLOAD]")
def schema(workload: str) -> None:
    """Print the JSON Schema of space files, with the settings of a workload, for editors to complete from.

    Example: python -m search schema > space.schema.json
    """
    from search.space import schema as make
    from search.workload import load_workload

    click.echo(json.dumps(make(load_workload(workload)), indent=2))
