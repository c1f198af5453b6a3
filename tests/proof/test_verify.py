"""The verb `verify`: what it prints, its exit codes, and what it says of workloads that cannot be tried."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.core.errors import UserError
from search.proof import cases
from search.proof.branches import branches
from search.proof.finding import Finding, Result, Verified
from search.proof.savings import leaves
from search.proof.verify import BRANCHES, verify
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.system.machine import fork_is_fresh
from search.workload import load_workload
from tests.proof.faulty import SENTENCES
from tests.proof.small import Small
from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")

FILE = """\
workload: tests.proof.mistakes:MomentumNotSaved
fixed: {epochs: 4}
space:
  lr: {grid: [0.01, 0.02]}
search: {objective: {metric: val_loss, direction: minimize}}
"""


@pytest.fixture(scope="module")
def anywhere() -> Iterator[Small]:
    with Small() as small:
        yield small


@pytest.fixture
def small(request: pytest.FixtureRequest, anywhere: Small) -> Small:
    """Leaves out the case that starts an interpreter, but in slow tests."""
    anywhere.interpreters = request.node.get_closest_marker("slow") is not None
    return anywhere


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "points.yaml"
    path.write_text(FILE)
    return path


def asked(small: Small, *words: object) -> tuple[int, str, str]:
    return small.run("verify", *words)


def verify_in(folder: Path, space: Space) -> Verified:
    with contextlib.chdir(folder):
        return verify(space)


def made(workload: str, axes: dict[str, object] | None = None, epochs: int = 5, **more: object) -> Space:
    space = {"workload": f"tests.proof.{workload}", "fixed": {"epochs": epochs}, "space": axes or {}, **more}
    return space_from_mapping(space, "toy")


def finding(verified: Verified, case: str) -> Finding:
    return next(each for each in verified.findings if each.case == case)


# What is printed -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["examples/sine.yaml", "spaces/focal.yaml"])
def test_what_is_shipped_holds_in_lines_that_fit_a_terminal(name: str) -> None:
    few = ["--set", "epochs=2", "--set", "data.limit=[96,40,40]"] if "focal" in name else []
    with Small() as small:  # PyTorch makes it large
        code, out, err = asked(small, ROOT / name, *few)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    results = [line[2:11].strip() for line in lines if re.match(r"  \w", line)]
    assert "held" in results
    assert set(results) <= {"held", "not tried"}
    untried = [line[13:] for line in lines if line.startswith("  not tried")]
    assert untried == (["another seed moves no data"] if "sine" in name else [])  # the example has no data card


def test_a_broken_contract_is_exit_code_1_with_what_differs_and_why(file: Path, small: Small) -> None:
    code, out, err = asked(small, file)
    assert code == 1
    assert out.startswith("tests.proof.mistakes:MomentumNotSaved, 4 epochs of lr=0.01, seed=0, compared bit")
    assert re.search(
        r"  not held   saved, and loaded in a fresh process\n"
        r"             epoch 2, train_loss: \d\.\d+ alone, \d\.\d+ here\n"
        r"             likely: optimiser state not saved: `run\.velocity`; from the state\n"
        r"               of epoch 1, in the first epoch behind it\n",
        out,
    )
    assert re.search(r"\n\d+ held, 1 not held, 4 not tried; \d+ epochs trained, nothing recorded\n$", out)
    assert err == (
        "workload 'tests.proof.mistakes:MomentumNotSaved' does not keep the contract in 1 case of 13; mend it before "
        "trials share epochs, or give `run` --no-sharing\n"
    )


def test_the_same_as_json(file: Path, small: Small) -> None:
    code, out, _ = asked(small, file, "--json", "--set", "epochs=3")
    told = json.loads(out)
    assert code == 1
    assert (told["workload"], told["file"], told["held"]) == ("tests.proof.mistakes:MomentumNotSaved", str(file), False)
    assert (told["configuration"], told["epochs_tried"]) == ("lr=0.01, seed=0", 3)
    broken = [case for case in told["cases"] if case["result"] == "not held"]
    assert [case["case"] for case in broken] == [cases.LOADED]
    assert (broken[0]["difference"]["epoch"], broken[0]["difference"]["metric"]) == (2, "train_loss")
    assert broken[0]["likely_cause"].startswith("optimiser state not saved: `run.velocity`")


def test_a_workload_may_be_named_without_a_file(small: Small) -> None:
    code, out, err = asked(small, "tests.proof.mistakes:Right", "--set", "lr=0.05", "--set", "epochs=3")
    assert (code, err) == (0, "")
    assert out.startswith("tests.proof.mistakes:Right, 3 epochs of seed=0, compared bit for bit\n")


@pytest.mark.slow
def test_what_a_workload_prints_is_shown_once_and_is_no_line_of_the_table() -> None:
    """It says what it measures besides, and none of that is what a space looks at where nobody says otherwise."""
    command = [sys.executable, "-m", "search", "verify", "tests.proof.mistakes:Measured", "--set", "epochs=2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "measuring 1\nmeasuring 2\n")
    assert json.loads(done.stdout)["held"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["qqqzzz.yaml"], "qqqzzz.yaml: no such file"),
        (
            ["tests.proof.mistakes:Rihgt"],
            "workload 'tests.proof.mistakes:Rihgt': module 'tests.proof.mistakes' has no attribute 'Rihgt'; "
            "did you mean 'Right'?",
        ),
        (
            ["tests.proof.mistakes:Right", "--set", "lrr=1"],
            "lrr: unknown setting or key of the file; did you mean 'lr'?",
        ),
    ],
)
def test_what_is_not_there_is_one_sentence(words: list[str], sentence: str, small: Small) -> None:
    code, out, err = asked(small, *words)
    assert (code, out) == (1, "")
    assert err.removeprefix("--set: ") == f"{sentence}\n"


# What cannot be tried ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SENTENCES)
def test_a_workload_that_cannot_be_trained_is_one_sentence(name: str, small: Small) -> None:
    code, _, err = asked(small, f"tests.proof.faulty:{name}")
    assert code == 1
    assert err.startswith(f"workload 'tests.proof.faulty:{name}', seed=0: {SENTENCES[name]}")
    assert len(err.splitlines()) == 1


def test_a_state_that_cannot_be_loaded_or_saved_breaks_the_contract_and_none_at_all_does_not(small: Small) -> None:
    unloadable, unsaveable, stateless = (
        small.call(verify, made(f"faulty:{name}", epochs=3)) for name in ("Unloadable", "Unsaveable", "Stateless")
    )
    assert finding(unloadable, cases.LOADED).result == Result.NOT_HELD
    assert finding(unloadable, cases.LOADED).note.startswith("it could not be loaded: KeyError('velocity') (")
    assert [each.case for each in unsaveable.broken] == [cases.SAVED]
    assert finding(unsaveable, cases.SAVED).note.startswith("epoch 1 could not be saved: TypeError('cannot pickle') (")
    assert stateless.broken == []
    assert (
        finding(stateless, cases.SAVED).note == "it saves no states: whole runs are reused, and parts of them are not"
    )
    for verified in (unsaveable, stateless):
        assert finding(verified, cases.LOADED).result == Result.NOT_TRIED


@pytest.mark.parametrize(
    ("seed", "remedy"),
    [
        ("{seed}", "; seed every generator that it draws from with {seed}, or with one made of it and the epoch"),
        ("0", ": the command line has no {seed}; write it there, and seed every generator that it draws from with it"),
    ],
)
def test_chance_in_a_program_is_told_with_its_remedy(seed: str, remedy: str, small: Small) -> None:
    """Its clock and its generators are out of reach, so nothing is said that an experiment would have to show."""
    program = "tests/adapters/command/program.sh"
    command = {"run": f"./{program} {{act}} 1 {seed} {{epochs}}", "settings": {"act": "string"}}
    space = {"workload": "command", "command": command, "fixed": {"epochs": 2, "act": "chance"}, "space": {}}
    space["search"] = {"objective": {"metric": "val_loss", "direction": "minimize"}}
    (broken,) = small.call(verify_in, ROOT, space_from_mapping(space, "toy")).broken
    assert broken.case == cases.TWICE
    assert broken.cause == f"unseeded chance in the program, or its clock{remedy}"


def test_predictions_are_compared_image_by_image(small: Small) -> None:
    difference = finding(small.call(verify, made("faulty:Predicting")), cases.LOADED).difference
    assert difference is not None
    assert difference.metric == "predictions on val"
    assert {difference.expected, difference.found} == {"class 0 of image 1", "class 1 of image 1"}


def test_trials_of_one_epoch_have_no_state_to_go_on_from(small: Small) -> None:
    verified = small.call(verify, made("mistakes:MomentumNotSaved", {"lr": {"grid": [0.01, 0.02]}}, epochs=1))
    assert verified.broken == []
    assert finding(verified, cases.LOADED) == Finding(
        cases.LOADED, Result.NOT_TRIED, note="it trains one epoch: give it more, as --set epochs=3"
    )


@pytest.mark.slow
def test_where_a_fork_is_not_fresh_interpreters_are_started_and_the_same_is_said(small: Small) -> None:
    """Each has other hashes of text than the case that looks for that, and else the same."""
    verified = small.call(verify, made("mistakes:HashOrder", epochs=2), fork=False)
    assert [each.case for each in verified.broken] == [cases.INTERPRETER]
    assert verified.broken[0].cause.startswith("hash order")
    assert finding(verified, cases.LOADED).result == Result.HELD


# Settings ------------------------------------------------------------------------------------------------------


def test_a_setting_that_nothing_reads_is_named_and_breaks_nothing(small: Small) -> None:
    verified = small.call(verify, made("mistakes:NeverRead", {"width": {"grid": [1, 2]}}))
    assert verified.broken == []
    assert [each for each in verified.findings if each.case.startswith("width")] == [
        Finding(
            "width: another value moves rows",
            Result.NAMED,
            cause="it is declared and never read",
            note="no value of it moved a bit in the first 5 epochs",
        )
    ]


def test_a_setting_that_acts_at_the_next_epoch_is_named_and_breaks_nothing(small: Small) -> None:
    """As the factor of a scheduler does that is stepped at the end of an epoch."""
    verified = small.call(verify, made("mistakes:RateOneEpochLate", {"lr": {"grid": [0.01, 0.02]}}))
    assert verified.broken == []
    turned = finding(verified, "lr: changed from epoch 3 on, it acts from there on")
    assert turned.result == Result.NAMED
    assert turned.note == "it acts from epoch 4 on; rows are right, and trials share what they can be sure of"
    assert finding(verified, "lr: so it does behind a loaded state").result == Result.HELD


def test_a_fixed_setting_that_the_loop_alone_reads_is_named_with_what_it_costs(small: Small) -> None:
    """With `drop` 1, 3 or 4, epoch 1 is the same for all, and epochs 2 and 3 for the last two: 4 epochs too many."""
    for seeds in (1, 3):
        axes = {"drop": {"grid": [1, 3, 4]}}
        verified = small.call(verify, made("mistakes:ReadInTheLoop", axes, seeds=seeds))
        named = finding(verified, "drop: fixed, though it is read only inside the loop")
        assert named.result == Result.NAMED
        assert named.note == f"declared per epoch, it would save {4 * seeds} of the plan's {15 * seeds} epochs"


def test_an_axis_that_acts_behind_the_epochs_that_are_tried_is_not_tried(small: Small) -> None:
    axes = {"rates": {"grid": {"never": {"lr": 0.01}, "late": {"lr": {"1": 0.01, "7": 0.02}}}}}
    verified = small.call(verify, made("mistakes:Right", axes, epochs=8))
    assert finding(verified, "rates: another value moves rows") == Finding(
        "rates: another value moves rows",
        Result.NOT_TRIED,
        note="never gives the same settings as late in the first 5 epochs",
    )


# Every branch --------------------------------------------------------------------------------------------------

RATES = {
    "rates": {
        "grid": {
            "flat": {"lr": 0.01},
            "early": {"lr": {"1": 0.01, "3": 0.02}},
            "late": {"lr": {"1": 0.01, "7": 0.02}},
            "later": {"lr": {"1": 0.01, "7": 0.02, "9": 0.01}},
        }
    }
}


def test_every_state_that_trials_part_behind_is_proven(small: Small) -> None:
    """They part behind epochs 2, 6 and 8, under each of two seeds."""
    space = made("mistakes:Right", RATES, epochs=10, seeds=2)
    trials = leaves(space, load_workload(space.workload))
    assert trials is not None
    plan = branches(trials)
    assert plan.states == 6
    proof = finding(small.call(verify, space, thorough=True), BRANCHES)
    assert proof == Finding(BRANCHES, Result.HELD, note=f"6 states, {plan.epochs} epochs trained")


def test_a_mistake_that_acts_behind_the_epochs_that_are_tried_is_found_by_the_thorough_case(small: Small) -> None:
    space = made("mistakes:VeryLate", RATES, epochs=10)
    assert small.call(verify, space).broken == []
    (proof,) = small.call(verify, space, thorough=True).broken
    assert proof.case == BRANCHES
    assert proof.cause == "optimiser state not saved: `run.velocity`"
    assert proof.note.startswith("the state of epoch 6 of rates=")
    assert proof.difference is not None
    assert proof.difference.epoch == 7


def test_where_nothing_parts_or_results_decide_there_is_nothing_to_prove(small: Small) -> None:
    grid = small.call(verify, made("mistakes:Right", {"width": {"grid": [1, 2]}}), thorough=True)
    assert finding(grid, BRANCHES).note == "no two trials part behind an epoch: nothing is shared"
    search = {"sampler": "tpe", "trials": 4, "objective": {"metric": "val_loss", "direction": "minimize"}}
    sampled = small.call(
        verify, made("mistakes:Right", {"lr": {"float": {"low": 0.01, "high": 0.1}}}, search=search), thorough=True
    )
    assert finding(sampled, BRANCHES).result == Result.NOT_TRIED
    assert finding(sampled, BRANCHES).note.startswith("results decide what is tried")


def test_a_configuration_that_cannot_be_trained_is_a_fault_of_the_user(small: Small) -> None:
    with pytest.raises(UserError, match=r"^workload 'tests\.proof\.faulty:Raising', seed=0: epoch 3 failed"):
        small.call(verify, made("faulty:Raising"))
