"""The comparison of a study that still runs, with intervals: an interim look, from which nothing is concluded.

Its figures come from the very statistics of the table: differences over the seeds that both settings have finished,
each with its own 95 % interval. What decides is left out: p values, verdicts, and what stands in bold. An interim
look is not put on record as one at the table: nobody adds a seed to a study that runs, and once it has ended, its table
is looked at anyway (`search.service.answers.make_answer`).
"""

from __future__ import annotations

import time
from typing import Any

from search.ledger.ledger import Ledger

SHOWN = ("setting", "seeds", "level", "difference")
"""Keys of the table's columns that are shown; test figures belong to the end, but where they alone decide."""


def interim(ledger: Ledger, name: str) -> dict[str, object]:
    """Return the comparison of a study as it stands; made where files are examined.

    Returns:
        ``table``, as `search.service.kept_table` keeps one, empty where no difference has an interval yet, as of a
        search, which chooses what it shows; and ``took_s``, the processor time in seconds.

    Raises:
        StudyNotFound: there is no such study.
    """
    from search.report.table.build import comparison_table
    from search.report.table.notes import PARTIAL
    from search.service.kept_table import kept_table
    from search.study.opened import OpenStudy

    began = time.process_time()
    table = comparison_table(OpenStudy(ledger, ledger.study(name)))
    kept: dict[str, Any] = kept_table(table, [*SHOWN, "test difference"] if table.confirms else SHOWN)
    for column in kept["columns"]:
        column["bold"] = [False] * len(column["bold"])
        column["texts"] = [text.replace(f" {PARTIAL}", "") for text in column["texts"]]  # the seeds stand beside it
    kept["warnings"] = [table.banner] if table.banner else []
    texts = [text for column in kept["columns"] for text in column["texts"]]
    kept["notes"] = [note for note in kept["notes"] if _is_sign(note) and any(note[0] in text for text in texts)]
    shown = kept if kept["intervals"] else {}
    return {"table": shown, "took_s": time.process_time() - began}


def _is_sign(note: str) -> bool:
    """Whether a note tells what a sign at a figure means."""
    return note[1:2] == " " and not note[0].isalnum()
