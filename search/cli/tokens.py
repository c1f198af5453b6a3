"""The verbs that say who may use a server, in the ledger's database: `server token add`, `list`, `revoke`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import console, places, say

if TYPE_CHECKING:
    from search.ledger.tokens import Tokens

ROLES = ("viewer", "runner", "admin")


@click.group()
def token() -> None:
    """Say who may use a server. The machine must reach its database.

    Example: python -m search server token add ann --role runner
    """


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="Reads; submits and stops; deletes as well.")
@places
def add(name: str, role: str, results: str, storage: str | None) -> None:
    """Make a token for a person, and print it, once. Only a hash of it is kept.

    Example: python -m search server token add ann --role runner
    """
    from search.service.people import owner

    made = _tokens(results, storage).add(name, role, owner().name)
    click.echo(made)
    say(f"this is shown once; {name} enters it at the page /enter, or sets SEARCH_TOKEN", err=True)


@token.command("list")
@places
def list_(results: str, storage: str | None) -> None:
    """List who has a token, or had one.

    Example: python -m search server token list
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("name", "role", "made (UTC)", "by", "revoked (UTC)"):
        table.add_column(head)
    for found in _tokens(results, storage).all():
        table.add_row(found.name, found.role, found.made[:16], found.who, found.revoked[:16])
    console().print(table)


@token.command()
@click.argument("name")
@places
def revoke(name: str, results: str, storage: str | None) -> None:
    """Take the rights of a token away, from now on.

    Example: python -m search server token revoke ann
    """
    from search.service.people import owner

    _tokens(results, storage).revoke(name, owner().name)
    click.echo(f"the token of {name} is no longer valid")


def _tokens(results: str, storage: str | None) -> Tokens:
    from search.ledger.tokens import Tokens
    from search.places import open_ledger

    return Tokens(open_ledger(Path(results), storage).engine)
