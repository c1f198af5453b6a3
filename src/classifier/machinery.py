"""What a run trains with: network, optimiser, sums over an epoch, and the recorded steps that work on them.

Recordings hold on to the memory they were made on. So a process whose runs record their steps keeps the machinery of
the last one, and the next run of the same shape takes it over: it writes its own weights, running statistics and
moments into the same memory, and need not record. A run of another shape, or one that records nothing, frees it before
it takes anything itself. Nothing of this changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from classifier.data import Dataset
from classifier.inputs import Constants
from classifier.models import build
from classifier.network import Network
from classifier.optimisers import optimiser, restore, state
from classifier.steps import Graphed, Work
from search.workload import Settings


@dataclass(frozen=True, eq=False)
class Shape:
    """What two runs must have in common for one to go on with what the other recorded.

    Attributes:
        data: the images, which lie on the device once; compared by identity.
        fixed: canonical fixed settings, whatever the seed.
        device: where they train.
    """

    data: Dataset
    fixed: Settings
    device: torch.device

    def matches(self, other: Shape | None) -> bool:
        """Return whether a run of the one shape may take over from a run of the other."""
        if other is None or self.data is not other.data or self.device != other.device:
            return False
        ours, theirs = ({**of.fixed, "seed": 0} for of in (self, other))
        return ours == theirs


class Machinery:
    """See the module. The weights have no meaning before they are drawn or loaded.

    Args:
        fixed: canonical fixed settings.
        classes: outputs of the network.
        constants: means and standard deviations of the channels.
        device: where it trains.

    Attributes:
        model, network, optimizer: on the device.
        total, correct: sums over an epoch's training images, float64 and int64 [].
        recorded: settings of an epoch without its rate, and the steps recorded under them.
        sound: whether no epoch broke off.
        handed_out: whether somebody outside may still hold the model.
    """

    def __init__(self, fixed: Settings, classes: int, constants: Constants, device: torch.device) -> None:
        self.model: torch.nn.Module = build(fixed, classes).to(device, memory_format=torch.channels_last)
        self.network = Network(self.model, constants, fixed["precision"], device)
        self.optimizer = optimiser(self.model, fixed)
        # Sums over an epoch, on the device: nobody waits for a batch's.
        self.total = torch.zeros((), dtype=torch.float64, device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.recorded: tuple[dict[str, Any], Graphed] | None = None
        self.sound, self.handed_out = True, False
        self._first = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        self._places: dict[Tensor, dict[str, Tensor]] = {}  # parameter -> name -> the moment that recordings work on

    @torch.no_grad()
    def begin(self) -> None:
        """Be as at the start of a run, but for the weights."""
        for name, buffer in self.model.named_buffers():
            buffer.copy_(self._first[name])
        self._let_moments_come()
        self.optimizer.state.clear()

    def load(self, model: Mapping[str, Any], moments: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Take over saved weights, running statistics and moments."""
        self.model.load_state_dict(model)
        self._let_moments_come()
        restore(self.optimizer, moments)

    def _let_moments_come(self) -> None:
        """Remember where recordings expect the moments: others come, which the optimiser makes or restores."""
        if self.recorded is not None and not self._places:
            parameters = self.optimizer.param_groups[0]["params"]
            self._places = {parameters[number]: tensors for number, tensors in state(self.optimizer).items()}

    def steps(self, settings: Mapping[str, Any], make: Callable[[], Work]) -> Work:
        """Return what runs a recorded step.

        Args:
            settings: of the epoch without its rate.
            make: returns the step itself under these settings; asked for where none is recorded under them.
        """
        if self.recorded is None or self.recorded[0] != settings:
            self.recorded, self._places = None, {}  # before others are made, so that both need not fit
            self.recorded = dict(settings), Graphed(make())
        graphed = self.recorded[1]

        def step(*tensors: Tensor) -> None:
            if not self._places:
                graphed(*tensors)
                return
            graphed.aside(*tensors)  # as the first step of a run, which makes the moments
            self._put_moments_in_place()

        return step

    @torch.no_grad()
    def _put_moments_in_place(self) -> None:
        for parameter, places in self._places.items():
            moments = self.optimizer.state[parameter]
            for name, place in places.items():
                place.copy_(moments[name])
                moments[name] = place
        self._places = {}


_latest: list[Shape | None] = [None]
"""Of the run that began last, where it records its steps."""

_kept: list[tuple[Shape, Machinery]] = []
"""The machinery of a run that is over; one at the most."""


def taken_over(shape: Shape | None) -> Machinery | None:
    """Return the machinery that an earlier run left for one of this shape, as at the start of a run; free any other.

    Args:
        shape: of a run that begins; None where it records nothing.
    """
    _latest[0] = shape
    kept = _kept.pop() if _kept else None
    if kept is None or shape is None or not shape.matches(kept[0]):
        return None
    kept[1].begin()
    return kept[1]


def leave(shape: Shape, machinery: Machinery, refused: Callable[[], int]) -> None:
    """Leave the machinery of a run that is over to the next one, where that can use it.

    Args:
        shape: of the run.
        machinery: nobody trains with it any more.
        refused: tells how often the run was refused memory: a step recorded then may have other bits.
    """
    if machinery.sound and not machinery.handed_out and shape.matches(_latest[0]) and not refused():
        _kept[:] = [(shape, machinery)]
