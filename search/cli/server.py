"""The verbs of a server's client: submit, status, release, stop, wait, token."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from search.cli.options import console, json_option, print_json, say, setting_options
from search.cli.tokens import token
from search.core.errors import StudyInterrupted, TrialsFailed, UserError

if TYPE_CHECKING:
    from search.service.client import Client

WAIT_SPACING_S = 2.0
"""Seconds between two questions of `wait`."""


def _url(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--url",
        default="http://127.0.0.1:8642",
        show_default=True,
        metavar="URL",
        envvar="SEARCH_SERVER",
        help="The server; by default the variable SEARCH_SERVER, where it is set.",
    )(command)


@click.group()
def server() -> None:
    """Ask a server: submit a study, see the queue, stop, wait. It is one that `serve` started.

    Example: python -m search server submit spaces/focal.yaml
    """


@server.command()
@click.argument("file")
@click.option("--data", metavar="NAME", help="Another data set, or a folder of images on the server's machine.")
@setting_options
@click.option("--new-revision", is_flag=True, help="Start a new revision where machine, data or code have changed.")
@click.option("--judge", is_flag=True, help="Add seeds until its claims are decided, as the verb `judge` does.")
@click.option("--max-seeds", type=int, metavar="N", help="With --judge: seeds that are paid for at most.")
@json_option
@_url
def submit(
    file: str,
    data: str | None,
    sets: Sequence[str],
    new_revision: bool,
    judge: bool,
    max_seeds: int | None,
    as_json: bool,
    url: str,
) -> None:
    """Submit a space file, with those it extends. It goes to the end of the queue.

    Example: python -m search server submit spaces/focal.yaml
    """
    from search.service.client import files_of

    options: dict[str, object] = {"set": list(sets), "new_revision": new_revision, "judge": judge}
    if max_seeds is not None:
        options["max_seeds"] = max_seeds
    if data is not None:
        options["data"] = data
    entry = _client(url).ask("POST", "/entries", {"files": files_of(file), "options": options})
    if as_json:
        print_json(entry)
        return
    is_held = entry["phase"] == "waits for release"
    priced_first = "is being priced: above the server's bound it waits for release"
    click.echo(f"entry {entry['id']}: study {entry['name']} {priced_first if is_held else 'is in the queue'}")
    click.echo(f"next: python -m search server wait {entry['id']}")


@server.command()
@click.argument("entry", type=int, required=False)
@click.option("--limit", type=int, metavar="N", help="Entries that are listed at most, 1 to 200; by default 50.")
@click.option("--after", metavar="CURSOR", help="List the entries behind those of an earlier list, as that says.")
@json_option
@_url
def status(entry: int | None, limit: int | None, after: str | None, as_json: bool, url: str) -> None:
    """Show the queue, or one entry: how far it is.

    Entries that wait or run stand first, in the order of the queue; then those that ended, the last one first.

    Example: python -m search server status
    """
    page = {name: value for name, value in (("limit", limit), ("after", after)) if value is not None}
    if entry is not None and page:
        raise click.UsageError(f"{' and '.join(f'--{name}' for name in page)}: of the list; leave out ENTRY")
    asked = _client(url)
    path = f"/entries?{urlencode(page)}".rstrip("?") if entry is None else f"/entries/{entry}"
    answer = asked.ask("GET", path)
    if as_json:
        print_json(answer)
    elif entry is None:
        _print_queue(answer["entries"])
        if answer["next"] is not None:
            more = f" --limit {limit}" if limit is not None else ""
            click.echo(f"more: python -m search server status --after {answer['next']}{more}")
    else:
        click.echo(_sentence(answer))
        for line in answer["live"].get("comparison", []):
            click.echo(f"  {line['text']}")
        if shown := answer["live"].get("bar") or answer["live"].get("last"):
            click.echo(shown)


def _print_queue(entries: Sequence[dict[str, Any]]) -> None:
    if not entries:
        click.echo("The queue is empty.")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("entry", "study", "state", "who", "submitted (UTC)"):
        table.add_column(head, no_wrap=head != "study")
    for found in entries:
        state = found["outcome"] or found["phase"]
        table.add_row(str(found["id"]), found["name"], state, found["who"], found["submitted"][:16].replace("T", " "))
    console().print(table)


def _sentence(found: dict[str, Any]) -> str:
    state = found["outcome"] or found["phase"]
    said = f"; {found['said']}" if found["said"] else ""
    return f"entry {found['id']} ({found['study'] or found['name']}): {state}{said}"


@server.command()
@click.argument("entry", type=int)
@json_option
@_url
def stop(entry: int, as_json: bool, url: str) -> None:
    """Stop an entry, as Ctrl-C does. Epochs that are nearly done are waited for; a second time, it ends at once.

    Example: python -m search server stop 3
    """
    found = _client(url).ask("POST", f"/entries/{entry}/stop", {})
    if as_json:
        print_json(found)
    elif found["phase"] == "ended":
        click.echo(_sentence(found))
    else:
        click.echo(f"entry {entry} was asked to stop; `python -m search server wait {entry}` waits until it has")


@server.command()
@click.argument("entry", type=int)
@json_option
@_url
def release(entry: int, as_json: bool, url: str) -> None:
    """Release an entry that waits for an admin. It costs more than `serve --release-above` says.

    Example: python -m search server release 3
    """
    found = _client(url).ask("POST", f"/entries/{entry}/release", {})
    if as_json:
        print_json(found)
    else:
        click.echo(f"entry {entry}: study {found['name']} starts when its turn comes")


@server.command()
@click.argument("entry", type=int)
@click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="Give up after so long; by default never.")
@json_option
@_url
def wait(entry: int, timeout_s: float | None, as_json: bool, url: str) -> None:
    """Wait until an entry has ended, and exit as its command would. That is 0 done, 2 trials failed, 130 stopped, 1
    refused.

    Example: python -m search server wait 3
    """
    asked, until = _client(url), None if timeout_s is None else time.monotonic() + timeout_s
    last = ""
    while (answer := asked.ask("GET", f"/entries/{entry}"))["phase"] != "ended":
        told = answer["live"].get("bar") or answer["live"].get("last") or answer["said"] or answer["phase"]
        if told != last:
            last = told
            click.echo(told, err=as_json)
        if until is not None and time.monotonic() > until:
            raise UserError(f"entry {entry} is {answer['phase']} after {timeout_s:g} s; it goes on")
        time.sleep(WAIT_SPACING_S)
    text = _sentence(answer)
    if as_json:
        print_json(answer)
    kinds: dict[str, type[Exception]] = {"failed trials": TrialsFailed, "stopped": StudyInterrupted}
    if answer["outcome"] != "done":
        raise kinds.get(answer["outcome"], UserError)(text)
    say(text, err=as_json)


server.add_command(token)


def _client(url: str) -> Client:
    from search.service.client import Client

    return Client(url)
