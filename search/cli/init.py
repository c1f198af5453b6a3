"""The verb that begins with a space file: one that is shipped, or one for somebody's own images."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from search.cli.options import console
from search.core.errors import UserError
from search.core.shown import printable

OWN_IMAGES = "your own images: python -m search init --data FOLDER"


@click.command()
@click.argument("name", required=False)
@click.option("--data", metavar="NAME", help="A data set known by name, or a folder of images, to write a file for.")
@click.option("--folder", default=".", show_default=True, metavar="FOLDER", help="Where the files are written.")
def init(name: str | None, data: str | None, folder: str) -> None:
    """Write a space file to begin with, and the base it extends. Without a NAME, list what there is.

    With --data, look at these images and write a commented file that fits them: their size, classes and batches, and as
    many epochs as some ten minutes hold, by a few steps that are timed. No file is overwritten.

    Example: python -m search init --data path/to/images
    """
    if data is not None:
        if name is not None:
            raise UserError(
                f"init {name} --data {data}: found both a shipped file and data; leave out {name!r} for a file of your "
                f"own, or write `python -m search init {name}` and then `python -m search run {name}.yaml --data ...`"
            )
        from search.space.first import write_first

        click.echo(f"looking at {printable(data)}, and timing a few steps of training", err=True)
        _told([write_first(data, Path(folder))])
        return
    from search.report.formats.terminal import Facts
    from search.space.shipped import copy_shipped, shipped_spaces

    if name is None:
        names = shipped_spaces()
        console().print(Facts(names))
        click.echo(OWN_IMAGES)
        return
    _told(copy_shipped(name, Path(folder)))


def _told(paths: list[Path]) -> None:
    for path in paths:
        click.echo(f"{path}")
    click.echo(f"next: python -m search plan {shlex.quote(str(paths[0]))}")
