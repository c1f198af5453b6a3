"""What a study has still before it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outlook:
    """What a study has still before it.

    Attributes:
        trials: not decided yet.
        epochs: they may need, each counted once that several share.
        more: whether another lease could start now, were there a worker for it.
    """

    trials: int
    epochs: int
    more: bool
