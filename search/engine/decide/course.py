"""The course of a run: which phase may follow which. A pure state machine; the driver holds its state.

Two things change beside each other: the run gives leases until it ends (`Phase`), and the planner fills the board
until there is nothing more to ask for (`Planning`). A course is immutable and every move returns the next one, so
whoever reads it needs no lock: the threads of the driver, Ray's, and a signal handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from search.core.errors import InternalError


class Phase(Enum):
    """What the run does with leases."""

    GIVING = "leases are given"
    CHANGING = "running leases end after their epoch; others take over from their states later"
    STOPPING = "running leases end after their epoch"
    DROPPING = "epochs in progress are dropped"
    FAILED = "nothing is decided any more, and no row is accepted; leases end after their epoch"
    FAILED_AT_ONCE = "nothing is decided any more, and epochs in progress are dropped"


class Planning(Enum):
    """How far the planner is."""

    LOADING = "leaves are still to come, and where trials part is not known yet"
    LOADED = "as many leaves are on the board as are planned ahead; more may come"
    ALL_ASKED = "the sampler has no more configurations"
    BROKEN_OFF = "the planner ended before the sampler did"


class Move(Enum):
    """What can happen to a run."""

    CHANGE_OVER = "another number of leases is wanted"
    GO_ON = "another number of leases can start"
    STOP = "the run is to end"
    DROP = "the run is to end now"
    FAIL = "an error ended the run"
    FAIL_AT_ONCE = "an error ended the run, and its workers are lost"


_ALIVE = (Phase.GIVING, Phase.CHANGING, Phase.STOPPING, Phase.DROPPING)

PHASES: Mapping[Move, Mapping[Phase, Phase]] = {
    Move.CHANGE_OVER: {Phase.GIVING: Phase.CHANGING},
    Move.GO_ON: {Phase.CHANGING: Phase.GIVING},
    Move.STOP: {Phase.GIVING: Phase.STOPPING, Phase.CHANGING: Phase.STOPPING},
    Move.DROP: {**dict.fromkeys(_ALIVE, Phase.DROPPING), Phase.FAILED: Phase.FAILED_AT_ONCE},
    Move.FAIL: {**dict.fromkeys(_ALIVE, Phase.FAILED), Phase.DROPPING: Phase.FAILED_AT_ONCE},
    Move.FAIL_AT_ONCE: dict.fromkeys(Phase, Phase.FAILED_AT_ONCE),
}
"""Move -> phase before -> phase after. In a phase that is not listed, the move changes nothing: a run that ends does
not come back to life, and a run that failed does not merely stop."""

PLANNINGS: Mapping[Planning, frozenset[Planning]] = {
    Planning.LOADING: frozenset({Planning.LOADED, Planning.ALL_ASKED, Planning.BROKEN_OFF}),
    Planning.LOADED: frozenset({Planning.ALL_ASKED, Planning.BROKEN_OFF}),
    Planning.ALL_ASKED: frozenset(),
    Planning.BROKEN_OFF: frozenset(),
}
"""What may follow. The planner goes forward only."""


@dataclass(frozen=True)
class Course:
    """Where a run stands.

    Attributes:
        phase: what it does with leases.
        planning: how far the planner is.
        reason: why the run was told to end early, or "".
        error: what ended the run, the first one where there were several.
    """

    phase: Phase = Phase.GIVING
    planning: Planning = Planning.LOADING
    reason: str = ""
    error: BaseException | None = None

    def _after(self, move: Move) -> Phase:
        return PHASES[move].get(self.phase, self.phase)

    def change_over(self) -> Course:
        """Let running leases end after their epoch, for others to take over from their states."""
        return replace(self, phase=self._after(Move.CHANGE_OVER))

    def go_on(self) -> Course:
        """Give leases again after a change."""
        return replace(self, phase=self._after(Move.GO_ON))

    def stop(self, reason: str) -> Course:
        """Give no more leases. The last reason counts."""
        return replace(self, phase=self._after(Move.STOP), reason=reason)

    def drop(self, reason: str) -> Course:
        """Do not wait for epochs in progress. A reason that is on record already stays."""
        return replace(self, phase=self._after(Move.DROP), reason=self.reason or reason)

    def fail(self, error: BaseException, at_once: bool = False) -> Course:
        """End the run for an error. The first error counts."""
        phase = self._after(Move.FAIL_AT_ONCE if at_once else Move.FAIL)
        return replace(self, phase=phase, error=self.error or error)

    def plan(self, planning: Planning) -> Course:
        """Note how far the planner is; to note the same again changes nothing.

        Raises:
            InternalError: the planner cannot come to that from where it is.
        """
        if planning == self.planning:
            return self
        if planning not in PLANNINGS[self.planning]:
            raise InternalError(f"a planner that is {self.planning.name} cannot become {planning.name}")
        return replace(self, planning=planning)

    @property
    def gives_leases(self) -> bool:
        """Whether leases are given, and running ones may go on to another epoch."""
        return self.phase == Phase.GIVING

    @property
    def ends(self) -> bool:
        """Whether the run gives no more leases, whatever comes."""
        return self.phase not in (Phase.GIVING, Phase.CHANGING)

    @property
    def drops_epochs(self) -> bool:
        """Whether epochs in progress are not waited for."""
        return self.phase in (Phase.DROPPING, Phase.FAILED_AT_ONCE)

    @property
    def grid_loaded(self) -> bool:
        """Whether as many leaves are on the board as are planned ahead: of a grid, nothing starts before."""
        return self.planning != Planning.LOADING

    @property
    def planned(self) -> bool:
        """Whether no more leaves will come."""
        return self.planning in (Planning.ALL_ASKED, Planning.BROKEN_OFF)
