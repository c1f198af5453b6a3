"""What trials share and where they end: the tree, its width, and the rungs."""

from __future__ import annotations

from collections.abc import Callable

from search.core.trial import State
from search.report.figures.rungs import Rung, rungs_figure, rungs_of
from search.report.figures.tree import Branch, branches, shares, tree_figure, width_figure, widths
from search.report.record.curves import Curve, read_curves
from tests.report.builder import Study, key_of


def path(*stages: str) -> list[str]:
    """Keys of epochs 1, 2 ...: equal where everything up to them is."""
    return [key_of(stages[: epoch + 1]) for epoch in range(len(stages))]


def curves(study: Study) -> list[Curve]:
    return list(read_curves(study.opened).curves)


def build(make: Callable[..., Study]) -> Study:
    """A trunk of four epochs, two trials that part behind epochs 3 and 1, one that was stopped on the trunk."""
    study = make()
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3, 0.4], keys=path(*"aaaa"), reused=[1])
    study.trial({"gamma": 0.5}, 0, [0.1, 0.2, 0.3, 0.4], keys=path(*"abbb"), reused=[1])
    study.trial({"gamma": 1}, 0, [0.1, 0.2, 0.3, 0.5], keys=path(*"aaac"), reused=[1, 2, 3])
    study.trial({"gamma": 2}, 0, [0.1, 0.2], State.STOPPED, keys=path(*"aaaa"), reused=[1, 2])
    return study


class TestTree:
    def test_a_trial_owns_what_no_earlier_one_has_and_late_branches_come_first(
        self, make: Callable[..., Study]
    ) -> None:
        tree = branches([(str(curve.trial.number), curve) for curve in curves(build(make))])
        assert tree == [
            Branch("0", None, 0, 4, frozenset({2, 3, 4}), State.FINISHED),
            Branch("2", 0, 3, 4, frozenset({4}), State.FINISHED),
            Branch("3", 0, 2, 2, frozenset(), State.STOPPED),
            Branch("1", 0, 1, 4, frozenset({2, 3, 4}), State.FINISHED),
        ]

    def test_epochs_alone_distinct_and_trained_here(self, make: Callable[..., Study]) -> None:
        assert shares(curves(build(make))) == (14, 8, 7)

    def test_bars_are_the_epochs_a_trial_owns_and_tell_trained_from_found(self, make: Callable[..., Study]) -> None:
        tree = branches([(str(curve.trial.number), curve) for curve in curves(build(make))])
        figure = tree_figure(tree, "Tree")
        bars = {bar.name: list(zip(bar.y, bar.base, bar.x, strict=True)) for bar in figure.data if bar.type == "bar"}
        assert bars == {
            "trained by this study": [(0, 1, 3), (1, 3, 1), (3, 1, 3)],
            "on record already": [(0, 0, 1)],
        }
        patterns = [bar.marker.pattern.shape for bar in figure.data if bar.type == "bar"]
        assert len(set(patterns)) == 2  # told apart without colour
        (lines,) = (trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines")
        assert list(lines.x) == [3, 3, None, 2, 2, None, 1, 1, None]
        assert list(lines.y) == [0, 1, None, 0, 2, None, 0, 3, None]
        marks = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "markers"]
        ends = {trace.name: (trace.marker.symbol, list(trace.x)) for trace in marks}
        assert ends == {"finished": ("circle", [4, 4, 4]), "stopped by its rule": ("square", [2])}

    def test_the_width_counts_trials_and_trainings(self, make: Callable[..., Study]) -> None:
        wide = widths(curves(build(make)))
        assert wide == [(4, 1, 0), (4, 2, 2), (3, 2, 2), (3, 3, 3)]
        figure = width_figure(wide, "Width")
        assert [list(trace.y) for trace in figure.data] == [[4, 4, 4, 3, 3], [1, 1, 2, 2, 3], [0, 0, 2, 2, 3]]
        assert len({trace.line.dash for trace in figure.data}) == 3


class TestRungs:
    def build(self, make: Callable[..., Study]) -> Study:
        study = make()
        study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3], keys=path(*"aaa"))
        study.trial({"gamma": 0.5}, 0, [0.1], State.PRUNED, keys=path(*"bbb"))
        study.trial({"gamma": 1}, 0, [0.1], State.PRUNED, keys=path(*"bcc"))  # shares the decision
        study.trial({"gamma": 2}, 0, [0.1, float("nan")], State.DIVERGED, keys=path(*"ddd"))
        study.trial({"gamma": 3}, 0, [], State.WAITING, keys=path(*"eee"))
        with study.ledger.step(study.record.id) as step:
            step.log("rung", trial=0, epoch=1, key=path("a")[0], value=0.5, goes_on=True)
            step.log("rung", trial=1, epoch=1, key=path("b")[0], value=0.1, goes_on=False)
            step.log("rung", trial=3, epoch=1, key=path("d")[0], value=float("nan"), goes_on=True)
            step.log("rung", trial=0, epoch=2, key=path("a", "a")[1], value=0.6, goes_on=True)
        return study

    def test_trials_are_counted_and_distinct_runs_are_points(self, make: Callable[..., Study]) -> None:
        study = self.build(make)
        log = study.ledger.decisions(study.record.id)
        assert list(rungs_of(log, curves(study))) == [Rung(1, 2, 2, [0.5], [0.1]), Rung(2, 1, 0, [0.6], [])]

    def test_what_was_promoted_since_went_on_and_what_waits_stays(self, make: Callable[..., Study]) -> None:
        study = self.build(make)
        study.trial({"gamma": 4}, 0, [0.4], State.RUNNING, keys=path(*"fff"))
        with study.ledger.step(study.record.id) as step:
            step.log("rung", trial=5, epoch=1, key=path("f")[0], value=0.4, goes_on=False)
            step.log("promoted", epoch=1, key=path("b")[0])
        log = study.ledger.decisions(study.record.id)
        first, _ = rungs_of(log, curves(study))
        assert (first.kept, first.cut) == ([0.5, 0.1], [0.4])
        assert first.pruned == 3, "two that were ended there all the same, and one that waits"
        figure = rungs_figure([first], 6, 1, "val_accuracy", "Rungs", pauses=True)
        assert figure is not None
        assert [trace.name for trace in figure.data] == [
            "went on",
            "stayed here",
            "a run that went on",
            "a run that stayed",
        ]

    def test_bars_and_points(self) -> None:
        rungs = [Rung(1, 2, 2, [0.5], [0.1, 0.2])]
        figure = rungs_figure(rungs, 5, 1, "val_accuracy", "Rungs")
        assert figure is not None
        on, pruned, kept, cut = figure.data
        assert (list(on.y), list(pruned.y)) == ([5, 2, 1], [0, 2, 0])
        assert (list(kept.y), list(cut.y)) == ([50], [10, 20])
        assert (on.marker.pattern.shape, pruned.marker.pattern.shape) == ("", "/")
        assert (kept.marker.symbol, cut.marker.symbol) == ("circle", "x-thin")
        assert list(figure.layout.xaxis.ticktext) == ["started", "rung 1", "finished"]

    def test_without_a_pruner_there_is_none(self) -> None:
        assert rungs_figure([], 5, 5, "val_accuracy", "Rungs") is None
