"""The verb that trains."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from search.cli.log import TRACKERS
from search.cli.options import changes, overrides, places, print_next, print_report, print_table, say
from search.core.errors import StudyInterrupted, TrialsFailed

if TYPE_CHECKING:
    from search.engine.steps.conclude import RunOutcome


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
    "--new-revision",
    is_flag=True,
    help="Start a new revision where this machine gives other bits, or data or code have changed.",
)
def run(
    file: str,
    data: str | None,
    sets: Sequence[str],
    results: str,
    storage: str | None,
    no_sharing: bool,
    address: str,
    new_revision: bool,
    trackers: Sequence[str],
) -> None:
    """Train what is missing of a study, and print its comparison table. The same command goes on after an interruption.

    Example: python -m search run spaces/focal.yaml
    """
    if trackers:
        from search import logs

        logs.require(trackers)
    from search.engine.live import announced, view_for

    view = view_for(sys.stdout)
    with announced(view, f"reading {file}, and loading its workload"):
        from search.space.reader import read_space

        space = read_space(file, overrides(data, sets))
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
        _complain(outcome)


def _complain(outcome: RunOutcome) -> None:
    """Say what is wrong with a run that ended.

    Raises:
        StudyInterrupted: it was ended early.
        TrialsFailed: some did.
    """
    if outcome.mirror:
        say(f"the Optuna mirror is behind ({outcome.mirror}); `dashboard` brings it up to date", err=True)
    if outcome.interrupted:
        raise StudyInterrupted(f"study {outcome.study!r} was ended by {outcome.interrupted}; the same command goes on")
    if outcome.failed:
        first = outcome.failed[0]
        raise TrialsFailed(
            f"{len(outcome.failed)} trial{'s' if len(outcome.failed) > 1 else ''} of study {outcome.study!r} failed; "
            f"`python -m search show {outcome.study!r} {first}` tells why, the same command tries again"
        )
