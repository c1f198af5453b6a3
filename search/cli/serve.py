"""The verb that serves: a queue of studies, its pages, and REST."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from search.cli.notify import announcing, notify_option
from search.cli.options import places
from search.cli.tokens import ROLES


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
    "--release-above",
    type=click.FloatRange(min=0),
    metavar="CORE_HOURS",
    help="A study that costs more waits until an admin releases it; an admin's own does not wait.",
)
@click.option(
    "--allow-code",
    is_flag=True,
    help="Take files that name code (package.module:attribute, or `command`), not installed workloads alone.",
)
@click.option("--name", "names", multiple=True, metavar="HOST", help="Another name it is reached by; repeatable.")
@click.option("--https", is_flag=True, help="A reverse proxy in front of it speaks https: cookies are for that alone.")
@click.option("--user-header", metavar="NAME", help="Header in which a reverse proxy says who asks; off by default.")
@click.option(
    "--trusted-proxy",
    "trusted",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network from which --user-header is believed; repeatable.",
)
@click.option(
    "--user-role",
    type=click.Choice(ROLES),
    default="viewer",
    show_default=True,
    help="What people may whom the proxy names and who have no token of that name.",
)
@notify_option
def serve(
    results: str,
    storage: str | None,
    host: str,
    port: int,
    slots: int,
    release_above: float | None,
    allow_code: bool,
    names: Sequence[str],
    https: bool,
    user_header: str | None,
    trusted: Sequence[str],
    user_role: str,
    notify: Sequence[str],
) -> None:
    """Serve a queue of studies: submit, watch, stop, go on, read. All is at one address; see docs/how-to/serve.md.

    Each study runs as a process of its own, which goes on when the server ends; the next server takes it over.

    Example: python -m search serve
    """
    from search import api
    from search.service import serving
    from search.service.folder import Places
    from search.service.proxy import proxy_of

    proxy = proxy_of(user_header, trusted, user_role)
    place = Path(results)
    ledger = api.open_ledger(place, storage)
    with announcing(notify, ledger, place):
        serving.serve(
            ledger,
            Places(place, storage),
            host,
            port,
            slots,
            allow_code,
            click.echo,
            names=names,
            secure=https,
            proxy=proxy,
            release_above=release_above,
        )
