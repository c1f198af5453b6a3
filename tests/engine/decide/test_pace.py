"""Who is taken for stalled, and what may be due, against what a person would say who reads the whole history."""

from __future__ import annotations

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from search.engine.decide.pace import MAX_RECENT_EPOCHS, MIN_SILENCE_S, STALLED_EPOCHS, Pace

SECONDS = st.floats(0.01, 1_000)
PROOF = 9
DOINGS = st.lists(
    st.tuples(st.sampled_from(["start", "row", "ends", "end", "wait"]), st.integers(0, 3), SECONDS), max_size=40
)


class Told:
    """The same as `Pace`, from a list of everything that happened."""

    def __init__(self) -> None:
        self.now = 0.0
        self.running: dict[int, float] = {}
        self.rows: list[tuple[int, float]] = []
        self.ending: set[int] = set()

    def last(self, lease: int) -> float | None:
        return next((seconds for of, seconds in reversed(self.rows) if of == lease), None)

    @property
    def recent(self) -> list[float]:
        return [seconds for _, seconds in self.rows[-MAX_RECENT_EPOCHS:]]

    def stalled(self, lease: int) -> bool:
        silent = self.now - self.running[lease]
        if silent <= MIN_SILENCE_S or not self.rows:
            return False
        own = self.last(lease)
        return silent > STALLED_EPOCHS * max(median(self.recent), own if own is not None else max(self.recent))

    def due(self, lease: int, within: float) -> bool:
        own = self.last(lease)
        expected = own if own is not None else median(self.recent) if self.rows else 0.0
        return expected - (self.now - self.running[lease]) <= within


@given(DOINGS, SECONDS)
def test_a_pace_is_what_the_whole_history_says(doings: list[tuple[str, int, float]], within: float) -> None:
    told = Told()
    pace = Pace(lambda: told.now)
    names: dict[int, int] = {}  # a lease's number is never given twice
    given_out = 0
    for what, place, seconds in doings:
        lease = names.get(place)
        if what == "wait":
            told.now += seconds
        elif what == "start" and lease is None:
            lease = names[place] = given_out
            given_out += 1
            pace.start(lease)
            told.running[lease] = told.now
        elif lease is None:
            continue
        elif what == "row" and lease not in told.ending:
            told.now += seconds
            pace.row(lease, seconds)
            told.running[lease] = told.now
            told.rows.append((lease, seconds))
        elif what == "ends":
            pace.ends(lease)
            told.ending.add(lease)
        elif what == "end":
            pace.end(lease)
            told.ending.discard(lease)
            del told.running[lease], names[place]
        assert pace.stalled() == {lease for lease in told.running if told.stalled(lease)}
        busy = [lease for lease in told.running if lease not in told.ending]
        assert sorted(pace.in_progress) == sorted(busy)
        assert pace.due(within) == any(told.due(lease, within) for lease in busy)


def test_nobody_is_stalled_before_it_is_known_what_an_epoch_takes() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    pace.start(0)
    now[0] = 1e6
    assert pace.stalled() == set()
    assert pace.due(0.0)


def test_what_a_run_takes_beside_its_epochs() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])

    def at(seconds: float) -> None:
        now[0] = seconds

    assert pace.overhead() == {}
    pace.start(0)
    at(1.0)
    pace.start(1)
    at(12.0)
    pace.row(0, 2.0)  # the first worker trained from 10.0 on
    assert pace.overhead() == {"worker": 10.0}
    at(14.25)
    pace.row(0, 2.0)
    at(15.0)
    pace.row(1, 2.0)  # the other worker's start is no lease's
    assert pace.overhead() == {"worker": 10.0, "epoch": 0.25}
    pace.end(0)
    pace.start(2)
    at(17.5)
    pace.row(2, 2.0)
    pace.start(PROOF)
    at(24.5)
    pace.proved(PROOF, 2)
    assert pace.overhead() == {"worker": 10.0, "epoch": 0.25, "lease": 0.5, "proof": 3.0}
