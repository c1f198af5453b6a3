"""Examples that two splits share: a score on them is no score on new data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from search.core.shown import counted, listed, one_line
from search.core.trial import ACROSS_SPLITS, DataCard
from search.report.health.finding import Finding
from search.report.table.build import Comparison
from search.report.text import split_words


def overlap(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding for each data set whose card says, or shows by content, that its splits share examples."""
    for card in compared.read.cards.values():
        if said := shared(card):
            yield Finding(
                "splits-overlap",
                "flaw",
                f"Data {one_line(card.name) or card.fingerprint[:12]}: {'; '.join(said)}.",
                "A model that has seen an example knows it: figures on such examples are too good, for all settings, "
                "and more so for those that fit training data more closely.",
                "Look at the pairs (`check FILE --data`), and take each from all splits but one; examples that belong "
                "together stay together with `data.groups`.",
            )


def shared(card: DataCard) -> list[str]:
    """Return what a data card says of examples that two splits share, as phrases: its own notes, else what contents
    tell."""
    if notes := [one_line(note).rstrip(".") for note in card.notes if ACROSS_SPLITS in note]:
        return notes
    told = []
    for one, other in itertools.combinations(card.contents, 2):
        if both := set(card.contents[one]) & set(card.contents[other]):
            names = listed([f"{split_words(split)}" for split in (one, other)], 2)
            told.append(f"{counted(len(both), 'example')} of equal content {ACROSS_SPLITS}: {names}")
    return told
