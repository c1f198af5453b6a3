"""A run over a library's own training loop, driven one epoch at a time."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from search.adapters.torch import flags
from search.adapters.torch.held import GENERATORS, Held
from search.adapters.torch.seeding import seed_all
from search.adapters.torch.state import pack, unpack
from search.core.values import Settings


class DrivenRun:
    """One training; a subclass says how it begins and how it goes on by an epoch."""

    def __init__(self, seed: int, cpus: int) -> None:
        self.seed, self._cpus, self.epoch = seed, cpus, 0
        self._held = self._begun()

    def begin(self) -> Held:
        """Make everything anew, and return what the training holds."""
        raise NotImplementedError

    def advance(self, settings: Settings) -> Mapping[str, float]:
        """Train an epoch and return what was measured."""
        raise NotImplementedError

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        """Train the next epoch, with all chance from (seed, epoch)."""
        flags.apply(self._switches, self._cpus)
        self._held.reseed(self.seed, self.epoch + 1)
        seed_all(self.seed, self.epoch + 1, "epoch")
        row = self.advance(settings)
        self.epoch += 1
        return row

    def save(self) -> bytes:
        """Return everything the next epoch depends on.

        Raises:
            NotPlain: something that changed has no bytes; the message names it.
        """
        return pack({"epoch": self.epoch, "held": self._held.state()})

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned."""
        if self.epoch:  # what was trained here leaves nothing behind
            self._held = self._begun()
        saved: dict[str, Any] = unpack(state)
        self._held.load(saved["held"])
        self.epoch = saved["epoch"]

    def _begun(self) -> Held:
        flags.apply(flags.pristine(), self._cpus)
        seed_all(self.seed, 0, "start")
        self.epoch = 0
        held = self.begin()
        self._switches = flags.capture()
        return held


def settled(named: Mapping[str, str], *packages: str) -> dict[str, str]:
    """Return an execution class with the versions of packages, and without how switches stand: each epoch puts them.

    Args:
        named: the default class.
        packages: names of installed distributions.
    """
    kept = {name: value for name, value in named.items() if name != "switches"}
    return {**kept, **{name: importlib.metadata.version(name) for name in packages}}


def global_generators(module: str) -> SimpleNamespace:
    """Return the generators among the variables of a user's module: whoever uses them draws what others left."""
    variables = vars(sys.modules[module]) if module in sys.modules else {}
    return SimpleNamespace(**{name: value for name, value in variables.items() if isinstance(value, GENERATORS)})
