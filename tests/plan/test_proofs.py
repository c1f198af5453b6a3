"""What a plan says is to be proven: by hand, and against a count that knows nothing of chains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core import prefix, trust
from search.core.trial import Row, State, Trial
from search.core.trust import START_EPOCHS, START_EPOCHS_OF_USED
from search.ledger.files import StateFile
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger, Recorded
from search.plan.counts import work_of
from search.plan.known import Inventory, Known
from search.plan.plan import plan_of
from search.plan.proofs import Gate, Standing, kinds_to_come
from search.plan.text import text
from search.study.leaf import Leaf, Planner
from tests.engine.decide.test_driver import asha, space_of
from tests.engine.simulation import CLASS, study
from tests.engine.workloads import Synthetic
from tests.plan.test_counts import PLACE, grid, planned

SAMPLES = 5
"""One state in so many is sampled here, so that small trees have some."""


@pytest.fixture
def opened(tmp_path: Any) -> Iterator[Ledger]:
    found = Ledger(str(tmp_path / "search.db"))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "STATES_PER_SAMPLE", SAMPLES)


def leaf(number: int, kind: str, schedule: Sequence[int]) -> Leaf:
    """A leaf whose epochs are trained under these settings; leaves of one kind share the epochs that agree."""
    steps = [{"lr": value} for value in schedule]
    trial = Trial(number, number, 0, {}, {"stop.rule": "none"}, len(steps))
    return Leaf(trial, {}, steps, prefix.path(prefix.fingerprint(kind), steps), "", {}, kind)


def gate_of(stock: Inventory, standing: Standing | None = None, keeps: bool = True) -> Gate:
    return Gate(standing or Standing(), stock, space_of({}), (), keeps)


def fresh(leaves: Sequence[Leaf]) -> Inventory:
    return Inventory([Known(each, 0, False) for each in leaves], 0, {}, {})


def counted(leaves: Sequence[Leaf]) -> dict[tuple[str, str], int]:
    """The proofs that leaves need of which nothing is on record, from where their paths part alone."""
    behind: defaultdict[tuple[str, int, str], set[str]] = defaultdict(set)
    for each in leaves:
        for epoch in range(1, len(each.path)):
            behind[each.kind, epoch, each.path[epoch - 1]].add(each.path[epoch])
    proofs = {(each.kind, "start"): START_EPOCHS for each in leaves}
    for (kind, epoch, key), ways in behind.items():
        if len(ways) > 1:
            depth = next(depth for depth in range(99) if epoch <= 2 ** (depth + 1))
            proofs[kind, f"depth {depth}"] = 1
            if int(key, 16) % SAMPLES == 0:
                proofs[kind, f"sample {key}"] = 1
    return proofs


SCHEDULES = st.lists(st.sampled_from([0, 0, 0, 0, 1]), min_size=1, max_size=12)
TREES = st.lists(st.tuples(st.sampled_from("ab"), SCHEDULES), min_size=1, max_size=14)


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_every_tree_is_counted_as_where_its_paths_part(tree: list[tuple[str, list[int]]]) -> None:
    leaves = [leaf(number, *each) for number, each in enumerate(tree)]
    stock = fresh(leaves)
    gate = gate_of(stock)
    work = work_of(stock, gate)
    assert gate.proofs() == counted(leaves)
    assert len(work.missing) == len({key for each in leaves for key in each.path})
    assert (len(work.again), work.extra) == (0, 0)
    most = gate.proofs_at_most()
    assert {proof: most.get(proof) for proof in gate.proofs()} == gate.proofs()


@settings(max_examples=50, deadline=None)
@given(TREES)
def test_what_is_not_shared_needs_its_start_proven_alone(tree: list[tuple[str, list[int]]]) -> None:
    stock = fresh([leaf(number, *each) for number, each in enumerate(tree)])
    gate = gate_of(stock, keeps=False)
    work_of(stock, gate)
    assert gate.proofs() == {(kind, "start"): START_EPOCHS for kind, _ in tree}


@settings(max_examples=50, deadline=None)
@given(TREES, st.data())
def test_what_is_on_record_is_not_proven_again(tree: list[tuple[str, list[int]]], data: st.DataObject) -> None:
    leaves = [leaf(number, *each) for number, each in enumerate(tree)]
    stock, everything = fresh(leaves), counted(leaves)
    on_record = data.draw(st.sets(st.sampled_from(sorted(everything))))
    proven: dict[str, set[str]] = {}
    for kind, what in on_record:
        proven.setdefault(kind, set()).add(what)
    gate = gate_of(stock, Standing(proven))
    work_of(stock, gate)
    assert set(gate.proofs()) == set(everything) - on_record
    alone = gate_of(stock, Standing(alone={kind for kind, _ in tree}))
    work_of(stock, alone)
    assert alone.proofs() == alone.proofs_at_most() == {}


# States on record --------------------------------------------------------------------------------------------------


def continued(epochs: Sequence[int], length: int, base: int) -> Inventory:
    """Trials of one kind that part behind epoch 1 and have rows and the state of epoch `base` on record."""
    leaves = [leaf(number, "a", [0, number, *[0] * (length - 2)]) for number in range(len(epochs))]
    known = [Known(each, epoch, False, base) for each, epoch in zip(leaves, epochs, strict=True)]
    rows = {
        key: Recorded(Row({}), place, 0.1, 1)
        for each, epoch in zip(leaves, epochs, strict=True)
        for place, key in enumerate(each.path[:epoch], 1)
    }
    return Inventory(known, 0, rows, {each.path[base - 1]: 10 for each in leaves})


def figures(stock: Inventory, standing: Standing) -> tuple[int, int, dict[tuple[str, str], int]]:
    """Epochs that are missing, those trained again, and the proofs."""
    gate = gate_of(stock, standing)
    work = work_of(stock, gate)
    return len(work.missing), len(work.again) + work.extra, gate.proofs()


def test_a_state_whose_depth_is_proven_is_started_from() -> None:
    """A sampled one is proven itself where it has its row behind it; else the proof of its depth must do."""
    stock = continued([6, 6], 9, base=6)
    assert figures(stock, Standing({"a": {"depth 2"}})) == (6, 0, {})
    samples = {("a", f"sample {key}"): 1 for key in stock.states if int(key, 16) % SAMPLES == 0}
    assert len(samples) == 1
    standing = Standing({"a": {"depth 2"}}, {"a": dict.fromkeys(stock.states, 6)})
    assert figures(stock, standing) == (6, 0, samples)


@pytest.mark.parametrize("epoch", [4, 6, 8])
def test_a_pair_that_is_deep_enough_proves_it(epoch: int) -> None:
    stock = continued([6, 6], 9, base=6)
    missing, again, proofs = figures(stock, Standing(pairs={"a": {"cd" * 20: epoch}}))
    assert (missing, again) == (6, 0)
    assert proofs["a", "depth 2"] == 1
    assert ("a", "start") not in proofs


@pytest.mark.parametrize("pairs", [{}, {"a": {"cd" * 20: 3}}, {"b": {"cd" * 20: 8}}])
def test_without_one_the_first_chain_starts_earlier_and_brings_it_for_the_others(pairs: Any) -> None:
    stock = continued([6, 6, 6], 9, base=6)
    missing, again, proofs = figures(stock, Standing(pairs=pairs))
    assert (missing, again) == (9, 6), "one trial is trained again from its first epoch"
    assert proofs["a", "depth 2"] == 1
    assert proofs["a", "start"] == START_EPOCHS


def test_it_starts_from_the_last_state_that_can_be_proven() -> None:
    stock = continued([6, 6], 9, base=6)
    shared = stock.trials[0].leaf.path[0]
    stock = replace(stock, states={**stock.states, shared: 10})
    missing, again, proofs = figures(stock, Standing(pairs={"a": {shared: 1}}))
    assert (missing, again) == (6, 5)
    assert ("a", "start") not in proofs
    assert {what for _, what in proofs if what.startswith("depth")} == {"depth 0", "depth 2"}


def test_another_chain_that_brings_the_proof_goes_first() -> None:
    """A trial that is new parts from others behind epoch 4, and is shorter than what waits for its pair."""
    new = [leaf(10 + number, "a", [2, 0, 0, 0, number]) for number in range(2)]
    stock = continued([6], 19, base=6)
    stock = replace(stock, trials=[*stock.trials, *(Known(each, 0, False) for each in new)])
    missing, again, proofs = figures(stock, Standing())
    assert (missing, again) == (13 + 6, 0)
    assert {what for _, what in proofs if not what.startswith("sample")} == {"start", "depth 1", "depth 2"}


# Of a space ----------------------------------------------------------------------------------------------------------


def proved(opened: Ledger, record: Any, run: int, kind: str, *names: str) -> None:
    with opened.step(record.id) as step:
        for what in names:
            step.put_proof(kind, what, "ab" * 20, run)


def kinds_of(space: Any) -> set[str]:
    planner = Planner(space, Synthetic(), CLASS)
    return {planner.leaf(0, 0, 0, dict(zip([axis.name for axis in space.axes], values, strict=True))).kind
            for values in [(1, "plain"), (1, "rich"), (0, "plain"), (0, "rich")]}  # fmt: skip


def test_a_second_study_pays_for_what_is_new_alone(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "STATES_PER_SAMPLE", 2**160)  # no state here
    space = grid({"x": {"grid": [0.5, 1.5]}, "switch": {"grid": [1, 4, None]}}, seeds=2)
    plan = planned(space, opened)
    assert (plan.epochs.prove, plan.kinds) == (START_EPOCHS + 2, 1)
    record = study(opened, space)
    run = opened.begin_run(record.id, {})
    (kind,) = {known.leaf.kind for known in plan.stock.trials}
    proved(opened, record, run, kind, "start", "depth 0")
    again = planned(space, opened)
    assert (again.epochs.prove, again.kinds) == (1, 1)
    assert again.to_json()["epochs"]["to_prove"] == 1  # type: ignore[index]
    opened.distrust(kind, "it differs", True, run)
    assert planned(space, opened).epochs.prove == START_EPOCHS + 2, "whoever trusts it again proves it anew"
    planner = Planner(space, Synthetic(), CLASS, alone=[kind])
    alone = plan_of(space, opened, planner, PLACE, record)
    assert (alone.epochs.train, alone.epochs.prove, alone.kinds) == (2 * 2 * 3 * 5, 0, 0)
    ended = again.stock.trials[0].leaf
    with opened.step(record.id) as step:
        step.add_trial(replace(ended.trial, state=State.FINISHED, last_epoch=5), ended.path, ended.data)
        for epoch, key in enumerate(ended.path, 1):
            step.put_row(key, epoch, Row({"val_loss": 1.0, "train_loss": 1.0}), 0.1, run, kind, "fresh")
    after = plan_of(space, opened, planner, PLACE, record).epochs
    assert (after.needed, after.recorded, after.train) == (60, 5, 55), "a trial that ended stands under its own keys"


def test_a_start_that_an_earlier_run_did_not_come_to_prove_is_owed(opened: Ledger) -> None:
    space = grid({"a": {"grid": [1, 2]}})
    record = study(opened, space)
    run = opened.begin_run(record.id, {})
    plan = planned(space, opened)
    with opened.step(record.id) as step:
        for known in plan.stock.trials:
            for epoch, key in enumerate(known.leaf.path, 1):
                step.put_row(key, epoch, Row({"val_loss": 1.0, "train_loss": 1.0}), 0.1, run, known.leaf.kind, "fresh")
        first = plan.stock.trials[0].leaf
    assert planned(space, opened).epochs.prove == 0, "rows alone may be of a version that proved nothing"
    with opened.step(record.id) as step:
        step.log("root", trial=0, epoch=1, key=first.path[0], kind_of_training=first.kind, origin="fresh")
    after = planned(space, opened)
    assert (after.epochs.train, after.epochs.prove) == (0, START_EPOCHS)
    proved(opened, record, run, first.kind, "start")
    assert planned(space, opened).epochs.prove == 0


def test_pairs_on_record_are_asked_for(opened: Ledger) -> None:
    short = grid({"a": {"grid": [1, 2]}}, fixed={"epochs": 3})
    longer = replace(grid({"a": {"grid": [1, 2]}}, fixed={"epochs": 6}), name="longer")
    record = study(opened, short)
    run = opened.begin_run(record.id, {})
    leaves = [known.leaf for known in planned(short, opened).stock.trials]
    with opened.step(record.id) as step:
        for each in leaves:
            for epoch, key in enumerate(each.path, 1):
                step.put_row(key, epoch, Row({"val_loss": 1.0, "train_loss": 1.0}), 0.1, run, each.kind, "fresh")
            step.put_state(KeptState(StateFile(each.path[-1], "0" * 64, 3), 3, Role.LAST, each.kind))
    epochs = planned(longer, opened).epochs
    assert (epochs.train, epochs.again) == (6, 3), "the state of epoch 3 has no row behind it: one trial begins anew"
    with opened.step(record.id) as step:
        step.put_state(KeptState(StateFile(leaves[0].path[1], "0" * 64, 3), 2, Role.BRANCH, leaves[0].kind))
        made_with: Mapping[str, Any] = {"fixed": {}, "settings": {}, "data": "", "inputs": {}}
        step.put_behind(leaves[0].path[1], leaves[0].path[2], made_with)
    epochs = planned(longer, opened).epochs
    assert (epochs.train, epochs.again) == (6, 0)


def test_bounds_where_trials_may_end_early(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then chains may start behind any epoch that is kept: a proof of each depth below the last epoch, at most."""
    monkeypatch.setattr(trust, "STATES_PER_SAMPLE", 2**160)
    pruned = planned(grid({"x": {"grid": [1, 2, 3, 4]}}, pruning=asha(1, 2), fixed={"epochs": 9}), opened)
    assert not pruned.epochs.exact
    assert (pruned.epochs.prove, pruned.kinds) == (START_EPOCHS + 3, 1)


