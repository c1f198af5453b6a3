"""What `verify` found, as text that fits a terminal."""

from __future__ import annotations

import textwrap

from search.core.shown import called, printable
from search.proof.finding import Finding, Result, Verified
from search.proof.subject import Subject

WIDTH = 80
"""Columns that a line takes at most."""

_INDENT = 2
_COLUMN = max(len(result) for result in Result) + _INDENT + 2


def heading(workload: str, base: Subject) -> str:
    """Return what is trained, as the first lines."""
    epochs = f"{base.epochs} epoch{'' if base.epochs == 1 else 's'}"
    return _filled(f"{called(workload)}, {epochs} of {base.name}, compared bit for bit", "", "")


def lines(finding: Finding) -> str:
    """Return one line of the table: how it ended and what was tried, and below what there is to say of it."""
    first = " " * _INDENT + f"{finding.result:{_COLUMN - _INDENT}}"
    below = " " * _COLUMN
    texts = [_filled(finding.case, first, below)]
    difference = finding.difference
    if difference is not None:
        where = f"epoch {difference.epoch}, {difference.metric}: "
        texts.append(_filled(f"{where}{difference.expected} alone, {difference.found} here", below, f"{below}  "))
    if finding.note:
        texts.append(_filled(finding.note, below, f"{below}  "))
    if finding.cause:
        texts.append(_filled(f"likely: {finding.cause}", below, f"{below}  "))
    return "\n".join(texts)


def summary(verified: Verified) -> str:
    """Return the last line."""
    counts = dict.fromkeys(Result, 0)
    for finding in verified.findings:
        counts[finding.result] += 1
    shown = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    return f"{shown}; {verified.trained:,} epochs trained, nothing recorded"


def complaint(verified: Verified) -> str:
    """Return the sentence on what is broken."""
    count = len(verified.broken)
    cases = f"{count} case{'' if count == 1 else 's'} of {len(verified.findings)}"
    return (
        f"workload {called(verified.workload)!r} does not keep the contract in {cases}; mend it before trials share "
        "epochs, or give `run` --no-sharing"
    )


def _filled(text: str, first: str, below: str) -> str:
    return textwrap.fill(
        printable(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=below,
        break_long_words=True,
        break_on_hyphens=False,
    )
