"""The figures of a whole study: which there are, what is said of them to who does not see them, and hostile names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from search.__main__ import run
from search.core.errors import UserError
from search.core.trial import State
from search.ledger.ledger import Ledger
from search.report.figures import writing
from search.report.figures.forest import ForestRow, differences
from search.report.figures.study import write_figures
from search.report.table.build import comparison_table
from search.space.model import Axis, Float, Grid, Report, Search, Space
from search.study.opened import OpenStudy
from tests.report.builder import GAMMAS, Study, full, key_of
from tests.report.figures.drawing import study_figures
from tests.report.judging import SPACE, Bench

SPARED = r"<(?!br>|b>|/b>|span style=.{1,2}color:#[0-9a-f]{6}.{1,2}>|/span>|.u002fspan>)"
"""A tag that is none of those that the figures write themselves."""

HOSTILE = [
    *("<script>alert(1)</script>", "100 % %{y} &amp;", "\u05e9\u05dc\u05d5\u05dd", "sun 🌻 " * 20, "\u202egnp.exe"),
]


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "pngs", lambda figures: ({}, "no browser here"))


def predicted(make: Callable[..., Study]) -> Study:
    study = make()
    for configuration, gamma in enumerate([0, 0.5, 2]):
        for seed in range(3):
            accuracies = [0.1, 0.2, 0.3 + configuration / 10]
            study.trial({"gamma": gamma}, seed, accuracies, configuration=configuration, metrics=full, predictions=True)
    return study


class TestWhich:
    def test_a_grid_of_one_axis_that_shares_nothing(self, make: Callable[..., Study]) -> None:
        names = [one.name for one in study_figures(predicted(make).opened)]
        assert names == ["study-objective", "study-learning-rate", "study-confusion", "study-classes", "study-cost"]

    @pytest.mark.parametrize("value", [0.5, float("nan"), -1.0, 3.0])
    def test_predictions_that_are_no_classes_are_not_drawn(self, make: Callable[..., Study], value: float) -> None:
        """As they were recorded once; a run refuses them."""
        study = make()
        for gamma in (0, 0.5):
            study.trial({"gamma": gamma}, 0, [0.1, gamma], predictions={"val": np.array([0, 1, 2, value])})
        names = [one.name for one in study_figures(study.opened)]
        assert names == ["study-objective", "study-cost"]

    def test_classes_in_floating_point_are_drawn(self, make: Callable[..., Study]) -> None:
        study = make()
        for gamma in (0, 0.5):
            study.trial({"gamma": gamma}, 0, [0.1, gamma], predictions={"val": np.array([0.0, 1.0, 2.0, 2.0])})
        assert "study-confusion" in [one.name for one in study_figures(study.opened)]

    @pytest.mark.slow
    def test_a_sampled_study_with_a_pruner(self, make: Callable[..., Study]) -> None:
        axes = [Axis("lr", Float(0.001, 0.1, log=True)), Axis("gamma", Grid([0, 2]))]
        study = make(Space("focal", "toy", axes, {"epochs": 3}, "Search", (0,), Search("random", trials=8)))
        for i in range(8):
            pruned = i % 2
            accuracies = [0.1 * i, 0.2, 0.05 * i][: 1 if pruned else 3]
            state = State.PRUNED if pruned else State.FINISHED
            keys = [key_of(i, epoch) for epoch in range(3)]
            study.trial({"lr": 0.001 * (i + 1), "gamma": 2 * (i // 4)}, 0, accuracies, state, keys=keys)
            with study.ledger.step(study.record.id) as step:
                step.log("rung", trial=i, epoch=1, key=keys[0], value=0.1 * i, goes_on=not pruned)
        made = {one.name: one for one in study_figures(study.opened)}
        names = ["study-objective", "study-cost", "study-found", "study-parallel", "study-slice", "study-rungs"]
        assert list(made) == names
        assert made["study-rungs"].alt == "Of 8 trials 4 passed epoch 1, and 4 finished."
        subtitle = made["study-slice"].figure.layout.title.subtitle.text.replace("<br>", " ")
        assert "importances: too few: 4 complete settings, importances need 30" in subtitle

    def test_a_study_that_shares_has_its_tree(self, make: Callable[..., Study]) -> None:
        study = make()
        for i, gamma in enumerate([0, 0.5, 2]):
            keys = [key_of("trunk"), key_of(i, 2), key_of(i, 3)]
            study.trial({"gamma": gamma}, 0, [0.1, 0.2, 0.3], keys=keys, reused=[1] * (i > 0))
        (tree,) = [one for one in study_figures(study.opened) if one.name == "study-tree"]
        assert tree.alt == "What the trials share: 9 epochs if every trial were trained alone, 7 distinct ones."
        assert list(tree.figure.layout.yaxis.ticktext) == ["gamma=0", "gamma=0.5", "gamma=2"]

    @pytest.mark.slow
    def test_a_large_one_is_drawn_by_its_width_or_for_one_seed(self, make: Callable[..., Study]) -> None:
        many = dataclasses.replace(GAMMAS, axes=[Axis("gamma", Grid(list(range(15))))])
        study = make(many)
        for seed in range(3):
            for i in range(15):
                study.trial({"gamma": i}, seed, [0.1, 0.2], keys=[key_of(seed), key_of(seed, i)], configuration=i)
        (tree,) = [one for one in study_figures(study.opened) if one.name == "study-tree"]
        assert len(tree.figure.layout.yaxis.ticktext) == 15
        assert "the trials of seed 0 alone are drawn" in tree.figure.layout.title.subtitle.text.replace("<br>", " ")
        many = dataclasses.replace(many, axes=[Axis("gamma", Grid(list(range(41))))], seeds=(0,))
        study = make(many, name="wide")
        for i in range(41):
            study.trial({"gamma": i}, 0, [0.1, 0.2], keys=[key_of("w"), key_of("w", i)], configuration=i)
        (tree,) = [one for one in study_figures(study.opened) if one.name == "study-tree"]
        assert [list(trace.y) for trace in tree.figure.data] == [[41, 41, 41], [1, 1, 41]]

    @pytest.mark.slow
    def test_differences_are_drawn_where_they_are_given(self, make: Callable[..., Study]) -> None:
        rows = [ForestRow("gamma=2", 0.05, 0.01, 0.09, "estimated"), ForestRow("gamma=0.5", None, None, None, "pruned")]
        (forest,) = [one for one in study_figures(predicted(make).opened, rows) if one.name == "study-differences"]
        assert forest.alt == ("Differences to the baseline in points of accuracy: gamma=2 +5.0 [+1.0, +9.0] estimated.")

    @pytest.mark.slow
    @pytest.mark.parametrize(("name", "accuracy"), [("judged", "accuracy"), ("found (confirm)", "test accuracy")])
    def test_differences_are_those_that_decide(self, ledger: Ledger, name: str, accuracy: str) -> None:
        """Of a confirm stage those on test images: validation images chose its settings."""
        bench = Bench(ledger, dataclasses.replace(SPACE, name=name)).grid()
        table = comparison_table(bench.opened)
        rows = list(differences(table))
        line = table.lines[1].tested if table.confirms else table.lines[1].judged
        assert line is not None
        assert line.difference is not None
        assert (rows[0].label, rows[0].estimate, rows[0].low) == (
            "gamma=1",
            line.difference.estimate,
            line.difference.low,
        )
        (forest,) = [one for one in study_figures(bench.opened, rows) if one.name == "study-differences"]
        assert forest.alt.startswith(f"Differences to the baseline in points of {accuracy}: gamma=1 ")
        assert forest.figure.layout.xaxis.title.text == f"{accuracy}, setting minus baseline (points)"

    @pytest.mark.slow
    def test_bars_and_the_margin_are_explained_and_nothing_is_drawn_of_nothing(
        self, make: Callable[..., Study]
    ) -> None:
        study = predicted(make)
        space = dataclasses.replace(study.space, report=dataclasses.replace(study.space.report, margin=0.025))
        rows = [ForestRow("gamma=2", 0.05, 0.01, 0.09), ForestRow("gamma=0.5", None, None, None, "pruned")]
        found = {one.name: one for one in study_figures(OpenStudy(study.ledger, study.record, space), rows)}
        subtitle = found["study-differences"].figure.layout.title.subtitle.text.replace("<br>", " ")
        assert subtitle == (
            "Focal loss; bars: 95 % interval of each; dotted: the smallest difference that matters, 2.5 points"
        )
        assert "study-differences" not in [one.name for one in study_figures(study.opened, rows[1:])]

    def test_sentences_say_what_was_chosen_and_where_it_differs_most(self, make: Callable[..., Study]) -> None:
        made = {one.name: one for one in study_figures(predicted(make).opened)}
        assert made["study-confusion"].alt.startswith("Confusion matrices of the first setting, gamma=0 (")
        assert " and of the best other one by mean validation accuracy, gamma=" in made["study-confusion"].alt
        assert made["study-learning-rate"].alt == (
            "Learning rate of the first and of the last epoch, by setting: all 3 settings from 0.1 to 0.0333."
        )

    def test_an_objective_that_is_no_accuracy_has_accuracy_beside_it(self, make: Callable[..., Study]) -> None:
        search = dataclasses.replace(
            GAMMAS.search,
            objective=dataclasses.replace(GAMMAS.search.objective, metric="val_loss", direction="minimize"),
        )
        study = make(dataclasses.replace(GAMMAS, search=search))
        study.trial({"gamma": 0}, 0, [0.1, 0.25])
        made = study_figures(study.opened)
        assert [one.name for one in made] == ["study-objective", "study-accuracy"]
        assert made[0].alt == "Mean validation loss of the last epoch, by setting: gamma=0 (1 of 3 seeds) 0.75."
        said = "Mean validation accuracy of the last epoch in per cent, by setting: gamma=0 (1 of 3 seeds) 25.00."
        assert made[1].alt == said

    def test_running_failed_and_diverged_trials_alone_have_defined_figures(self, make: Callable[..., Study]) -> None:
        study = make()
        assert study_figures(study.opened) == []
        study.trial({"gamma": 0}, 0, [float("nan")], State.DIVERGED)
        study.trial({"gamma": 0.5}, 0, [0.1], State.RUNNING)
        study.trial({"gamma": 2}, 0, [0.1], State.FAILED)
        made = study_figures(study.opened)
        assert [one.name for one in made] == ["study-objective"]
        assert not any("nan" in one.alt.lower() for one in made)


def hostile(make: Callable[..., Study]) -> Study:
    axis = Axis("<i>axis</i>", Grid(HOSTILE))
    report = Report(rows=axis.name, baseline=HOSTILE[0], has_baseline=True)
    study = make(Space("focal", "toy", [axis], {"epochs": 3}, "A & B </script> 🌻", (0, 1), report=report))
    for configuration, name in enumerate(HOSTILE):
        keys = [key_of("trunk"), key_of(configuration, 2)]
        for seed in range(2):
            study.trial(
                {axis.name: name},
                seed,
                [0.1, 0.2 + configuration / 10],
                configuration=configuration,
                metrics=full,
                predictions=True,
                keys=[key_of(seed, key) for key in keys],
            )
    return study


@pytest.mark.slow
def test_hostile_names_are_text_everywhere(make: Callable[..., Study], tmp_path: Path, no_browser: None) -> None:
    study = hostile(make)
    made = study_figures(study.opened)
    assert len(made) == 6
    for one in made:
        shown = one.figure.to_json().replace("\\u003c", "<").replace("\\u003e", ">").replace("\\u0026", "&")
        assert not re.search(SPARED, shown), one.name
        assert "\u202e" not in shown
        assert "\\u202e" not in shown
        assert "%{y}" not in "".join(re.findall(r'"(?:hovertemplate|texttemplate)":"[^"]*"', shown))
    for path in write_figures(study.opened, tmp_path).files:
        page = path.read_text()
        assert page.count("</script>") == page.count("<script")  # plotly's own alone
        assert "<script>alert" not in page


@pytest.mark.slow
def test_pages_have_a_language_a_title_and_a_sentence(
    make: Callable[..., Study], tmp_path: Path, no_browser: None
) -> None:
    study = hostile(make)
    written = write_figures(study.opened, tmp_path)
    assert written.remark == "no browser here"
    page = (tmp_path / "study-objective.html").read_text()
    assert '<html lang="en">' in page
    assert "<title>Validation accuracy over epochs: A &amp; B &lt;/script&gt; 🌻</title>" in page
    assert '<div role="img" aria-label="Mean validation accuracy of the last epoch in per cent, by setting: ' in page


@pytest.mark.slow
def test_differences_are_drawn_without_being_given(ledger: Ledger, tmp_path: Path, no_browser: None) -> None:
    written = write_figures(Bench(ledger).grid().opened, tmp_path)
    assert tmp_path / "study-differences.html" in written.files


def test_nothing_on_record_is_nothing_to_draw(make: Callable[..., Study], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^study 'focal' has no epoch on record; there is nothing to draw$"):
        write_figures(make().opened, tmp_path)


def test_the_verb_draws_the_study(
    make: Callable[..., Study], tmp_path: Path, no_browser: None, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "name: focal\nworkload: tests.contracts.toy:Toy\nfixed: {epochs: 3}\n"
    study = make(text=head + "space: {gamma: {grid: [0, 0.5, 2]}}\nseeds: [0, 1, 2]\n")
    study.trial({"gamma": 0}, 0, [0.1, 0.2], metrics=full, predictions=True)
    place = ["--storage", study.ledger.storage, "--results", str(tmp_path / "results")]
    assert run(["visualize", "focal", "--study", *place]) == 0
    said = capsys.readouterr()
    files = [Path(line) for line in said.out.splitlines()]
    folder = tmp_path / "results" / "focal" / "figures"
    assert files == [folder / "study-objective.html", folder / "study-learning-rate.html"]
    assert all(path.is_file() for path in files)
    assert said.err == "no browser here\n"
    assert run(["visualize", "focal", "3", "--study", "--filter", "a:0", *place]) == 1
    assert "--study draws no single trial; leave out TRIAL and --filter, or --study" in capsys.readouterr().err
