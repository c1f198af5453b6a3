"""The verb that says what a study will cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from search.cli.options import changes, overrides, places, say
from search.system import streams


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

    space = read_space(file, overrides(data, sets))
    from search.plan.priced import PROBING, priced  # after the file is known to be sound: these imports take a second
    from search.plan.text import text

    remarks: list[str] = []

    def told(sentence: str) -> None:
        """Say at once that an epoch is being trained, and what is to be known of the data below the plan."""
        if sentence == PROBING:
            say(sentence, err=True)
        else:
            remarks.append(sentence)

    found = priced(space, Path(results), storage, told, probed=not no_probe, sharing=not no_sharing)
    width = streams.terminal_columns(sys.stdout) if sys.stdout.isatty() else None
    click.echo(json.dumps(found.to_json(), indent=2) if as_json else text(found, tree, width))
    for remark in remarks:
        say(remark, err=True)
