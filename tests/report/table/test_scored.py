"""Tables of metrics that come from scores: the classifier's loss beside accuracy, and studies without classes."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.scores import ScoreRule
from search.core.trial import DataCard, State
from search.core.units import merged
from search.report.formats import render
from search.report.page.answer import Split, basis
from search.report.results import write_results
from search.report.table.build import comparison_table
from search.report.table.model import Table
from search.space.model import Objective, Search
from search.statistics.cell import cell
from search.statistics.crossed import Rule, compare
from search.statistics.families import holm
from search.statistics.measure import Form, Measure
from search.statistics.results import Trust
from search.statistics.scores import make_scores
from search.statistics.tails import companions
from tests.report.judging import SPACE as JUDGED
from tests.report.judging import Bench, pattern
from tests.report.scored import RMSE, SPACE, Regression, errors

BY_LOSS = replace(JUDGED, search=Search(objective=Objective("val_loss", "minimize")))
NATS = Measure(0.0, None, higher_is_better=False, untrained=1.4, unit="nats", example="image", examples="images")
DEGREES = Measure(0.0, None, False, 25.0, "degrees", example="hour", examples="hours", form=Form.ROOT_MEAN)


def losses(a: int, s: int, n: int = 40) -> np.ndarray:
    rng = np.random.default_rng([a, s])
    return (np.random.default_rng(1).gamma(1, 1, n) * (1.0, 1.0, 0.5)[a] + rng.uniform(0, 0.1, n)).astype(np.float32)


def classified(ledger, scored: bool = True, space=BY_LOSS) -> Bench:
    bench = Bench(ledger, space)
    for a in (0, 1, 2):
        for s in (0, 1, 2):
            bench.run({"gamma": a}, s, pattern(a, s, 40), pattern(a, s, 30, 3), losses=losses(a, s) if scored else None)
    return bench


def plain(table: Table) -> str:
    return "\n".join([render.table_markdown(table), *table.notes])


def test_a_loss_has_its_interval_and_difference_beside_those_of_accuracy(ledger):
    table = comparison_table(classified(ledger).opened)
    assert (table.judged, list(table.scored)) == ("val_accuracy", ["val_loss"])
    scores = make_scores([[losses(a, s) for s in (0, 1, 2)] for a in (0, 1, 2)], measure=NATS)
    expected = compare(scores, [(1, 0), (2, 0)])
    adjusted = holm([one.p for one in expected])
    for a, line in enumerate(table.lines):
        one = line.scored["val_loss"]
        assert one.cell.measure == NATS
        assert (one.interval, one.cell.estimate) == (
            (cell(scores, a).low, cell(scores, a).high),
            cell(scores, a).estimate,
        )
        assert line.cells["val_loss"].mean == pytest.approx(one.cell.estimate, rel=1e-7)
        if a:
            assert (one.difference.estimate, one.difference.low, one.p_adjusted) == (
                expected[a - 1].estimate,
                expected[a - 1].low,
                adjusted[a - 1],
            )
    assert [line.scored["val_loss"].better for line in table.lines] == [False, False, True]
    assert table.lines[2].scored["val_loss"].difference.estimate < 0


def test_the_columns_name_the_metric_and_its_unit(ledger):
    table = comparison_table(classified(ledger).opened)
    text = render.table_markdown(table)
    assert "val_loss difference (nats) \\[95 % interval\\]" in text
    assert "| difference (points) \\[95 % interval\\]" in text.replace("  ", "")
    frame = render.table_frame(table)
    assert frame["val_loss_difference"].tolist()[2] == table.lines[2].scored["val_loss"].difference.estimate
    assert frame["val_loss_better"].tolist() == [False, False, True]
    assert frame["val_loss_low"].notna().all()
    claimed = replace(BY_LOSS, name="claimed", report=replace(BY_LOSS.report, claims=({"better": [2, 0]},)))
    assert (
        "Claims about settings are judged by val_loss."
        in comparison_table(classified(ledger, space=claimed).opened).notes
    )
    assert any("Differences in val_loss to the baseline gamma=0" in note for note in table.notes)
    assert not any(note.startswith("val_loss: no interval") for note in table.notes)


def test_scores_change_nothing_of_what_is_said_of_accuracy(ledger, tmp_path):
    from search.ledger.ledger import Ledger

    bare = Ledger(str(tmp_path / "bare.db"))
    with_scores, without = (
        comparison_table(classified(each, scored).opened) for each, scored in ((ledger, True), (bare, False))
    )
    bare.close()
    assert without.scored == []
    assert [line.judged for line in with_scores.lines] == [line.judged for line in without.lines]
    assert [line.tested for line in with_scores.lines] == [line.tested for line in without.lines]
    assert "val_loss: no interval, for rows hold no scores that intervals could rest on." in without.notes


def test_a_setting_whose_rows_were_recorded_before_there_were_scores_has_no_interval(ledger):
    bench = Bench(ledger, BY_LOSS)
    for a in (0, 1, 2):
        for s in (0, 1, 2):
            given = None if (a, s) == (1, 1) else losses(a, s)
            bench.run({"gamma": a}, s, pattern(a, s, 40), losses=given)
    table = comparison_table(bench.opened)
    assert [line.scored["val_loss"].interval is not None for line in table.lines] == [True, False, True]


# A regression ----------------------------------------------------------------------------------------------------


def test_a_regression_is_judged_by_its_own_metric(ledger):
    table = comparison_table(Regression(ledger).grid().opened)
    assert (table.judged, table.test, table.measure) == ("val_rmse", "test_rmse", DEGREES)
    scores = make_scores([[errors(a, s) for s in range(5)] for a in (1, 2, 3)], measure=DEGREES)
    found = [line.judged.cell for line in table.lines]
    assert [(one.low, one.high) for one in found] == [(cell(scores, a).low, cell(scores, a).high) for a in range(3)]
    assert [line.judged.better for line in table.lines] == [False, False, True]
    assert [line.judged.worse for line in table.lines] == [False, False, False]
    assert table.lines[2].judged.difference.estimate < 0
    assert table.lines[2].tested.better


def test_no_sentence_speaks_of_images_or_points_where_there_are_hours_and_degrees(ledger, tmp_path):
    claims = ({"better": [3, 1]}, {"better": [1, 3]}, {"best": 3}, {"better": [2, 1]}, {"equal": [2, 1], "within": 0.5})
    study = Regression(ledger, replace(SPACE, report=replace(SPACE.report, claims=claims, margin=0.001)))
    table = comparison_table(study.grid().opened)
    kinds = [claim.kind.value for claim in table.verdicts]
    assert kinds == ["supported", "contradicted", "supported", "undecided", "supported"]
    assert table.verdicts[0].reason.startswith("better: -")
    assert "difference (degrees) \\[95 % interval\\]" in plain(table)
    paths = {path.name: path.read_text() for path in write_results(study.opened, tmp_path) if path.suffix != ".json"}
    for name, text in paths.items():
        told = (
            re.sub(r"(?s)<script.*?</script>|<style.*?</style>|<[^>]*>", " ", text) if name == "report.html" else text
        )
        told = told.replace("seeds,images,", "")  # a column's name in verdicts.csv, the same for every study
        wrong = re.findall(r"[^.;\n]*\b(?:images?|points|pt|accuracy)\b[^.;\n]*", told)
        assert wrong == [], name


def test_without_scores_the_note_says_what_is_missing(ledger):
    study = Regression(ledger)
    for width in (1, 2):
        study.run(width, 0, None, val_rmse=float(width))
    table = comparison_table(study.opened)
    assert table.judged == ""
    assert (
        "No interval and no p value for val_rmse: they need predictions of classes, or scores of each example, and "
        "rows hold neither predictions nor scores that val_rmse comes from; return `scores` of each example from the "
        "epoch (docs/how-to/scores.md). The sd over seeds says how far these runs lie apart, not how far a new run on "
        "new examples may fall."
    ) in table.notes


def test_margins_are_in_the_metrics_own_unit(ledger):
    claims = ({"better": [3, 1], "by": 0.3}, {"better": [3, 1], "by": 2.0}, {"equal": [2, 1], "within": 3.0})
    study = Regression(ledger, replace(SPACE, report=replace(SPACE.report, claims=claims)))
    told = [(claim.text, claim.kind.value, claim.reason) for claim in comparison_table(study.grid().opened).verdicts]
    assert told == [
        ("width=3 is better than width=1 by at least 0.3 degrees", "supported", "the interval lies below -0.3 degrees"),
        (
            "width=3 is better than width=1 by at least 2 degrees",
            "contradicted",
            "if better, then by less than 2 degrees",
        ),
        ("width=2 equals width=1 within 3 degrees", "supported", "the 90 % interval lies within 3 degrees"),
    ]


def test_a_margin_beyond_an_accuracy_decides_nothing_of_it(ledger):
    """The objective is a loss, for which it may be meant; rows of before, without scores, are judged by accuracy."""
    report = replace(BY_LOSS.report, claims=({"equal": [2, 0], "within": 3.0},), margin=5.0)
    (claim,) = comparison_table(classified(ledger, False, replace(BY_LOSS, report=report)).opened).verdicts
    assert (claim.kind, claim.reason) == ("undecided", "it names 3, and no two settings differ by more than 100 pt")
    assert claim.metric == "val_accuracy"


@pytest.mark.parametrize("untrained", [25.0, None])
def test_a_diverged_run_counts_as_untrained_where_rows_say_what_that_is(ledger, untrained):
    claims = ({"better": [3, 1]}, {"better": [2, 1]})
    space = replace(SPACE, report=replace(SPACE.report, claims=claims))
    study = Regression(ledger, space, replace(RMSE, untrained=untrained))
    for width in (1, 2, 3):
        for seed in range(5):
            if (width, seed) == (3, 4):
                study.run(width, seed, None, State.DIVERGED, val_rmse=float("nan"))
            else:
                study.run(width, seed, errors(width, seed))
    table = comparison_table(study.opened)
    third = table.lines[2]
    assert not third.judged.better
    assert third.judged.cell.diverged == 1
    if untrained is None:
        assert third.at_chance == ()
        assert table.verdicts[0].reason.startswith("a run diverged, and rows do not say what an untrained model scores")
        assert any("no figure counts it" in note for note in table.notes)
    else:
        assert third.at_chance[0].cell.estimate > third.judged.cell.estimate
        assert any("counts it at the score of an untrained model." in note for note in table.notes)
        assert "diverged as untrained" in render.table_markdown(table)


def test_rows_that_say_otherwise_how_a_metric_comes_from_scores_are_not_mixed(ledger):
    study = Regression(ledger)
    for width in (1, 2, 3):
        study.rule = replace(RMSE, unit="m/s") if width == 2 else RMSE
        for seed in range(3):
            study.run(width, seed, errors(width, seed))
    table = comparison_table(study.opened)
    assert [line.judged.known for line in table.lines] == [True, False, True]
    assert any("rows say otherwise how val_rmse comes from scores" in note for note in table.notes)


@pytest.mark.parametrize("n", [1, 2])
def test_one_example_one_seed_and_constant_scores_have_defined_answers(ledger, n):
    study = Regression(ledger).grid(lambda a, s: np.full(n, float(a)), seeds=[0])
    table = comparison_table(study.opened)
    states = {line.judged.difference.state for line in table.lines if not line.baseline}
    assert states <= {Trust.NOT_ESTIMABLE, Trust.ONE_RUN}
    frame = render.table_frame(table)
    numbers = frame.select_dtypes("number").to_numpy(dtype=float, na_value=0.0)
    assert np.isfinite(numbers).all()


def test_the_direction_that_is_better_is_the_metrics_own(ledger):
    rule = ScoreRule("val", "iou", better="higher", low=0.0, high=1.0)
    search = Search(objective=Objective("val_iou", "maximize"))
    study = Regression(ledger, replace(SPACE, search=search), rule)
    table = comparison_table(study.grid(lambda a, s: 1 / (1 + errors(a, s))).opened)
    assert [line.judged.better for line in table.lines] == [False, False, True]
    assert table.lines[2].judged.difference.estimate > 0
    assert "val_iou difference" not in plain(table)
    assert "difference \\[95 % interval\\]" in plain(table)


def test_a_million_examples_take_memory_in_proportion(ledger):
    """A table holds a few copies, in double precision, of what is analysed on validation and on test."""
    rng = np.random.default_rng(0)
    n = 200_000
    common = rng.gamma(2, 2, n).astype(np.float32)
    study = Regression(ledger).grid(lambda a, s: common * np.float32(1 + a + s), seeds=range(3))
    tracemalloc.start()
    table = comparison_table(study.opened)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.lines[0].judged.cell.images == n
    analysed = 2 * 9 * n * 8
    assert peak < 5 * analysed, peak / analysed


def test_the_companions_of_a_mean_stand_beside_its_difference(ledger):
    """On most hours width 3 is worse; on a few it is so much better that its mean is lower."""
    luck = np.random.default_rng(2).gamma(2, 2, 200)

    def scores_of(a, s):
        noise = np.random.default_rng([a, s]).uniform(0.99, 1.01, 200)
        rare = np.arange(200) < 2
        factor = 0.1**rare if a == 3 else 1.0
        return luck * noise * np.where(rare, 200.0 * factor, 1.2 if a == 3 else 1.0)

    table = comparison_table(Regression(ledger).grid(scores_of).opened)
    scores = make_scores([[scores_of(a, s) for s in range(5)] for a in (1, 2, 3)], measure=DEGREES)
    (second, third) = companions(scores, [(1, 0), (2, 0)], Rule.GUARDED)
    assert [line.judged.companions for line in table.lines] == [None, second, third]
    assert third.won.estimate < -0.4
    assert third.top_share > 0.9
    (note,) = [
        note for note in table.notes if note.startswith("val_rmse comes from a mean, which may hang on a few hours.")
    ]
    assert f"width=3 better on {100 * (0.5 + third.won.estimate):.1f}" in note
    assert "% of hours, capped " in note
    assert f"the top 1 % of hours carry {100 * third.top_share:.0f} % of the spread" in note
    assert note.endswith("Its level excludes scores larger than any seen.")
    frame = render.table_frame(table)
    assert frame["val_rmse_won"].tolist()[2] == third.won.estimate
    assert frame["val_rmse_capped_difference_high"].tolist()[2] == third.capped.high
    assert frame["val_rmse_top_share"].tolist()[1:] == [second.top_share, third.top_share]


def test_right_and_wrong_have_no_companions(ledger):
    table = comparison_table(classified(ledger).opened)
    assert {line.judged.companions for line in table.lines} == {None}
    assert sum("may hang on a few images" in note for note in table.notes) == 1
    assert not any(name.startswith("val_accuracy_won") for name in render.table_frame(table).columns)


# Groups ----------------------------------------------------------------------------------------------------------


def grouped_card(names: list[str]) -> DataCard:
    return DataCard(
        "weather", "hours of wind", images={"val": [str(i) for i in range(len(names))]}, groups={"val": names}
    )


def test_groups_are_what_intervals_count(ledger):
    """Ten groups of six hours that share their luck: far wider than sixty hours by themselves."""
    luck = np.random.default_rng(5).normal(0, 1, 10).repeat(6)

    def scores_of(a, s):
        return (3 + luck + 0.3 * (a == 3) * luck) ** 2 + errors(a, s) / 10

    study = Regression(ledger).grid(scores_of)
    alone = comparison_table(study.opened)
    names = [f"day {i // 6}" for i in range(60)]
    ledger.put_data(grouped_card(names))
    table = comparison_table(study.opened)
    scores = make_scores([[scores_of(a, s) for s in range(5)] for a in (1, 2, 3)], measure=DEGREES, groups=names)
    cells = [line.judged.cell for line in table.lines]
    assert [one.images for one in cells] == [10, 10, 10]
    assert [(one.low, one.high) for one in cells] == [(cell(scores, a).low, cell(scores, a).high) for a in range(3)]
    widths = [[line.judged.cell.high - line.judged.cell.low for line in each.lines] for each in (table, alone)]
    assert min(wide / narrow for wide, narrow in zip(*widths, strict=True)) > 1.5
    assert (
        "Validation hours that belong together count as one: 10 groups (60 hours; effective 10.0): few, so that "
        "intervals of levels may be too narrow."
    ) in table.notes
    assert any(note.endswith("one split for all seeds. 5 seeds, 10 groups of hours.") for note in table.notes)
    val = Split("validation", [(line, line.judged) for line in table.lines])
    assert basis(table, val) == "5 seeds per setting and 10 groups of validation hours"


def test_fewer_than_eight_groups_have_no_interval(ledger):
    study = Regression(ledger).grid()
    ledger.put_data(grouped_card([f"day {i // 10}" for i in range(60)]))
    table = comparison_table(study.opened)
    assert table.judged == ""
    assert any(
        "the 60 hours of val are 6 groups, which tell as much as 6.0 of one size; 8 are needed" in note
        for note in table.notes
    )


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyzuvw")), max_size=12))
def test_groups_and_equal_contents_are_put_together(examples):
    numbers = merged([group for group, _ in examples], [content for _, content in examples])
    graph = [
        [a == b or one[0] == other[0] or one[1] == other[1] for b, other in enumerate(examples)]
        for a, one in enumerate(examples)
    ]
    reached = np.array(graph, dtype=bool).reshape(len(examples), len(examples))
    for _ in examples:
        reached = (reached.astype(int) @ reached.astype(int)) > 0
    assert [[a == b for b in numbers] for a in numbers] == reached.tolist()
