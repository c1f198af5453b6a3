"""The verb that begins with a space file that is shipped."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("name", required=False)
@click.option("--folder", default=".", show_default=True, metavar="FOLDER", help="Where the files are written.")
def init(name: str | None, folder: str) -> None:
    """Write a shipped space file, and the base it extends, into a folder; without a NAME list what there is.

    No file is overwritten.

    Example: python -m search init focal
    """
    from search.space.shipped import copy_shipped, shipped_spaces

    if name is None:
        names = shipped_spaces()
        width = max(map(len, names), default=0)
        for each, line in names.items():
            click.echo(f"{each:{width}}  {line}")
        return
    paths = copy_shipped(name, Path(folder))
    for path in paths:
        click.echo(f"{path}")
    click.echo(f"next: python -m search plan {shlex.quote(str(paths[0]))}")
