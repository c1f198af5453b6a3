"""Two data cards of one fingerprint, as one: what was recorded first stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from search.core.errors import UserError
from search.core.trial import DataCard


def merged(first: DataCard, later: DataCard) -> DataCard:
    """Return the first card with what it left empty, and with the groups of the later one, if that has any.

    A script may say only later which classes are the true ones. Groups change no key and no row: what was said of them
    last is taken.

    Raises:
        UserError: both have true classes of a split, and others: rows on record were judged by the first ones.
    """
    for split in first.truth.keys() & later.truth.keys():
        one, other = first.truth[split], later.truth[split]
        if len(one) != len(other) or not np.array_equal(one, other):
            differing = f"{int((one != other).sum())} of {len(one)}" if len(one) == len(other) else "their number"
            raise UserError(
                f"the data {later.name!r} have other true classes of {split!r} than on record, where rows were judged "
                f"by those; {differing} differ{'s' * (len(one) != len(other))}. If the new ones are right, let what is "
                "hashed as data hold them too: they are other data then, with rows of their own"
            )
    return replace(
        first,
        truth={**later.truth, **first.truth},
        classes=first.classes or later.classes,
        images={**later.images, **first.images},
        contents={**later.contents, **first.contents},
        groups=later.groups or first.groups,
    )
