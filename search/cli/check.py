"""Verbs that read files and run nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.options import overrides, print_json, say, setting_options
from search.core.errors import Fault, Faults, UserError
from search.core.shown import called, one_line

if TYPE_CHECKING:
    from search.space.model import Space

PRESENT = ""
"""What ``--data`` holds where no name follows it."""


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--data",
    metavar="[NAME]",
    is_flag=False,
    flag_value=PRESENT,
    help="Check the data as well; with a name, another data set or a folder of images. FILEs may be left out.",
)
@click.option(
    "--write-groups",
    "groups",
    metavar="FILE",
    help="With --data: write images that look alike to a CSV file, which the setting `data.groups` takes.",
)
@setting_options
@click.option("--workload", default="classifier", show_default=True, help="Whose data, where no FILE names it.")
@click.option("--json", "as_json", is_flag=True, help="Faults, and what sound files say, as JSON.")
def check(
    files: Sequence[str], data: str | None, groups: str | None, sets: Sequence[str], workload: str, as_json: bool
) -> None:
    """Report every fault of space files, with file, line and key. Nothing is run.

    With --data, the images as well: what there is of each class, and what is odd or cannot be read.

    Example: python -m search check spaces/*.yaml
    """
    from search.space.reader import read_space, space_from_mapping

    if data and Path(data).is_file():  # `--data FILE`: the name was left out, not the file
        files, data = [data, *files], PRESENT
    if not files and data is None:
        raise click.UsageError("Missing argument 'FILE...'; without one, --data [NAME] checks a data set.")
    if groups is not None and (data is None or len(files) > 1):
        raise click.UsageError("--write-groups FILE goes with --data and at most one space file.")
    changed = overrides(data or None, sets)
    if as_json:
        if data is not None or groups is not None:
            raise click.UsageError("--json is for space files; leave out --data and --write-groups")
        _as_json(files, changed)
        return
    faults: list[Fault] = []
    told: dict[tuple[str, ...], str] = {}
    dataless: set[str] = set()
    if not files:
        bare = {"workload": workload, "fixed": {"epochs": 1}, "space": {}}
        _data(space_from_mapping(bare, "data", changed), "", told, groups)
    for file in files:
        try:
            space = read_space(file, changed)
            trials = (space.search.trials or space.grid_size()) * len(space.seeds)
            say(f"{file}: sound; {space.search.sampler}, {trials} trial{'' if trials == 1 else 's'}")
            if left_out := space.left_out():
                say(f"  {left_out}")
            for note in space.notes:
                say(f"  note: {note}")
            _dataless(space.workload, dataless)
            if data is not None:
                _data(space, file, told, groups)
        except Faults as error:
            faults += list(error.faults)
    if faults:
        raise Faults(faults)


def _as_json(files: Sequence[str], changed: Mapping[str, str]) -> None:
    """Print one object per file: its faults, or what it says.

    Raises:
        Faults: of all files.
    """
    from search.space.reader import read_space

    told: list[dict[str, object]] = []
    faults: list[Fault] = []
    for file in files:
        try:
            told.append({"file": file, "faults": [], **read_space(file, changed).summary()})
        except Faults as error:
            faults += list(error.faults)
            told.append({"file": file, "faults": [vars(fault) for fault in error.faults]})
    print_json(told)
    if faults:
        raise Faults(faults)


def _dataless(name: str, told: set[str]) -> None:
    """Say that a workload describes no data, once, where that is known without reading any.

    Args:
        name: of the workload, in the space file.
        told: names of which it was said already; receives this one.
    """
    from search.workload import Workload, load_workload

    if name not in told and getattr(type(load_workload(name)), "data", None) is Workload.data:
        from search.study.cards import unnoticed

        told.add(name)
        say(f"  note: {unnoticed(name)}")


def _data(space: Space, file: str, told: dict[tuple[str, ...], str], groups: str | None) -> None:
    """Print what the workload says of the data that the first configuration of a space uses.

    Args:
        space: a sound space.
        file: the file it was read from, empty where there is none.
        told: lines that were printed already, and for which file; receives these.
        groups: file that images which look alike are written to, None for none.

    Raises:
        UserError: the data cannot be used, or the workload checks none.
    """
    from search.space.addressed import addressed
    from search.space.reading import read_all
    from search.space.service import SERVICE_SETTINGS
    from search.workload import CheckingData, WritingGroups, load_workload

    workload = load_workload(space.workload)
    if not isinstance(workload, CheckingData):
        raise UserError(f"workload {called(space.workload)!r} checks no data: it has no method check_data(fixed)")
    settings = {name: value for name, value in space.settings(space.example()).items() if name not in SERVICE_SETTINGS}
    try:
        with addressed(space):
            fixed, _ = workload.schedule(workload.canonical(settings), 1)
            lines = tuple(workload.check_data(fixed))
            if groups is not None:
                if not isinstance(workload, WritingGroups):
                    raise UserError(
                        f"workload {called(space.workload)!r} writes no groups: it has no method write_groups"
                    )
                lines = (*lines, *workload.write_groups(fixed, groups))
    except Faults as error:
        if file:
            raise
        raise UserError("\n".join(f"{fault.key or fault.file}: {fault.message}" for fault in error.faults)) from error
    if lines in told:
        say(f"  data as for {told[lines]}")
        read_all(space, workload)
        return
    told[lines] = file
    for line in map(one_line, lines):
        say(f"  {line}" if file else line)
    if file:
        read_all(space, workload)


@click.command()
@click.argument("workload", default="classifier", metavar="[WORKLOAD]")
def schema(workload: str) -> None:
    """Print the JSON Schema of space files, for editors. It has the settings of a workload, to complete from.

    Example: python -m search schema > space.schema.json
    """
    from search.space.schema import schema as make
    from search.workload import load_workload

    click.echo(json.dumps(make(load_workload(workload)), indent=2))
