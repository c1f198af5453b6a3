"""The audit of space files: every check that their published figures allow, from the files alone.

Only flaws are impossible; notes are what the figures are too few, or too alike, to show. What cannot be checked is a
note that begins with "not checked", never a flaw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.audit import accuracy, facts
from search.audit.desk import Desk
from search.audit.findings import Finding
from search.audit.settings import AuditedRow, one_curve, pairs, rows
from search.core.shown import listed
from search.space.model import Space
from search.space.nodes import printable
from search.workload import load_workload


@dataclass(frozen=True)
class Audited:
    """What was found in one file.

    Attributes:
        file: the file.
        figures: published figures of its table, 0 where it publishes none.
        findings: flaws first, then notes, each in the order of the checks.
    """

    file: str
    figures: int
    findings: Sequence[Finding]

    @property
    def flaws(self) -> list[Finding]:
        """The findings that are arithmetically impossible."""
        return [finding for finding in self.findings if finding.severity == "flaw"]


def audit(spaces: Iterable[Space]) -> list[Audited]:
    """Audit the published figures of space files, each by itself and all against each other.

    Args:
        spaces: as `search.space.reader.read_space` gives them; where they were read from is looked up again for lines.
    """
    every = list(spaces)
    desks = {id(space): Desk(space, space.report.published) for space in every if space.report.published is not None}
    found: list[tuple[Desk, AuditedRow]] = []
    for desk in desks.values():
        workload = load_workload(desk.space.workload)
        accuracy.check(desk)
        facts.check(desk, workload)
        own = rows(desk.space, workload)
        _curves(desk, own)
        found += [(desk, row) for row in own if desk.is_accuracy]
    _twice(found)
    return [_audited(space, desks.get(id(space))) for space in every]


def _audited(space: Space, desk: Desk | None) -> Audited:
    if desk is None:
        return Audited(space.file, 0, ())
    findings = sorted(desk.findings, key=lambda finding: finding.severity)
    return Audited(space.file, len(desk.published.values), findings)


def _curves(desk: Desk, own: Sequence[AuditedRow]) -> None:
    for group in one_curve(own):
        names = listed([desk.row(row.name) for row in group], len(group))
        alike = f"{names} differ in nothing but where they stop, as far as the file says"
        sentence = f"{alike}: one recorded run can answer all of them"
        desk.note(sentence, "values", group[0].name)


def _twice(found: Sequence[tuple[Desk, AuditedRow]]) -> None:
    """Note rows with equal settings: perhaps one run listed twice where figures agree, else what they leave open.

    Two runs under different seeds may have the same figure, and papers rarely print a seed: no more than "may be".
    """
    desks = {id(row): desk for desk, row in found}
    for earlier, later in pairs(row for _, row in found):
        earlier_desk, later_desk = desks[id(earlier)], desks[id(later)]
        before, after = earlier_desk.published, later_desk.published
        if before.n != after.n:
            continue
        texts = before.values[earlier.name], after.values[later.name]
        alike = _alike(earlier_desk, earlier, later_desk, later)
        place = "" if earlier_desk is later_desk else f" of {printable(earlier.file)}"
        whose = f"{earlier_desk.row(earlier.name)}{place}"
        if earlier.epochs == later.epochs:
            same = f"has the settings of {whose}"
        elif later.epochs < earlier.epochs:
            same = f"is the first {later.epochs:,} epochs of {whose}"
        else:
            same = f"begins with the {earlier.epochs:,} epochs of {whose}"
        if alike:
            both = f"both are printed with {texts[1]}" if texts[0] == texts[1] else f"{texts[1]} agrees with {texts[0]}"
            sentence = f"{later_desk.row(later.name)} {same}, and {both}: it may be the same run, listed twice"
        elif earlier.epochs == later.epochs:
            sentence = (
                f"{later_desk.row(later.name)} {same}, but is printed with {texts[1]}, not {texts[0]}: "
                "another seed, or a difference that the files do not state"
            )
        else:
            continue
        later_desk.note(sentence, "values", later.name)


def _alike(one: Desk, earlier: AuditedRow, other: Desk, later: AuditedRow) -> bool:
    """Whether two figures may stand for the same number of images."""
    ours, theirs = one.counts(earlier.name), other.counts(later.name)
    if ours and theirs:
        return max(ours[0], theirs[0]) <= min(ours[-1], theirs[-1])
    mine, others = one.figures[earlier.name], other.figures[later.name]
    return [(figure.digits, figure.places) for figure in mine] == [(figure.digits, figure.places) for figure in others]
