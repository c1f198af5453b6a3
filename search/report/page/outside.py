"""The conditions of runs that were trained elsewhere: the files of their scores, the examples, what is not known."""

from __future__ import annotations

from collections.abc import Mapping

from search.report.formats.markup import Markup, element, facts, joined, sentence, table
from search.report.page.facts import data_facts
from search.report.record.curves import Curves
from search.report.table.outside_notes import PAIRED, UNKNOWN, sources


def conditions(content: Mapping[str, object], read: Curves) -> Markup:
    """Return what is known of how the runs were made, and what is not.

    Args:
        content: what ``conditions.json`` holds.
        read: the study.
    """
    rows = [(one.file, one.digest, one.read[:19].replace("T", " ")) for one in sources(read)]
    data = content.get("data")
    return joined(
        [
            table("Files of scores", ("file", "SHA-256", "read (UTC)"), rows),
            *(data_facts(card) for card in (data if isinstance(data, list) else ())),
            element("h3", "What is not known"),
            element("p", sentence(UNKNOWN)),
            element("p", sentence(PAIRED)),
            element("h3", "Do it again"),
            facts([("Command", [one.command for one in sources(read)][-1:])]),
        ]
    )
