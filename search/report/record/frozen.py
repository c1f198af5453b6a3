"""Whether the claims of a study were frozen before its first row, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search.core.shown import counted, listed
from search.report.record.curves import Curves
from search.study.frozen import Frozen, changed_keys, claims_in, codes_of, frozen_of

KEYS_NAMED = 6
"""Keys of a file that are named as changed; the others are counted."""

ClaimText = Callable[[Frozen | None, Mapping[str, Any]], str]
"""Returns a claim for people: one of a file that was frozen, or of the file now."""


def frozen_sentence(read: Curves, claim_text: ClaimText) -> str:
    """Return what is to be said of a study whose claims were frozen; "" where nobody froze them.

    The last entry before the first row counts; where there is none, the first one, which came too late.

    Args:
        read: the study.
        claim_text: words for claims.
    """
    entries = frozen_of(read.study.ledger, read.record)
    if not entries:
        return ""
    recorded = {curve.keys[epoch - 1]: row.recorded for curve in read.curves for epoch, row in curve.rows.items()}
    first = min(recorded.values(), default="")
    before = [entry for entry in entries if not first or (entry.at < first and not entry.rows_before)]
    frozen = before[-1] if before else entries[0]
    on = f"on {frozen.at[:16].replace('T', ' ')} UTC"
    if before:
        start = f"Claims frozen before training, {on}"
    else:
        early = max(sum(at < frozen.at for at in recorded.values()), frozen.rows_before)
        had = f"{counted(early, 'row')} of this study {'was' if early == 1 else 'were'} on record before"
        start = f"Claims frozen {on}, too late: {had}, the first from {first[:16].replace('T', ' ')} UTC"
    changes = _changes(read, frozen, claim_text)
    if not changes:
        return f"{start}; file, data, code and claims are the same (hash {frozen.digest[:12]})."
    return f"{start}. Changed since: {'; '.join(changes)} (hash {frozen.digest[:12]})."


def _changes(read: Curves, frozen: Frozen, claim_text: ClaimText) -> list[str]:
    """Return what differs from what was frozen, as phrases."""
    now = read.record.space
    phrases = []
    if keys := changed_keys(frozen.text, now):
        phrases.append(f"the file ({listed(keys, KEYS_NAMED)})")
    data = {curve.data for curve in read.curves}
    if data and not data <= set(frozen.data):
        phrases.append("the data")
    runs = {row.run_id for curve in read.curves for row in curve.rows.values() if row.recorded > frozen.at}
    if codes_of(read.study, sorted(runs)) - {"", frozen.code}:  # rows of another study's run may not say
        phrases.append("the code")
    phrases += [f"the claim “{claim_text(frozen, claim)}” is gone" for claim in _without(frozen.claims, claims_in(now))]
    phrases += [f"the claim “{claim_text(None, claim)}” is new" for claim in _without(claims_in(now), frozen.claims)]
    return phrases


def _without(some: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = [json.dumps(claim, sort_keys=True) for claim in others]
    return [claim for claim in some if json.dumps(claim, sort_keys=True) not in known]
