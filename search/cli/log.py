"""The verb that writes a study for other people's trackers, and the option by which `run` does."""

from __future__ import annotations

from collections.abc import Sequence

import click

from search.cli.options import places, say

TRACKERS = ("tensorboard", "mlflow", "wandb")
"""Written out: `search.logs` would be imported for every verb's help."""


@click.command()
@click.argument("study")
@places
@click.option(
    "--to",
    "trackers",
    type=click.Choice(TRACKERS),
    multiple=True,
    required=True,
    help="Who reads it; repeatable.",
)
def log(study: str, results: str, storage: str | None, trackers: Sequence[str]) -> None:
    """Write a study for TensorBoard, MLflow or Weights & Biases. Its curves, parameters and tables are read from the
    database.

    What was written before and did not change is left alone. Nothing is sent over the network, but to an MLflow server
    that MLFLOW_TRACKING_URI names.

    Example: python -m search log focal --to tensorboard
    """
    from search import api

    opened = api.open_study(study, results=results, storage=storage)
    for line in opened.log(*trackers):
        click.echo(line)
    opened.look()  # a tracker shows the comparison table
    if opened.unrecorded:
        say(opened.unrecorded, err=True)
