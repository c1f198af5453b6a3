"""What a workload or a run may offer beside the contract; each part is looked for by its methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from search.core.values import Settings
from search.workload.contract import Run


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


@runtime_checkable
class TellingLayers(Protocol):
    """What a workload may offer beside the contract: the same look at its models as data, for programs."""

    def layers(self, names: Sequence[str], options: Mapping[str, str]) -> Mapping[str, Mapping[str, object]]:
        """Return model -> what `Describing.describe` says of it, as plain data.

        Args:
            names, options: as for `describe`.

        Raises:
            ValueError: with an attribute ``faults``, pairs of (name, sentence).
        """


@runtime_checkable
class Measuring(Protocol):
    """What a workload may offer beside the contract: what its rows hold, so that `check` finds a misspelt objective.

    Attributes:
        metrics: names of all metrics that a row may hold; those of a split that the data lack are missing from it.
    """

    metrics: Sequence[str]


@runtime_checkable
class Costing(Protocol):
    """What a workload may offer beside the contract: what a setting costs that no training changes, such as the size of
    its model, as further objectives of a search.

    Attributes:
        cost_metrics: names of all that `costs` returns; no row holds a metric of such a name.
    """

    cost_metrics: Sequence[str]

    def costs(self, fixed: Settings) -> Mapping[str, float]:
        """Return name -> what a run under these settings costs, a finite number; the same wherever it is asked.

        Must train nothing and draw nothing at random. What is timed is another number every time, and no cost of this
        kind but a metric of rows, named ``seconds_...``.

        Args:
            fixed: canonical fixed settings, as ``start`` is given.

        Raises:
            ValueError: it cannot be told; with an attribute ``faults``, pairs of (setting name, sentence).
        """


@runtime_checkable
class OnDemand(Protocol):
    """What a workload may offer beside the contract: metrics that rows hold only where a setting asks for them, so that
    `check` finds an objective that no row would have.

    Attributes:
        on_demand: metric -> the setting that must be true for it.
    """

    on_demand: Mapping[str, str]


@runtime_checkable
class Idling(Protocol):
    """What a workload may offer beside the contract: which settings never act, so that `check` and `plan` say so."""

    def idle(self, settings: Settings, epochs: int) -> Iterable[tuple[str, str]]:
        """Return (setting name, sentence) of canonical settings that change nothing in a run of so many epochs.

        Raises:
            ValueError: whatever data are read, they cannot be trained; with an attribute ``faults``, pairs of (setting
                name, sentence). Only what a file sets itself is a fault of it.
        """


@runtime_checkable
class Outside(Protocol):
    """What a workload may offer beside the contract: that it trains in programs which no proof can look into.

    Attributes:
        unrepeated: the likely cause, with the remedy, where two runs of the same settings give different rows.
    """

    @property
    def unrepeated(self) -> str:
        """As above."""


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
            * ``refused``, where it is known: how often memory was asked for there and not given since the run began. A
              library that takes less then, and goes on, may give other bits: such a row is dropped. Beside others the
              trial goes on with fewer of them; alone its lease is begun once more, and fails where that is refused
              memory, too.
        """


@runtime_checkable
class Warming(Protocol):
    """What a workload may offer beside the contract: data that are read once for many runs.

    Where each lease is trained in a fork of a warm process, each would read them anew.
    """

    def warm(self, fixed: Settings) -> None:
        """Read what a run under these settings reads and never changes, and keep it in this process.

        Must train nothing, draw nothing at random, and leave no thread behind. What it raises is not told, for the run
        that reads the same will tell it.

        Args:
            fixed: canonical fixed settings, as ``start`` is given.
        """


@runtime_checkable
class ImportingLate(Protocol):
    """What a workload may offer beside the contract: what its training imports, and `check` and `plan` do without.

    Attributes:
        late_modules: names of modules that every run comes to import; a warm process has them before it is forked.
    """

    late_modules: Sequence[str]


@runtime_checkable
class TellingReads(Protocol):
    """What a run may offer beside the contract: which settings its code has read, so that `verify` names those that
    epochs alone read. Of a run without it, `verify` sees what is read from the mapping that ``start`` is given."""

    def settings_read(self) -> Iterable[str]:
        """Return the names of the settings that were read so far."""


@runtime_checkable
class Picturing(Protocol):
    """What a workload may offer beside the contract: pictures of a run that only its state can give."""

    def check_pictures(self, fixed: Settings, options: Mapping[str, object]) -> None:
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


@runtime_checkable
class Weighing(Protocol):
    """What a workload may offer beside the contract: the weights of a run, for whoever uses what was trained."""

    def weights(self, run: Run) -> Mapping[str, Any]:
        """Return name -> NumPy array or PyTorch tensor of all that was learnt; the run is left as it was.

        Args:
            run: from `start`, in the state whose weights are wanted.
        """

    def about(self, run: Run) -> Mapping[str, Any]:
        """Return what one must know to use them, as plain data: classes, size and normalisation of the input.

        Args:
            run: from `start`.
        """


@runtime_checkable
class Beginning(Protocol):
    """What a workload may offer beside the contract: a first space file for somebody who has data and no file yet."""

    def first_file(self, data: str, file: str) -> str:
        """Return the text of a commented space file that passes ``check`` on these data as they are.

        Args:
            data: what the setting ``data`` takes, as it was typed.
            file: the path it will have, for the commands that it names.

        Raises:
            ValueError: the data cannot be used; with an attribute ``faults``, pairs of (setting name, sentence).
        """


@runtime_checkable
class WritingGroups(Protocol):
    """What a workload may offer beside the contract: examples that seem to belong together, for a person to look at."""

    def write_groups(self, fixed: Settings, file: str) -> Sequence[str]:
        """Write a file that names the group of each example; return lines of text on it, and what to do with it.

        Raises:
            ValueError: the data cannot be used, or the file not be written; with an attribute ``faults``, pairs of
                (setting name, sentence).
        """


@runtime_checkable
class CheckingData(Protocol):
    """What a workload may offer beside the contract: a look at its data before anything runs."""

    def check_data(self, fixed: Settings) -> Sequence[str]:
        """Return lines of text on the data these fixed settings use: what is there, and what is odd about it.

        Raises:
            ValueError: the data cannot be used; with an attribute ``faults``, pairs of (setting name, sentence).
        """
