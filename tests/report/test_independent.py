"""Tables and verdicts against a second computation from the exported files: cells, intervals, differences, p, bold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from search.api import Study, load_space, open_study, run
from search.core.trial import State
from search.ledger.ledger import Ledger
from search.report.formats.judged_frame import verdicts_frame
from search.report.formats.render import frame_csv
from search.report.results import export
from search.report.table.build import comparison_table
from search.space.model import Axis, Grid
from tests.report import independent
from tests.report.judging import SPACE, Bench, card

NAMES = ("low", "high", "difference", "difference_low", "difference_high", "p", "p_holm")
FIGURES = {"estimate": "m", **{name: name for name in ("low", "high", "low_90", "high_90", "p", "p_adjusted")}}
CLAIMS: tuple[dict[str, Any], ...] = (
    {"better": [1, 0]},
    {"better": [0, 1]},
    {"better": [1, 0], "by": 0.01},
    {"better": [1, 0], "by": 0.45},
    {"equal": [1, 0], "within": 0.02},
    {"equal": [0, 1], "within": 0.02},
    {"equal": [1, 0], "within": 0.3},
    {"best": 1},
    {"best": 0},
)


class Case:
    """Settings of given accuracies, image by image; some runs end otherwise."""

    def __init__(
        self,
        accuracies: Sequence[float],
        seeds: int,
        value: str = "last",
        images: tuple[int, int] = (90, 60),
        ends: dict[tuple[int, int], State] | None = None,
    ) -> None:
        self.accuracies, self.seeds, self.value, self.images = accuracies, range(seeds), value, images
        self.ends = ends or {}

    def build(self, ledger: Ledger) -> Bench:
        gammas = list(range(len(self.accuracies)))
        report = replace(SPACE.report, value=self.value, claims=CLAIMS)
        axes = [Axis("gamma", Grid(gammas))]
        bench = Bench(ledger, replace(SPACE, axes=axes, seeds=tuple(self.seeds), report=report), card(*self.images))
        rng = np.random.default_rng([len(gammas), len(self.seeds), *self.images])
        hard = {split: rng.normal(size=n) for split, n in zip(("val", "test"), self.images, strict=True)}
        for a, accuracy in enumerate(self.accuracies):
            for s in self.seeds:
                right = {
                    split: easy + 2 * accuracy - 1 + 0.2 * rng.normal() + 0.5 * rng.normal(size=len(easy)) > 0
                    for split, easy in hard.items()
                }
                first = rng.random(self.images[0]) < 0.6
                end = self.ends.get((a, s), State.FINISHED)
                bench.run({"gamma": a}, s, right["val"], right["test"], first=first, state=end)
        return bench


CASES = {
    "pooled": Case([0.4, 0.9, 0.5, 0.45], 5),
    "pooled, best epoch": Case([0.5, 0.8, 0.6], 3, "best"),
    "a pair": Case([0.5, 0.7], 3),
    "two seeds": Case([0.3, 0.9, 0.5], 2),
    "ten seeds": Case([0.5, 0.5, 0.7], 10),
    "no difference": Case([0.5, 0.5, 0.5], 9, images=(300, 100)),
    "one seed": Case([0.5, 0.8, 0.4], 1),
    "runs that ended otherwise": Case(
        [0.4, 0.9, 0.9, 0.5, 0.5],
        5,
        ends={
            **{(1, 3): State.DIVERGED, (2, 0): State.PRUNED, (3, 1): State.FAILED},
            **{(4, seed): State.FAILED for seed in range(1, 5)},
        },
    ),
    "a baseline that diverged once": Case([0.4, 0.9, 0.5], 4, ends={(0, 2): State.DIVERGED}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_study_built_row_by_row(ledger: Ledger, tmp_path: Path, name: str) -> None:
    bench = CASES[name].build(ledger)
    files = {"table.csv": "csv", "table.json": "json", "trials.csv": "csv", "predictions.parquet": "parquet"}
    for file, form in files.items():
        export(bench.opened, file.partition(".")[0], form, tmp_path / file)
    (tmp_path / "verdicts.csv").write_text(frame_csv(verdicts_frame(comparison_table(bench.opened).verdicts)))
    agrees(tmp_path, "gamma", "0", CASES[name].value, CLAIMS)


def test_the_cases_have_every_verdict(ledger: Ledger, tmp_path: Path) -> None:
    """Else equal verdicts would prove little."""
    kinds: Counter[str] = Counter()
    for name in ("pooled", "no difference"):
        bench = CASES[name].build(Ledger(str(tmp_path / f"{name}.db")))
        kinds.update(claim.kind for claim in comparison_table(bench.opened).verdicts)
    assert min(kinds[kind] for kind in ("supported", "contradicted", "undecided")) >= 3, kinds


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Weight decays that differ in nothing that matters, and another loss, really trained."""
    content = {
        "name": "decays",
        "workload": "classifier",
        "fixed": {"epochs": 3, "data": "digits", "data.size": 8, "data.limit": [96, 100, 100], "batch_size": 16},
        "space": {
            "variant": {
                "grid": {
                    "decayed": {"optimizer.weight_decay": 5e-4},
                    "twin": {"optimizer.weight_decay": 5.0001e-4},
                    "focal": {"optimizer.weight_decay": 5e-4, "loss.gamma": 4, "optimizer.lr": 0.05},
                }
            }
        },
        "seeds": 3,
        "resources": {"cpus": 1},
        "report": {
            "baseline": "decayed",
            "claims": [
                {"better": ["focal", "decayed"]},
                {"equal": ["twin", "decayed"], "within": 0.2},
                {"best": "twin"},
            ],
        },
    }
    results = tmp_path_factory.mktemp("decays")
    run(load_space(content), results=results)
    return open_study("decays", results=results)


