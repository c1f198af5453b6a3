"""What the ledger knows of a study before it is run: which trials are decided, which rows and states there are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeGuard

from search.core.prefix import fingerprint
from search.core.pruning import Pruner
from search.core.trial import Trial
from search.ledger.files import all_files
from search.ledger.ledger import Ledger, Recorded, StudyRecord
from search.ledger.measured import Measured
from search.space.model import Space
from search.study.asked import StartingPoint
from search.study.fold import begun, ended_for_good
from search.study.leaf import Leaf, Planner
from search.study.pruner import COMPLETE, pruner, rungs_on_record
from search.study.sampling import make_sampler
from search.study.start import starting_points


@dataclass
class Known:
    """One trial of the plan.

    Attributes:
        leaf: the trial.
        epoch: rows on record lead it so far.
        ended: whether they decide it, or it ended in an earlier run; then with `epoch`.
        base: the epoch it can be trained on from, 0 for the start.
    """

    leaf: Leaf
    epoch: int
    ended: bool
    base: int = 0

    @property
    def length(self) -> int:
        """Epochs it takes at most, alone."""
        return self.epoch if self.ended else len(self.leaf.path)


@dataclass(frozen=True)
class Inventory:
    """The trials of a study and what there is of them.

    Attributes:
        trials: those that are known by now.
        unasked: configurations an adaptive sampler will choose while the study runs, at most.
        rows: epoch key -> row on record.
        states: keys of states on record -> bytes.
    """

    trials: Sequence[Known]
    unasked: int
    rows: Mapping[str, Recorded]
    states: Mapping[str, int]


def take_stock(space: Space, ledger: Ledger, planner: Planner, record: StudyRecord | None) -> Inventory:
    """Look at every trial of a space as the driver will when it starts; nothing is written.

    Args:
        space: the space.
        ledger: where rows and states are.
        planner: makes the leaves.
        record: the study, where it was begun.

    Raises:
        UserError: a configuration cannot be trained, or its data cannot be read.
    """
    earlier = ledger.trials(record.id) if record is not None else []
    asked = [entry.detail for entry in ledger.decisions(record.id, ["asked"])] if record is not None else []
    configurations = dict(_configurations(space, earlier, asked, starting_points(ledger, planner, asked)))
    numbers = {(fingerprint(trial.parameters), trial.seed): trial for trial in earlier}
    # A trial that ended before its kind was distrusted stands under keys that it shared.
    paths = ledger.paths(record.id) if record is not None and planner.alone else {}
    leaves: list[tuple[Leaf, Trial | None]] = []
    for configuration, parameters in configurations.items():
        name = fingerprint(parameters)
        for seed in space.seeds:
            leaf, trial = planner.leaf(len(leaves), configuration, seed, parameters), numbers.get((name, seed))
            if _decided(trial, space) and trial.number in paths:
                leaf = replace(leaf, path=paths[trial.number][0])
            leaves.append((leaf, trial))
    measured = Measured(ledger, space.search.measured)
    rows = measured.rows({key: leaf.data for leaf, _ in leaves for key in leaf.path})
    rule = pruner(space, rungs_on_record(ledger, record.id) if record is not None else ())
    trials = []
    for leaf, trial in leaves:
        if _decided(trial, space):
            trials.append(Known(leaf, trial.last_epoch, True))
        else:
            trials.append(_settled(leaf, space, rows, rule))
    states = _bases([known for known in trials if not known.ended and known.leaf.kind not in planner.alone], ledger)
    unasked = 0
    if space.search.sampler != "grid" and adaptive(space):
        unasked = max(0, (space.search.trials or 0) - len(configurations))
    return Inventory(trials, unasked, rows, states)


def examples(space: Space, stock: Inventory, planner: Planner) -> Sequence[Leaf]:
    """Return trials that those which are still to be chosen are taken to be like: the known ones, else the first one a
    sampler asks for, which no result decides."""
    if stock.trials or not stock.unasked:
        return [known.leaf for known in stock.trials]
    asked = make_sampler(space, ()).ask()
    return [] if asked is None else [planner.leaf(0, asked.configuration, space.seeds[0], asked.parameters)]


def _decided(trial: Trial | None, space: Space) -> TypeGuard[Trial]:
    """Whether a trial of an earlier run ended for good."""
    return trial is not None and ended_for_good(trial, space)


def adaptive(space: Space) -> bool:
    """Whether what is tried depends on what comes out."""
    return space.search.learns


def _configurations(
    space: Space, earlier: Sequence[Trial], asked: Sequence[Mapping[str, object]], start: Sequence[StartingPoint]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the configurations that are known by now, by number."""
    if space.search.sampler != "grid":
        yield from sorted({trial.configuration: trial.parameters for trial in earlier}.items())
        if adaptive(space) and not start:
            return
    sampler = make_sampler(space, asked, start)
    if adaptive(space):  # no result decides starting points, but what is drawn to complete one
        written = {fingerprint(point.parameters) for point in start}
        answers = islice(iter(sampler.ask, None), len(start))
        yield from (
            (answer.configuration, answer.parameters) for answer in answers if fingerprint(answer.parameters) in written
        )
        return
    while (answer := sampler.ask()) is not None:
        yield answer.configuration, answer.parameters


def _settled(leaf: Leaf, space: Space, rows: Mapping[str, Recorded], rule: Pruner | None) -> Known:
    """Fold the rows on record into a leaf, as the driver will."""
    fold = begun(leaf, space)
    while (key := fold.next_key) is not None and key in rows:
        end = fold.feed(rows[key].row, rows[key].seconds)
        asked = rule if end is None and not math.isnan(fold.curve[-1]) else None
        if asked is not None and asked.judge(fold.epoch, key, fold.curve, leaf.trial.configuration) is False:
            return Known(leaf, fold.epoch, not asked.resumes)
        if end is not None:
            if rule is not None and end[0] in COMPLETE:
                rule.finished(leaf.path[: fold.epoch])
            return Known(leaf, fold.epoch, True)
    return Known(leaf, fold.epoch, False)


def _bases(trials: Sequence[Known], ledger: Ledger) -> dict[str, int]:
    """Find the last state on every undecided path before its first missing row; return key -> bytes of all found."""
    begun = [known for known in trials if known.epoch]
    kept = ledger.states.find(list(dict.fromkeys(key for known in begun for key in known.leaf.path[: known.epoch])))
    left = {key for _, key in all_files(ledger.states.folder)} if begun else set()
    for known in begun:
        path = known.leaf.path
        there = (epoch for epoch in range(known.epoch, 0, -1) if path[epoch - 1] in kept)
        # A worker that ended may have left a state that no entry names yet: the driver adopts it.
        known.base = known.epoch if path[known.epoch - 1] in left else next(there, 0)
    return {key: state.file.size for key, state in kept.items()}
