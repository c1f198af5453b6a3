"""The verb that serves agents."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import places, say


@click.command()
@places
@click.option(
    "--url",
    metavar="URL",
    envvar="SEARCH_SERVER",
    help="Work at the server of this address, not here; by default the variable SEARCH_SERVER, where it is set.",
)
@click.option("--slots", type=click.IntRange(1, 64), default=1, show_default=True, help="Studies that run at once.")
@click.option(
    "--allow-code",
    is_flag=True,
    help="Take files that name code (package.module:attribute, or `command`), not installed workloads alone.",
)
def mcp(results: str, storage: str | None, url: str | None, slots: int, allow_code: bool) -> None:
    """Give an agent tools to check, price, queue and judge studies. They speak the Model Context Protocol over standard
    input and output; see docs/how-to/agents.md.

    Without --url the studies that it submits are run from here, or by the server that works on the same queue.

    Example: python -m search mcp --results results
    """
    from search.service.agents import serving

    serving.require_packages()
    if url is not None:
        serving.serve_far(url)
        return
    from search import api
    from search.service.folder import Places

    place = Path(results).absolute()
    ledger = api.open_ledger(place, storage)
    serving.serve_near(ledger, Places(place, storage), slots, allow_code, lambda text: say(text, err=True))
