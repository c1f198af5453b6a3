"""The contract a workload implements, and how a space file names one.

A run is a function of its *fixed settings* (data, model, optimiser, batch size, seed ...) and a *schedule*:
the settings of each epoch in turn (learning rate, loss parameters, augmentation ...).

What an implementer owes:

* the row and the state after an epoch depend on nothing but the fixed settings, the settings of the epochs
  so far and the execution class: not on what the process did before, on other processes, on the time, or on
  how many random numbers anybody drew;
* ``load(save())`` in another process of the same execution class goes on bit for bit;
* a row is complete whoever trained it: all metrics of all splits that the data have, every epoch;
* what depends on results (ReduceLROnPlateau) or changes inside an epoch is refused with a reason.

Subclass `Workload` and give it ``settings`` and ``start``; everything else has a default that is right for
a workload without data of its own. A class that only looks like `Workload` does as well.
"""

from __future__ import annotations

import importlib
import inspect
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from search.errors import UserError, nearest
from search.foreign import reason_of, watched
from search.rules import Description, SettingFaults, Settings, complete
from search.source import source_hash
from search.trial import DataCard

__all__ = [
    "CheckingData",
    "Counting",
    "Describing",
    "Description",
    "Idling",
    "Measuring",
    "Occupying",
    "Picturing",
    "Run",
    "SettingFaults",
    "Settings",
    "Workload",
    "identity",
    "load_workload",
]


class Run(Protocol):
    """One training run in progress, on one worker."""

    def train_epoch(self, settings: Settings) -> Mapping[str, Any]:
        """Train the next epoch under these per-epoch settings and measure it.

        Returns:
            metric name -> number (``train_loss``, ``val_accuracy`` ...; names starting with ``test_`` are
            never read by a decision), and optionally ``"predictions"``: split -> class of each image, an integer
            array [n_images] in the order of the data card. The same names, splits and numbers of images every epoch.
        """

    def save(self) -> bytes:
        """Return everything the next epoch depends on."""

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned, in this or another process."""


@runtime_checkable
class Workload(Protocol):
    """What is being tuned.

    Attributes:
        settings: what can be set, see `Description`. ``seed`` is always there and need not be listed.
        recipe: version of everything that determines a state; None keys the workload by its source code and that of
            the modules it imports from beside it (comments and formatting apart). Raise it when the same settings
            train other bits.
        evaluation: version of how rows are measured.
        landmarks: epochs behind which schedules often part, so that a state there is worth keeping for studies to come.
    """

    settings: Description
    recipe: str | None = None
    evaluation: str = "1"
    landmarks: Sequence[int] = ()

    def canonical(self, settings: Settings) -> dict[str, Any]:
        """Return the one spelling of these settings that is trained and hashed.

        Defaults are filled in, inactive settings dropped, synonyms resolved, numbers rounded.

        Raises:
            ValueError: with an attribute ``faults``, pairs of (setting name, sentence), like `SettingFaults`.
        """
        return complete(self.settings, settings)

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Split canonical settings into the fixed part and one mapping per epoch, `epochs` of them."""
        varying = {name for name, rule in self.settings.items() if rule.get("epoch")}
        fixed = {name: value for name, value in settings.items() if name not in varying}
        each = {name: value for name, value in settings.items() if name in varying}
        return fixed, [dict(each) for _ in range(epochs)]

    def data(self, fixed: Settings) -> DataCard | None:
        """Read the data these fixed settings use (once: decoded into a cache) and describe them by content.

        Must not depend on the seed: a split has a setting of its own. Asked once per run for all seeds.
        """
        return None

    def inputs(self, fixed: Settings) -> Mapping[str, str]:
        """Name -> content hash of the files of weights a run starts from."""
        return {}

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Name -> value of everything about this machine that can change bits. Called on a worker."""
        return {"python": platform.python_version(), "machine": platform.machine()}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Run:
        """Begin a run at epoch 0 on this worker, with that many CPU threads and (a share of) GPUs."""
        ...


_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*)?")


def load_workload(name: str) -> Workload:
    """Import the workload a space file names.

    ``classifier`` means the attribute ``workload`` of the module ``classifier.workload``;
    ``package.module:attribute`` names any other; a class is instantiated without arguments.

    Raises:
        UserError: no such module or attribute, or it is no workload.
    """
    if not _NAME.fullmatch(name):
        path = name.partition(":")[0]
        file = path.endswith(".py") or "/" in path or "\\" in path
        remedy = ", the name of a module and not its file" if file else ", words of letters, digits and _ between dots"
        raise UserError(
            f"workload {name!r}: found {name!r}, must be `classifier` or `package.module:attribute`{remedy}"
        )
    module_name, _, attribute = name.partition(":")
    if not attribute:
        module_name, attribute = f"{name}.workload", "workload"
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    importing = f"workload {name!r}: importing {module_name!r}"
    try:
        with watched(importing):
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise UserError(
                f"workload {name!r}: no module {error.name!r} can be imported from {Path.cwd()}; "
                "write `classifier` or `package.module:attribute`"
            ) from error
        raise UserError(f"{importing} failed: {reason_of(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UserError(f"{importing} failed: {reason_of(error)}") from error
    if not hasattr(module, attribute):
        known = nearest(attribute, vars(module))
        raise UserError(f"workload {name!r}: module {module_name!r} has no attribute {attribute!r}{known}")
    found = getattr(module, attribute)
    making = f"workload {name!r}: {attribute}()"
    try:
        with watched(making):
            workload: Any = found() if inspect.isclass(found) else found
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UserError(f"{making} failed: {reason_of(error)}") from error
    if lacking := _lacking(workload):
        raise UserError(
            f"workload {name!r}: {attribute!r} does not implement the contract (it lacks {', '.join(lacking)}); "
            "subclass search.workload.Workload"
        )
    return workload


def _lacking(workload: Any) -> list[str]:
    """Name what the contract asks for and `workload` has not; a subclass without ``start`` inherits an empty one."""
    parts = [name for name in ("settings", "recipe", "evaluation") if not hasattr(workload, name)]
    methods = ("canonical", "schedule", "data", "inputs", "execution_class", "start")
    parts += [name for name in methods if not callable(getattr(workload, name, None))]
    if getattr(type(workload), "start", None) is Workload.start:
        parts.append("start")
    return parts


def identity(name: str, workload: Workload) -> dict[str, str]:
    """Return what stands for the workload's code in an epoch key."""
    recipe = workload.recipe
    return {
        "workload": name,
        "recipe": recipe if recipe is not None else f"source {source_hash(type(workload).__module__)}",
        "evaluation": workload.evaluation,
    }


