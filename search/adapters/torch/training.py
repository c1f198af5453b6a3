"""A script's generator as a run: one epoch at a time, saved and loaded at its ``yield``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import GeneratorType

from search.adapters.torch import flags
from search.adapters.torch.errors import ScriptError
from search.adapters.torch.kept import clear_gradients, restore, saved
from search.adapters.torch.loop import Loop
from search.adapters.torch.run import BEFORE_THE_LOOP, Reins, ScriptRun
from search.adapters.torch.seeding import seed_all
from search.adapters.torch.state import pack, unpack
from search.adapters.torch.watch import Watch
from search.core.values import Settings


class Training:
    """One training of a script, which halts at its loop's head, and then at each ``yield``.

    Args:
        name: of the script.
        begin: calls the script with a run, and returns its generator, which yields before the loop as well.
        run: makes the run.
        loop: what its source says.
        package: the outermost package of its module.
        threads: CPU threads.
        check_read: told which settings were read by the end of the first epoch.

    Raises:
        ScriptError: what stands before the loop breaks a rule.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[ScriptRun], GeneratorType[object, None, None]],
        run: Callable[[], ScriptRun],
        loop: Loop,
        package: str,
        threads: int,
        check_read: Callable[[set[str], Settings], None],
    ) -> None:
        self._name, self._make, self._make_run, self._loop = name, begin, run, loop
        self._package, self._threads, self._check_read = package, threads, check_read
        self._begin()

    def _begin(self) -> None:
        """Run the script up to its loop."""
        flags.apply(flags.pristine(), self._threads)
        self._run = self._make_run()
        seed_all(self._run.seed, BEFORE_THE_LOOP, "start")
        self._generator = self._make(self._run)
        if next(self._generator, _ENDED) is _ENDED:
            raise self._ends("before its loop")
        self._reins = Reins(self._run)
        self._reins.enter()
        self._switches, self._is_new = flags.capture(), True
        self._watch = Watch(self._name, self._loop.lasting, self._package)
        self._watch.begin(self._frame(), self._run.kept)

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        """Train the next epoch under these settings and return what the script yields.

        Raises:
            ScriptError: the script ends, yields no mapping, changes what it does not keep, or leaves settings unread.
        """
        flags.apply(self._switches, self._threads)
        clear_gradients(self._run.kept)
        first, self._is_new = self._is_new, False
        self._reins.ask(settings)
        row = next(self._generator, _ENDED)
        if row is _ENDED:
            raise self._ends(f"in epoch {self._run.epoch}")
        if not isinstance(row, Mapping) or not row:
            raise ScriptError(
                f"{self._name}: yields {_shown(row)} in epoch {self._run.epoch}; must yield "
                "run.measured(val_loss=...), a mapping of metric names to numbers"
            )
        self._watch.check(self._frame(), self._run.kept)
        if first:
            self._check_read(self._run.read, settings)
        return row

    def settings_read(self) -> set[str]:
        """Return the names of the settings that the script, and what makes its data, have read so far."""
        return set(self._run.read)

    def _ends(self, where: str) -> ScriptError:
        return ScriptError(
            f"{self._name}: ends {where} and yields nothing; its loop must yield run.measured(...) in every epoch"
        )

    def _frame(self) -> Mapping[str, object]:
        frame = self._generator.gi_frame
        return frame.f_locals if frame is not None else {}

    def save(self) -> bytes:
        """Return the number of epochs so far, and all that the script keeps.

        Raises:
            ScriptError: something kept has come to hold what has no bytes.
        """
        with self._named():
            return pack({"epoch": self._run.epoch, "kept": saved(self._run.kept)})

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned, in this or another process.

        Raises:
            ScriptError: it holds other things than are kept.
        """
        loaded = unpack(state)
        if not self._is_new:
            self._begin()  # as in another process: nothing of what was trained here is left
        with self._named():
            restore(self._run.kept, loaded["kept"])
        self._reins.put(loaded["epoch"])
        self._watch.begin(self._frame(), self._run.kept)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except ScriptError as error:
            raise ScriptError(f"{self._name}: {error}") from None


_ENDED = object()


def _shown(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
