"""The verb that frees room."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import json_option, places, print_json, say


@click.command()
@places
@click.option("--states", is_flag=True, help="Free all saved states; rows and tables stay.")
@click.option(
    "--alarms",
    is_flag=True,
    help="Share again where a proof failed: it is proven anew, and rows that were withdrawn are trained anew.",
)
@json_option
def clean(results: str, storage: str | None, states: bool, alarms: bool, as_json: bool) -> None:
    """Free files that nothing names; no row is deleted. They are of workers and drivers that were killed, and of their
    Rays.

    Without states nothing is lost but time: what branches off is trained again from its first epoch.

    Example: python -m search clean --states
    """
    from search import api
    from search.engine.executor.folders import sweep

    ledger = api.existing_ledger(Path(results), storage, reading=False)
    swept = sweep()
    count, size = ledger.states.clean(everything=states, age=0.0 if alarms else 600.0)
    kept, room = ledger.states.size()
    cleared = ledger.trust_again() if alarms else 0
    if as_json:
        freed = {"files": count, "bytes": size}
        left = {"states": kept, "bytes": room}
        print_json({"folders_removed": swept, "freed": freed, "kept": left, "alarms_cleared": cleared})
        return
    if swept:
        say(f"removed {swept} folder{'' if swept == 1 else 's'} of runs that are gone, with what Ray left in them")
    say(f"freed {count} file{'' if count == 1 else 's'}, {size / 1e6:.1f} MB")
    say(f"kept: {kept} state{'' if kept == 1 else 's'}, {room / 1e6:.1f} MB")
    if alarms:
        say(f"alarms cleared: {cleared}")