@runtime_checkable
class Describing(Protocol):
    """What a workload may offer beside the contract: a look at its models before anything runs."""

    def describe(self, names: Sequence[str], options: Mapping[str, str]) -> str:
        """Return the layers of one model, or several side by side, as plain text in aligned columns.

        Args:
            names: one or more of the workload's models.
            options: ``size`` and ``classes`` where a person gave them, and settings, all as they were typed.

        Raises:
            ValueError: with an attribute ``faults``, pairs of (name, sentence).
        """
        ...


@runtime_checkable
class Measuring(Protocol):
    """What a workload may offer beside the contract: what its rows hold, so that `check` finds a misspelt objective.

    Attributes:
        metrics: names of all metrics that a row may hold; those of a split that the data lack are missing from it.
    """

    metrics: Sequence[str]


@runtime_checkable
class Idling(Protocol):
    """What a workload may offer beside the contract: which settings never act, so that `check` and `plan` say so."""

    def idle(self, settings: Settings, epochs: int) -> Iterable[tuple[str, str]]:
        """Return (setting name, sentence) of canonical settings that change nothing in a run of so many epochs.

        Raises:
            ValueError: whatever data are read, they cannot be trained; with an attribute ``faults``, pairs of (setting
                name, sentence). Only what a file sets itself is a fault of it.
        """
        ...


@runtime_checkable
class Counting(Protocol):
    """What a workload may offer beside the contract: the sizes of its models, for the audit of printed ones."""

    def parameters(self, name: str, settings: Settings, classes: int) -> int:
        """Return how many numbers a model learns, nothing being trained or read.

        Args:
            name: of a model, as a person wrote it.
            settings: of one configuration of a space, as they stand there; they count where the configuration uses
                this model, and only as far as they concern it.
            classes: outputs.

        Raises:
            ValueError: no such model, or none with these settings; with an attribute ``faults``, pairs of
                (setting name, sentence).
        """
        ...


@runtime_checkable
class Occupying(Protocol):
    """What a run may offer beside the contract: how much of its GPU it takes, so that several may share one.

    A run without it has its GPU to itself. However many share one, ``start`` is told of a whole GPU, or of as many as
    the space file gives a trial; neither the rows nor the execution class may depend on the neighbours.
    """

    def usage(self) -> Mapping[str, float] | None:
        """Return what has been taken so far of the run's GPU; None on a CPU, and where it is not known.

        Asked after every epoch; must change nothing of what is trained.

        Returns:
            * ``memory``: fraction of the GPU's memory that was in use at the most, above 0: all that the process needs
              there (context, kernels, workspaces, what a library holds in reserve), and what others use;
            * ``busy``, where it is known: fraction of the time of its epochs in which the GPU worked for it;
            * ``refused``, where it is known: how often this process asked for memory there and did not get it. A
              library that takes less then, and goes on, may give other bits: while others are on the GPU, such a row is
              dropped, and the trial goes on elsewhere.
        """
        ...


@runtime_checkable
class Picturing(Protocol):
    """What a workload may offer beside the contract: pictures of a run that only its state can give."""

    def check_pictures(self, fixed: Settings, options: Mapping[str, Any]) -> None:
        """Check what `pictures` will be asked for, before anything is trained.

        Raises:
            ValueError: with an attribute ``faults``, pairs of (name, sentence).
        """

    def pictures(self, run: Run, options: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Return file name (without ending) -> one picture, as plain data; the run is left as it was.

        Args:
            run: from `start`, in the state that is looked at.
            options: what a person asked for; ``filters``: names, none for the workload's own choice.

        Returns:
            every picture has a ``title`` and a ``note``, a sentence on how it was made; and either

            * a scatter: ``x`` and ``y``, numbers [n]; ``label``, class of each point, integers [n]; ``classes``, names
              in label order; or
            * an image: ``image``, uint8 [h, w, 3]; or
            * neither: ``note`` says why it cannot be drawn.
        """
        ...


@runtime_checkable
class CheckingData(Protocol):
    """What a workload may offer beside the contract: a look at its data before anything runs."""

    def check_data(self, fixed: Settings) -> Sequence[str]:
        """Return lines of text on the data these fixed settings use: what is there, and what is odd about it.

        Raises:
            ValueError: the data cannot be used; with an attribute ``faults``, pairs of (setting name, sentence).
        """
        ...
