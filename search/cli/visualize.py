"""The verb that looks inside a trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from search.cli.options import places


@click.command()
@click.argument("study")
@click.argument("trial", required=False, type=int)
@places
@click.option("--filter", "filters", multiple=True, metavar="LAYER:INDEX", help="A filter to draw; repeatable.")
@click.option("--epoch", type=int, help="Its state after this epoch; by default the one the study's table reads.")
@click.option("--recorded", is_flag=True, help="Only what is on record: no features and filters, nothing is trained.")
@click.option("-o", "--output", metavar="FOLDER", help="By default figures/ in the study's folder.")
def visualize(
    study: str,
    trial: int | None,
    results: str,
    storage: str | None,
    filters: Sequence[str],
    epoch: int | None,
    recorded: bool,
    output: str | None,
) -> None:
    """Draw a trial as HTML and PNG: curves, learning rate, confusion matrix, t-SNE of its features, its filters.

    Without TRIAL, of the finished ones the one with the best objective. Features and filters need the trial's state:
    it is trained again, here.

    Example: python -m search visualize focal 3 --filter block1.conv1:0
    """
    from search import api

    opened = api.open_study(study, results=results, storage=storage)
    drawn = opened.visualize(
        trial,
        folder=Path(output) if output else None,
        filters=filters,
        epoch=epoch,
        recorded=recorded,
        say=lambda text: click.echo(text, err=True),
    )
    for path in drawn.files:
        click.echo(path)
    for remark in drawn.remarks:
        click.echo(remark, err=True)
