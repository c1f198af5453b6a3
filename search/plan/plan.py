"""The plan of a study: what it will cost, from its space and what is on record. Trains at most a probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.spending import Spending, spending
from search.plan.counts import Epochs, Work, count, states_kept, work_of
from search.plan.estimates import Estimates
from search.plan.known import Inventory, Known, examples, take_stock
from search.plan.limited import Cut, cuts
from search.plan.overhead import Overhead, overhead_on_record
from search.plan.place import Place
from search.plan.power import foreseen
from search.plan.process import Probe
from search.plan.proofs import Gate, kinds_to_come, standing_of, to_come_at_most
from search.plan.times import Seconds, seconds_of
from search.plan.tree import Stage, grow
from search.space.model import Space, confirm_name
from search.study.leaf import Leaf, Planner, longest
from search.study.marks import STATES_PER_CHAIN
from search.system.machine import fork_is_fresh

if TYPE_CHECKING:
    from search.statistics.prospect import Prospect

STATE_SPACING_S = 5.0
"""Seconds of training between a spaced state and the one before, as workers have it."""


@dataclass(frozen=True)
class Room:
    """What the states of a study need on disk.

    Attributes:
        kept: states the run will keep if nothing ends a trial early; besides, every running chain has a rolling one.
        size: bytes of one, in the mean; None where nothing tells.
        total: bytes of all of them.
        limit: bytes that all states of the ledger may take.
        there: states on record by now, of all studies.
        there_bytes: their bytes.
        sources: where `size` is from.
    """

    kept: int
    size: float | None
    total: float | None
    limit: float
    there: int
    there_bytes: int
    sources: Sequence[str]


@dataclass(frozen=True)
class Plan:
    """What a study will cost.

    Attributes:
        study: its name, with its revision where it was begun.
        configurations, seeds, trials: how many; trials are configurations x seeds.
        unasked: configurations an adaptive sampler has still to choose: all the figures below are upper limits.
        known_ends: trials that rows on record decide.
        early: whether stop rules or pruning may end trials.
        sharing: whether trials share epochs.
        epochs, seconds, room: see there.
        confirm: epochs its confirm stage may train besides, at most; 0 without one.
        kinds: kinds of training that something is to be proven of.
        untested: whether its data have no test split, so that its confirm stage can call no setting better.
        limits: what each limit of the file leaves out.
        shows: what it will be able to show; None where nothing is compared, or nothing is known of the images.
        place: where it would be trained.
        space: the search space.
        tree: the first stages of the stage tree, of all trials that are known by now.
        stock: what the ledger knows of these.
        timed: gives the seconds from an epoch that was timed since, and from what the run took until then.
    """

    study: str
    configurations: int
    seeds: int
    trials: int
    unasked: int
    known_ends: int
    early: bool
    sharing: bool
    epochs: Epochs
    seconds: Seconds
    room: Room
    confirm: int
    kinds: int
    untested: bool
    limits: Sequence[Cut]
    shows: Prospect | None
    place: Place
    space: Space = field(repr=False)
    tree: Sequence[Stage] = field(repr=False)
    stock: Inventory = field(repr=False)
    timed: Callable[[Probe, Overhead], Seconds] | None = field(repr=False, default=None)

    def figures(self) -> Plan:
        """Return the plan without its trials and their tree, which take room."""
        return replace(self, tree=(), stock=Inventory((), 0, {}, {}), timed=None)

    def to_json(self) -> dict[str, object]:
        """Return the figures as plain data. Names are stable; null stands for what nothing tells."""
        return {
            "study": self.study,
            "trials": self.trials,
            "configurations": self.configurations,
            "seeds": self.seeds,
            "configurations_to_be_chosen": self.unasked,
            "sharing": self.sharing,
            "notes": [str(note) for note in self.space.notes],
            "objectives": [{"metric": one.metric, "direction": one.direction} for one in self.space.search.objectives],
            "limits": [asdict(cut) for cut in self.limits],
            "shows": None if self.shows is None else _shown(self.shows),
            "epochs": {
                "full_length": self.epochs.full,
                "alone": self.epochs.alone,
                "alone_known_for_trials": self.known_ends if self.early else self.trials - self.unasked * self.seeds,
                "distinct": self.epochs.distinct,
                "distinct_with_known_ends": self.epochs.needed,
                "in_ledger": self.epochs.recorded,
                "to_train": self.epochs.train,
                "to_train_at_least": self.epochs.least,
                "to_train_expected": self.epochs.expected,
                "to_train_again": self.epochs.again,
                "to_prove": self.epochs.prove,
                "exact": self.epochs.exact and not self.unasked,
                "confirm_stage_at_most": self.confirm,
            },
            "seconds": {
                "device": self.seconds.device,
                "wall": self.seconds.wall,
                "wall_at_least": self.seconds.least,
                "wall_expected": self.seconds.expected,
                "first_seed": self.seconds.first,
                "epoch": self.seconds.epoch,
                "longest_chain": self.seconds.chain,
                "start": self.seconds.start,
                "overhead": asdict(self.seconds.overhead),
                "workers": self.seconds.workers,
                "sources": list(self.seconds.sources),
            },
            "states": {
                "kept": self.room.kept,
                "bytes_of_one": self.room.size,
                "bytes": self.room.total,
                "limit_bytes": self.room.limit,
                "there": self.room.there,
                "there_bytes": self.room.there_bytes,
                "sources": list(self.room.sources),
            },
            "place": {
                "execution_class": dict(self.place.execution_class),
                "cpus_per_trial": self.place.cpus,
                "gpus_per_trial": self.place.gpus,
                "source": self.place.source,
                "note": self.place.note,
            },
        }


def _shown(shows: Prospect) -> dict[str, object]:
    chances = {
        "found": shows.found,
        "equal": shows.equal,
        "found_with_one_more_seed": shows.found_more,
        "equal_with_one_more_seed": shows.equal_more,
    }
    return {
        "sentence": shows.sentence,
        "difference": shows.delta,
        "margin": shows.margin,
        **{name: None if chance is None else asdict(chance) for name, chance in chances.items()},
        "detectable": shows.detectable,
        "detectable_with_one_more_seed": shows.detectable_more,
        "noise": shows.source,
    }


def plan_of(
    space: Space,
    ledger: Ledger,
    planner: Planner,
    place: Place,
    record: StudyRecord | None = None,
    probe: Callable[[Leaf], Probe] | None = None,
) -> Plan:
    """Work out what a study will cost.

    Args:
        space: the study's space.
        ledger: where rows and states are; nothing is written.
        planner: makes its leaves, in the execution class of `place`.
        place: where it would be trained.
        record: the study, where it was begun.
        probe: trains an epoch of a leaf, for its time; asked only where no similar trial is on record.

    Raises:
        UserError: a configuration cannot be trained, or its data cannot be read.
    """
    stock = take_stock(space, ledger, planner, record)
    keeps = planner.sharing and planner.resumable and space.resources.states_gb > 0
    own_process = fork_is_fresh(place.gpus)
    standing = standing_of(stock, ledger, record, planner.alone)
    gate = Gate(standing, stock, space, planner.landmarks, keeps, own_process)
    work = work_of(stock, gate)
    proofs, epochs = gate.proofs(), count(space, stock, work)
    if not epochs.exact or stock.unasked:
        proofs = gate.proofs_at_most()
    epochs = replace(epochs, prove=sum(proofs.values()) + to_come_at_most(space, stock, keeps, own_process))
    study = record.name if record is not None else space.name
    estimates = Estimates(stock, ledger, place.execution_class, space.workload, study, probe)
    like = examples(space, stock, planner)

    def seconds_with(overhead: Overhead) -> Seconds:
        return seconds_of(space, stock, work, epochs, proofs, estimates, overhead, place, like)

    def timed(probe: Probe, overhead: Overhead) -> Seconds:
        estimates.told(probe)
        return seconds_with(overhead)

    seconds = seconds_with(overhead_on_record(ledger, space.workload))

    spent = spending(ledger, record.id) if record is not None else Spending(0, 0.0)
    room = _room(space, stock, work, estimates, ledger, planner, keeps)
    configurations = len({known.leaf.trial.configuration for known in stock.trials}) + stock.unasked
    return Plan(
        study,
        configurations,
        len(space.seeds),
        len(stock.trials) + stock.unasked * len(space.seeds),
        stock.unasked,
        sum(known.ended for known in stock.trials),
        _ends_early(space, stock),
        planner.sharing,
        epochs,
        seconds,
        room,
        _confirm(space, ledger, study),
        len({kind for kind, _ in proofs}) + kinds_to_come(space, stock),
        planner.untested,
        cuts(space, stock, epochs, seconds, estimates, like, spent),
        foreseen(space, planner, configurations, ledger, stock, record),
        place,
        space,
        grow([known.leaf for known in stock.trials]),
        stock,
        timed,
    )


def confirmed_settings(space: Space) -> int:
    """Return how many settings a confirm stage compares, 0 without one."""
    confirm = space.search.confirm
    return 0 if confirm is None else confirm.top + (confirm.baseline is not None)


def _confirm(space: Space, ledger: Ledger, study: str) -> int:
    """Return the epochs a confirm stage may train, those apart that one of this study has on record."""
    confirm = space.search.confirm
    if confirm is None:
        return 0
    stages = ledger.studies(confirm_name(study))
    known = sum(trial.last_epoch for trial in ledger.trials(stages[-1].id)) if stages else 0
    return max(confirmed_settings(space) * confirm.seeds * longest(space) - known, 0)


def _ends_early(space: Space, stock: Inventory) -> bool:
    rules = {known.leaf.trial.settings.get("stop.rule", "none") for known in stock.trials}
    return space.search.pruning is not None or rules > {"none"} or space.fixed.get("stop.rule", "none") != "none"


def _room(
    space: Space,
    stock: Inventory,
    work: Work,
    estimates: Estimates,
    ledger: Ledger,
    planner: Planner,
    keeps: bool,
) -> Room:
    """Count the states that will be kept and what they need."""
    states_there, there_bytes = ledger.states.size()
    limit = space.resources.states_gb * 1e9
    if not keeps:
        return Room(0, None, 0.0, limit, states_there, there_bytes, ())
    owners: dict[str, Known] = {key: known for key, (known, _) in [*work.missing.items(), *work.again.items()]}
    spaced = {
        known.leaf.trial.number: (estimates.of(known.leaf).seconds or 0.0) * len(known.leaf.path) / STATES_PER_CHAIN
        >= STATE_SPACING_S
        for known, _, _ in work.chains
    }
    kept = states_kept(space, stock, work, planner.landmarks, spaced)
    sizes = [estimates.of(owners[key].leaf).size for key in kept]
    known_sizes = [size for size in sizes if size is not None]
    size = sum(known_sizes) / len(known_sizes) if known_sizes else None
    sources = dict.fromkeys(source for key in kept if (source := estimates.of(owners[key].leaf).size_source))
    return Room(
        len(kept), size, None if size is None else size * len(kept), limit, states_there, there_bytes, list(sources)
    )
