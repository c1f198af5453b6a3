"""No lease starts from a state before its depth is proven; where a proof fails, nothing wrong is shown."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core import trust
from search.core.trial import State
from search.engine.decide.lease import CAUSE, Lease, Proof
from search.engine.decide.trust import Answer, Trust
from search.ledger.files import StateFile
from search.ledger.kept import KeptState, Pair, Role
from search.ledger.ledger import Ledger
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.leaf import Leaf, Planner
from tests.engine.decide.test_driver import asha, check, fast, ledger, needed, space_of, spaces
from tests.engine.simulation import CLASS, FLAWS, Nature, Simulation, rounds
from tests.engine.workloads import Synthetic

KIND = "ab" * 20


def state(epoch: int, number: int = 1) -> KeptState:
    return KeptState(StateFile(f"{epoch * 1000 + number:040x}", "0" * 64, 1), epoch, Role.BRANCH, KIND)


def pair(epoch: int, number: int = 1) -> Pair:
    return Pair(state(epoch, number), "cd" * 20, {}, {}, "", {})


def leaf(first: str = "11" * 20, kind: str = KIND, **fixed: object) -> Leaf:
    trial: Any = None
    return Leaf(trial, fixed, [{}], [first], "", {}, kind)


def trust_in(pairs: list[Pair], proven: tuple[str, ...] = (), own_process: bool = False) -> Trust:
    made = Trust(attempts=2, load=lambda kind: pairs, own_process=own_process)
    made.meet(leaf(), proven)
    return made


# The five rules ---------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 300),
    st.lists(st.integers(1, 300), max_size=5, unique=True),
    st.lists(st.integers(1, 300), max_size=3, unique=True),
    st.sets(st.integers(0, 8)),
)
def test_the_first_rule_that_holds(epoch: int, paired: list[int], coming: list[int], proven: set[int]) -> None:
    made = trust_in([pair(at) for at in paired], tuple(trust.depth_name(depth) for depth in proven))
    depth = trust.depth_of(epoch)
    start = state(epoch)
    if trust.is_sampled(start.file.key):
        return
    advice = made.advise(KIND, start, [(at, state(at).file.key) for at in coming])
    fitting = [at for at in paired if at >= 2**depth]
    if depth in proven:
        assert advice.answer == Answer.START
    elif fitting:
        assert advice.answer == Answer.PROVE
        assert advice.pair is not None
        assert advice.pair.state.epoch == (epoch if epoch in fitting else min(fitting))
        assert advice.pair.state.epoch >= epoch / 2, "a state of at least half the epochs is proven"
        made.begin(Proof(1, KIND, advice.what, []))
        assert made.advise(KIND, start).answer == Answer.WAIT, "it is being proven"
        assert made.advise(KIND, start, (), stalled=[1]).answer == Answer.PROVE, "by nobody who answers"
        made.held(Proof(1, KIND, advice.what, []))
        assert made.advise(KIND, start).answer == Answer.START
    elif any(at >= 2**depth for at in coming):
        assert advice.answer == Answer.WAIT
    else:
        assert advice.answer == Answer.EARLIER


def test_a_sampled_state_is_proven_itself() -> None:
    sampled, depth = state(100, 0), trust.depth_name(trust.depth_of(100))
    assert trust.is_sampled(sampled.file.key)
    own = Pair(sampled, "cd" * 20, {}, {}, "", {})
    assert trust_in([pair(99)], (depth,)).advise(KIND, sampled).answer == Answer.START, "no row of its own is there"
    coming = [(100, sampled.file.key)]
    assert trust_in([], (depth,)).advise(KIND, sampled, coming).answer == Answer.WAIT
    advice = trust_in([own, pair(99)], (depth,)).advise(KIND, sampled)
    assert (advice.answer, advice.pair, advice.what) == (Answer.PROVE, own, trust.sample_name(sampled.file.key))
    assert trust_in([own], (depth, advice.what)).advise(KIND, sampled).answer == Answer.START


def test_a_proof_that_cannot_be_given_is_not_tried_for_ever() -> None:
    made = trust_in([pair(3)])
    proof = Proof(1, KIND, "depth 1", [])
    assert made.advise(KIND, state(3)).answer == Answer.PROVE
    assert not made.not_given(proof)
    assert made.advise(KIND, state(3)).answer == Answer.PROVE
    assert made.not_given(proof)
    assert made.advise(KIND, state(3), [(3, "ef" * 20)]).answer == Answer.EARLIER


OTHER = "cd" * 20


def processes(proof: Proof | None) -> list[list[str]]:
    assert proof is not None
    return [[stretch.key[:2] for stretch in each] for each in proof.processes]


@pytest.mark.parametrize(
    ("origins", "early", "late"),
    [
        ({"aa": "used"}, "aa", "aa"),
        ({"aa": "fresh", "bb": "used"}, "aa", "bb"),
        ({"aa": "used", "bb": "used"}, "aa", "bb"),
        ({"aa": "used", "bb": "used", "cc": "used", "dd": "fresh"}, "dd", "cc"),
    ],
)
def test_a_start_is_proven_early_and_by_the_last_root_of_a_used_process(
    origins: dict[str, str], early: str, late: str
) -> None:
    made = trust_in([])
    for name, origin in origins.items():
        assert made.start_proof(7, KIND, more=True) is None or "used" in [*origins.values()][:-1]
        assert made.add_root(leaf(name * 20), origin)
        assert not made.add_root(leaf(name * 20), origin)
    proof = made.start_proof(7, KIND, more=True)
    assert processes(proof) == [[early]]
    assert proof is not None
    made.begin(proof)
    assert made.owing() == []
    assert made.owing(stalled=[7]) == [KIND]
    made.end(7)
    made.held(proof)
    assert made.start_proof(8, KIND, more=True) is None, "it waits for the last root"
    assert made.owing() == [KIND]
    proof = made.start_proof(8, KIND, more=False)
    assert processes(proof) == [[late]]
    assert proof is not None
    made.held(proof)
    assert made.owing() == []


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize(
    ("origins", "root"),
    [({"aa": "fresh"}, "aa"), ({"aa": "saved", "bb": "fresh"}, "aa"), ({"aa": "fresh", "bb": "used"}, "bb")],
)
def test_where_each_lease_has_its_own_process_a_start_is_proven_at_once(
    origins: dict[str, str], root: str, more: bool
) -> None:
    """By one root; by one that a used process trained, where an earlier version left such a row behind."""
    made = trust_in([], own_process=True)
    for name, origin in origins.items():
        made.add_root(leaf(name * 20), origin)
    proof = made.start_proof(7, KIND, more)
    assert processes(proof) == [[root]]
    assert proof is not None
    made.held(proof)
    assert made.owing() == []


def test_a_start_without_an_early_half_is_proven_at_once() -> None:
    """Of a study whose last root came before a used process had trained any, or before a worker was free."""
    for origins, expected in [
        ({"aa": "fresh"}, [["aa", "aa"]]),
        ({"aa": "used"}, [["aa", "aa"]]),
        ({"aa": "fresh", "bb": "fresh", "cc": "fresh"}, [["aa", "cc"]]),
        ({"aa": "fresh", "bb": "used"}, [["aa"], ["bb"]]),
        ({"aa": "used", "bb": "used", "cc": "used"}, [["aa"], ["cc"]]),
    ]:
        made = trust_in([])
        for name, origin in origins.items():
            made.add_root(leaf(name * 20), origin)
        assert processes(made.start_proof(7, KIND, more=False)) == expected


def test_what_a_fresh_process_trained_is_proven_where_trials_that_differ_in_one_setting_were_begun() -> None:
    """Of whichever kind: a process may keep what they were started with."""
    made = trust_in([])
    first = leaf("aa" * 20, a=1, b=1, seed=0)
    others = [
        leaf("bb" * 20, a=2, b=2, seed=0),
        leaf("cc" * 20, a=2, b=1, seed=0),
        leaf("dd" * 20, OTHER, a=1, b=1, seed=0, c="more"),
        leaf("ee" * 20, a=1, b=1, seed=1),
        leaf("ff" * 20, a=1, b=1, seed=2),
        leaf("99" * 20, a=1, b=1, seed=3),
    ]
    made.note([first, *others])
    made.add_root(first, "fresh")
    proof = made.start_proof(7, KIND, more=False)
    assert proof is not None
    behind, plain = proof.stretches
    assert (plain.before, plain.key, behind.key) == ((), first.path[0], first.path[0])
    assert list(map(dict, behind.before)) == [dict(others[place].fixed) for place in (1, 0, 2, 3, 5)]


# Whole studies ----------------------------------------------------------------------------------------------------


def kinds(space: Space, opened: Ledger, name: str = "") -> dict[int, Leaf]:
    """Trial -> its leaf, if nothing is salted."""
    planner = Planner(space, Synthetic(), CLASS)
    trials = opened.trials(opened.study(name or space.name).id)
    return {
        trial.number: planner.leaf(trial.number, trial.configuration, trial.seed, trial.parameters) for trial in trials
    }


def shown(simulation: Simulation) -> Iterator[tuple[str, bool]]:
    """Key and whether its row is right, of every row that the study shows."""
    opened, record = simulation.ledger, simulation.record.id
    paths = opened.paths(record)
    for trial in opened.trials(record):
        keys = paths[trial.number][0][: trial.last_epoch]
        rows = opened.rows(keys)
        assert len(rows) == len(keys)
        yield from ((key, rows[key].row == simulation.nature.row(key)) for key in keys)


def planned_proofs(space: Space, opened: Ledger) -> dict[tuple[str, str], int]:
    """Proofs of a grid whose trials all go to their end, and their epochs: a start for each kind, and what each branch
    starts from."""
    leaves = kinds(space, opened).values()
    wanted = {(each.kind, trust.START) for each in leaves}
    branches: set[tuple[str, int, str]] = set()
    for one in leaves:
        for other in leaves:
            common = sum(a == b for a, b in zip(one.path, other.path, strict=False))
            if 0 < common < min(len(one.path), len(other.path)):
                branches.add((one.kind, common, one.path[common - 1]))
    wanted |= {(kind, what) for kind, epoch, key in branches for what in trust.needed(epoch, key)}
    return {(kind, what): trust.START_EPOCHS if what == trust.START else 1 for kind, what in wanted}


def proved(simulation: Simulation) -> dict[tuple[str, str], int]:
    """Proofs that a run gave, and the epochs that each one took."""
    given: Counter[tuple[str, str]] = Counter()
    for kind, what, epochs in simulation.proved:
        given[kind, what] += epochs
    return dict(given)


@pytest.mark.slow
@fast
@given(spaces(("grid",)), st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.9]))
def test_what_is_proven_is_what_can_be_counted_beforehand(space: Space, seed: int, workers: int, slow: float) -> None:
    """Whatever the order: a start for each kind, and each depth that a branch starts from, once."""
    if space.search.asha or space.fixed.get("stop.rule", "none") != "none":
        return
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(seed), workers, slow=slow)
        simulation.run()
        check(simulation)
        assert proved(simulation) == planned_proofs(space, opened)
        assert Counter(key for _, key, _ in simulation.trained) == Counter(needed(simulation)), "each once, no other"
        assert simulation.driver.progress.epochs_proved == simulation.to_prove
        nature = simulation.nature
        assert nature.trained == len(needed(simulation)) + simulation.to_prove, "distinct and to prove, no other"
        again = Simulation(space_from_mapping({**space.source, "name": "again"}, "again"), opened, random.Random(seed))
        again.run()
        assert (again.proved, again.trained) == ([], []), "what is on record costs nothing"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_leaf_waits_for_the_pair_that_a_lease_brings(workers: int) -> None:
    """Both parts of the tree behind epoch 3: the second one starts behind the proof, and from there."""
    with ledger() as opened:
        simulation = Simulation(space_of({"switch": {"grid": [3, None]}}), opened, random.Random(3), workers)
        log: list[tuple[str, int]] = []
        give = simulation.driver.next_lease

        def noted() -> Any:
            given = give()
            if isinstance(given, Lease):
                log.append(("lease", given.offset))
            elif given is not None:
                log.append((given.what, given.stretches[-1].epoch))
            return given

        simulation.driver.next_lease = noted  # type: ignore[method-assign, assignment]
        simulation.run()
        check(simulation)
        assert log.index(("lease", 0)) < log.index(("depth 1", 4)) < log.index(("lease", 3))
        assert sorted(log) == [("depth 1", 4), ("lease", 0), ("lease", 3), ("start", 1)]


def test_no_pair_will_come() -> None:
    """The chain ended in the state: a longer study trains its epochs again, compares them, and starts others there."""
    with ledger() as opened:
        short = Simulation(space_of({"a": {"grid": [1]}}, fixed={"epochs": 3}), opened, random.Random(1))
        short.run()
        longer = space_of({"switch": {"grid": [3, None]}}, fixed={"epochs": 6, "a": 1})
        longer = space_from_mapping({**longer.source, "name": "longer"}, "longer")
        simulation = Simulation(longer, opened, random.Random(2), 2)
        simulation.run()
        check(simulation)
        offsets = [entry.detail["start"] for entry in opened.decisions(simulation.record.id, ["lease"])]
        assert offsets == [0, 3], "the first one trains the way there again, the second one waits for its pair"
        assert [known for _, _, known in simulation.trained].count(True) == 3
        assert [what for _, what, _ in simulation.proved] == ["depth 1"], "the start was proven by the short one"


def test_pruned_in_the_very_state() -> None:
    """Rung states of pruned trials have no row behind them; nobody goes on there without a proof."""
    axes = {"a": {"grid": list(range(6))}, "switch": {"grid": [2, None]}}
    for seed in range(5):
        with ledger() as opened:
            space = space_of(axes, pruning=asha(2, 2), fixed={"epochs": 8})
            simulation = Simulation(space, opened, random.Random(seed), 2)
            simulation.run()
            assert State.PRUNED in {trial.state for trial in check(simulation)}


@pytest.mark.slow
@fast
@given(spaces(), st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([0.0, 0.4]), st.sampled_from([0.0, 0.2]))
def test_a_right_workload_is_never_refused(space: Space, seed: int, workers: int, dying: float, rotten: float) -> None:
    """Workers of proofs die, of leases too, states are damaged, the driver is killed: nobody distrusts anything."""
    rng = random.Random(seed)
    with ledger() as opened:
        for _ in range(2):
            killed = Simulation(space, opened, rng, workers, rolling=0.4, rotten=rotten, proofs_dying=dying, full=0.1)
            killed.run(rng.randint(0, 40))
            killed.abandon()
        simulation = Simulation(space, opened, rng, workers, rolling=0.4, rotten=rotten, proofs_dying=dying)
        simulation.run()
        check(simulation)
        assert opened.distrusted() == {}
        assert all(right for _, right in shown(simulation))


def test_a_proof_whose_workers_die() -> None:
    """It is tried as often as a trial is, and then the leaf trains its way from epoch 0."""
    with ledger() as opened:
        space = space_of({"switch": {"grid": [3, None]}}, attempts=2)
        simulation = Simulation(space, opened, random.Random(3), proofs_dying=1.0)
        simulation.run()
        check(simulation)
        failed = opened.decisions(simulation.record.id, ["not proven"])
        assert Counter(entry.detail["what"] for entry in failed) == {"start": 2, "depth 1": 2}
        remarks = [remark for remark in simulation.remarks if remark.startswith("not proven: ")]
        place = r"epoch 4 from the state after epoch 3 of trial 0 \(key \w{8}\)"
        reason = r"could not be trained again \(its worker [^()]+\)"
        for start, end in [
            (place, "it is tried again"),
            (place, "what would have started from such states starts earlier; nothing needs to be done"),
            (r"epoch 1 of trial 0 \(key \w{8}\)", "it is tried again"),
            ("epoch 1 of trial 0", "rows of this kind stand unproven; run the study again to prove them"),
        ]:
            assert any(re.fullmatch(f"not proven: {start}.* {reason}; {end}", remark) for remark in remarks), remarks
        assert len(remarks) == 4
        offsets = [entry.detail["start"] for entry in opened.decisions(simulation.record.id, ["lease"])]
        assert offsets == [0, 0]
        assert opened.distrusted() == {}
        again = Simulation(space, opened, random.Random(3))
        again.run()
        assert [what for _, what, _ in again.proved] == ["start"], "the next run gives what is owed"


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_state_that_is_gone_when_it_is_proven_is_a_miss(damage: str) -> None:
    with ledger() as opened:
        space = space_of({"switch": {"grid": [3, None]}})
        simulation = Simulation(space, opened, random.Random(3), workers=1)
        give = simulation.driver.next_lease

        def harmed() -> Any:
            given = give()
            if isinstance(given, Proof) and given.stretches[0].start is not None:
                path = opened.states.folder / given.stretches[0].start.file.name
                path.unlink() if damage == "missing" else path.write_bytes(b"0" * 40)
            return given

        simulation.driver.next_lease = harmed  # type: ignore[method-assign, assignment]
        simulation.run()
        check(simulation)
        (remark,) = [remark for remark in simulation.remarks if remark.startswith("not proven: ")]
        assert re.match(r"not proven: the state after epoch 3 of trial 0 \(key \w{8}\): state \S+", remark)
        assert opened.distrusted() == {}
        assert [entry.epoch for entry in opened.decisions(simulation.record.id, ["miss"])] == [3]


def test_resumed_after_a_kill_with_a_pair_on_record_and_without() -> None:
    """A chain that saved states behind epochs goes on from the last one; one that saved none begins at epoch 0."""
    for rolling, begun in ((1.0, 4), (0.0, 0)):
        with ledger() as opened:
            space = space_of({"a": {"grid": [1]}}, fixed={"epochs": 9})
            killed = Simulation(space, opened, random.Random(0), 1, rolling=rolling)
            while len(killed.trained) < 4:
                killed.step()
            killed.abandon()
            resumed = Simulation(space, opened, random.Random(0), 1)
            resumed.run()
            check(resumed)
            last = opened.decisions(resumed.record.id, ["lease"])[-1]
            assert last.detail["start"] == begun
            assert {what for _, what, _ in resumed.proved} == ({"depth 1", "start"} if rolling else {"start"})


def test_a_start_that_was_left_unproven_is_proven_by_the_next_run() -> None:
    """Every trial has ended; the run is not over, and whoever was killed there goes on with the same command."""
    with ledger() as opened:
        space = space_of({"a": {"grid": [1, 2]}}, fixed={"epochs": 2})
        killed = Simulation(space, opened, random.Random(0), 1, proofs_dying=0.0)
        killed.driver.context.trust.owing = lambda stalled=(): []  # type: ignore[method-assign]
        killed.run()
        killed.abandon()
        assert all(trial.state.ended for trial in opened.trials(killed.record.id))
        resumed = Simulation(space, opened, random.Random(0), 1)
        assert not resumed.driver.finished
        resumed.run()
        assert [what for _, what, _ in resumed.proved] == ["start"]
        assert resumed.trained == []


def test_without_sharing_the_start_is_proven() -> None:
    with ledger() as opened:
        space = space_of({"switch": {"grid": [1, 3, None]}})
        simulation = Simulation(space, opened, random.Random(1), sharing=False)
        simulation.run()
        check(simulation)
        assert [what for _, what in proved(simulation)] == ["start"]
        assert simulation.to_prove == trust.START_EPOCHS


# Workloads with a mistake -----------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(fast, max_examples=30)
@given(spaces(), st.integers(0, 2**32), st.integers(1, 3), st.sampled_from(FLAWS[:2]), st.booleans(), st.booleans())
def test_no_wrong_row_is_shown(space: Space, seed: int, workers: int, flaw: str, sharing: bool, killed: bool) -> None:
    """A mistake that acts on every epoch: the study ends in the same command, and shows what fresh processes train."""
    rng = random.Random(seed)
    with ledger() as opened:
        nature = Nature(flaw=flaw)
        how: dict[str, Any] = {"workers": workers, "nature": nature, "rolling": 0.3, "sharing": sharing}
        how["own_process"] = flaw != "leak"
        if killed:
            first = Simulation(space, opened, rng, **how)
            first.run(rng.randint(0, 60))
            first.abandon()
        done = rounds(space, opened, rng, **how)
        assert all(right for _, right in shown(done[-1]))
        assert all(trial.state.ended for trial in opened.trials(done[-1].record.id))
        assert all(each.repeatable for each in opened.distrusted().values())
        for later in done[1:]:
            assert all(not lease.alone or lease.start is None for lease, _ in later.running.values())


@pytest.mark.slow
@fast
@given(spaces(("grid", "random")), st.integers(0, 2**32), st.integers(1, 3))
def test_chance_without_a_seed_is_not_repeatable(space: Space, seed: int, workers: int) -> None:
    with ledger() as opened:
        done = rounds(space, opened, random.Random(seed), workers=workers, nature=Nature(flaw="chance"))
        distrusted = opened.distrusted()
        assert distrusted
        assert not any(each.repeatable for each in distrusted.values())
        assert len(done) == 2
        assert all(trial.state.ended for trial in opened.trials(done[-1].record.id))
        paths = opened.paths(done[-1].record.id)
        reopened = {
            key for entry in opened.decisions(done[-1].record.id, ["withdrawn"]) for key in entry.detail["trials"]
        }
        starts = Counter(paths[number][0][0] for number in reopened)
        assert set(starts.values()) <= {1}, "no row of one trial stands for another's"


def test_other_kinds_share_on() -> None:
    with ledger() as opened:
        axes = {"kind": {"grid": ["plain", "rich"]}, "switch": {"grid": [2, 3, None]}}
        space = space_of(axes, fixed={"extra": 1})
        probe = Simulation(space, opened, random.Random(0))
        while not probe._planned:
            probe.plan()
        found = kinds(space, opened)
        plain = {each.kind for number, each in found.items() if each.fixed["kind"] == "plain"}
        (good,) = {each.kind for each in found.values()} - plain
        probe.abandon()
        done = rounds(space, opened, random.Random(5), nature=Nature(flaw="unsaved", spared=frozenset([good])))
        assert len(done) == 2
        assert set(opened.distrusted()) == plain
        assert all(right for _, right in shown(done[-1]))
        trained = Counter(key for each in done for _, key, _ in each.trained)
        shared = {key for number, each in found.items() if each.kind == good for key in each.path}
        assert {trained[key] for key in shared} == {1}, "each epoch of the other kind once"
        (told,) = opened.distrusted().values()
        failed = re.fullmatch(
            r"epoch (\d+) from the state after epoch (\d+) of trial (\d+) \(key (\w{8})\), trained again in a fresh "
            r"process: val_loss is [\d.]+, and [\d.]+ on record; likely cause: .*not in what save\(\) returns.*; "
            r"what to do: `python -m search verify FILE` says more of the cause; mend it and run the study again",
            told.text,
        )
        assert failed is not None, told.text
        epoch, after, trial, key = int(failed[1]), int(failed[2]), int(failed[3]), failed[4]
        assert (epoch - 1, found[trial].path[after - 1][:8]) == (after, key)


def test_a_kind_whose_last_root_is_awaited_holds_up_no_round_that_ends_for_another_one() -> None:
    """An adaptive sampler is asked no more once a kind has fallen, so no other root will come."""
    for seed in range(12):
        with ledger() as opened:
            axes = {"kind": {"choice": ["plain", "rich"]}, "x": {"float": {"low": 0.0, "high": 1.0}}}
            space = space_of({**axes, "switch": {"choice": [1, 3]}}, sampler="tpe", trials=7)
            how: dict[str, Any] = {"workers": 1, "nature": Nature(flaw="leak"), "own_process": False}
            done = rounds(space, opened, random.Random(seed), **how)
            assert all(right for _, right in shown(done[-1]))


def test_a_driver_hears_at_its_end_of_what_another_one_found() -> None:
    """The other one withdrew rows that this study goes on with: nobody is shown them, and they are trained alone."""
    with ledger() as opened:
        space = space_of({"switch": {"grid": [2, 4, None]}}, fixed={"epochs": 8}, seeds=2)
        first = Simulation(space, opened, random.Random(3))
        assert not first.run(steps=45)
        (kind,) = {each.kind for each in kinds(space, opened).values()}
        opened.distrust(kind, "another study found it out", True, first.run_id)
        assert first.run()
        first.driver.close()
        assert not first.driver.fallen
        assert opened.reopen(first.record.id)
        done = rounds(space, opened, random.Random(4))
        trials = opened.trials(first.record.id)
        assert {trial.state for trial in trials} == {State.FINISHED}
        assert [right for _, right in shown(done[-1])] == [True] * 8 * len(trials)
        origins = opened.rows([key for path, _ in opened.paths(first.record.id).values() for key in path]).values()
        assert {one.origin for one in origins} == {"fresh"}


def test_the_cause_is_looked_for_in_two_fresh_processes() -> None:
    with ledger() as opened:
        space = space_of({"a": {"grid": [1, 2]}})
        how: dict[str, Any] = {"workers": 1, "nature": Nature(flaw="leak"), "own_process": False}
        done = rounds(space, opened, random.Random(1), **how)
        assert [what for _, what, _ in done[0].proved] == ["start", CAUSE]
        (told,) = opened.distrusted().values()
        assert told.repeatable
        assert "stays in the process from one trial to the next" in told.text
        assert re.match(r"epoch 1 of trial \d \(key \w{8}\), trained again in a ", told.text)


def test_a_row_trained_again_that_differs_is_a_distrust_too() -> None:
    with ledger() as opened:
        space = space_of({"switch": {"grid": [2]}}, fixed={"epochs": 9})
        killed = Simulation(space, opened, random.Random(1))
        killed.run(steps=9)
        killed.abandon()
        (trial,) = opened.trials(killed.record.id)
        assert 0 < trial.last_epoch < 9

        class Other(Nature):
            def row(self, key: str) -> Any:
                return super().row(key[::-1])

        done = rounds(space, opened, random.Random(1), nature=Other())
        (told,) = opened.distrusted().values()
        assert re.match(r"epoch 1 of trial 0 \(key \w{8}\), trained again: score is ", told.text)
        assert told.text.endswith("mend it and run the study again")
        assert all(right for _, right in shown(done[-1]))


AXES = ("a", "b", "seed")
PARTS = [(by, of) for n in range(3) for by in combinations(AXES, n) for m in range(1, 4 - n)
         for of in combinations([name for name in AXES if name not in by], m)]  # fmt: skip
"""Settings that a cache finds things by, and those it forgets."""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_cache_that_forgets_settings_is_found(workers: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it forgets, one process that trains a whole grid comes to a last root for which that is wrong."""
    wrong = 0
    for number, (by, forgotten) in enumerate(PARTS):
        with ledger() as opened:
            space = space_of({"a": {"grid": [1, 2, 3]}, "x": {"grid": [0.5, 0.7]}}, seeds=3, fixed={"epochs": 2})
            names = {"a": "a", "b": "x", "seed": "seed"}
            nature = Nature(flaw="cache", cached_by=[names[n] for n in by], forgotten=[names[n] for n in forgotten])
            how: dict[str, Any] = {"workers": workers, "nature": nature, "own_process": False, "reused": 1.0}
            done = rounds(space, opened, random.Random(number), **how)
            wrong += not all(right for _, right in shown(done[-1]))
    with capsys.disabled():
        print(f"\ncaches that forget settings, {workers} workers: {wrong} of {len(PARTS)} studies show a wrong row")
    assert workers > 1 or not wrong


@pytest.mark.slow
@pytest.mark.parametrize("since", [1, 3, 9])
def test_what_acts_from_some_epoch_on(since: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What a proof at each doubling of the depth misses of mistakes that act later; of those from epoch 1 nothing."""
    wrong = studies = 0
    for seed in range(12):
        rng = random.Random(seed)
        switches = sorted(rng.sample(range(1, 16), 4))
        with ledger() as opened:
            space = space_of({"switch": {"grid": [*switches, None]}}, fixed={"epochs": 16})
            done = rounds(space, opened, rng, nature=Nature(flaw="unsaved", since=since))
            studies += 1
            wrong += not all(right for _, right in shown(done[-1]))
    with capsys.disabled():
        print(f"\nmistakes from epoch {since} on: {wrong} of {studies} studies show a wrong row")
    assert since > 1 or not wrong
