"""The verb that checks published figures by arithmetic."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from search.cli.options import say
from search.core.errors import Fault, Faults, FlawsFound
from search.core.shown import counted
from search.system import streams


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def audit(files: Sequence[str], as_json: bool) -> None:
    """Check the published figures of space files: which cannot be, and what they are too few to show.

    Nothing is run and no image is read. Ends with exit code 1 where a figure is arithmetically impossible.

    Example: python -m search audit spaces/*.yaml
    """
    from search.audit.audit import audit as check
    from search.space.reader import read_space

    faults: list[Fault] = []
    spaces = []
    for file in dict.fromkeys(files):
        try:
            spaces.append(read_space(file))
        except Faults as error:
            faults += list(error.faults)
    audited = check(spaces)
    if as_json:
        rows = [
            {"file": one.file, "figures": one.figures, "findings": [finding.plain() for finding in one.findings]}
            for one in audited
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=not streams.unicode()))
    else:
        for one in audited:
            for finding in one.findings:
                say(str(finding))
    flaws = sum(len(one.flaws) for one in audited)
    notes = sum(len(one.findings) for one in audited) - flaws
    figures = sum(one.figures for one in audited)
    checked = f"{counted(len(audited), 'file')}, {counted(figures, 'published figure')}"
    summary = f"{checked}: {counted(flaws, 'flaw')}, {counted(notes, 'note')}"
    if faults:
        if audited:
            say(summary, err=as_json)
        raise Faults(faults)
    if flaws:
        raise FlawsFound(summary)
    say(summary, err=as_json)
