"""What of a study is not there yet. It is said before anything that its runs seem to answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from search.core.trial import State, Trial
from search.report.record.curves import Curves, identity
from search.space.limits import reached_sentence
from search.study.limited import limit_reached

_OPEN = (State.WAITING, State.RUNNING, State.INTERRUPTED, State.FAILED)
"""How trials stand that another run would go on with."""


def incomplete(read: Curves) -> str:
    """Return what is missing of what a study was asked for, as sentences; "" where nothing is.

    Trials that are open, seeds of a setting and settings of a grid that have not been started, and settings that a
    search was asked for and has not drawn: it may have been ended by a limit, which is said, or have found no new ones.
    """
    space, trials = read.space, [curve.trial for curve in read.curves]
    started = {(identity(trial.parameters), trial.seed) for trial in trials}
    drawn = {setting for setting, _ in started}
    if not drawn:
        return ""
    runs = sum((setting, seed) not in started for setting in drawn for seed in set(space.seeds))
    grid = space.search.sampler == "grid"
    settings = max((space.grid_size() if grid else space.search.trials or 0) - len(drawn), 0)
    open_ = runs or (grid and settings) or any(trial.state in _OPEN for trial in trials)
    sentences = [f"The study is not complete: {states(trials)}."] if open_ else []
    if (open_ or settings) and (limit := limit_reached(read.study)):
        sentence = reached_sentence(space, limit)
        sentences.append(f"{sentence if limit == 'target' else sentence[0].upper() + sentence[1:]}.")
    if runs:
        sentences.append(f"{runs} run{'s' if runs > 1 else ''} of these settings {_have(runs)} not been started.")
    if settings and grid:
        sentences.append(f"{settings} setting{'s' if settings > 1 else ''} {_have(settings)} not been started.")
    elif settings:
        sentences.append(f"Of {space.search.trials} settings asked for, {len(drawn)} were drawn.")
    return " ".join(sentences)


def states(trials: Iterable[Trial]) -> str:
    """Return "3 finished, 1 pruned"."""
    counts = Counter(trial.state for trial in trials)
    return ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state]) or "none"


def _have(count: int) -> str:
    return "have" if count > 1 else "has"
