"""Runs trained elsewhere go the way of all others: the same record, table, page, exports and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from search.__main__ import run as command
from search.api import open_study
from search.judge.asked import Wishes
from search.judge.outside import judge_scores
from search.statistics.crossed import compare
from search.statistics.measure import Measure
from search.statistics.scores import make_scores

pytestmark = pytest.mark.slow

EXAMPLES = 120


def frame(gain: float, seeds: int, better: int = 1) -> pd.DataFrame:
    """Return 0/1 scores of `old` and `new`, whose seeds are the first ones of any longer frame."""
    rows = []
    for setting, level in (("old", 0.6), ("new", 0.6 + gain)):
        for seed in range(seeds):
            generator = np.random.default_rng((seed, setting == "new"))
            right = generator.random(EXAMPLES) < level
            rows += [(setting, seed, f"q{place}", int(one == better)) for place, one in enumerate(right)]
    return pd.DataFrame(rows, columns=["setting", "seed", "example", "score"])


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def asked(table: pd.DataFrame, *arguments: str, name: str = "mine.csv") -> Any:
        path = tmp_path / name
        table.to_parquet(path) if name.endswith("parquet") else table.to_csv(path, index=False)
        code = command(["judge", str(path), "--results", str(tmp_path / "results"), *arguments])
        return code, *capsys.readouterr()

    return asked


def test_a_difference_is_found_and_everything_is_written(ask: Callable[..., Any], tmp_path: Path) -> None:
    code, out, err = ask(frame(0.3, 4))
    said = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "metric: accuracy, because every score is 0 or 1" in out
    assert "claims: the other setting is better than the baseline" in out
    assert "Claim: new is better than old Supported: better by +" in said
    assert "Runs trained elsewhere. Scores as they stand in " in said
    assert "Not known: same training data? scored examples unseen? anything left out?" in said
    assert not [word for word in ("epoch", "alidation", "independent test", "seconds") if word in out]
    folder = tmp_path / "results" / "mine"
    page = (folder / "report.html").read_text()
    assert "4 seeds per setting and 120 examples" in page
    assert "Whether equal seeds mean equal luck" in page
    assert not [word for word in ("python -m search run", "Over epochs", "epochs trained", ">Cost<") if word in page]
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "table.md",
        "table.csv",
        "table.tex",
        "verdicts.csv",
        "trials.csv",
        "space.yaml",
        "conditions.json",
    }
    study = open_study("mine", results=tmp_path / "results")
    told = study.predictions()
    assert told.groupby("trial")["score_score"].mean().round(9).tolist() == study.trials()["accuracy"].round(9).tolist()


def test_the_verdict_is_that_of_the_statistics_on_these_scores(ask: Callable[..., Any]) -> None:
    table = frame(0.2, 3)
    code, out, _ = ask(table, "--json", "--claim", "old > new", name="mine.parquet")
    said = json.loads(out)
    assert code == 4
    assert (said["metric"], said["seeds"], said["settings"]) == ("accuracy", 3, ["old", "new"])
    (claim,) = said["claims"]
    scores = table["score"].to_numpy().reshape(2, 3, EXAMPLES)
    (difference,) = compare(make_scores(scores, measure=Measure(0.0, 1.0, unit="pt")), [(0, 1)])
    assert claim["verdict"] == "contradicted"
    assert claim["evidence"]["estimate"] == pytest.approx(difference.estimate)
    assert claim["evidence"]["p"] == pytest.approx(difference.p)


def test_added_seeds_go_on_and_are_a_look_and_changed_scores_are_another_study(tmp_path: Path) -> None:
    def judged(table: pd.DataFrame) -> tuple[str, int, list[str]]:
        path = tmp_path / "mine.csv"
        table.to_csv(path, index=False)
        study, *_ = judge_scores(str(path), Wishes(), tmp_path / "results", None)
        assert study.written is not None
        return study.name, len(study.ledger.trials(study.record.id)), study.written.notes

    three, five = frame(0.1, 3), frame(0.1, 5)
    assert judged(three)[:2] == ("mine", 6)
    assert judged(three.sample(frac=1, random_state=2))[:2] == ("mine (rev 2)", 6), "the first setting is the baseline"
    assert judged(three)[:2] == ("mine", 6)
    name, trials, notes = judged(five)
    assert (name, trials) == ("mine", 10)
    assert any("2 looks; seeds added after a look: p values are too small" in note for note in notes)
    five.loc[7, "score"] = 1 - five.loc[7, "score"]
    assert judged(five)[:2] == ("mine (rev 3)", 10)


def test_losses_with_a_test_split(ask: Callable[..., Any], tmp_path: Path) -> None:
    table = frame(0.3, 4)
    table["score"] = 1.5 - table["score"] + 0.001 * (table.index % EXAMPLES)
    table["split"] = np.where(table["example"].str.endswith("1"), "test", "val")
    code, out, _ = ask(table, "--metric", "loss", "--range", "0", "3", "--claim", "new > old")
    assert code == 0
    assert "better: lower" in out
    assert "val_loss: mean over 4 seeds; lower is better." in out
    assert "test_loss: it chose nothing, on 12 test examples." in out
    page = (tmp_path / "results/mine/report.html").read_text()
    assert (
        f"python -m search judge {tmp_path}/mine.csv --metric loss --range 0.0 3.0 --claim &#x27;new &gt; old&#x27;"
        in page
    )


def test_what_is_not_for_such_a_file_is_refused(ask: Callable[..., Any], tmp_path: Path, capsys: Any) -> None:
    code, out, err = ask(frame(0.3, 3), "--max-seeds", "4")
    assert (code, out) == (1, "")
    assert err == f"--max-seeds: is for a space file, and {tmp_path}/mine.csv holds scores; leave it out\n"
    assert command(["judge", "spaces/focal.yaml", "--margin", "0.1"]) == 1
    assert "--margin: is for scores, and spaces/focal.yaml holds a space file" in capsys.readouterr().err
    code, out, err = ask(frame(0.3, 3), "--margin", "2")
    assert (code, out) == (1, "")
    assert err.startswith(f"{tmp_path}/mine.csv: --margin: found 2.0, must be a fraction above 0 and at most 1")
    ask(frame(0.3, 3))
    results = tmp_path / "results"
    assert command(["run", str(results / "mine/space.yaml"), "--results", str(results / "again")]) == 1
    assert "these runs were trained elsewhere, and nothing of them can be trained here" in capsys.readouterr().err
