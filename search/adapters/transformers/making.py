"""What a training is made of: the user's functions, and which settings they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from search.adapters.handed import Handed
from search.adapters.torch.seeding import left_alone, seed_all
from search.adapters.transformers.network import offline
from search.core.values import Settings

DATA = "data"
"""The parameter that takes what the function of the data returned."""


@dataclass(frozen=True)
class Making:
    """The user's functions by their names as receivers of settings; "" where no function makes the data."""

    handed: Handed
    place: str  # the Python module they stand in
    trainer: str
    data: str
    each_epoch: Callable[[Any, Settings], object] | None

    def make_data(self, fixed: Settings) -> object:
        """Return the data sets, made with the same random numbers whatever the seed."""
        with left_alone(), offline(self.data):
            seed_all(0, 0, "data")
            return self.handed.call(self.data, fixed)
