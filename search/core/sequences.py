"""What the studies of a sequence of changes are called: its order log, and one study of each comparison; pure."""

from __future__ import annotations

import re

SUFFIX = " (sequence)"
"""Ends the name of the study whose order log is a sequence, behind the sequence's own name."""

_WHAT = re.compile(r"(final )?[0-9]+")


def sequence_of(study: str) -> str:
    """Return the sequence whose order log a study of this name is; "" where it is another study."""
    return study.removesuffix(SUFFIX) if study.endswith(SUFFIX) else ""


def member_name(sequence: str, what: str) -> str:
    """Return the name of the study that compares a proposal of a sequence, or trains its incumbent for a test figure.

    Args:
        sequence: its name.
        what: number of the proposal, or ``final`` and that of the incumbent.
    """
    return f"{sequence} {what}"


def member_title(sequence: str, what: str) -> str:
    """Return the title of such a study, by which it is told from one that a person called so."""
    return f"{sequence}: proposal {what}"


def is_member(sequence: str, base_name: str, space: str) -> bool:
    """Whether a study is one of a sequence.

    Args:
        sequence: name of the sequence, as its order log's study has it.
        base_name: of the study.
        space: its resolved file.
    """
    what = base_name.removeprefix(f"{sequence} ")
    return what != base_name and _WHAT.fullmatch(what) is not None and member_title(sequence, what) in space
