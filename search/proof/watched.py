"""Settings that tell who read them: while the run started, or in its epochs. Runs in the fresh process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Watched(dict[str, Any]):
    """A mapping of settings that notes the names that are read; copying all of them reads all of them.

    Attributes:
        read: names that were read so far.
    """

    def __init__(self, settings: dict[str, object]) -> None:
        super().__init__(settings)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> Any:
        """Return a setting, or the default."""
        self.read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def items(self) -> Any:
        """Return names and values."""
        self.read.update(super().keys())
        return super().items()

    def values(self) -> Any:
        """Return the values."""
        self.read.update(super().keys())
        return super().values()

    def copy(self) -> dict[str, Any]:
        """Return a plain copy."""
        return dict(self.items())

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (self.copy(),)
