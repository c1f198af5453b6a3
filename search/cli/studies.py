"""Verbs that read what was run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.options import console, json_option, places, print_json, print_report, print_table, say
from search.core.errors import ReadOnly
from search.core.shown import shell_word

if TYPE_CHECKING:
    from search.api import Study
    from search.study.opened import OpenStudy

SUBJECTS = ("table", "trials", "epochs", "decisions", "predictions")
FORMATS = ("md", "csv", "tex", "html", "xlsx", "json", "parquet")
CALLED = {"markdown": "md", "latex": "tex", "htm": "html", "excel": "xlsx"}
"""Another name that people know a format by -> its own."""


class _Format(click.Choice[str]):
    """One of `FORMATS`, under any of its names."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(CALLED.get(str(value).lower(), value), param, ctx)


@click.command()
@click.argument("study")
@places
@click.option("--json", "as_json", is_flag=True, help="The table and what may be concluded as JSON.")
def report(study: str, results: str, storage: str | None, as_json: bool) -> None:
    """Write a study's results anew, and print its comparison table. All of it is read from the database.

    Where the folder cannot be written to, the table is printed alone.

    Example: python -m search report focal
    """
    opened = _open(study, results, storage)
    _report(opened, True, as_json)
    if opened.confirmed is not None:  # whose table the page of the search has read
        _report(opened.confirmed, False, as_json)
    if as_json:
        print_json(opened.plain())


def _open(study: str, results: str, storage: str | None) -> Study:
    """Open a study to read it, and say where a later revision of it was made."""
    from search import api
    from search.study.revision import latest_revision

    opened = api.open_study(study, results=results, storage=storage)
    latest, record = latest_revision(opened.ledger, opened.record), opened.record
    if latest.revision > record.revision:
        made = f"made {latest.created[:10]}; its name is {shell_word(latest.name)}"
        say(
            f"note: this is revision {record.revision} of {record.base_name}; the latest is {latest.revision}, {made}",
            err=True,
        )
    return opened


def _report(study: Study, again: bool, silent: bool) -> None:
    """Write one study's results where that is allowed, and print its table."""
    remarks, paths = [], []
    try:
        paths = study.write(again)
    except ReadOnly as error:
        database = shell_word(study.ledger.storage)
        remarks.append(f"{error.reason}; --results FOLDER --storage {database} writes elsewhere")
    if not silent:
        print_table(study)
    if paths and not silent:
        *beside, page = paths
        print_report(page)
        say(f"beside it: {', '.join(path.name for path in beside)}")
    for line in (*remarks, study.unrecorded):
        if line:
            say(line, err=True)


@click.command()
@click.argument("study")
@click.argument("trial", required=False, type=int)
@places
@click.option("--what", type=click.Choice(SUBJECTS), help="By default the table.")
@click.option("--predictions", "what", flag_value="predictions", help="Short for --what predictions --format parquet.")
@click.option("--format", "format_", type=_Format(FORMATS), help="By default from -o, else md or csv.")
@click.option("-o", "--output", metavar="FILE", help="By default in the study's folder.")
@click.option("--weights", metavar="FILE", help="The weights of TRIAL, as FILE.safetensors or FILE.pt.")
@click.option("--epoch", type=int, help="With --weights: after this epoch; by default the one the table reads.")
def export(
    study: str,
    trial: int | None,
    results: str,
    storage: str | None,
    what: str | None,
    format_: str | None,
    output: str | None,
    weights: str | None,
    epoch: int | None,
) -> None:
    """Write a table of a study to a file, or the weights of a trial.

    Weights are those of TRIAL, by default of the finished one with the best objective. Where no state of that epoch is
    kept, it is trained again, here, and must equal the record.

    Example: python -m search export focal --predictions
    """
    _check_export(weights, {"TRIAL": trial, "--epoch": epoch}, {"--what": what, "--format": format_, "-o": output})
    opened = _open(study, results, storage)
    if weights is not None:
        click.echo(opened.weights(weights, trial, epoch=epoch, say=lambda text: click.echo(text, err=True)).path)
        return
    from search.report import results as room

    what = what or "table"
    if format_ is None:
        ending = Path(output).suffix.lstrip(".") if output else ""
        format_ = CALLED.get(ending, ending) or {"table": "md", "predictions": "parquet"}.get(what, "csv")
    path = Path(output) if output else opened.folder / f"{what}.{format_}"
    room.export(opened.opened, what, format_, path)
    click.echo(path)


def _check_export(weights: str | None, of_weights: Mapping[str, object], of_tables: Mapping[str, object]) -> None:
    """Refuse what says nothing of what is exported.

    Raises:
        click.UsageError: it names what to leave out.
    """
    idle = [name for name, value in (of_tables if weights is not None else of_weights).items() if value is not None]
    if idle and weights is not None:
        raise click.UsageError(f"--weights writes no table; leave out {' and '.join(idle)}, or --weights")
    if idle:
        raise click.UsageError(f"{' and '.join(idle)}: for weights alone; add --weights FILE")


@click.command("list")
@places
@json_option
def list_(results: str, storage: str | None, as_json: bool) -> None:
    """List the studies of the ledger.

    Example: python -m search list
    """
    from search import api
    from search.report import plain_views, views

    ledger = api.existing_ledger(Path(results), storage)
    if as_json:
        print_json(plain_views.studies(ledger))
        return
    console().print(views.study_list(ledger))


@click.command()
@click.argument("study")
@click.argument("trial", required=False, type=int)
@places
@json_option
def show(study: str, trial: int | None, results: str, storage: str | None, as_json: bool) -> None:
    """Show a study or a trial: parameters, how it ended, its error. Of a sequence of changes, show its proposals.

    Example: python -m search show focal 3
    """
    from search.core.sequences import sequence_of
    from search.report import plain_views, views

    opened = _open(study, results, storage)
    # What a sequence came to is read by statistics, which a look at any other study does not load.
    if trial is None and sequence_of(opened.opened.record.name) and _show_sequence(opened.opened, as_json):
        return
    if as_json:
        print_json(plain_views.study(opened.opened) if trial is None else plain_views.trial(opened.opened, trial))
    elif trial is None:
        console().print(views.show_study(opened.opened))
    else:
        console().print(views.show_trial(opened.opened, trial))


def _show_sequence(study: OpenStudy, as_json: bool) -> bool:
    """Show the proposals of a sequence of changes; return whether the study is one."""
    from search.judge.shown import history_of, plain_sequence, show_sequence
    from search.report import plain_views

    sequence = history_of(study)
    if sequence is None:
        return False
    if as_json:
        print_json({**plain_views.study(study), "proposals": plain_sequence(study, sequence)})
    else:
        console().print(show_sequence(study, sequence))
    return True


@click.command()
@places
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option("--no-pictures", is_flag=True, help="Draw no pictures of studies and their best trials.")
def dashboard(results: str, storage: str | None, port: int, no_pictures: bool) -> None:
    """Serve studies and Optuna's dashboard, to be read alone. The address is 127.0.0.1; the mirror is brought up to
    date first.

    Each study's note leads to its report, which is served beside it. Pictures of the studies and of their best trials
    are drawn while it answers already.

    Example: python -m search dashboard
    """
    from search import api
    from search.service import server

    given = Path(results)
    ledger = api.existing_ledger(given, storage)
    with server.place_for(given) as place:
        if place != given:
            click.echo(f"{given} cannot be written to: mirror, pictures and missing reports go to a temporary folder")
        server.serve(ledger, api.mirror_url(place), port, click.echo, place, not no_pictures, given)
