"""A script's generator as a run: one epoch at a time, saved and loaded at its ``yield``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import GeneratorType
from typing import Any

from search.adapters.torch import flags
from search.adapters.torch.errors import ScriptError
from search.adapters.torch.kept import restore, saved
from search.adapters.torch.loop import Loop
from search.adapters.torch.run import BEFORE_THE_LOOP, Reins, ScriptRun
from search.adapters.torch.seeding import seed_all
from search.adapters.torch.state import pack, unpack
from search.adapters.torch.watch import Watch
from search.core.values import Settings


class Training:
    """One training of a script.

    The script is run from its beginning to the loop, and through the first epoch, when that is asked for: a state that
    is loaded before is put into what the script has built, as the loop begins.

    Args:
        name: of the script.
        begin: calls the script with a run, and returns its generator.
        run: makes the run.
        loop: what its source says.
        package: the outermost package of its module.
        threads: CPU threads.
        check_read: told which settings were read by the end of the first epoch.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[ScriptRun], GeneratorType[Any, None, None]],
        run: Callable[[], ScriptRun],
        loop: Loop,
        package: str,
        threads: int,
        check_read: Callable[[set[str], Settings], None],
    ) -> None:
        self._name, self._begin, self._make_run, self._loop = name, begin, run, loop
        self._package, self._threads, self._check_read = package, threads, check_read
        self._anew()

    def _anew(self) -> None:
        """Stand before the first epoch."""
        self._pending: Mapping[str, Any] | None = None
        self._switches = flags.pristine()
        self._watch = Watch(self._name, self._loop.lasting, self._package)
        self._run = self._make_run()
        self._reins = Reins(self._run, self._entering)
        self._generator: GeneratorType[Any, None, None] | None = None

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        """Train the next epoch under these settings and return what the script yields.

        Raises:
            ScriptError: the script ends, yields no mapping, changes what it does not keep, or leaves settings unread.
        """
        flags.apply(self._switches, self._threads)
        first = self._generator is None
        if self._generator is None:
            seed_all(self._run.seed, BEFORE_THE_LOOP, "start")
            self._generator = self._begin(self._run)
        self._reins.ask(settings)
        try:
            row = next(self._generator)
        except StopIteration:
            where = "before its loop" if self._reins.asked() else f"in epoch {self._run.epoch}"
            raise ScriptError(
                f"{self._name}: ends {where} and yields nothing; its loop must yield run.measured(...) in every epoch"
            ) from None
        if not isinstance(row, Mapping) or not row:
            raise ScriptError(
                f"{self._name}: yields {_shown(row)} in epoch {self._run.epoch}; must yield "
                "run.measured(val_loss=...), a mapping of metric names to numbers"
            )
        self._watch.check(self._frame(), self._run.kept)
        if first:
            self._check_read(self._run.read, settings)
        return row

    def _entering(self) -> None:
        """Stand at the loop's head for the first time: put a loaded state into what the script has built."""
        if self._pending is not None:
            self._restore(self._pending)
            self._pending = None
        self._switches = flags.capture()
        self._watch.begin(self._frame(), self._run.kept)

    def _frame(self) -> Mapping[str, Any]:
        frame = self._generator.gi_frame if self._generator is not None else None
        return frame.f_locals if frame is not None else {}

    def save(self) -> bytes:
        """Return the number of epochs so far, and all that the script keeps.

        Raises:
            ScriptError: something kept has come to hold what has no bytes.
        """
        if self._pending is not None:
            return pack(self._pending)
        if self._generator is None:
            return pack({"epoch": BEFORE_THE_LOOP, "kept": {}})
        try:
            return pack({"epoch": self._run.epoch, "kept": saved(self._run.kept)})
        except ScriptError as error:
            raise ScriptError(f"{self._name}: {error}") from None

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned, in this or another process.

        Raises:
            ScriptError: it holds other things than are kept.
        """
        loaded = unpack(state)
        if loaded["epoch"] == BEFORE_THE_LOOP:
            self._anew()
        elif self._generator is None:
            self._pending = loaded
        else:
            self._restore(loaded)
            self._watch.begin(self._frame(), self._run.kept)

    def _restore(self, state: Mapping[str, Any]) -> None:
        try:
            restore(self._run.kept, state["kept"])
        except ScriptError as error:
            raise ScriptError(f"{self._name}: {error}") from None
        self._reins.put(state["epoch"])


def _shown(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
