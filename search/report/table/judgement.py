"""The statistics of a comparison table: intervals, differences to the baseline, and which may be called better.

What this file promises:

* an interval or p value rests on predictions on record; where there are none, nothing but seeds is described;
* the differences of one table in one metric are one family (two axes: all printed ones), adjusted together by Holm;
* a level that was chosen on the images it is measured on has no interval; its difference to another one may have one;
* a time is judged by the runs alone, for no example tells it;
* test accuracy is judged at the epoch that each run chose on validation, and chooses no row;
* of a sampled study nothing is judged: the search chose what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from search.core.derived import rule_of
from search.core.scores import ScoreRule
from search.core.trial import is_timed
from search.ledger.ledger import StudyRecord
from search.ledger.scored import score_rules
from search.report.record.curves import Curve, Curves, identity
from search.report.record.evidence import gather, gather_scores, keys_of, measures
from search.report.record.looks import looks_of, seeds_finished
from search.report.record.panel import Evidence, Panel
from search.report.table.claims import SEARCHED, JudgedBy, verdicts
from search.report.table.cross import baseline_of
from search.report.table.model import NOT_JUDGED, Again, Judged, Table
from search.report.table.timed import NO_EXAMPLES, Timed, timed
from search.space.model import CONFIRM_SUFFIX
from search.statistics.cell import cell
from search.statistics.crossed import Rule, alike, compare
from search.statistics.families import Family, Level, family, level_of
from search.statistics.results import Difference, Trust
from search.statistics.scores import Ended, Scores
from search.statistics.stuck import without
from search.statistics.tails import companions


@dataclass(frozen=True)
class Remarks:
    """What the footnotes must say of the statistics.

    Attributes:
        val: evidence of the judged metric; None where nothing was judged, because a search chose what is shown.
        test: that of the test images.
        family: the differences in the judged metric.
        tested: those on test images.
        scored: metric -> the same of other metrics with scores: what says it, and their differences.
    """

    val: Evidence | None = None
    test: Evidence | None = None
    family: Family | None = None
    tested: Family | None = None
    scored: Mapping[str, tuple[Evidence, Family | None]] = field(default_factory=dict)


@dataclass
class _Split:
    """One split on its way: per line what was found, and what names its comparison with its partner; of a time the
    runs that tell it."""

    evidence: Evidence
    level: bool
    judged: list[Judged]
    times: Timed | None = None
    differences: list[Difference | None] = field(init=False)
    comparisons: list[Hashable] = field(init=False)

    def __post_init__(self) -> None:
        self.differences = [None] * len(self.judged)
        self.comparisons = list(range(len(self.judged)))


def judged(table: Table, read: Curves, lines: Sequence[Sequence[Curve]]) -> tuple[Table, Remarks]:
    """Return a table with what its predictions say, and what the notes must say of it.

    Args:
        table: lines with their plain figures.
        lines: per line its runs, one per seed.
    """
    space = read.space
    if space.search.sampler != "grid":
        # The search chose what it shows; its confirm stage is a study of its own, a grid, and judged as one.
        searched = JudgedBy(space.search.objective.metric, lambda _: Evidence(why=SEARCHED))
        return replace(table, verdicts=verdicts(space, table, lines, searched)), Remarks()
    rules = rules_for(read, lines, table.value)
    metric, evidence = _judged_by(table, read, lines, rules)
    val = _split(evidence, len(lines), table.value == "last")
    test = None
    if table.test:
        test = _split(evidence_for(read, lines, table.test, "test", "best", rules), len(lines), True)
    # Beside a metric that is no accuracy an accuracy has its own intervals, from the same predictions.
    accuracies = [] if measures(metric, "val") else [name for name in table.metrics if measures(name, "val")]
    scored = {
        name: _split(evidence_for(read, lines, name, "val", table.value, rules), len(lines), table.value == "last")
        for name in table.metrics
        if (name in rules or name in accuracies) and name not in (metric, table.test)
    }
    scored = {name: split for name, split in scored.items() if not split.evidence.why}
    for name in filter(is_timed, table.metrics):
        times = timed(lines, name, table.value)
        scored[name] = _Split(NO_EXAMPLES, True, times.judged(), times)
    partners = _partners(table, read)
    level = table_level(read)
    rule = Rule(space.report.noise)
    families = [_judge(one, partners, level, rule) if one is not None else None for one in (val, test)]
    others = {name: (split.evidence, _judge(split, partners, level, rule)) for name, split in scored.items()}
    result = [
        replace(
            line,
            judged=val.judged[place],
            tested=test.judged[place] if test is not None else NOT_JUDGED,
            at_chance=_again(place, partners, (val, test, scored), rule, _at_chance),
            learned=_again(place, partners, (val, test, scored), rule, _learned),
            scored={name: split.judged[place] for name, split in scored.items()},
            baseline=partners.get(place) == place,
        )
        for place, line in enumerate(table.lines)
    ]
    if confirm := confirms(read.record):
        # The search chose these settings on the validation images: only the test images may call one better.
        result = [
            replace(
                line,
                judged=replace(line.judged, better=False, worse=False),
                scored={name: replace(one, better=False, worse=False) for name, one in line.scored.items()},
            )
            for line in result
        ]
    table = replace(
        table,
        lines=result,
        judged="" if val.evidence.why else metric,
        scored=[*scored],
        compared=any(
            one.differences != [None] * len(lines) for one in (val, test, *scored.values()) if one is not None
        ),
        confirms=confirm,
        comparisons={
            name: one.comparisons
            for name, one in (
                (metric, families[0]),
                (table.test, families[1]),
                *((n, f) for n, (_, f) in others.items()),
            )
            if one is not None
        },
        level=next((one.alpha for one in families if one is not None), table.level),
    )
    tested = test.evidence if test is not None else None
    evidence_by_metric = {metric: val.evidence, **{name: split.evidence for name, split in scored.items()}}
    if tested is not None:
        evidence_by_metric[table.test] = tested

    def evidence_of(name: str) -> Evidence:
        if name not in evidence_by_metric:
            split = rules[name].split if name in rules else name.partition("_")[0]
            value = "best" if split == "test" else table.value
            evidence_by_metric[name] = evidence_for(read, lines, name, split, value, rules)
        return evidence_by_metric[name]

    objective = space.search.objective.metric
    # Rows of an earlier version hold no scores: what claims on record meant by the accuracy they mean by it still.
    by = JudgedBy(metric if evidence_of(objective).why else objective, evidence_of)
    table = replace(table, verdicts=verdicts(space, table, lines, by, level))
    return table, Remarks(val.evidence, tested, families[0], families[1], others)


def table_level(read: Curves) -> Level:
    """Return the level at which the table decides, by the looks that were planned and those that there were."""
    trials = [curve.trial for curve in read.curves]
    return level_of(read.space.report.looks, looks_of(read.study, trials), seeds_finished(trials))


def _judge(split: _Split, partners: Mapping[int, int], level: Level, rule: Rule) -> Family | None:
    """Compare the lines of a split with their partners; None where nothing can be."""
    if split.evidence.why and split.times is None:
        return None
    pairs = _compare(split, partners, rule)
    adjusted = family(split.differences, level, split.comparisons)
    _adjust(split, adjusted, partners)
    for panel, here in pairs:
        # Beside the mean, always: which method is right must not depend on what the scores look like.
        both = [(panel.places[a], panel.places[partners[a]]) for a in here]
        for a, beside in zip(here, companions(panel.scores, both, rule, panel.unlearned), strict=True):
            split.judged[a] = replace(split.judged[a], companions=beside)
    return adjusted


def confirms(record: StudyRecord) -> bool:
    """Whether a study is the confirm stage of a search; see `search.study.confirm`."""
    return record.base_name.endswith(CONFIRM_SUFFIX)


def _judged_by(
    table: Table, read: Curves, lines: Sequence[Sequence[Curve]], rules: Mapping[str, ScoreRule]
) -> tuple[str, Evidence]:
    """Return the metric that intervals belong to, and what says them.

    The objective where predictions tell it, else the accuracy of validation; where no predictions tell one, the first
    metric of the table that has scores.
    """
    objective = read.space.search.objective.metric
    of_classes = [name for name in table.metrics if measures(name, "val")]
    if of_classes and not measures(objective, "val") and rule_of(objective) is None:
        metric = of_classes[0]
    else:
        metric = objective
    evidence = evidence_for(read, lines, metric, "val", table.value, rules)
    for other in (name for name in table.metrics if evidence.why and name in rules and name != table.test):
        if not (found := gather_scores(read, lines, other, rules[other], table.value)).why:
            return other, found
    return metric, evidence


def rules_for(read: Curves, lines: Sequence[Sequence[Curve]], value: str) -> dict[str, ScoreRule]:
    """Return how metrics come from scores, as the rows say that a table reads, and from predictions, by their names."""
    told = {name: own for name in read.space.read_metrics if (own := rule_of(name)) is not None}
    return told | score_rules(read.study.ledger, keys_of(lines, value))


def evidence_for(
    read: Curves,
    lines: Sequence[Sequence[Curve]],
    metric: str,
    split: str,
    value: str,
    rules: Mapping[str, ScoreRule],
) -> Evidence:
    """Return what predictions say of an accuracy, or scores of any metric that has some.

    Args:
        lines: per line of a table its runs, one per seed.
        value: ``last`` or ``best``: the epoch of each run.
        rules: as `rules_for` returns them.
    """
    found = gather(read, lines, metric, split, value)
    if found.why and metric in rules:
        return gather_scores(read, lines, metric, rules[metric], value)
    return found


def _partners(table: Table, read: Curves) -> dict[int, int]:
    """Return line -> the line it is compared with; a baseline is its own."""
    places = {identity(line.parameters): place for place, line in enumerate(table.lines)}
    partners = {}
    for place, line in enumerate(table.lines):
        wanted = baseline_of(read.space, line.parameters)
        if wanted is not None and (key := identity(wanted)) in places:
            partners[place] = places[key]
    return partners


def _split(evidence: Evidence, lines: int, level: bool) -> _Split:
    found = [NOT_JUDGED] * lines
    for panel in evidence.panels if not evidence.why else ():
        for line, place in panel.places.items():
            stuck = tuple(flag for flag in panel.stuck if flag.setting == place)
            found[line] = Judged(cell(panel.scores, place), level, stuck=stuck)
    return _Split(evidence, level, found)


def _compare(split: _Split, partners: Mapping[int, int], rule: Rule) -> list[tuple[Panel, list[int]]]:
    """Set each line's difference to its partner: None for a baseline, and for lines that nothing is known of.

    Returns:
        each panel with the lines that were compared there.
    """
    differences, compared = split.differences, []
    if split.times is not None:
        for a, b in partners.items():
            if a != b:
                differences[a] = one = split.times.difference(a, b)
                split.comparisons[a] = None if one.state is Trust.SAME_RUN else a
        return []
    for number, panel in enumerate(split.evidence.panels):
        here = [a for a in panel.places if partners.get(a, a) != a and partners[a] in panel.places]
        pairs = [(panel.places[a], panel.places[partners[a]]) for a in here]
        compared.append((panel, here))
        found = compare(panel.scores, pairs, rule, panel.unlearned)
        for a, one, name in zip(here, found, alike(panel.scores, pairs), strict=True):
            differences[a] = one
            split.comparisons[a] = None if name is None else (number, name)
    for a, b in partners.items():
        if a != b and differences[a] is None and split.judged[a].known:
            measure = split.evidence.measure
            missing = "predictions" if measure.correctness else "scores"
            reason = f"the baseline was measured on other {measure.examples}, or has no {missing}"
            differences[a] = Difference(Trust.NOT_ESTIMABLE, reason=reason, measure=measure)
    return compared


def _adjust(split: _Split, found: Family, partners: Mapping[int, int]) -> None:
    better, worse = (found.clear(split.differences, sign) for sign in (1, -1))
    for place, judged_line in enumerate(split.judged):
        if not judged_line.known:
            continue
        # A diverged seed is an outcome: what is better on the others alone is not called so.
        whole = not (judged_line.cell.diverged or _diverged(split, partners.get(place)))
        split.judged[place] = replace(
            judged_line,
            difference=split.differences[place],
            p_adjusted=found.adjusted[place],
            better=better[place] and whole,
            worse=worse[place] and whole,
        )


def _diverged(split: _Split, place: int | None) -> int:
    return split.judged[place].cell.diverged if place is not None else 0


_Other = Callable[[Panel, int, int | None], Scores | None]
"""Gives the scores of a setting's second line, from its panel and the places of it and of its baseline."""


