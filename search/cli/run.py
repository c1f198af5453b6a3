"""The verb that trains."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from search.cli.ended import answered, complain
from search.cli.entry import shown_of
from search.cli.log import TRACKERS
from search.cli.notify import Told, notify_option, telling
from search.cli.options import changes, overrides, places, print_next, print_report, print_table

if TYPE_CHECKING:
    from search.engine.live import View


@click.command()
@click.argument("file")
@changes
@places
@click.option("--no-sharing", is_flag=True, help="Train every trial alone, from its first epoch.")
@click.option(
    "--log",
    "trackers",
    type=click.Choice(TRACKERS),
    multiple=True,
    help="Write curves, parameters and tables for a tracker after the run; repeatable.",
)
@click.option(
    "--address",
    default="",
    metavar="HOST:PORT",
    help="Train on this Ray cluster; needs a database server as --storage and RAY_AUTH_MODE=token "
    "(docs/how-to/cluster.md).",
)
@click.option(
    "--fail-on",
    type=click.Choice(["contradicted", "undecided"]),
    help="Exit with 4 where a claim of the file is contradicted; `undecided`: also with 5 where one is undecided.",
)
@click.option(
    "--new-revision",
    is_flag=True,
    help="Start a new revision where this machine gives other bits, or data or code have changed.",
)
@notify_option
def run(
    file: str,
    data: str | None,
    sets: Sequence[str],
    results: str,
    storage: str | None,
    no_sharing: bool,
    address: str,
    fail_on: str | None,
    new_revision: bool,
    trackers: Sequence[str],
    notify: Sequence[str],
) -> None:
    """Train what is missing of a study, and print its comparison table. The same command goes on after an interruption.

    Example: python -m search run spaces/focal.yaml
    """
    with shown_of(results, storage, sys.stdout) as view, telling(notify, file, results) as told:
        if trackers:
            from search import logs

            logs.require(trackers)
        changed = overrides(data, sets)
        _run(view, told, file, changed, results, storage, no_sharing, address, fail_on, new_revision, trackers)


def _run(
    view: View,
    told: Told,
    file: str,
    changed: Mapping[str, str],
    results: str,
    storage: str | None,
    no_sharing: bool,
    address: str,
    fail_on: str | None,
    new_revision: bool,
    trackers: Sequence[str],
) -> None:
    from search.engine.live import announced

    with announced(view, f"reading {file}, and loading its workload"):
        from search.space.reader import read_space

        space = read_space(file, changed)
    if space.title:
        view.say(space.title)
    from search import api  # after the file is known to be sound: this import takes a second

    study = api.run(
        space,
        results=results,
        storage=storage,
        sharing=not no_sharing,
        new_revision=new_revision,
        address=address,
        view=view,
    )
    stages = [stage for stage in (study, study.confirmed) if stage is not None]
    told.stages(stages)
    for stage in stages:
        print_table(stage)
        print_report(stage.folder / "report.html")
    for stage in stages if trackers else ():
        for line in stage.log(*trackers):
            click.echo(line)
    print_next(study.name, results, storage)
    for stage in () if sys.stdout.isatty() else stages:  # a terminal has the sentences below the table already
        for sentence in stage.written.unmoved if stage.outcome is not None and stage.written is not None else ():
            click.echo(f"study {stage.name!r}: {sentence}", err=True)
    for outcome in [stage.outcome for stage in stages if stage.outcome is not None]:
        complain(outcome)
    if fail_on is not None:
        claims = [claim for stage in stages if stage.written is not None for claim in stage.written.verdicts]
        answered(claims, open_fails=fail_on == "undecided")
