"""The verb that draws: one trial, or a whole study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from search.cli.options import places, say


@click.command()
@click.argument("study")
@click.argument("trial", required=False, type=int)
@places
@click.option("--study", "whole", is_flag=True, help="The whole study in place of a trial: its settings compared.")
@click.option("--filter", "filters", multiple=True, metavar="LAYER:INDEX", help="A filter to draw; repeatable.")
@click.option("--epoch", type=int, help="Its state after this epoch; by default the one the study's table reads.")
@click.option("--recorded", is_flag=True, help="Only what is on record: no features and filters, nothing is trained.")
@click.option("-o", "--output", metavar="FOLDER", help="By default figures/ in the study's folder.")
def visualize(
    study: str,
    trial: int | None,
    results: str,
    storage: str | None,
    whole: bool,
    filters: Sequence[str],
    epoch: int | None,
    recorded: bool,
    output: str | None,
) -> None:
    """Draw a trial: its curves, confusion matrix, features, filters. All as HTML and PNG; of features a t-SNE.

    Without TRIAL, of the finished ones the one with the best objective. Features and filters need the trial's state:
    it is trained again, here.

    With --study, the study as a whole, from what is on record: settings laid over one another, confusion matrices and
    accuracies per class side by side, cost, searched axes, rungs, and what the trials share.

    Example: python -m search visualize focal 3 --filter block1.conv1:0
    """
    from search import api

    given = {"TRIAL": trial is not None, "--filter": bool(filters), "--epoch": epoch is not None}
    if whole and (odd := [name for name, there in given.items() if there]):
        raise click.UsageError(f"--study draws no single trial; leave out {' and '.join(odd)}, or --study")
    opened = api.open_study(study, results=results, storage=storage)
    place = Path(output) if output else None
    if whole:
        written = opened.draw(place)
        files, remarks = written.files, [written.remark] if written.remark else []
    else:
        drawn = opened.visualize(
            trial,
            folder=place,
            filters=filters,
            epoch=epoch,
            recorded=recorded,
            say=lambda text: say(text, err=True),
        )
        files, remarks = drawn.files, drawn.remarks
    for path in files:
        click.echo(path)
    for remark in remarks:
        say(remark, err=True)
