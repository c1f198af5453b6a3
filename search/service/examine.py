"""The process in which a server has space files checked and priced: it imports workloads, which the server never does.

``python -m search.service.examine`` reads a question per line of its standard input, as JSON, and answers each with a
line of JSON. Whatever a workload prints goes to the standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from search.core.errors import Faults, UserError
from search.core.shown import printable
from search.system.module_path import put_working_folder_last

if TYPE_CHECKING:
    from search.ledger.ledger import Ledger
    from search.space.model import Space


def main() -> None:
    """Answer questions until there are no more."""
    put_working_folder_last()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers)


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer each line of questions with a line."""
    for line in questions:
        print(json.dumps(answered(json.loads(line))), file=answers, flush=True)


def answered(question: Mapping[str, str]) -> dict[str, object]:
    """Answer one question.

    Args:
        question: ``what`` (check, plan; compare, with ``studies`` and ``base``; with ``study``: answer, interim,
            table, verdicts, audit; with ``workload``: settings), ``file``, ``folder`` (which its name is shown
            without), ``options`` (of the command `run`, as JSON), ``results``, ``storage`` ("" for none).

    Returns:
        ``faults``, each with file, line, key and message; where there are none, what the file says, and for ``plan``
        its figures, its text and remarks. Of a study or a workload what `search.service.readings` returns, or
        ``error`` with its ``kind``.
    """
    if question["what"] == "answer":
        return _answer(question)
    if question["what"] == "compare":
        return _compared(question)
    if question["what"] == "interim":
        return _interim(question)
    if "study" in question or question["what"] == "settings":
        return _read(question)
    from search.space.reader import read_space

    folder = f"{question['folder']}{os.sep}"
    options = json.loads(question["options"])
    try:
        changes = _overrides(options)
        space = read_space(question["file"], changes)
        said = {"faults": [], **space.summary()}
        if question["what"] != "plan":
            return said
        if options.get("judge"):
            space = read_space(question["file"], {**changes, **_last_look(space, options.get("max_seeds"))})
        return {**said, **_plan(space, question)}
    except Faults as error:
        return {
            "faults": [
                {
                    "file": fault.file.replace(folder, ""),
                    "line": fault.line,
                    "key": fault.key,
                    "message": fault.message.replace(folder, ""),
                }
                for fault in error.faults
            ]
        }
    except UserError as error:
        message = printable(str(error), lines=True).replace(folder, "")
        return {"faults": [{"file": Path(question["file"]).name, "line": 0, "key": "", "message": message}]}


def _answer(question: Mapping[str, str]) -> dict[str, object]:
    """Make the answer of the study ``study``, and keep it."""
    from search.service.answers import make_answer

    return _of_ledger(
        question, lambda ledger: make_answer(ledger, question["study"], Path(question["results"])), reading=False
    )


def _read(question: Mapping[str, str]) -> dict[str, object]:
    """Read the study ``study``, or the settings of the workload ``workload``."""
    from search.service.readings import read_study, settings_of

    try:
        if question["what"] == "settings":
            return settings_of(question["workload"])
        place = Path(question["results"]), question["storage"] or None
        return read_study(question["what"], *place, question["study"])
    except UserError as error:
        return {"error": printable(str(error), lines=True), "kind": type(error).__name__}


def _interim(question: Mapping[str, str]) -> dict[str, object]:
    """Compare the settings of the study ``study``, which still runs."""
    from search.service.interim import interim

    return _of_ledger(question, lambda ledger: interim(ledger, question["study"]), reading=True)


def _compared(question: Mapping[str, str]) -> dict[str, object]:
    """Compare settings of ``studies`` (names, as JSON) with the one at place ``base``."""
    from search.service.compared import compared

    return _of_ledger(
        question, lambda ledger: compared(ledger, json.loads(question["studies"]), int(question["base"])), reading=True
    )


def _of_ledger(
    question: Mapping[str, str], make: Callable[[Ledger], dict[str, object]], *, reading: bool
) -> dict[str, object]:
    """Return what is made of the ledger that a question names, or why it is not.

    Args:
        reading: it is enough to read the ledger, where this user may not write to it.
    """
    from search.places import existing_ledger

    try:
        with closing(
            existing_ledger(Path(question["results"]), question["storage"] or None, reading=reading)
        ) as ledger:
            return make(ledger)
    except UserError as error:
        return {"error": printable(str(error), lines=True), "kind": type(error).__name__}


def _overrides(options: Mapping[str, object]) -> dict[str, object]:
    """Return the options ``data`` and ``set`` as key -> text, as behind ``--data`` and ``--set``."""
    from search.space.overrides import DataName

    sets = options.get("set", [])
    pairs = [str(text).partition("=") for text in (sets if isinstance(sets, list) else ())]
    data = {"data": DataName(options["data"])} if options.get("data") else {}
    return {**data, **{key.strip(): value for key, _, value in pairs}}


def _last_look(space: Space, most: int | None) -> dict[str, object]:
    """Return the changes of a file by which it has all seeds that `judge` pays for at most."""
    from search.judge.blocks import first_seeds, looks_planned

    planned = looks_planned(space.report.looks, most)
    return {"seeds": first_seeds(space.seeds, planned[-1]), "report.looks": list(planned)}


def _plan(space: Space, question: Mapping[str, str]) -> dict[str, object]:
    """Return what the study will cost, from the record alone: no epoch is trained beside a study that may run."""
    from search.plan.priced import priced
    from search.plan.text import text

    remarks: list[str] = []
    plan = priced(space, Path(question["results"]), question["storage"] or None, remarks.append, probed=False)
    return {"plan": plan.to_json(), "text": text(plan), "remarks": remarks}


if __name__ == "__main__":
    main()
