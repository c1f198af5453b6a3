"""The verb that serves: a queue of studies, its pages, and REST."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import places


@click.command()
@places
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="Port to listen at.")
@click.option(
    "--slots",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Studies that run at once; by default one after the other.",
)
@click.option(
    "--allow-code",
    is_flag=True,
    help="Take files that name code (package.module:attribute, or `command`), not installed workloads alone.",
)
def serve(results: str, storage: str | None, host: str, port: int, slots: int, allow_code: bool) -> None:
    """Serve a queue of studies at one address: submit, watch, stop, go on, read. See docs/how-to/serve.md.

    Each study runs as a process of its own, which goes on when the server ends; the next server takes it over.

    Example: python -m search serve
    """
    from search import api
    from search.service import serving
    from search.service.folder import Places

    serving.require_packages()
    place = Path(results)
    ledger = api.open_ledger(place, storage)
    serving.serve(ledger, Places(place, storage), host, port, slots, allow_code, lambda text: click.echo(text))
