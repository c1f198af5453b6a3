"""The plan of a space that ships, its text and JSON, and what its estimates rest on."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from search.__main__ import run as main
from search.core.errors import Fault, UserError
from search.core.trial import DataCard, Row
from search.core.trust import START_EPOCHS, is_sampled
from search.engine.decide.context import Context
from search.engine.decide.driver import Driver
from search.engine.decide.lease import Proof
from search.engine.steps.conditions import conditions
from search.ledger.files import StateFile
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger
from search.plan import estimates
from search.plan.overhead import overhead_on_record
from search.plan.place import Place, recorded_place
from search.plan.plan import Plan, plan_of
from search.plan.process import FIRST_EPOCHS, AskedClass, Probe, ask_class, probe
from search.plan.text import compared, duration, size, text, tree_lines
from search.space.model import Space, confirm_name
from search.space.reader import read_space, space_from_mapping
from search.study.cards import unnoticed
from search.study.leaf import Leaf, Planner
from search.study.opened import OpenStudy
from search.study.sampling import make_sampler
from search.system import gpus, limits, machine
from search.workload import load_workload
from tests.engine.decide.test_driver import space_of
from tests.engine.simulation import CLASS, Simulation, study
from tests.engine.workloads import Synthetic

HERE = Place({"device": "a test"}, 1, 0.0, 2, "made up")
TOY = "tests.contracts.toy:SineFit"


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    found = Ledger(str(tmp_path / "search.db"))
    yield found
    found.close()


def planned(space: Space, opened: Ledger, place: Place = HERE, probe: Any = None, workload: Any = None) -> Plan:
    made = workload or load_workload(space.workload)
    kin = [record for record in opened.studies() if record.name == space.name]
    planner = Planner(space, made, place.execution_class)
    return plan_of(space, opened, planner, place, kin[0] if kin else None, probe)


def small() -> Space:
    return space_of(
        {"a": {"grid": [1, 2]}, "switch": {"grid": [2, None]}, "stop.alpha": {"grid": [None, 5]}},
        fixed={"stop.rule": "generalisation_loss"},
    )


@pytest.mark.slow
def test_the_factorial_that_ships(opened: Ledger) -> None:
    asked: list[Leaf] = []

    def half_a_second(leaf: Leaf) -> Probe:
        asked.append(leaf)
        return Probe(0.5, 1_000_000)

    plan = planned(read_space("spaces/factorial.yaml"), opened, probe=half_a_second)
    assert (plan.trials, plan.epochs.full, plan.epochs.distinct) == (1350, 135_000, 18_000)
    assert (plan.epochs.train, plan.epochs.again, plan.epochs.recorded) == (18_000, 0, 0)
    # activation is the one fixed setting that is text: three kinds, and all chains part behind epoch 50, of depth 5
    sampled = {known.leaf.path[49] for known in plan.stock.trials if is_sampled(known.leaf.path[49])}
    assert (plan.kinds, plan.epochs.prove) == (3, 3 * (START_EPOCHS + 1) + len(sampled))
    assert plan.epochs.exact
    assert len(asked) == 1, "one epoch is trained as a probe, not one per setting"
    assert plan.seconds.device == pytest.approx(9_000 + plan.epochs.prove / 2)
    assert plan.seconds.least == pytest.approx(plan.seconds.device / 2 + plan.seconds.start)
    # 90 trunks that part behind epoch 50; 270 chains with an end, a landmark at 80, and spaced ones at 12, 25, 38 on
    # the trunks and at 62, 75, 88 behind them
    assert plan.room.kept == 90 * (1 + 3) + 270 * (1 + 1 + 3)
    assert plan.room.total == plan.room.kept * 1e6
    shown = text(plan).splitlines()
    assert shown[-1] == "  ... 320 more lines; --tree shows all"
    assert len(text(plan, whole_tree=True).splitlines()) == len(shown) + 320 - 1


GOLDEN = """\
study made up
trials                                              8  8 configurations x 1 seed
epochs
  every trial at full length                       40
  every trial alone, ended early                   40  ends known for 0 of 8 trials, the others at full length
  distinct                                         16  2.50 times fewer
  distinct, with the ends that are known           16
  already in the ledger                             0
  to be trained                                    16
  to be trained again, to reach a state             0
  to prove                                          2  1 kind of training, once; in processes of their own
