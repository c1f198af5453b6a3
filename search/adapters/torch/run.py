"""What a script is given for its run: its settings, its epochs, what it keeps, its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import torch

from search.adapters.torch.batches import batches
from search.adapters.torch.errors import ScriptError
from search.adapters.torch.kept import Kept, check
from search.adapters.torch.seeding import generator, seed_all
from search.core.errors import nearest
from search.core.values import Settings
from search.workload.devices import trains_on_gpu
from search.workload.scored import PER_EXAMPLE

BEFORE_THE_LOOP = 0
"""The epoch in which a script builds what it trains."""


class ScriptRun:
    """One run, as the script sees it.

    ``run["width"]`` is a setting; one that may change from epoch to epoch is read in the loop alone. ``for epoch in
    run:`` counts epochs from 1, as files and tables do, and seeds Python's, numpy's and torch's generators from the
    seed and the epoch.

    Attributes:
        epoch: the present one; 0 before the loop.
        kept: what `keep` was given.
        read: names of settings that were read so far.
    """

    def __init__(self, name: str, fixed: Settings, varying: frozenset[str], gpus: float) -> None:
        self._name, self._fixed, self._varying = name, dict(fixed), varying
        self._now: Mapping[str, Any] = {}
        self._gpus, self._asked, self._in_loop, self._keeps = gpus, False, False, False
        self.epoch, self.kept, self.read = BEFORE_THE_LOOP, Kept({}), set[str]()

    # Settings ---------------------------------------------------------------------------------------------------

    def __getitem__(self, setting: str) -> Any:
        """Return the value of a setting, in the loop that of the present epoch.

        Raises:
            ScriptError: it may change from epoch to epoch, and the loop has not begun.
            KeyError: there is no such setting, or not beside the others.
        """
        if setting in self._varying and not self._in_loop:
            raise ScriptError(
                f"{self._name}: run[{setting!r}] may change from epoch to epoch and is read before the loop; read it "
                f'inside, or leave out "epoch": True, so that one value holds for a run'
            )
        self.read.add(setting)
        for settings in (self._now, self._fixed):
            if setting in settings:
                return settings[setting]
        known = {*self._fixed, *self._varying}
        raise KeyError(f"{self._name}: there is no setting {setting!r} here{nearest(setting, known)}")

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings that can be read now, by name; the seed is one."""
        settings = {**self._fixed, **self._now} if self._in_loop else self._fixed
        self.read.update(settings)
        return MappingProxyType(settings)

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self._fixed.get("seed", 0))

    @property
    def device(self) -> torch.device:
        """The GPU where the trial has one, else the CPU.

        Raises:
            ValueError: PyTorch cannot use the one it has.
        """
        return torch.device("cuda" if trains_on_gpu(torch, self._gpus) else "cpu")

    # Epochs -----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[int]:
        """Return itself: the loop over it is the loop over the epochs."""
        return self

    def __next__(self) -> int:
        """Begin the next epoch, under its seeds.

        Raises:
            ScriptError: the one before was not yielded.
        """
        if not self._asked:
            raise ScriptError(
                f"{self._name}: asks for epoch {self.epoch + 1} before epoch {self.epoch} is yielded; "
                "`for epoch in run:` is the only place that asks"
            )
        self._asked = False
        self.epoch += 1
        seed_all(self.seed, self.epoch, "epoch")
        return self.epoch

    def __len__(self) -> int:
        """Refuse to tell: epochs are shared among trials of different lengths.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            f"{self._name}: how long a trial is cannot be known inside, for trials of other lengths share its epochs; "
            "where a schedule needs a length, make that a setting"
        )

    def keep(self, **objects: object) -> Kept:
        """Save these after an epoch, and put them back before the loop goes on from a saved state.

        Args:
            objects: whatever has ``state_dict`` and ``load_state_dict``; tensors, arrays, random generators; lists,
                dictionaries, numbers and text.

        Returns:
            the same by name; what is no object of its own, such as a number, is read and set there.

        Raises:
            ScriptError: the loop has begun, something was kept before, or something cannot be kept.
        """
        if self._in_loop:
            raise ScriptError(f"{self._name}: run.keep is called in the loop; call it once, before the loop begins")
        if self._keeps:
            raise ScriptError(f"{self._name}: run.keep is called twice; give it everything at once")
        try:
            check(objects)
        except ScriptError as error:
            raise ScriptError(f"{self._name}: {error}") from None
        self._keeps, self.kept = True, Kept(objects)
        return self.kept

    def measured(self, **metrics: Any) -> dict[str, Any]:
        """Return the row of an epoch: what is yielded at its end.

        Args:
            metrics: name -> number, or a tensor or array of one; names begin with ``train_``, ``val_`` or ``test_`` by
                custom, and what begins with ``test_`` is read by no decision. ``predictions``: split -> class of each
                item, integers [n]. ``scores``: split -> name -> a real number of each item, such as its loss, floats
                [n], with ``score_rules`` (`search.workload.contract.Run.train_epoch`): what intervals rest on.
        """
        apart = {name: metrics.pop(name) for name in PER_EXAMPLE if metrics.get(name) is not None}
        row = {name: value.item() if _is_one(value) else value for name, value in metrics.items()}
        return row | {name: _on_cpu(given) for name, given in apart.items()}

    # What depends on chance -------------------------------------------------------------------------------------

    def batches(
        self,
        data: object,
        size: int,
        shuffle: bool = False,
        drop_last: bool = False,
        workers: int = 0,
        steps: int | None = None,
        collate: Callable[[list[Any]], object] | None = None,
        purpose: str = "",
        **loading: object,
    ) -> Iterator[Any]:
        """Yield the batches of this epoch.

        Their order, and what random numbers an item is made with, depend on seed and epoch alone: not on the number of
        workers, and not on what was drawn before. A loop's own draws are not moved by them.

        Args:
            data: a map-style dataset, a tensor or array, or a list of those with equally many rows.
            size: items in a batch.
            shuffle: whether each pass over the data has an order of its own.
            drop_last: whether a last batch that is not full is left out.
            workers: processes that make items; 0 makes them in this one.
            steps: batches of an epoch that is a piece of an endless stream; None for one pass over the data.
            collate: makes a batch of a list of items; by default torch's own.
            purpose: a text that tells two streams of one epoch apart; with the same one both have the same order.
            loading: what else `torch.utils.data.DataLoader` is given, such as ``pin_memory``.

        Raises:
            ScriptError: there is no full batch, or a number below 1.
        """
        return batches(
            data,
            size,
            self.seed,
            max(1, self.epoch),
            shuffle=shuffle,
            drop_last=drop_last,
            workers=workers,
            steps=steps,
            collate=collate,
            purpose=purpose,
            **loading,
        )

    def generator(self, purpose: str = "") -> torch.Generator:
        """Return a random generator of torch's for one purpose of this epoch, at the start of its stream."""
        return generator(self.seed, self.epoch, "own", purpose)


class Reins:
    """What the adapter does with a run that a script must not."""

    def __init__(self, run: ScriptRun) -> None:
        self._run = run

    def enter(self) -> None:
        """Stand at the loop's head: nothing is kept any more, and settings of epochs are read from here on."""
        self._run._in_loop = True

    def ask(self, settings: Mapping[str, object]) -> None:
        """Let the loop begin one more epoch, under these settings."""
        self._run._asked, self._run._now = True, settings

    def put(self, epoch: int) -> None:
        """Go on behind this epoch."""
        self._run.epoch = epoch


def _on_cpu(given: Any) -> Any:
    """Return what is said per item with its tensors as arrays, however deep in mappings they lie."""
    if isinstance(given, Mapping):
        return {name: _on_cpu(value) for name, value in given.items()}
    return given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given


def _is_one(value: object) -> bool:
    """Whether this is a tensor of one number."""
    return isinstance(value, torch.Tensor) and value.numel() == 1
