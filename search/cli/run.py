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
from search.cli.options import changes, overrides, places, print_json, print_next, print_report, print_table

if TYPE_CHECKING:
    from search.engine.live import View
    from search.notebook import Study


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
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The table and what may be concluded as JSON; all else goes to standard error.",
)
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
    as_json: bool,
) -> None:
    """Train what a study lacks, and print its comparison table. The same command goes on after an interruption.

    Example: python -m search run spaces/focal.yaml
    """
    with (
        shown_of(results, storage, sys.stderr if as_json else sys.stdout) as view,
        telling(notify, file, results) as told,
    ):
        if trackers:
            from search import logs

            logs.require(trackers)
        changed = overrides(data, sets)
        ran = _run(view, told, file, changed, results, storage, no_sharing, address, new_revision)
        _show(ran, results, storage, trackers, as_json)
        _conclude(ran, fail_on)


def _run(
    view: View,
    told: Told,
    file: str,
    changed: Mapping[str, str],
    results: str,
    storage: str | None,
    no_sharing: bool,
    address: str,
    new_revision: bool,
) -> list[Study]:
    """Run a study; return it, and its confirm stage where there is one."""
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
    return stages


def _show(stages: Sequence[Study], results: str, storage: str | None, trackers: Sequence[str], as_json: bool) -> None:
    """Print what was run, and write it for trackers."""
    if as_json:
        print_json(stages[0].plain())
    for stage in stages if not as_json else ():
        print_table(stage)
        print_report(stage.folder / "report.html")
    for stage in stages if trackers else ():
        for line in stage.log(*trackers):
            click.echo(line, err=as_json)
    if not as_json:
        print_next(stages[0].name, results, storage)
    on_terminal = sys.stdout.isatty() and not as_json  # which has the sentences below the table already
    for stage in () if on_terminal else stages:
        for sentence in stage.written.unmoved if stage.outcome is not None and stage.written is not None else ():
            click.echo(f"study {stage.name!r}: {sentence}", err=True)


def _conclude(stages: Sequence[Study], fail_on: str | None) -> None:
    """End with the exit code of what was run.

    Raises:
        StudyInterrupted, TrialsFailed, ClaimContradicted, ClaimUndecided: as their names say.
    """
    for outcome in [stage.outcome for stage in stages if stage.outcome is not None]:
        complain(outcome)
    if fail_on is not None:
        claims = [claim for stage in stages if stage.written is not None for claim in stage.written.verdicts]
        answered(claims, open_fails=fail_on == "undecided")
