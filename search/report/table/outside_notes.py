"""What must be said of runs that were trained elsewhere: what is known of them, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from search.report.record.curves import Curves
from search.report.table.model import Note
from search.report.text import one_line

DIGEST_LETTERS = 12
"""Letters of a file's hash that are printed."""

UNKNOWN = (
    "Not known of runs trained elsewhere: whether all of them were trained on the same data, and on none of the "
    "examples they are scored on; whether they differ in nothing but the setting; whether settings, seeds or examples "
    "were left out. Intervals and verdicts hold if so."
)
PAIRED = (
    "Whether equal seeds mean equal luck (the same initial weights, the same order of the data) is not known either. "
    "Runs of equal seed are compared as a pair: where they have nothing in common, intervals stay right, and are only "
    "wider than they could be."
)


class Source(NamedTuple):
    """Where scores came from: the file, its SHA-256, the command that read it, and when (UTC)."""

    file: str
    digest: str
    command: str
    read: str


def sources(read: Curves) -> list[Source]:
    """Return the files that the scores of a study came from, the first first."""
    runs = read.study.ledger.runs(study_id=read.record.id)
    return [
        Source(one_line(str(told["file"])), str(told["sha256"]), one_line(str(told["command"])), str(run["started"]))
        for run in runs
        if "file" in (told := run["conditions"])
    ]


def outside_notes(read: Curves) -> Iterator[Note]:
    """Yield what is known of runs that were trained elsewhere, and what is not."""
    files = "; ".join(f"{one.file} (SHA-256 {one.digest[:DIGEST_LETTERS]})" for one in sources(read))
    yield Note(f"Runs trained elsewhere. Scores as they stand in {files}; nothing was trained or checked here.")
    yield Note(UNKNOWN, "Not known: same training data? scored examples unseen? anything left out? See the report.")
    yield Note(PAIRED, "")