def test_on_a_gpu_a_start_takes_two_epochs(opened: Ledger) -> None:
    """A worker trains one lease after another there: what it keeps is to be looked at, too."""
    space = space_of({"a": {"grid": [1, 2]}}, fixed={"epochs": 3})
    planner = Planner(space, Synthetic(), CLASS)
    found = [plan_of(space, opened, planner, replace(PLACE, gpus=gpus)).epochs.prove for gpus in (0.0, 1.0)]
    assert found == [START_EPOCHS, START_EPOCHS_OF_USED]


@pytest.mark.parametrize(
    ("axes", "kinds"),
    [
        ({"x": {"float": {"low": 0.5, "high": 1.0}}}, 1),
        ({"x": {"float": {"low": 0.0, "high": 1.0}}}, 2),
        ({"a": {"int": {"low": 1, "high": 9}}, "kind": {"choice": ["plain", "rich"]}}, 2),
        ({"kind": {"choice": ["plain", "rich"]}, "extra": {"choice": [0, 3], "when": {"kind": "rich"}}}, 6),
        ({"x": {"choice": [0.5, 0.75, 1.0]}, "stop.alpha": {"choice": [5, None]}}, 1),
    ],
)
def test_kinds_that_a_sampler_can_still_bring(opened: Ledger, axes: Any, kinds: int) -> None:
    space = space_of(axes, sampler="tpe", trials=8, fixed={"epochs": 5, "stop.rule": "generalisation_loss"})
    plan = planned(space, opened)
    assert kinds_to_come(space, plan.stock) == plan.kinds == kinds
    assert plan.epochs.prove == kinds * (START_EPOCHS + 2)
    line = next(line for line in text(plan).splitlines() if line.startswith("  to prove"))
    assert line.split("  ")[-1] == (
        f"at most; {kinds} kind{'s' * (kinds > 1)} of training, once; in processes of their own; besides, one in a "
        "hundred of the states that are started from"
    )
    few = space_of(axes, sampler="tpe", trials=1, fixed={"epochs": 5, "stop.rule": "generalisation_loss"})
    assert planned(few, opened).kinds == 1
