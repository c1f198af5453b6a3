"""The verb that tries whether a workload keeps its contract, before trials share epochs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from search.cli.options import changes, overrides, say
from search.core.errors import ContractBroken
from search.system import streams

EPOCHS_WITHOUT_FILE = 5
"""Epochs of a workload that is named without a file, where --set gives no other number."""


@click.command()
@click.argument("file")
@changes
@click.option("--thorough", is_flag=True, help="Prove every state that trials of the file's plan part behind.")
@click.option("--json", "as_json", is_flag=True, help="Print what was tried and found as JSON.")
def verify(file: str, data: str | None, sets: Sequence[str], thorough: bool, as_json: bool) -> None:
    """Try whether a workload keeps what sharing rests on. That is the same bits in any order and process.

    FILE is a space file, or package.module:attribute, with its settings by --set. A few epochs of the first
    configuration are trained: twice, behind others, from saved states, with each axis and the seed changed. Nothing is
    recorded. Ends with exit code 1 where the contract is broken.

    Example: python -m search verify spaces/focal.yaml
    """
    from search import api
    from search.proof import text

    given = overrides(data, sets)
    if ":" in file and not Path(file).exists() and not file.endswith((".yaml", ".yml")):
        space = api.load_space(_bare(file), given)
    else:
        space = api.load_space(file, given)
    tell = (lambda line: None) if as_json else say
    verified = api.verify(
        space,
        thorough=thorough,
        begun=lambda base: tell(text.heading(space.workload, base)),
        found=lambda finding: tell(text.lines(finding)),
        say=lambda line: say(line, err=True),
        fork=True,  # this process has computed nothing
    )
    if as_json:
        click.echo(json.dumps(verified.to_json(), indent=2, ensure_ascii=not streams.unicode()))
    tell(text.summary(verified))
    if verified.broken:
        raise ContractBroken(text.complaint(verified))


def _bare(name: str) -> dict[str, object]:
    """Return what a space file of a workload would say that leaves all to its defaults.

    Raises:
        UserError: there is no such workload.
    """
    from search.workload import Measuring, load_workload

    workload = load_workload(name)
    bare: dict[str, object] = {"workload": name, "fixed": {"epochs": EPOCHS_WITHOUT_FILE}, "space": {}}
    measured = workload.metrics if isinstance(workload, Measuring) else ()
    for metric in [each for each in measured if not each.startswith("test_")][:1]:  # any will do: nothing is searched
        bare["search"] = {"objective": {"metric": metric, "direction": "minimize"}}
    return bare