@pytest.mark.slow
def test_a_study_that_was_trained(trained: Study) -> None:
    folder = trained.folder
    export(trained.opened, "predictions", "parquet", folder / "predictions.parquet")
    export(trained.opened, "table", "json", folder / "table.json")
    agrees(folder, "variant", "decayed", "last", trained.space.report.claims)


@pytest.mark.slow
def test_settings_that_differ_in_nothing_that_matters_have_an_interval(trained: Study) -> None:
    """5e-4 against 5.0001e-4: next to no prediction differs, and the interval has a width all the same."""
    line = trained.table(all=True).set_index("variant").loc["twin"]
    for metric in ("val_accuracy", "test_accuracy_chosen"):
        low, high = line[f"{metric}_difference_low"], line[f"{metric}_difference_high"]
        assert line[f"{metric}_state"] == "estimated"
        assert low < line[f"{metric}_difference"] < high
        assert high - low > 0.005
        assert not line[f"{metric}_better"]


def agrees(folder: Path, axis: str, baseline: str, value: str, claims: Sequence[Any]) -> None:
    """Compare the files of a study with what they should say."""
    csv = pd.read_csv(folder / "table.csv", dtype={axis: "str"}).set_index(axis)
    lines = json.loads((folder / "table.json").read_text())
    from_json = pd.DataFrame(lines["lines"]).fillna(np.nan).astype({axis: "str"}).set_index(axis)
    chosen = {"last": "epochs", "best": "best_epoch"}[value]
    for metric, split, epoch in (("val_accuracy", "val", chosen), ("test_accuracy_chosen", "test", "best_epoch")):
        runs = independent.read(folder, axis, split, epoch)
        for setting, expected in independent.table(runs, baseline).items():
            if split == "val" and value == "best":  # a level that was chosen on the same images
                expected = {name: figure for name, figure in expected.items() if name not in ("low", "high")}
            for frame in (csv, from_json):
                row = frame.loc[setting]
                found = {name: row[f"{metric}_{name}"] for name in NAMES if f"{metric}_{name}" in row}
                wanted = {name: expected.get(name, np.nan) for name in found}
                assert found == pytest.approx(wanted, abs=1e-9, nan_ok=True), (metric, setting)
                assert bool(row[f"{metric}_better"]) is bool(expected.get("better", 0)), (metric, setting)
                for name in ("mean", "sd"):
                    if name in expected:
                        assert row[f"{metric}_{name}"] == pytest.approx(expected[name], abs=1e-9)
    said = pd.read_csv(folder / "verdicts.csv")
    judged = independent.verdicts(independent.read(folder, axis, "val", chosen), claims)
    assert said["verdict"].tolist() == [kind for kind, _ in judged] == [one["verdict"] for one in lines["verdicts"]]
    for (_, row), (_, figures) in zip(said.iterrows(), judged, strict=True):
        for name, key in {**FIGURES, "p_largest": "p_largest"}.items():
            if name in row and key in figures and not np.isnan(row[name]):
                assert row[name] == pytest.approx(figures[key], abs=1e-9), (row["claim"], name)
