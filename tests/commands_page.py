"""Writes docs/reference/commands.md from the command line itself: python -m tests.commands_page"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from search.cli import cli

PAGE = Path(__file__).parents[1] / "docs/reference/commands.md"

HEAD = """# Commands

Written by `python -m tests.commands_page` from the command line itself; `python -m search VERB --help` prints the same.
The installed command `search` does what `python -m search` does.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | something to mend: your file, arguments or storage; `audit` found a flaw, `verify` a broken promise |
| 2 | some trials failed; the others are done, and the table is written |
| 3 | a bug of ours |
| 4 | a claim is contradicted; `judge --against`: not better; `audit --fail-on`: a finding; `--retrain`: another row |
| 5 | likewise: none is contradicted, and one is undecided; a proposal is not judged |
| 130 | interrupted; the same command goes on |

"""

TAIL = """## Where commands look for things

`--results` names the folder of the ledger, the mirror and the studies, by default `results` in the working folder;
`--storage` another database for the ledger, such as a PostgreSQL server ([files](files.md#the-ledger)). `STUDY` is the
name of a study as `list` prints it: `focal`, or `focal (rev 2)` in quotes.

With `python -m search` and `search` alike, a file in the working folder never replaces a module of ours or of a
library: a `classifier.py` or a `torch.py` there is not executed. There is one exception: Python executes a `search.py`
in the folder where `python -m search` is given, and a file named like one of the modules that Python itself needs to
start, before any code of ours runs. Use the command `search` in such a folder.

Reading needs no right to write: of a colleague's results, or those on a read-only disk, every verb that reads works,
and `report STUDY --storage THEIRS/search.db --results MINE` writes them elsewhere. All of them print in any encoding,
and a run goes on where its terminal or whoever reads its output went away.
"""


def page() -> str:
    """Return the page."""
    return HEAD + "\n".join(_verb(name, command) for name, command in _verbs(cli)) + "\n" + TAIL


def _verbs(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from _verbs(command, f"{before}{name} ")


def _verb(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"python -m search {name}")
    *paragraphs, example = re.split(r"\n\s*\n", (command.help or "").strip())
    said = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    usage = " ".join(["python -m search", name, *command.collect_usage_pieces(context)])
    options = "\n".join(f"| {given} | {_cell(meaning)} |" for given, meaning in _options(command, context))
    table = f"\n| option | meaning |\n|---|---|\n{options}\n" if options else ""
    command_line = example.strip().removeprefix("Example: ")
    return f"## {name}\n\n{said}\n\n`{usage}`; for example\n\n    {command_line}\n{table}"


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            yield f"`{_cell(record[0])}`", record[1]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
