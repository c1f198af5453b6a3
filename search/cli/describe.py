"""The verb that looks at models before anything runs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from search.cli.options import json_option, overrides, print_json, print_tables
from search.core.errors import UserError


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--size", metavar="PX", help="Width and height of the images; by default 224.")
@click.option("--classes", metavar="N", help="Number of classes; by default 102.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of the models; repeatable.")
@click.option("--workload", default="classifier", show_default=True, metavar="NAME", help="The workload they are of.")
@json_option
def describe(
    models: Sequence[str],
    size: str | None,
    classes: str | None,
    sets: Sequence[str],
    workload: str,
    as_json: bool,
) -> None:
    """Print a model's layers: sizes, parameters, multiply-adds. Several models are compared.

    Example: python -m search describe resnet18 --size 224 --classes 102
    """
    from search.workload import Describing, TellingLayers, load_workload

    described = load_workload(workload)
    if not isinstance(described, Describing):
        raise UserError(f"workload {workload!r} cannot describe its models: it has no method describe(names, options)")
    if as_json and not isinstance(described, TellingLayers):
        raise UserError(f"workload {workload!r} describes its models as text alone: leave out --json")
    given = {"size": size, "classes": classes}
    options = {**{name: text for name, text in given.items() if text is not None}, **overrides(None, sets)}
    try:
        if as_json and isinstance(described, TellingLayers):
            print_json({"models": described.layers(models, options)})
            return
        text = described.describe(models, options)
    except ValueError as error:
        if not hasattr(error, "faults"):
            raise
        raise UserError("\n".join(f"{name}: {reason}" for name, reason in error.faults)) from error
    print_tables(text)
