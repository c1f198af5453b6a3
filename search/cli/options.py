"""What verbs share: options, and where tables are printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console

from search.core.errors import UserError

Command = Callable[..., Any]


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


setting_options = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a setting or a key of the file; repeatable."
)


def changes(command: Command) -> Command:
    """Add the options that change a space file for one command."""
    data = click.option("--data", metavar="NAME", help="Another data set, or a folder of images.")
    return data(setting_options(command))


def overrides(data: str | None, sets: Sequence[str]) -> dict[str, str]:
    """Return ``--data`` and ``--set`` as key -> text."""
    result: dict[str, str] = {}
    if data is not None:
        from search.space.overrides import DataName

        result["data"] = DataName(data)
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UserError(f"--set {text!r}: write --set key=value, for example --set epochs=3")
        result[key.strip()] = value
    return result


def print_table(study: Any) -> None:
    """Print a study's comparison table to the terminal: the one that it wrote, where it did."""
    from search.report.formats.render import table_rich
    from search.report.table.build import comparison_table

    table = study.written or comparison_table(study.opened)
    console().print(table_rich(table))


def console() -> Console:
    """Return where tables go: as wide as the terminal, or as wide as they are."""
    return Console() if sys.stdout.isatty() else Console(width=200)
