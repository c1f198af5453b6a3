"""The contract a workload implements.

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

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from search.core.trial import DataCard
from search.core.values import Settings
from search.workload.execution import default_class
from search.workload.plans import at, is_plan
from search.workload.settings import Description, complete


class Run(Protocol):
    """One training run in progress, on one worker."""

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        """Train the next epoch under these per-epoch settings and measure it.

        Returns:
            metric name -> number (``train_loss``, ``val_accuracy`` ...; names starting with ``test_`` are
            never read by a decision, those starting with ``seconds_`` are times, compared with no other row's), and
            optionally ``"predictions"``: split -> class of each image, an integer array [n_images] in the order of the
            data card; ``"scores"``: split -> name -> one real number per example,
            float32 or float64 [n_examples] in that order; ``"score_rules"``: metric -> how it comes from scores, by the
            names of `ScoreRule` (``{"val_rmse": {"score": "squared_error", "form": "root_mean", "better": "lower"}}``).
            Metrics that are no means say so by their form (``{"val_f1": {"form": "macro_f1"}}``, see `ScoreRule`).
            A metric ``SPLIT_NAME`` is the mean of the scores NAME of SPLIT where nothing else is declared. The same
            names, splits and numbers of images and examples every epoch.
        """

    def save(self) -> bytes:
        """Return everything the next epoch depends on.

        Raises:
            NotImplementedError: there are no states; runs are reused whole, from the ledger, and never from the middle.
        """

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
        libraries: names of libraries whose versions can change bits, besides those that its own code imports and that
            `search.workload.execution.LIBRARIES` lists, as PyTorch and NumPy.
        resumable: false where runs cannot be saved: each is trained from its first epoch, and nothing is asked of
            ``save`` and ``load``.
    """

    settings: Description
    recipe: str | None = None
    evaluation: str = "1"
    landmarks: Sequence[int] = ()
    libraries: Sequence[str] = ()
    resumable: bool = True

    def canonical(self, settings: Settings) -> dict[str, Any]:
        """Return the one spelling of these settings that is trained and hashed.

        Defaults are filled in, inactive settings dropped, synonyms resolved, numbers rounded.

        Raises:
            ValueError: with an attribute ``faults``, pairs of (setting name, sentence), like `SettingFaults`.
        """
        return complete(self.settings, settings, plans=follows_plans(self))

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Split canonical settings into the fixed part and one mapping per epoch, `epochs` of them.

        Plans are followed: of ``{"1": 0.1, "31": 0.01}`` the first 30 epochs have 0.1, and those behind them 0.01.
        """
        varying = {name for name, rule in self.settings.items() if rule.get("epoch")}
        fixed = {name: value for name, value in settings.items() if name not in varying}
        each = {name: value for name, value in settings.items() if name in varying}
        plans = {name: value for name, value in each.items() if is_plan(value, self.settings[name])}
        if not plans:
            return fixed, [dict(each) for _ in range(epochs)]
        schedule = []
        for epoch in range(1, epochs + 1):
            each |= {name: at(plan, self.settings[name], epoch) for name, plan in plans.items()}
            schedule.append(dict(each))
        return fixed, schedule

    def data(self, fixed: Settings) -> DataCard | None:
        """Read the data these fixed settings use (once: decoded into a cache) and describe them by content.

        Must not depend on the seed: a split has a setting of its own. Asked once per run for all seeds.
        """
        return None

    def inputs(self, fixed: Settings) -> Mapping[str, str]:
        """Name -> content hash of the files of weights a run starts from."""
        return {}

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Name -> value of everything about this machine that can change bits. Called on a worker.

        Unless it is overridden: versions of Python and of the libraries that the code imports or that are loaded,
        CUDA and cuDNN where PyTorch is, processor, GPU, threads, and switches that make libraries compute otherwise.
        """
        module = getattr(self, "source_module", "") or type(self).__module__
        return default_class(module, self.libraries, cpus, gpus)

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Run:
        """Begin a run at epoch 0 on this worker, with that many CPU threads and (a share of) GPUs."""
        ...


def follows_plans(workload: object) -> bool:
    """Whether a workload's schedule is the contract's own, which follows plans of values by epoch."""
    return getattr(type(workload), "schedule", None) is Workload.schedule
