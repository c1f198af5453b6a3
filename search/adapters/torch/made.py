"""Data that a script trains on, as they were made in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search.adapters.torch.errors import ScriptError
from search.adapters.torch.watch import snapshot
from search.core.trial import DataCard
from search.core.values import Settings

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
"""What a script is given beside the run: by place, and by name."""


class Made:
    """Data that were made, with what `data` read of the settings to make them."""

    def __init__(self, arguments: Arguments, card: DataCard, reading: Reading, value: object) -> None:
        self.arguments, self.card, self.repeated = arguments, card, False
        self.read = set(reading.read)
        self._settings = {name: reading.settings.get(name) for name in self.read}
        self._value, self._seen = value, snapshot(value)

    def fits(self, fixed: Settings) -> bool:
        """Whether these settings make the same data: those that `data` read are the same."""
        return all(fixed.get(name) == value for name, value in self._settings.items())

    def check(self, name: str) -> None:
        """See whether they are as they were made.

        Raises:
            ScriptError: they are not.
        """
        if snapshot(self._value) != self._seen:
            raise ScriptError(
                f"data={name}: an earlier training in this process changed the data in place; "
                "change a copy: `images = images.clone()`"
            )


class Reading(Mapping[str, Any]):
    """Settings that note which of them are read."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.settings, self.read = settings, set[str]()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        if name == "seed":
            raise ScriptError("data= is not given the seed, for it must not move the data; give the split a setting")
        return self.settings[name]

    def __iter__(self) -> Iterator[str]:
        self.read.update(self.settings)
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)