time of training                           1 min 12 s  4 s an epoch
time with 2 workers                            55.8 s  at most; longest chain 20.0 s
  of it until the first epoch begins           15.0 s  Ray 8.0 s, workers 7.0 s; assumed; the first run measures it
  epoch seconds from a probe of one epoch, made now
states                                        12.3 kB  6 of 2.05 kB, rolling ones apart; the limit is 10 GB
  their size from a probe of one epoch, made now
states there                                  0 bytes  0, of all studies of this ledger
execution class                                a test  1 CPU a trial; made up

stage tree (epochs: what differs there)
  1-2: a=1 [4 trials]
  ├─ 3-5: switch=2 [2 trials; stop.alpha=null|5]
  └─ 3-5: switch=null [2 trials; stop.alpha=null|5]
  1-2: a=2 [4 trials]
  ├─ 3-5: switch=2 [2 trials; stop.alpha=null|5]
  └─ 3-5: switch=null [2 trials; stop.alpha=null|5]"""


def test_text(opened: Ledger) -> None:
    assert text(planned(small(), opened, probe=lambda leaf: Probe(4.0, 2_048))) == GOLDEN


def test_text_where_nothing_tells_the_time(opened: Ledger) -> None:
    lines = text(planned(small(), opened)).splitlines()
    assert f"{'time':<46}unknown  no timing on record for a similar trial, and no probe was made" in lines


def test_the_tree_says_what_is_on_record_and_who_ends_early(opened: Ledger) -> None:
    space = space_of({"epochs": {"grid": [3, 5]}})
    Simulation(space_of({}, fixed={"epochs": 4}), opened, random.Random(0)).run()
    plan = planned(space, opened, Place(CLASS, 1, 0.0, 2, "made up"))
    assert list(tree_lines(plan)) == [
        "1-3: all trials [2 trials; 1 trial ends here; on record]",
        "└─ 4-5: epochs=5 [on record to 4]",
    ]


FIGURES = {
    "": ["study", "trials", "configurations", "seeds", "configurations_to_be_chosen", "sharing", "notes",
         "objectives", "limits", "shows"],
    "epochs": [
        "full_length", "alone", "alone_known_for_trials", "distinct", "distinct_with_known_ends", "in_ledger",
        "to_train", "to_train_at_least", "to_train_expected", "to_train_again", "to_prove", "exact",
        "confirm_stage_at_most",
    ],
    "seconds": [
        "device", "wall", "wall_at_least", "wall_expected", "first_seed", "epoch", "longest_chain", "start", "overhead",
        "workers", "sources",
    ],
    "states": ["kept", "bytes_of_one", "bytes", "limit_bytes", "there", "there_bytes", "sources"],
    "place": ["execution_class", "cpus_per_trial", "gpus_per_trial", "source", "note"],
}  # fmt: skip


def test_json_has_stable_names(opened: Ledger) -> None:
    found = json.loads(json.dumps(planned(small(), opened).to_json()))
    parts = [name for name in FIGURES if name]
    assert list(found) == [*FIGURES[""], *parts]
    assert {part: list(found[part]) for part in parts} == {part: FIGURES[part] for part in parts}
    assert (found["epochs"]["to_train"], found["epochs"]["to_prove"]) == (16, START_EPOCHS + 1)
    assert found["seconds"]["device"] is None


def test_notes_of_the_space_stand_at_the_head(opened: Ledger) -> None:
    note = Fault("space.yaml", 3, "fixed.decay.end", "never acts in full: the floor is reached in epoch 9")
    found = planned(replace(small(), notes=(note,)), opened)
    assert text(found).splitlines()[1] == f"  note: {note}"
    assert found.to_json()["notes"] == [str(note)]


def test_what_comes_first_and_who_is_pruned_stand_at_the_head(opened: Ledger) -> None:
    pruning = {"hyperband": {"grace_period": 1, "reduction_factor": 2}}
    axes = {"x": {"float": {"low": 0.0, "high": 1.0}}}
    more = {"sampler": "random", "trials": 9, "start": [{"x": 0.5}], "pruning": pruning}
    told = text(planned(space_of(axes, fixed={"epochs": 8}, **more), opened))
    assert "\n  1 starting point tried first\n  successive halving may end trials behind epochs 1, 2 and 4\n" in told


def test_times_are_said_to_be_longer_where_trials_run_at_once(opened: Ledger) -> None:
    objective = [{"metric": "val_loss", "direction": "minimize"}, {"metric": "seconds_x", "direction": "minimize"}]
    space = space_of({"x": {"float": {"low": 0.0, "high": 1.0}}}, sampler="tpe", trials=5, objective=objective)
    said = "  seconds_x: {} trials at once slow each other; where one takes all `resources.cpus`, it runs alone\n"
    at_once = planned(space, opened)
    assert at_once.seconds.workers > 1
    assert said.format(at_once.seconds.workers) in text(at_once)
    assert "slow each other" not in text(planned(space, opened, replace(HERE, workers=1)))


def test_a_confirm_stage_is_in_the_price(opened: Ledger) -> None:
    """At most: what of it is on record costs nothing."""
    axes = {"x": {"float": {"low": 0.0, "high": 1.0}}}
    confirm = {"top": 2, "seeds": 3, "baseline": {"x": 0.5}}
    space = space_of(axes, fixed={"epochs": 4}, sampler="tpe", trials=5, confirm=confirm)
    assert planned(space, opened).confirm == 3 * 3 * 4
    assert "  its confirm stage, besides                       36  at most; 3 settings x 3 seeds" in text(
        planned(space, opened)
    )
    stage = replace(space_of({"x": {"grid": [0.1, 0.5]}}, fixed={"epochs": 4}), name=confirm_name(space.name))
    Simulation(stage, opened, random.Random(0)).run()
    assert planned(space, opened).confirm == 3 * 3 * 4 - 2 * 4
    assert planned(small(), opened).confirm == 0


@pytest.mark.parametrize("splits", [("val",), ("val", "test"), ()])
def test_a_confirm_stage_without_test_images_can_decide_nothing(opened: Ledger, splits: tuple[str, ...]) -> None:
    class OfData(Synthetic):
        def data(self, fixed: Mapping[str, Any]) -> DataCard:
            return DataCard("images", truth={split: np.zeros(4, dtype=np.int64) for split in splits})

    space = space_of(
        {"x": {"float": {"low": 0.0, "high": 1.0}}}, sampler="random", trials=5, confirm={"top": 2, "seeds": 3}
    )
    said = "  without test images its confirm stage can call no setting better\n" in text(
        planned(space, opened, workload=OfData())
    )
    assert said is (splits == ("val",))


def record_run(opened: Ledger, space: Space, seconds: float, size: int) -> None:
    """Put a run of a space on record, every epoch of which took so long and left a state of so many bytes."""
    record = study(opened, space)
    planner = Planner(space, Synthetic(), CLASS)
    opened_study, run_id = OpenStudy(opened, record, space), opened.begin_run(record.id, {})
    driver = Driver(Context(opened_study, planner, make_sampler(space), run_id, 1))
    driver.plan_ahead()
    while (lease := driver.next_lease()) is not None:
        if isinstance(lease, Proof):
            driver.proved(lease.id, [Row({"val_loss": 1.0, "train_loss": 1.0})] * len(lease.stretches))
            driver.lease_ended(lease.id)
            continue
        for done, key in enumerate(lease.path):
            kept = KeptState(StateFile(key, "0" * 64, size), lease.offset + done + 1, Role.LAST)
            if not driver.row(lease.id, Row({"val_loss": 1.0, "train_loss": 1.0}), seconds, kept):
                break
        driver.lease_ended(lease.id)


def test_seconds_and_bytes_are_those_of_the_most_similar_trial(opened: Ledger) -> None:
    place = Place(CLASS, 1, 0.0, 2, "made up")

    def named(name: str, **fixed: Any) -> Space:
        return space_from_mapping({**space_of({}, fixed=fixed).source, "name": name}, name)

    record_run(opened, named("slow", kind="rich", x=1.5), 3.0, 700)
    record_run(opened, named("fast", x=2.5), 1.0, 500)
    plan = planned(named("new", kind="rich", x=2.0), opened, place, workload=Synthetic())
    assert (plan.epochs.train, plan.epochs.prove) == (5, 0), "its kind is proven by the study that it is like"
    assert (plan.seconds.epoch, plan.seconds.device) == (3.0, 15.0)
    assert plan.seconds.sources == ["rows of study 'slow', where x differs"]
    assert (plan.room.size, plan.room.sources) == (700, ["states of study 'slow', where x differs"])
    longer = planned(named("longer", epochs=8, x=2.5), opened, place, workload=Synthetic())
    assert (longer.epochs.recorded, longer.epochs.train, longer.epochs.prove) == (5, 3, 1)
    assert (longer.seconds.device, longer.seconds.sources) == (4.0, ["rows of this study's own epochs"])
    elsewhere = planned(named("new", x=2.0), opened, Place({"other": "class"}, 1, 0.0, 2, "made up"))
    assert elsewhere.seconds.device is None, "in another execution class an epoch takes another time"


def test_many_studies_on_record_are_not_all_read_for_an_estimate(
    opened: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(name: str, **fixed: Any) -> Space:
        return space_from_mapping({**space_of({}, fixed=fixed).source, "name": name}, name)

    for number in range(4):
        record_run(opened, named(f"earlier-{number}", x=number + 0.5), 1.0 + number, 700)
    begun, read = opened.begun, list[int]()
    monkeypatch.setattr(opened, "begun", lambda study, data: read.append(study) or begun(study, data))
    monkeypatch.setattr(estimates, "MAX_KINDS_COMPARED", 2)
    place, wanted = Place(CLASS, 1, 0.0, 2, "made up"), named("wanted", x=9.5)
    plan = planned(wanted, opened, place, workload=Synthetic())
    assert plan.seconds.sources == ["rows of study 'earlier-3', where x differs"]
    assert len(read) == 2, "the second newest has the last kind that is compared"
    monkeypatch.setattr(estimates, "MAX_STUDIES_COMPARED", 1)
    planned(wanted, opened, place, workload=Synthetic())
    assert len(read) == 3


def test_a_plan_asks_the_database_no_more_where_more_is_on_record(opened: Ledger) -> None:
    asked = list[str]()
    sa.event.listen(opened.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def named(name: str, **fixed: Any) -> Space:
        return space_from_mapping({**space_of({}, fixed=fixed).source, "name": name}, name)

    def questions(until: int) -> int:
        for number in range(len(opened.names()), until):
            record_run(opened, named(f"earlier-{number}", x=number + 0.5), 1.0, 700)
        before = len(asked)
        recorded_place(opened, wanted)
        planned(wanted, opened, Place(CLASS, 1, 0.0, 2, "made up"), workload=Synthetic())
        overhead_on_record(opened, wanted.workload)
        return len(asked) - before

    wanted = named("wanted", x=0.25)
    few = questions(25)
    assert questions(75) <= 1.1 * few, "runs are read in parts of twenty, and fifty of them at most"


def test_planned_against_actual(opened: Ledger) -> None:
    plan = planned(small(), opened, probe=lambda leaf: Probe(4.0, None))
    assert compared(plan, 16, 0, 2, 40.2) == (
        "planned 16 epochs, 0 again and 2 to prove, trained 16, 0 again and 2 to prove; planned at most 55.8 s, "
        "took 40.2 s"
    )
    bounded = space_of({"a": {"grid": [1, 2]}}, fixed={"stop.rule": "patience"})
    assert compared(planned(bounded, opened), 7, 1, 2, 90) == (
        "planned at most 10 epochs, 0 again and 3 to prove, trained 7, 1 again and 2 to prove; took 1 min 30 s; "
        "no time was planned: no similar trial was on record, and none came to its second epoch"
    )


def test_a_run_whose_first_epochs_are_timed_plans_what_a_probe_would(opened: Ledger) -> None:
    unknown, told = planned(small(), opened), planned(small(), opened, probe=lambda leaf: Probe(4.0, None))
    assert unknown.seconds.wall is None
    assert unknown.timed is not None
    late = unknown.timed(Probe(4.0, None, source=FIRST_EPOCHS), unknown.seconds.overhead)
    assert late == replace(told.seconds, sources=[FIRST_EPOCHS])
    assert compared(replace(unknown, seconds=late), 16, 0, 2, 40.2).endswith(
        "; planned at most 55.8 s, by its first epochs, took 40.2 s"
    )
    measured = unknown.timed(Probe(4.0, None), replace(unknown.seconds.overhead, ray=1.0, worker=2.0))
    assert measured.wall is not None
    assert late.wall is not None
    assert measured.wall == pytest.approx(late.wall - 12.0)
    assert unknown.figures().timed is None, "it holds all trials"


def test_rows_that_came_after_a_plan_change_nothing_of_it(opened: Ledger) -> None:
    space = space_of({"a": {"grid": [1, 2]}})
    plan = planned(space, opened, Place(CLASS, 1, 0.0, 2, "made up"), workload=Synthetic())
    record_run(opened, space, 1.0, 500)
    assert plan.timed is not None
    assert plan.timed(Probe(4.0, None), plan.seconds.overhead).epoch == 4.0


def recorded_class(ledger: Ledger, space: Space) -> Mapping[str, str] | None:
    place = recorded_place(ledger, space)
    return None if place is None else place.execution_class


@pytest.mark.slow
def test_a_recorded_run_tells_the_class(opened: Ledger) -> None:
    space = small()
    assert recorded_class(opened, space) is None
    opened.create_study("made up", "made up", 1, "", "id", space.workload)
    record = opened.study("made up")
    known = conditions(CLASS, 2, 1, 0.0)
    opened.begin_run(record.id, {**known, "versions": {"torch": "0.1"}, "execution_class": {"old": "packages"}})
    opened.begin_run(record.id, {**known, "hardware": {"host": "elsewhere"}, "execution_class": {"other": "host"}})
    opened.begin_run(record.id, {**known, "execution_class": {"numpy": "0.1"}})
    opened.begin_run(record.id, {**known, "cpus_per_trial": 2, "execution_class": {"two": "threads"}})
    assert recorded_class(opened, space) is None
    opened.begin_run(record.id, {**known, "gpus_per_trial": 0.5})
    assert recorded_class(opened, space) == CLASS
    found = recorded_place(opened, space)
    assert found is not None
    assert found.gpus == 0.5
    without = space_from_mapping({**space.source, "resources": {"gpus": 0}}, "made up")
    assert recorded_class(opened, without) is None
    other = space_from_mapping({"workload": TOY, "fixed": {"epochs": 1, "lr": 0.1}, "space": {}}, "toy")
    assert recorded_class(opened, other) is None


@pytest.mark.slow
def test_trials_shared_gpus_in_the_run_on_record(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "count", lambda: 2)
    monkeypatch.setattr(limits, "cpus", lambda: limits.Cpus(16, 16))
    space = small()
    opened.create_study("made up", "made up", 1, "", "id", space.workload)
    record = opened.study("made up")
    run = opened.begin_run(record.id, {**conditions(CLASS, 2, 1, 1.0), "hardware": machine.hardware()})
    for number, workers in ((None, 2), (3, 6), (1, 2), (100, 16)):
        if number is not None:
            opened.amend_run(run, {"gpu_sharing": {"trials_per_gpu": number}})
        found = recorded_place(opened, space)
        assert found is not None
        assert (found.gpus, found.workers) == (1.0, workers)
    asked = space_from_mapping({**space.source, "resources": {"gpus": 1}}, "made up")
    one_each = recorded_place(opened, asked)
    assert one_each is not None
    assert one_each.workers == 2


@pytest.mark.slow
def test_a_workload_that_ends_the_process_that_asks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = "from search.workload import Workload\nclass Ends(Workload):\n    recipe, settings = '1', {}\n"
    source += "    def execution_class(self, cpus, gpus): raise SystemExit(0)\n    def start(self, *_): pass\n"
    (tmp_path / "ends_when_asked.py").write_text(source)
    with pytest.raises(UserError) as refused:
        ask_class("ends_when_asked:Ends", 1, 0.0)
    assert str(refused.value) == (
        "workload 'ends_when_asked:Ends' cannot be prepared on a worker: SystemExit(0) "
        f"({tmp_path}/ends_when_asked.py, line 4); a workload must not end the process: what a script does goes under "
        '`if __name__ == "__main__":`'
    )


@pytest.mark.slow
def test_a_process_is_asked_and_trains_a_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # which other tests have loaded
    toy = load_workload(TOY)
    assert ask_class(TOY, 1, 0.0) == {name: str(value) for name, value in toy.execution_class(1, 0.0).items()}
    fixed, schedule = toy.schedule(toy.canonical({"lr": 0.1, "seed": 0}), 3)
    found = probe(TOY, 1, 0.0, fixed, schedule)
    run = toy.start(fixed, 1, 0.0)
    run.train_epoch(schedule[0])
    assert found.size == len(run.save())
    assert 0 < found.seconds < 5


@pytest.mark.slow
def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(f"workload: {TOY}\nfixed: {{epochs: 4, lr: 0.1}}\nspace: {{degree: {{grid: [1, 2]}}}}\nseeds: 2\n")
    results = tmp_path / "results"
    assert main(["plan", str(file), "--results", str(results), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["trials"], found["epochs"]["to_train"]) == (4, 16)
    assert found["seconds"]["sources"] == ["a probe of one epoch, made now"]
    assert said.err.splitlines() == [
        "no timing on record for a similar trial: training one epoch to measure it",
        unnoticed(TOY),
    ]
    assert not results.exists(), "a plan leaves no trace"
    assert main(["plan", str(file), "--results", str(results), "--no-probe", "--set", "epochs=5"]) == 0
    said = capsys.readouterr()
    assert said.err == f"{unnoticed(TOY)}\n"
    assert "  every trial at full length                       20\n" in said.out


def test_what_a_workload_says_of_itself_is_not_swallowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text("workload: no.such.module:Here\nfixed: {epochs: 4}\nspace: {}\n")
    assert main(["plan", str(file), "--results", str(tmp_path)]) == 1
    assert "no module" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (12.34, "12.3 s"), (250, "4 min 10 s"), (3600, "1 h 0 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1_234, "1.23 kB"), (2.5e6, "2.5 MB"), (4.2e12, "4,200 GB")]
)
def test_sizes(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.slow
def test_a_process_that_is_asked_ahead_answers_later_and_ends_with_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as a worker has it
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # which other tests have loaded
    toy = load_workload(TOY)
    with AskedClass(TOY, 1, 0.0) as asked:
        assert asked.given == (1, 0.0)
        assert asked.answer() == asked.answer() == {k: str(v) for k, v in toy.execution_class(1, 0.0).items()}
    with AskedClass(TOY, 1, 0.0) as asked:
        pass
    with pytest.raises(UserError, match="cannot be prepared on a worker: it ended with code -9"):
        asked.answer()


@pytest.mark.slow
def test_a_process_that_does_not_answer_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(600)\n")
    with AskedClass("sleeps:Never", 1, 0.0) as asked, pytest.raises(UserError) as refused:
        asked.answer(0.2)
    assert str(refused.value) == "workload 'sleeps:Never' cannot be prepared on a worker: no answer within 0.2 s"
