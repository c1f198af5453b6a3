"""The plain rows a comparison table is made of: what `table` fills in and `render` draws."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from search.report.record.frozen import NEVER_FROZEN, Freeze
from search.statistics.measure import ACCURACY, Measure
from search.statistics.results import ALPHA, CellEstimate, Difference, Trust
from search.statistics.single import BANNER
from search.statistics.stuck import Flag
from search.statistics.tails import Companions
from search.statistics.verdicts import Verdict


@dataclass(frozen=True)
class Cell:
    """A metric over the seeds of a line.

    Attributes:
        mean: arithmetic mean; None where a run that should enter it has no finite value.
        sd: standard deviation over seeds (n - 1), None with fewer than two. It is no interval.
        n: runs in the mean.
    """

    mean: float | None = None
    sd: float | None = None
    n: int = 0


@dataclass(frozen=True)
class Judged:
    """What a line's predictions or scores say of it, in one split.

    Attributes:
        cell: metric with its interval.
        level: whether that interval may be shown: the epoch was not chosen on the same images.
        difference: to the baseline; None where there is none to compare with, and for the baseline itself.
        p_adjusted: its p value, Holm-adjusted over the table; None where it has none.
        better: it may be called better than the baseline.
        worse: it may be called worse than the baseline.
        stuck: runs of it that did not learn, or that are not told from chance.
        companions: of real scores, what stands beside the difference because means may hang on a few examples.
    """

    cell: CellEstimate
    level: bool = True
    difference: Difference | None = None
    p_adjusted: float | None = None
    better: bool = False
    worse: bool = False
    stuck: tuple[Flag, ...] = ()
    companions: Companions | None = None

    @property
    def known(self) -> bool:
        """Whether there are predictions that say something."""
        return self.cell.of > 0

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the accuracy, where it may be shown."""
        low, high = self.cell.low, self.cell.high
        return (low, high) if self.level and low is not None and high is not None else None


NOT_JUDGED = Judged(CellEstimate(Trust.NOT_ESTIMABLE))
"""What predictions say that are not there."""


class Again(NamedTuple):
    """A line judged once more, on fewer or on other runs.

    Attributes:
        judged: as `Line.judged`; `NOT_JUDGED` where nothing is different for that metric.
        tested: as `Line.tested`, likewise.
        scored: as `Line.scored`, the metrics alone that something is different for.
    """

    judged: Judged
    tested: Judged
    scored: Mapping[str, Judged]

    @property
    def seeds(self) -> int:
        """Seeds behind it, of the first metric that has some."""
        return next((one.cell.seeds for one in (self.judged, *self.scored.values(), self.tested) if one.known), 0)


@dataclass(frozen=True)
class Line:
    """One configuration.

    Attributes:
        setting: what it is called.
        configuration: number of the configuration, the first of equal ones.
        parameters: axis -> value, the active axes.
        finished: seeds that finished or were stopped by their rule.
        seeds: seeds it was asked for.
        cells: metric -> cell, for the table's metrics.
        epochs: mean over its trials of the last epoch reached, None before the first.
        seconds: sum over its trials of the seconds of their epochs, whoever trained them.
        ending: how the trials ended (``"2 finished, 1 pruned"``), "" where every seed finished or stopped.
        diverged: no seed has a value, and at least one diverged.
        published: published figure as text, "" where there is none.
        foreign: it was trained on other data than published figures and claims of the file belong to.
        alone: epochs of its trials if each were trained alone.
        keys: epoch keys of its trials: sharing trains each of them once.
        distinct: how many of them no line above it has.
        chosen: test accuracy at the epoch that each run chose on validation.
        judged: what its predictions say of `Table.judged`; `NOT_JUDGED` where they say nothing.
        tested: the same of the test accuracy at the chosen epoch.
        at_chance: the line with diverged seeds counted at chance; () where none diverged.
        learned: the line on seeds without runs that did not learn, its own or the baseline's; () where all did in every
            metric, or fewer than two are left.
        scored: metric -> the same of it, for `Table.scored`.
        baseline: it is one of the table's baselines.
        best_of: settings of a search of which this is the best by the figure it is shown with; 0 for every other line.
        second: of a line that stands below that of its setting what it counts otherwise: "diverged at chance", "of runs
            that learn"; only drawn, never stored.
        front: of several objectives, whether it is ``on`` the front, ``dominated`` or ``not decided``; "" where it has
            no value in one of them, or not every seed finished.
        front_by_values: none dominates it by the figures as they are, noise left aside.
        dominated_by: settings that dominate it, by what the table calls them.
    """

    setting: str
    configuration: int
    parameters: Mapping[str, Any]
    finished: int
    seeds: int
    cells: Mapping[str, Cell]
    epochs: float | None
    seconds: float
    ending: str = ""
    diverged: bool = False
    published: str = ""
    foreign: bool = False
    alone: int = 0
    keys: frozenset[str] = field(default=frozenset(), repr=False)
    distinct: int = 0
    chosen: Cell = Cell()
    judged: Judged = NOT_JUDGED
    tested: Judged = NOT_JUDGED
    at_chance: Again | tuple[()] = ()
    learned: Again | tuple[()] = ()
    scored: Mapping[str, Judged] = field(default_factory=dict)
    baseline: bool = False
    best_of: int = 0
    second: str = ""
    front: str = ""
    front_by_values: bool = False
    dominated_by: tuple[str, ...] = ()

    def judgement(self, table: Table, metric: str) -> Judged:
        """Return what is said of one of the table's metrics at the epoch it is shown at; `NOT_JUDGED` for nothing."""
        if metric == table.test:
            return self.tested
        return self.judged if metric == table.judged else self.scored.get(metric, NOT_JUDGED)

    @property
    def partial(self) -> bool:
        """Whether the line must not stand unmarked among finished ones."""
        return bool(self.ending)


