"""The verb that says what a study will cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import changes, overrides, places, say
from search.core.shown import counted
from search.system import streams

if TYPE_CHECKING:
    from search.space.model import Space


@click.command()
@click.argument("file")
@changes
@places
@click.option("--json", "as_json", is_flag=True, help="The same figures as JSON.")
@click.option("--tree", is_flag=True, help="Show all of the stage tree.")
@click.option("--no-probe", is_flag=True, help="Do not train an epoch to time it where no similar trial is on record.")
@click.option("--no-sharing", is_flag=True, help="As if every trial were trained alone.")
@click.option(
    "--freeze",
    "frozen",
    is_flag=True,
    help="Record hashes of file, data, code and claims, with the time, so that the table says whether they came before "
    "the first row.",
)
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
    frozen: bool,
) -> None:
    """Say what a study will cost before it is run. That is trials, epochs, time and disk, and what sharing saves.

    With `--freeze` the claims of the file are put on record before their results.

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
    content = found.to_json() if as_json else {}
    if not as_json:
        click.echo(text(found, tree, width))
    if frozen:
        content["frozen"] = _freeze(space, results, storage)
    if as_json:
        click.echo(json.dumps(content, indent=2))
    for remark in remarks:
        say(remark, err=True)


def _freeze(space: Space, results: str, storage: str | None) -> dict[str, str]:
    """Freeze a study, and say so; return its hashes, with the time."""
    from search.api import open_ledger
    from search.study.frozen import freeze

    ledger = open_ledger(Path(results), storage)
    try:
        frozen = freeze(ledger, space)
    finally:
        ledger.close()
    hashes = {"at": frozen.at, **frozen.hashes()}
    shown = ", ".join(f"{name} {digest[:12]}" for name, digest in frozen.hashes().items() if name != "all")
    say(f"frozen at {frozen.at[:19].replace('T', ' ')} UTC: {shown}; hash of all {frozen.digest}", err=True)
    if frozen.rows_before:
        rows = counted(frozen.rows_before, "row")
        say(
            f"too late: {rows} of this study {'is' if frozen.rows_before == 1 else 'are'} on record, and its table "
            "says so",
            err=True,
        )
    return hashes
