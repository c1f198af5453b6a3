"""Settings that changed no bit, and seeds that changed nothing; found by `search.report.table.unmoved`."""

from __future__ import annotations

from collections.abc import Iterator

from search.report.health.ahead import runs_of
from search.report.health.finding import Finding
from search.report.table.build import Comparison
from search.report.table.unmoved import axes_said, groups_said, seed_said, unmoved


def unread(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding for each axis that changed no bit, for the seed where it changed none, and for other settings
    with equal rows."""
    read, table = compared
    same = unmoved(runs_of(read, table), read.space.axes)
    remedy = (
        "See whether the code reads this setting: its name, and whether another setting turns it off; if it does not, "
        "take the axis out of the file."
    )
    for said in axes_said(same):
        yield Finding("axis-without-effect", "flaw", said.seen, said.meaning, remedy)
    for said in seed_said(same):
        remedy = "Seed every generator from the setting `seed`; if nothing is random, ask for one seed."
        yield Finding("seed-without-effect", "flaw", said.seen, said.meaning, remedy)
    for said in groups_said(same, [line.setting for line in table.lines]):
        remedy = "See what turns the differing settings off in these lines, and leave all but one of them out."
        meaning = said.meaning or "They are one training repeated, as those above."
        yield Finding("settings-alike", "note", said.seen, meaning, remedy)