def _again(
    place: int,
    partners: Mapping[int, int],
    splits: tuple[_Split, _Split | None, Mapping[str, _Split]],
    rule: Rule,
    scores_of: _Other,
) -> Again | tuple[()]:
    """Return a line judged once more, in each metric that has other scores for it; () where none has.

    It describes: no p value, in no family, never bold.
    """

    def second(split: _Split | None) -> Judged:
        panel = split.evidence.panel(place) if split is not None and not split.evidence.why else None
        if split is None or panel is None:
            return NOT_JUDGED
        own, other = panel.places[place], panel.places.get(partners.get(place, place))
        other = None if other == own else other
        scores = scores_of(panel, own, other)
        if scores is None:
            return NOT_JUDGED
        difference = None if other is None else compare(scores, [(own, other)], rule, panel.unlearned)[0]
        return Judged(cell(scores, own), split.level, difference)

    val, test, scored = splits
    by_score = {name: again for name, split in scored.items() if (again := second(split)).known}
    found = Again(second(val), second(test), by_score)
    return found if found.seeds else ()


def _at_chance(panel: Panel, own: int, _: int | None) -> Scores | None:
    """Count diverged seeds at chance where the setting has some; None where nobody said what chance is."""
    return panel.with_diverged if Ended.DIVERGED in panel.scores.ended[own] else None


def _learned(panel: Panel, own: int, other: int | None) -> Scores | None:
    """Leave out the runs that did not learn."""
    return without(panel.scores, panel.stuck, own, other)
