"""Whether the claims of a study were frozen before its first row, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from search.core.shown import counted, listed, one_line
from search.report.record.curves import Curves
from search.space.model import Space
from search.space.recorded import rebuild
from search.study.frozen import Frozen, changed_keys, codes_of, frozen_of

KEYS_NAMED = 6
"""Keys of a file that are named as changed; the others are counted."""

DIGITS = 12
"""Of hashes, in a sentence."""

MAX_VALUE_LETTERS = 40
"""Letters of a value in a sentence; a key of a longer one is named alone."""

ClaimText = Callable[[Space, Mapping[str, Any]], str]
"""Returns a claim for people, in the words of the file that it stands in."""

Claims = Sequence[Mapping[str, Any]]


class Freeze(NamedTuple):
    """What is to be said of claims that were frozen.

    Attributes:
        said: a sentence; "" where nobody froze them.
        sound: they came before the first row, and are what they were.
    """

    said: str = ""
    sound: bool = True


NEVER_FROZEN = Freeze()


def freeze_of(read: Curves, claim_text: ClaimText) -> Freeze:
    """Return what is to be said of a study whose claims were frozen.

    The last entry before the first row counts; where there is none, the first one, which came too late.

    Args:
        read: the study.
        claim_text: words for claims.
    """
    entries = frozen_of(read.study.ledger, read.record)
    if not entries:
        return NEVER_FROZEN
    recorded = {curve.keys[epoch - 1]: row.recorded for curve in read.curves for epoch, row in curve.rows.items()}
    first = min(recorded.values(), default="")
    before = [entry for entry in entries if not first or (entry.at < first and not entry.rows_before)]
    frozen = before[-1] if before else entries[0]
    start = f"Claims frozen before training, on {_minute(frozen.at)}"
    if not before:
        early = max(sum(at < frozen.at for at in recorded.values()), frozen.rows_before)
        had = f"{counted(early, 'row')} of this study {'was' if early == 1 else 'were'} on record before"
        start = f"Claims frozen on {_minute(frozen.at)}, too late: {had}, the first from {_minute(first)}"
    claims = _changed_claims(read.space, rebuild(frozen.text, read.record.name), claim_text)
    changes = [*_changed_conditions(read, frozen), *claims]
    sound = bool(before) and not claims
    if not changes:
        return Freeze(f"{start}; file, data, code and claims are the same (hash {frozen.digest[:DIGITS]}).", sound)
    return Freeze(f"{start}. Changed since: {'; '.join(changes)} (hash {frozen.digest[:DIGITS]}).", sound)


def _minute(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC"


def _changed_conditions(read: Curves, frozen: Frozen) -> list[str]:
    """Return which of file, data and code differ from what was frozen, as phrases."""
    phrases = []
    if keys := changed_keys(frozen.text, read.record.space):
        phrases.append(f"the file ({listed([_change(*change) for change in keys], KEYS_NAMED, '; ')})")
    data = {curve.data for curve in read.curves}
    if data and not data <= set(frozen.data):
        shown = (", ".join(print_[:DIGITS] or "none" for print_ in sorted(each)) for each in (frozen.data, data))
        phrases.append("the data (were {}, are {})".format(*shown))
    runs = {row.run_id for curve in read.curves for row in curve.rows.values() if row.recorded > frozen.at}
    if codes := codes_of(read.study, sorted(runs)) - {"", frozen.code}:  # rows of another study's run may not say
        also = ", ".join(code[:DIGITS] for code in sorted(codes))
        phrases.append(f"the code (was {frozen.code[:DIGITS]}, is {also})")
    return phrases


def _change(key: str, was: str | None, now: str | None) -> str:
    """Return a key of a file with what it was and is, where that is short."""
    values = [one_line(value) if value is not None else "not there" for value in (was, now)]
    return f"{key}: was {values[0]}, is {values[1]}" if max(map(len, values)) <= MAX_VALUE_LETTERS else key


def _changed_claims(now: Space, then: Space, claim_text: ClaimText) -> list[str]:
    """Return which claims are gone, and which are new, as phrases."""
    before, after = then.report.claims, now.report.claims
    gone, new = _without(before, after), _without(after, before)
    return [
        *(f"the claim “{claim_text(then, claim)}” is gone" for claim in gone),
        *(f"the claim “{claim_text(now, claim)}” is new" for claim in new),
    ]


def _without(some: Claims, others: Claims) -> Claims:
    known = [json.dumps(claim, sort_keys=True, default=str) for claim in others]
    return [claim for claim in some if json.dumps(claim, sort_keys=True, default=str) not in known]
