"""The command line: one function per verb; reads arguments, prints; decides nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from search.errors import Faults, StudyInterrupted, TrialsFailed, UserError

Command = Callable[..., Any]
SUBJECTS = ("table", "trials", "epochs", "decisions", "predictions")
FORMATS = ("md", "csv", "json", "parquet")


def places(command: Command) -> Command:
    """Add the options that say where things are kept."""
    storage = click.option("--storage", metavar="URL", help="Database of the ledger; by default RESULTS/search.db.")
    command = storage(command)
    return click.option(
        "--results",
        default="results",
        show_default=True,
        metavar="FOLDER",
        help="Folder of ledger, mirror and studies.",
    )(command)


def changes(command: Command) -> Command:
    """Add the options that change a space file for one command."""
    command = click.option(
        "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a setting or a key of the file; repeatable."
    )(command)
    return click.option("--data", metavar="NAME", help="Another data set, or a folder of images.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="search-service", prog_name="search")
def cli() -> None:
    """Hyperparameter search for controlled comparisons: one space file in, a comparison table out."""


@cli.command()
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


@cli.command()
@click.argument("workload", default="classifier", metavar="[WORKLOAD]")
def schema(workload: str) -> None:
    """Print the JSON Schema of space files, with the settings of a workload, for editors to complete from.

    Example: python -m search schema > space.schema.json
    """
    from search.space import schema as make
    from search.workload import load_workload

    click.echo(json.dumps(make(load_workload(workload)), indent=2))


@cli.command()
@click.argument("file")
@changes
@places
@click.option("--no-sharing", is_flag=True, help="Train every trial alone, from its first epoch.")
@click.option("--new-revision", is_flag=True, help="Start a new revision where this machine gives other bits.")
def run(
    file: str,
    data: str | None,
    sets: Sequence[str],
    results: str,
    storage: str | None,
    no_sharing: bool,
    new_revision: bool,
) -> None:
    """Train what is missing of a study, and print its comparison table. The same command goes on after an interruption.

    Example: python -m search run spaces/focal.yaml
    """
    from search.engine.live import view_for
    from search.space import read_space

    space = read_space(file, overrides(data, sets))
    view = view_for(sys.stdout)
    if space.title:
        view.say(space.title)
    from search import api  # after the file is known to be sound: this import takes a second

    study = api.run(
        space, results=results, storage=storage, sharing=not no_sharing, new_revision=new_revision, view=view
    )
    print_table(study)
    click.echo(f"results: {study.folder}")
    outcome = study.outcome
    assert outcome is not None
    if outcome.mirror:
        click.echo(f"the Optuna mirror is behind ({outcome.mirror}); `dashboard` brings it up to date", err=True)
    if outcome.interrupted:
        raise StudyInterrupted(f"study {study.name!r} was ended by {outcome.interrupted}; the same command goes on")
    if outcome.failed:
        first = outcome.failed[0]
        raise TrialsFailed(
            f"{len(outcome.failed)} trial{'s' if len(outcome.failed) > 1 else ''} of study {study.name!r} failed; "
            f"`python -m search show {study.name!r} {first}` tells why, the same command tries again"
        )


@cli.command()
@click.argument("study")
@places
def report(study: str, results: str, storage: str | None) -> None:
    """Write a study's results anew from the database, and print its comparison table.

    Example: python -m search report focal
    """
    from search import api

    opened = api.open_study(study, results=results, storage=storage)
    for path in opened.write():
        click.echo(path)
    print_table(opened)


@cli.command()
@click.argument("study")
@places
@click.option("--what", type=click.Choice(SUBJECTS), default="table", show_default=True)
@click.option("--predictions", "what", flag_value="predictions", help="Short for --what predictions --format parquet.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="By default from -o, else md or csv.")
@click.option("-o", "--output", metavar="FILE", help="By default in the study's folder.")
def export(study: str, results: str, storage: str | None, what: str, format_: str | None, output: str | None) -> None:
    """Write one table of a study to a file.

    Example: python -m search export focal --predictions
    """
    from search import api
    from search import report as room

    opened = api.open_study(study, results=results, storage=storage)
    if format_ is None:
        ending = Path(output).suffix.lstrip(".") if output else ""
        format_ = ending or {"table": "md", "predictions": "parquet"}.get(what, "csv")
    path = Path(output) if output else opened.folder / f"{what}.{format_}"
    room.export(opened.ledger, opened.record, opened.space, what, format_, path)
    click.echo(path)


@cli.command("list")
@places
def list_(results: str, storage: str | None) -> None:
    """List the studies of the ledger.

    Example: python -m search list
    """
    from search import api
    from search import report as room

    console().print(room.study_list(api.open_ledger(Path(results), storage)))


@cli.command()
@click.argument("study")
@click.argument("trial", required=False, type=int)
@places
def show(study: str, trial: int | None, results: str, storage: str | None) -> None:
    """Show a study, or one trial of it: parameters, how it ended, its error.

    Example: python -m search show focal 3
    """
    from search import api
    from search import report as room

    opened = api.open_study(study, results=results, storage=storage)
    if trial is None:
        console().print(room.show_study(opened.ledger, opened.record, opened.space))
    else:
        console().print(room.show_trial(opened.ledger, opened.record, opened.space, trial))


@cli.command()
@places
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1.")
def dashboard(results: str, storage: str | None, port: int) -> None:
    """Serve the Optuna dashboard on 127.0.0.1, from the mirror, which is brought up to date first.

    Example: python -m search dashboard
    """
    from search import api
    from search import dashboard as room

    ledger = api.open_ledger(Path(results), storage)
    room.serve(ledger, api.mirror_url(Path(results)), port, click.echo)


def overrides(data: str | None, sets: Sequence[str]) -> dict[str, str]:
    """Return ``--data`` and ``--set`` as key -> text."""
    result = {} if data is None else {"data": data}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UserError(f"--set {text!r}: write --set key=value, for example --set epochs=3")
        result[key.strip()] = value
    return result


def print_table(study: Any) -> None:
    """Print a study's comparison table to the terminal."""
    from search import report as room

    console().print(room.table_rich(room.comparison_table(study.ledger, study.record, study.space)))


def console() -> Console:
    """Return where tables go: as wide as the terminal, or as wide as they are."""
    return Console() if sys.stdout.isatty() else Console(width=200)
