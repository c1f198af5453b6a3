"""A script as a workload: a generator function with its settings and its data."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import GeneratorType
from typing import Any

import search.adapters.torch.content  # noqa: F401  # tensors are known to fingerprints from here on
from search.adapters.declared import ruled
from search.adapters.fingerprint import card_of, with_groups, with_truth
from search.adapters.torch.errors import ScriptError
from search.adapters.torch.loop import read_loop
from search.adapters.torch.made import Arguments, Made, Reading
from search.adapters.torch.run import ScriptRun
from search.adapters.torch.seeding import left_alone, seed_all
from search.adapters.torch.state import unpack
from search.adapters.torch.training import Training
from search.adapters.torch.weights import weights_of
from search.core.trial import DataCard
from search.core.values import Settings
from search.workload import Workload
from search.workload.modules import code_of
from search.workload.scored import PER_EXAMPLE

ADAPTER_VERSION = "torch 1"
"""Raise it when the adapter trains the same script to other bits."""

MAX_DATA_SETS = 2
"""Kept in the memory of a process; the one that was used longest ago is made again."""


def workload(
    settings: Mapping[str, object] | None = None,
    data: Callable[..., object] | None = None,
    truth: Callable[..., Mapping[str, object]] | None = None,
    recipe: str | None = None,
    groups: Callable[..., Mapping[str, Any]] | None = None,
) -> Callable[[Callable[..., GeneratorType[Any, None, None]]], ScriptWorkload]:
    """Make a workload of a training script: a generator function whose loop over the run yields a row per epoch.

    Args:
        settings: name -> rule, as in `search.workload.Description`, or a default value alone: ``{"width": 64}``.
        data: returns what the script trains on: a tuple or a mapping of its parameters behind the run, or the only one.
            It may take the fixed settings, the seed is not among them. Its content is hashed into every key.
        truth: is given the same data as the script and returns split -> true class of each item, integers [n], counted
            from 0. With it, and the predicted classes in `ScriptRun.measured`, tables have intervals and tests.
        recipe: see `search.workload.Workload`; by default the source of the script's module and of what that imports
            from beside it.
        groups: is given the same data and returns split -> a name or number for each item, equal where items belong
            together (one patient's pictures): groups are what intervals count then. All items of one lie in one split.

    Raises:
        ScriptError: the function breaks a rule of its form, see `search.adapters.torch.loop`.
    """
    if callable(settings):
        raise ScriptError(f"{getattr(settings, '__qualname__', settings)}: write `@workload(...)`, with brackets")

    def decorate(function: Callable[..., GeneratorType[object, None, None]]) -> ScriptWorkload:
        return ScriptWorkload(function, settings or {}, data, truth, recipe, groups)

    return decorate


class ScriptWorkload(Workload):
    """The workload that `workload` makes.

    Attributes:
        function: the script.
        source_module: its module, whose code keys it.
        late_modules: see `search.workload.ImportingLate`.
    """

    adapter_version = ADAPTER_VERSION
    late_modules = ("torch._dynamo",)  # what makes an optimiser imports it, over a second

    def __init__(
        self,
        function: Callable[..., GeneratorType[object, None, None]],
        settings: Mapping[str, object],
        data: Callable[..., object] | None,
        truth: Callable[..., Mapping[str, object]] | None,
        recipe: str | None,
        groups: Callable[..., Mapping[str, Any]] | None = None,
    ) -> None:
        self.function, self.recipe, self.source_module = function, recipe, function.__module__
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        try:
            rules = ruled(settings)
        except TypeError as error:
            raise ScriptError(f"{function.__qualname__}: {error}") from None
        self.settings = {
            name: {"description": f"read by {function.__name__} as run[{name!r}]", **rule}
            for name, rule in rules.items()
        }
        self._loop, self._make, self._truth, self._groups = read_loop(function), data, truth, groups
        self._varying = frozenset(name for name, rule in self.settings.items() if rule.get("epoch"))
        self._data: dict[str, Made] = {}
        if self._loop.metrics:
            self.metrics: Sequence[str] = self._loop.metrics

    def data(self, fixed: Settings) -> DataCard | None:
        """Make the data and describe them by content; None of a script that is given none.

        Raises:
            ScriptError: they come out different each time, or do not fit the script's parameters.
        """
        if self._make is None:
            return None
        data = self._data_of(fixed)
        if not data.repeated:
            again = self._made(fixed)
            if again.card.fingerprint != data.card.fingerprint:
                raise ScriptError(
                    f"data={_name(self._make)}: made twice, the data differ; give every random generator in there a "
                    "fixed seed, and take nothing from the clock or from the order of a set"
                )
            data.repeated = True
        return data.card

    def execution_class(self, cpus: int, gpus: float) -> dict[str, str]:
        """Name what can change bits; not how switches stand in this process, for each epoch puts them anew."""
        named = super().execution_class(cpus, gpus)
        return {name: value for name, value in named.items() if name != "switches"}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Training:
        """Begin a run at epoch 0.

        Raises:
            ScriptError: an earlier training in this process changed the data.
        """
        arguments: Arguments = (), {}
        read = {"seed"}
        if self._make is not None:
            found = self._data_of(fixed)
            arguments, read = found.arguments, read | found.read

        def run() -> ScriptRun:
            given = ScriptRun(self.function.__name__, fixed, self._varying, gpus)
            given.read.update(read)
            return given

        def begin(given: ScriptRun) -> GeneratorType[Any, None, None]:
            halting: GeneratorType[Any, None, None] = self._loop.function(given, *arguments[0], **arguments[1])
            return halting

        def check_read(names: set[str], settings: Settings) -> None:
            self._check_read(names, {**fixed, **settings})

        package = self.source_module.partition(".")[0]
        return Training(self.function.__name__, begin, run, self._loop, package, cpus, check_read)

    def weights(self, run: Training) -> Mapping[str, Any]:
        """Return the weights among what the script keeps; see `search.adapters.torch.weights`."""
        return weights_of(unpack(run.save())["kept"])

    def about(self, run: Training) -> Mapping[str, Any]:  # noqa: ARG002  # what a script's model takes, it says itself
        """Return nothing."""
        return {}

    def __call__(self, epochs: int = 10, cpus: int = 1, gpus: float = 0, **settings: object) -> list[dict[str, Any]]:
        """Train a few epochs here, to try a script: print and return their rows; nothing is recorded.

        Raises:
            ValueError: see `search.workload.Workload.canonical`.
        """
        fixed, schedule = self.schedule(self.canonical({"seed": 0, **settings}), epochs)
        run, rows = self.start(fixed, cpus, gpus), []
        for epoch, now in enumerate(schedule, 1):
            rows.append(dict(run.train_epoch(now)))
            numbers = (f"{name} {value:.4g}" for name, value in rows[-1].items() if name not in PER_EXAMPLE)
            print(f"epoch {epoch}: {', '.join(numbers)}", flush=True)
        return rows

    def _data_of(self, fixed: Settings) -> Made:
        """Return the data of these settings, made once per process for all settings that `data` does not read."""
        for key, found in self._data.items():
            if found.fits(fixed):
                self._data[key] = self._data.pop(key)
                found.check(_name(self._make))
                return found
        made = self._made(fixed)
        while len(self._data) >= MAX_DATA_SETS:
            del self._data[next(iter(self._data))]
        self._data[made.card.fingerprint + repr(sorted(made.read))] = made
        return made

    def _made(self, fixed: Settings) -> Made:
        assert self._make is not None
        reading = Reading({name: value for name, value in fixed.items() if name != "seed"})
        takes = len(inspect.signature(self._make).parameters)
        name = _name(self._make)
        with left_alone():
            seed_all(0, 0, "data")  # the seed of a trial must not move them
            try:
                value = self._make(reading) if takes else self._make()
            except OSError as error:
                raise ScriptError(
                    f"data={name}: {type(error).__name__}: {error}; have the files there before the study starts, "
                    "and the network is not needed"
                ) from error
            card = card_of(value, name)
        arguments = self._arguments(value)
        if self._truth is not None:
            card = with_truth(card, self._truth(*arguments[0], **arguments[1]))
        if self._groups is not None:
            card = with_groups(card, self._groups(*arguments[0], **arguments[1]))
        return Made(arguments, card, reading, value)

    def _arguments(self, value: object) -> Arguments:
        """Return how the script is given what `data` returned: whole, or a part for each of its parameters.

        Raises:
            ScriptError: there are more or fewer parts than parameters.
        """
        names = list(inspect.signature(self.function).parameters)[1:]
        if isinstance(value, Mapping) and set(value) == set(names):
            return (), value
        if len(names) == 1:
            return (value,), {}
        if isinstance(value, (list, tuple)) and len(value) == len(names):
            return value, {}
        parts = ", ".join(map(str, value)) if isinstance(value, Mapping) else "one thing"
        if isinstance(value, (list, tuple)):
            parts = f"{len(value)} things"
        raise ScriptError(
            f"{self.function.__name__} takes {', '.join(names) or 'nothing'} beside the run, but "
            f"data={_name(self._make)} returns {parts}; it must return a tuple, or a mapping by these names"
        )

    def _check_read(self, read: set[str], settings: Settings) -> None:
        """Name settings that nothing read by the end of the first epoch, and that no line of the code speaks of.

        Raises:
            ScriptError: there are some.
        """
        unread = sorted(settings.keys() - read - {"seed"})
        if unread and (silent := [name for name in unread if name not in _words(self.source_module)]):
            raise ScriptError(
                f"{self.function.__name__}: nothing reads {', '.join(map(repr, silent))} of its settings, whose values "
                f"would train the same; read run[{silent[0]!r}], or remove them"
            )


def _words(module: str) -> set[str]:
    """Return all text in the code of a module and of what it imports from beside it, but for keys of dictionaries."""
    words: set[str] = set()
    for tree in code_of(module).values():
        keys = {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
        words |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys
        }
    return words


def _name(function: Callable[..., object] | None) -> str:
    return str(getattr(function, "__name__", function))