def again_of(table: Table, again: Again | tuple[()], metric: str) -> Judged:
    """Return what a second line (`Line.at_chance`, `Line.learned`) says of a metric; `NOT_JUDGED` for nothing."""
    if not again:
        return NOT_JUDGED
    if metric == table.test:
        return again.tested
    return again.judged if metric == table.judged else again.scored.get(metric, NOT_JUDGED)


@dataclass(frozen=True, kw_only=True)
class Claim(Verdict):
    """A claim of the space file with its verdict: what the runs say of it.

    Attributes:
        text: the claim, for people.
        about: places of the lines that it compares, the one it speaks for first; () where it compares none.
        best: it says that a setting is the best of all.
        metric: what it was judged by; "" of a claim about runs.
        measure: what that metric is.
        comparison: names the comparison whose p value was adjusted: claims with equal names are one comparison.
    """

    text: str
    about: tuple[int, ...] = ()
    comparison: Hashable = None
    best: bool = False
    metric: str = ""
    measure: Measure = ACCURACY


@dataclass(frozen=True)
class Note:
    """A footnote.

    Attributes:
        text: one paragraph; one that explains a mark begins with it.
        short: what a terminal says in its place, "" where the report alone says it; None where it says all of it.
        about: keys of columns (`search.report.formats.sheet.Column`) and marks: a terminal says the note only where it
            shows one of them. () is said always.
    """

    text: str
    short: str | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Importance:
    """How much each axis of a search matters for being among the best.

    Attributes:
        evaluator: how it was computed, for people.
        values: axis -> share, largest first, summing to 1; empty where there is none.
        spread: axis -> smallest and largest share of resamples of the settings.
        remark: why there is none, or "".
    """

    evaluator: str
    values: dict[str, float]
    spread: dict[str, tuple[float, float]]
    remark: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """What a source says of other data than a study's: it stands apart, and nothing in the table judges it.

    Attributes:
        data: the data it was found on.
        here: the data of the study.
        source: where it stands, "" where the file does not tell.
        metric: what the figures measure.
        n: images behind each figure, None where it is not stated.
        figures: pairs of (what the row is called, figure as printed).
        claims: what the file claims of those data.
    """

    data: str
    here: str
    source: str
    metric: str
    n: int | None
    figures: Sequence[tuple[str, str]]
    claims: Sequence[str]

    @property
    def heading(self) -> str:
        """What these figures and claims belong to."""
        return f"Published for {self.data}, not for {self.here}"


@dataclass(frozen=True)
class Front:
    """What is to be said of the front of a study with several objectives.

    Attributes:
        objectives: each with its direction, as words.
        metrics: that they are read by (`search.report.table.front.read_metric`).
        why: why nothing with noise is decided, or not all of it; "" where all was looked at.
        tests: differences that were adjusted together.
    """

    objectives: tuple[str, ...]
    metrics: tuple[str, ...]
    why: str
    tests: int


