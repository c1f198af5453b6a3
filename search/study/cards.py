"""What a workload says of its data, checked where it is first read: keys, tables and figures rest on it."""

from __future__ import annotations

import numpy as np

from search.core.errors import UserError
from search.core.shown import called
from search.core.trial import DataCard

RULE = "it must be the class of each image, a whole number from 0 on, in a list of one dimension"


def unnoticed(workload: str) -> str:
    """Say what it means that a workload describes no data, or by no fingerprint.

    Args:
        workload: its name in the space file.
    """
    described = called(workload) != workload
    remedy = (
        "list them under `data`, or write `data: []` for none"
        if described
        else ("return a DataCard with a hash of their content from data()")
    )
    return (
        f"the workload {called(workload)!r} describes no data, so that changed data cannot be noticed: rows trained on "
        f"the old ones would be used again; {remedy}"
    )


def check_card(card: DataCard, workload: str) -> None:
    """Refuse a data card whose true classes are none, or whose groups are not those of its examples.

    Args:
        card: what `search.workload.Workload.data` returned.
        workload: its name in the space file.

    Raises:
        UserError: the first thing that is wrong, with the rule.
    """
    for split, truth in card.truth.items():
        subject = f"workload {called(workload)!r}: in its data card the truth of {split!r}"
        array = np.asarray(truth)
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise UserError(f"{subject} has the shape {array.shape} and the type {array.dtype}; {RULE}")
        wrong = ~((array >= 0) & (array == np.floor(array)))
        if wrong.any():
            place = int(np.argmax(wrong))
            raise UserError(f"{subject} is {array[place]} for image {place}; {RULE}")
        if card.classes and array.size and array.max() >= (count := len(card.classes)):
            names = f"it names {count} class{'' if count == 1 else 'es'}, counted from 0; name all of them"
            raise UserError(f"{subject} is {array.max()} for image {array.argmax()}, but {names}")
    _check_groups(card, workload)


def _check_groups(card: DataCard, workload: str) -> None:
    """Refuse groups that do not name each example, or that cut across splits: examples of one group are alike, so that
    what was trained on some of them has seen the others.

    Raises:
        UserError: as `check_card`.
    """
    splits: dict[str, str] = {}
    for split, names in card.groups.items():
        subject = f"workload {called(workload)!r}: in its data card the groups of {split!r}"
        for known in (card.truth, card.images, card.contents):
            if split in known and len(known[split]) != len(names):
                raise UserError(
                    f"{subject} are {len(names)} names, must be one for each of {len(known[split])} examples"
                )
        for name in dict.fromkeys(names):
            if not isinstance(name, str):
                raise UserError(f"{subject} hold {name!r}, must be names as text")
            if (other := splits.setdefault(name, split)) != split:
                raise UserError(
                    f"{subject} hold {name!r}, which {other!r} holds, too; examples of one group must lie in one split"
                )
