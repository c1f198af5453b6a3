"""A sequence of changes in lists of studies: one line; its proposals by `show`; no page or picture of its studies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run as command
from search.core.sequences import SUFFIX
from search.judge.candidates import compared_space
from search.judge.sequence import BEGUN, CONFIRMING, JUDGED, PROPOSED, SCREENED, SHOWN, Candidate
from search.judge.shown import headline_of, history_of
from search.ledger.answers import listed, stale
from search.ledger.ledger import Ledger
from search.ledger.sequences import members
from search.places import mirror_url, open_ledger
from search.service.server import prepare
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.opened import OpenStudy

WORKLOAD = "tests.judge.toy:Tested"


def study(ledger: Ledger, space: Space) -> None:
    ledger.create_study(space.name, space.name, 1, dump(space), space.name, WORKLOAD)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A sequence of two proposals of which the first was kept, and studies that a person called nearly so."""
    ledger = open_ledger(tmp_path / "results", None)
    base = space_from_mapping({"name": "base", "workload": WORKLOAD, "fixed": {"epochs": 1}})
    log = f"base{SUFFIX}"
    ledger.create_study(log, log, 1, dump(base), "", WORKLOAD)
    sides = [Candidate(name, {"epochs": 1, "name": name}, name) for name in ("base", "more", "less")]
    with ledger.step(ledger.study(log).id) as step:
        step.log(BEGUN, **sides[0].told)
        step.log(PROPOSED, **sides[1].told, against=0, seeds=[1000], noise=None)
        step.log(SCREENED, number=1, gain=0.03, p=0.1, reason="")
        step.log(CONFIRMING, number=1, seeds=[1001, 1002, 1003, 1004, 1005])
        step.log(JUDGED, number=1, gain=0.04, p=0.001, reason="")
        step.log(PROPOSED, **sides[2].told, against=1, seeds=[1006], noise=None)
        step.log(SHOWN, number=1, seeds=[1007])
    for what, pair in (("1", sides[:2]), ("2", sides[1:])):
        study(ledger, compared_space(base, "base", what, dict(zip(("incumbent", "proposal"), pair, strict=True)), [0]))
    study(ledger, compared_space(base, "base", "final 1", {"incumbent": sides[1]}, [0]))
    for name in ("base 3", "base 2 again", "based 1"):
        study(ledger, space_from_mapping({"name": name, "workload": WORKLOAD, "fixed": {"epochs": 1}}))
    yield ledger
    ledger.close()


@pytest.fixture
def ask(ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def asked(*arguments: str) -> str:
        assert command([*arguments, "--results", str(tmp_path / "results")]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return asked


def test_the_studies_of_a_sequence_are_told_from_those_that_a_person_called_so(ledger: Ledger) -> None:
    names = {record.id: record.name for record in ledger.studies()}
    found = {names[number]: log for number, log in members(ledger.engine).items()}
    assert found == dict.fromkeys(("base 1", "base 2", "base final 1"), "base (sequence)")


def test_list_has_one_line_for_a_sequence_and_says_how_to_see_its_studies(ask: Callable[..., Any]) -> None:
    out = ask("list")
    lines = [line.split("  ")[0] for line in out.splitlines() if line.startswith("base")]
    assert lines == ["base (sequence)", "base 3", "base 2 again", "based 1"]
    assert "sequence of 3 studies" in out
    assert "The studies of a sequence of changes are listed by `show 'base (sequence)'`." in " ".join(out.split())
    told = {one["study"]: one["sequence"] for one in json.loads(ask("list", "--json"))["studies"]}
    assert told == {
        "base (sequence)": None,
        **dict.fromkeys(("base 1", "base 2", "base final 1"), "base (sequence)"),
        **dict.fromkeys(("base 3", "base 2 again", "based 1")),
    }


def test_show_lists_the_proposals_of_a_sequence(ask: Callable[..., Any]) -> None:
    out = ask("show", f"base{SUFFIX}")
    assert out.startswith("Sequence base, judged by val_accuracy; the incumbent is more.")
    (first,) = [line for line in out.splitlines() if line.lstrip().startswith("1 ")]
    assert first.split("  ")[-1].strip() == "base 1"
    assert all(text in first for text in ("more", "kept", "+3.0 pt, p 0.100", "+4.0 pt, p 0.001"))
    (second,) = [line for line in out.splitlines() if line.lstrip().startswith("2 ")]
    assert all(text in second for text in ("less", "open", "base 2"))
    assert "Test figures were shown 1 time, of base final 1." in out
    one, other = json.loads(ask("show", f"base{SUFFIX}", "--json"))["proposals"]
    assert one == {
        "number": 1,
        "name": "more",
        "settings": {"epochs": 1, "name": "more"},
        "verdict": "kept",
        "against": 0,
        "screening": {"gain": 0.03, "p": 0.1, "seeds": [1000]},
        "confirmation": {"gain": 0.04, "p": 0.001, "seeds": [1001, 1002, 1003, 1004, 1005]},
        "study": "base 1",
    }
    assert (other["verdict"], other["against"], other["screening"]) == ("open", 1, None)


def test_the_home_of_a_server_has_one_line_for_a_sequence(ledger: Ledger) -> None:
    shown = [one.name for one in listed(ledger.engine)]
    assert shown == ["based 1", "base 2 again", "base 3", "base (sequence)"]
    state = history_of(OpenStudy(ledger, ledger.study(f"base{SUFFIX}")))
    assert state is not None
    assert headline_of(state) == "2 proposals, 1 kept: the incumbent is more."
    assert history_of(OpenStudy(ledger, ledger.study("base 1"))) is None


def test_no_answer_report_or_picture_is_made_of_a_sequences_studies(ledger: Ledger, tmp_path: Path) -> None:
    for record in ledger.studies():
        with ledger.step(record.id) as step:
            step.log("asked", trial=0)
    assert not {"base 1", "base 2", "base final 1"} & {*stale(ledger.engine)}
    assert "base 3" in stale(ledger.engine)
    results = tmp_path / "results"
    assert prepare(ledger, mirror_url(results), results) == []
    assert {path.name for path in results.iterdir() if path.is_dir()} == {
        "base (sequence)",
        "base 3",
        "base 2 again",
        "based 1",
    }