@dataclass(frozen=True)
class Table:
    """A study's comparison table.

    Attributes:
        title: of the study.
        metrics: the objective first, then validation and test accuracy where they are on record.
        value: ``last`` or ``best``: the epoch the values are read at.
        axes: names of the axes, in the file's order.
        lines: all lines, in the order they are shown.
        limit: lines to print, None for all of them.
        footnotes: what its numbers are, and what they must not be taken for.
        judged: metric whose intervals and differences the lines hold, "" where there are none.
        scored: other metrics whose intervals and differences the lines hold, by their scores.
        test: metric of the test images, "" where there is none.
        compared: the lines hold differences to a baseline.
        cross: axes that make rows and columns of a cross table; () for the long format.
        row_names: value of the row axis as JSON -> what it is called, for a cross table.
        verdicts: the claims of the file, judged.
        confirms: it is the confirm stage of a search, which validation images chose: test images decide.
        incomplete: what is missing of what the study was asked for; the first of the notes, "" where nothing is.
        distrusted: sentences on rows that were withdrawn and trials that are trained alone; the next notes.
        comparisons: metric -> its tests that were adjusted together.
        level: that an adjusted p value has to reach.
        unmoved: sentences on settings that changed no bit of what was recorded; they are among the notes as well.
        described: what the objective is, where nothing is judged: how rows call an example.
        elsewhere: what a source says of other data than those of all lines; None where no figure or claim does.
        frozen: what is to be said of claims that were frozen before, or after, the first row.
        importance: of the axes of a search; None for a grid, and where the table is not judged.
        exact: metrics that are no figures with noise: the workload works them out of the settings.
        front: of several objectives; None for one, and where the table is not judged.
        outside: its runs were trained elsewhere: epochs and seconds say nothing.
    """

    title: str
    metrics: Sequence[str]
    value: str
    axes: Sequence[str]
    lines: Sequence[Line]
    limit: int | None = None
    footnotes: Sequence[Note] = ()
    judged: str = ""
    scored: Sequence[str] = ()
    test: str = ""
    compared: bool = False
    cross: tuple[str, str] | tuple[()] = ()
    row_names: Mapping[str, str] = field(default_factory=dict)
    verdicts: Sequence[Claim] = ()
    confirms: bool = False
    incomplete: str = ""
    distrusted: Sequence[str] = ()
    comparisons: Mapping[str, int] = field(default_factory=dict)
    level: float = ALPHA
    described: Measure = ACCURACY
    unmoved: Sequence[str] = ()
    elsewhere: Elsewhere | None = None
    frozen: Freeze = NEVER_FROZEN
    importance: Importance | None = None
    exact: Sequence[str] = ()
    front: Front | None = None
    outside: bool = False

    @property
    def notes(self) -> list[str]:
        """The footnotes, each as one paragraph."""
        return [note.text for note in self.footnotes]

    @property
    def metrics_judged(self) -> list[str]:
        """The metrics that lines are judged by: the judged one first, then others by their scores, then the test's."""
        return list(dict.fromkeys(name for name in (self.judged, *self.scored, self.test) if name))

    @cached_property
    def measure(self) -> Measure:
        """What the judged metric is."""
        return next((line.judged.cell.measure for line in self.lines if line.judged.known), self.described)

    @cached_property
    def banner(self) -> str:
        """What must stand above the table: that every setting was run once; "" where some were run again."""
        return BANNER if {line.judged.cell.seeds for line in self.lines} - {0} == {1} else ""

    @cached_property
    def states(self) -> frozenset[Trust]:
        """Kinds of answers among its differences."""
        both = (
            judged.difference for line in self.lines for judged in (line.judged, line.tested, *line.scored.values())
        )
        return frozenset(difference.state for difference in both if difference is not None)

    @cached_property
    def shares(self) -> bool:
        """Whether lines share epochs, among themselves or between their seeds."""
        return sum(line.distinct for line in self.lines) < sum(line.alone for line in self.lines)

    @property
    def split(self) -> str:
        """What the examples of the judged metric are a split of, for people; "" for none that anybody named."""
        return "" if self.outside and not self.judged.startswith("val_") else "validation"

    @property
    def shown(self) -> Sequence[Line]:
        """The lines to print."""
        return self.lines[: self.limit]
