"""Seeds are added block by block until a file's claims are decided, and the exit code says what they came to."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run as command
from search.plan.priced import priced
from tests.judge import toy

pytestmark = pytest.mark.slow

FILE = """\
workload: tests.judge.toy:Toy
fixed: {{epochs: 2}}
space:
  setting:
    grid:
      old: {{}}
      new: {{gain: {gain}, name: new}}
report:
  baseline: old
  margin: 0.02
  claims:
    - better: [new, old]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("search.judge.judging.api.run", toy.run)
    monkeypatch.setattr("search.api.run", toy.run)
    monkeypatch.setattr("search.judge.judging.priced", partial(priced, probed=False))  # nothing trains here
    return tmp_path


def ask(place: Path, capsys: pytest.CaptureFixture[str], gain: float, *arguments: str, verb: str = "judge") -> Any:
    file = place / f"gain {gain}.yaml"
    file.write_text(FILE.format(gain=gain))
    code = command([verb, str(file), "--results", str(place / "results"), *arguments])
    return code, *capsys.readouterr()


def test_a_large_difference_needs_few_seeds(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(place, capsys, 12)
    assert (code, err) == (0, "")
    assert "look 1 of 4, at 3 seeds: 14 epochs to train" in out
    assert "undecided claims go on, to 10 seeds at most" in out
    looks = [line for line in out.splitlines() if ": supported; " in line or ": undecided; " in line]
    assert 1 <= len(looks) < 4
    last = out.splitlines()[-1]
    seeds = [3, 5, 7, 10][len(looks) - 1]
    epochs = 4 * seeds
    assert last == (
        f"looked {'1 time' if len(looks) == 1 else f'{len(looks)} times'} of 4, with {seeds} seeds; {epochs} epochs "
        f"trained, {40 - epochs} of the whole budget spared"
    )


def test_a_difference_the_other_way_is_contradicted_and_said_as_json(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ask(place, capsys, -12, "--json")
    said = json.loads(out)
    assert code == 4
    (claim,) = said["claims"]
    assert (claim["claim"], claim["verdict"]) == ("setting=new is better than setting=old", "contradicted")
    assert said["looks_planned"] == [3, 5, 7, 10]
    assert said["looks_taken"] == [3, 5, 7, 10][: len(said["looks_taken"])]
    assert said["epochs_trained"] + said["epochs_spared"] == 40
    assert claim["evidence"]["seeds"] == said["seeds"]
    assert err.splitlines()[-1].startswith("contradicted: setting=new is better than setting=old (")


def test_a_budget_that_decides_nothing_is_undecided(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(place, capsys, 1, "--max-seeds", "4")
    assert code == 5
    assert "looked 2 times of 2, with 4 seeds; 16 epochs trained\n" in out
    assert "look 2 of 2 (at 3, 4 seeds), decided at " in " ".join(out.split())
    assert err.startswith("undecided: setting=new is better than setting=old (the difference may be 0; ")


def test_the_same_command_goes_on_and_trains_nothing_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = ask(place, capsys, 1)
    again = ask(place, capsys, 1)
    assert again[0] == whole[0]
    assert "0 epochs trained" in again[1]


def test_seeds_of_an_earlier_run_are_used_and_a_look_between_decides_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = ask(place, capsys, 12, "--set", "seeds=4", "--set", "report.looks=[3, 5, 7, 10]", verb="run")
    assert code == 0
    assert "looks were planned at 3, 5, 7, 10 seeds; this one, at 4, decides nothing" in " ".join(out.split())
    assert "Supported" not in out
    code, out, _ = ask(place, capsys, 12)
    assert code == 0
    assert "look 2 of 4, at 5 seeds: 6 epochs to train" in out, "two of them to prove"
    assert "; 4 epochs trained" in out


def test_more_seeds_than_the_last_look_has_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(place, capsys, 12, "--set", "seeds=12", verb="run")
    code, _, err = ask(place, capsys, 12)
    assert code == 1
    assert err == (
        "study 'gain 12' has 12 seeds on record, and the last look is at 10: a later one is planned with "
        "`report.looks` in the file, before its seeds are trained\n"
    )


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (["--set", "report.claims=null"], "states no claims; write what is to be judged under report.claims, such as"),
        (["--max-seeds", "2"], "--max-seeds 2: a verdict on a difference needs 3 seeds"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    sets: list[str], sentence: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ask(place, capsys, 1, *sets)
    assert (code, out) == (1, "")
    assert sentence in err
    assert not (place / "results").exists()


@pytest.mark.parametrize(
    ("gain", "fail_on", "code"),
    [(-12, "contradicted", 4), (-12, "undecided", 4), (0, "undecided", 5), (0, "contradicted", 0)],
)
def test_run_ends_with_the_code_of_its_verdicts(
    gain: float, fail_on: str, code: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(place, capsys, gain, "--fail-on", fail_on, "--set", "seeds=5", verb="run")[0] == code
    assert ask(place, capsys, gain, "--set", "seeds=5", verb="run")[0] == 0


@pytest.mark.stress
@pytest.mark.parametrize(("gain", "wrong", "most_wrong"), [(0, "supported", 4), (4, "contradicted", 4)])
def test_looking_often_errs_rarely(
    gain: float, wrong: str, most_wrong: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 40 questions without a difference 2.5 % may be called better, of 40 with 4 points hardly one contradicted."""
    verdicts, seeds = [], []
    for question in range(40):
        where = place / str(question)
        where.mkdir()
        file = where / f"question {question}.yaml"
        file.write_text(FILE.format(gain=gain))
        command(["judge", str(file), "--results", str(where / "results"), "--json"])
        said = json.loads(capsys.readouterr().out)
        verdicts.append(said["claims"][0]["verdict"])
        seeds.append(said["seeds"])
    print(
        f"gain {gain}: { ({kind: verdicts.count(kind) for kind in set(verdicts)}) }, mean seeds {sum(seeds) / 40:.1f}"
    )
    assert verdicts.count(wrong) <= most_wrong
    assert sum(seeds) / len(seeds) < 10
