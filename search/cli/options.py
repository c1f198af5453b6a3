"""What verbs share: options, and where tables are printed."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from search.core.errors import UserError
from search.system import streams

Command = Callable[..., Any]

RESULTS = "results"
"""Folder of ledger, mirror and studies, where no other is named."""

LOG_COLUMNS = 100
"""Width of tables where no terminal has one."""


def places(command: Command) -> Command:
    """Add the options that say where things are kept."""
    storage = click.option("--storage", metavar="URL", help="Database of the ledger; by default RESULTS/search.db.")
    command = storage(command)
    return click.option(
        "--results",
        default=RESULTS,
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


def say(text: str, err: bool = False) -> None:
    """Print lines for people, broken at words where they go to a terminal."""
    click.echo(streams.wrapped(text, sys.stderr if err else sys.stdout), err=err)


json_option = click.option("--json", "as_json", is_flag=True, help="The same as JSON.")


def print_json(content: object) -> None:
    """Print plain data as JSON, in letters that the standard output can hold."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=not streams.unicode(), allow_nan=False))


def print_table(study: Any) -> None:
    """Print a study's comparison table to the terminal: the one that it wrote, where it did."""
    from search.report.formats.comparison import Comparison
    from search.report.table.build import comparison_table

    console().print(Comparison(study.written or comparison_table(study.opened)))


def print_tables(text: str) -> None:
    """Print text that holds tables under lines of hyphens; on a terminal that is narrower, as far as they fit."""
    width = streams.terminal_columns(sys.stdout) if sys.stdout.isatty() else 0
    if not width or max(map(len, text.splitlines()), default=0) <= width:
        click.echo(text)
        return
    from search.report.formats.ruled import blocks

    for block in blocks(text):
        if isinstance(block, str):
            say(block)
        else:
            console().print(block)


def console() -> Console:
    """Return where tables go: as wide as the terminal, or as ``COLUMNS`` says; logs and pipes are as wide as people
    read."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return Console()
    return Console(width=LOG_COLUMNS)


def print_report(page: Path) -> None:
    """Print where a study's page is, and what it has that a terminal left out."""
    click.echo(f"report: {page} (all columns, notes and figures)")


def print_next(name: str, results: str, storage: str | None) -> None:
    """Print commands that a person may want behind a run, with what each shows."""
    places = f" --results {shlex.quote(results)}" * (results != RESULTS)
    places += f" --storage {shlex.quote(storage)}" if storage else ""
    verbs = {
        f"show {shlex.quote(name)}": "its trials, and how each ended",
        f"visualize {shlex.quote(name)}": "its best trial in pictures",
        "dashboard": "all studies, in a browser",
    }
    width = streams.terminal_columns(sys.stdout) if sys.stdout.isatty() else LOG_COLUMNS
    for place, (verb, what) in enumerate(verbs.items()):
        command = f"{'next:' if place == 0 else '':5} python -m search {verb}{places}"
        one_line = len(command) + len(what) + 4 <= width
        click.echo(f"{command}  ({what})" if one_line else f"{command}\n{'':8}({what})")  # a command stays whole
