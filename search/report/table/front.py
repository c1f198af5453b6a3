"""The front of a study with several objectives: which settings none dominates, as far as that is decided.

A cost is compared by its value. A figure with noise is compared as the table compares it with a baseline: by the
difference of each pair on the examples that both were measured on, of a time by the runs of both, adjusted by Holm over
all pairs and such objectives. Of a search nothing with noise is decided, because the search chose what it shows: its
confirm stage decides, on test examples, and a time by runs that chose nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import combinations

from search.core.trial import is_timed
from search.report.record.curves import Curve, Curves
from search.report.table.judgement import evidence_for, rules_for, table_level
from search.report.table.labels import short_label
from search.report.table.model import Front, Line, Table
from search.report.table.timed import timed
from search.space.model import Objective
from search.statistics.crossed import Rule, alike, compare
from search.statistics.families import family
from search.statistics.front import Place, front, undecided, undominated
from search.statistics.results import Difference, Trust

MAX_FRONT_SETTINGS = 40
"""Settings of which all pairs are compared; of more, nothing with noise is decided."""

Orders = list[list[list[int | None]]]


def with_front(table: Table, read: Curves, lines: Sequence[Sequence[Curve]]) -> Table:
    """Return a table of several objectives whose lines say where they stand.

    Args:
        table: judged.
        lines: per line its runs, one per seed.
    """
    objectives = read.space.search.objectives
    names = [read_metric(table, one.metric) for one in objectives]
    figures = {place: [mean_of(table, line, name) for name in names] for place, line in enumerate(table.lines)}
    places = [place for place, line in enumerate(table.lines) if not line.partial and None not in figures[place]]
    values = [[value or 0.0 for value in figures[place]] for place in places]
    by_value = {places[one] for one in undominated(values, [one.maximize for one in objectives])}
    maximize = [one.maximize for one in objectives]
    noisy = [i for i, name in enumerate(names) if name not in table.exact]
    if why := _why_undecided(read, len(places)):
        exact, tests = [i for i in range(len(names)) if i not in noisy], 0
        where = undecided([[row[i] for i in exact] for row in values], [maximize[i] for i in exact])
    else:
        orders: Orders = [_exact([row[i] for row in values], up) for i, up in enumerate(maximize)]
        for i in noisy:
            orders[i] = [[0 if a == b else None for b in range(len(places))] for a in range(len(places))]
        why, tests = _decide(table, read, lines, places, orders, noisy)
        where = front(orders) if places else []
    told = list(table.lines)
    for place, placed in zip(places, where, strict=True):
        by = tuple(short_label(table, table.lines[places[one]]) for one in placed.dominated_by)
        told[place] = replace(told[place], front=placed.place.value, front_by_values=place in by_value, dominated_by=by)
    said = Front(tuple(_words(one) for one in objectives), tuple(names), why, tests)
    return replace(table, lines=told, front=said)


def decided_text(table: Table, on: str = "on it") -> str:
    """Return how many settings are on the front and how many dominated, as far as it is decided, and what values say.

    Args:
        table: of several objectives, with its front.
        on: where a setting of which it is decided stands, in words.
    """
    counts = Counter(line.front for line in table.lines)
    by_values = sum(line.front_by_values for line in table.lines)
    decided = f"{counts[Place.ON]} {on}, {counts[Place.OFF]} dominated"
    return f"{decided}; by values, noise left aside, {by_values} on it"


def read_metric(table: Table, objective: str) -> str:
    """Return the metric that an objective is read by: in a confirm stage its counterpart on test examples, where there
    is one, because validation examples chose the settings."""
    return table.test if table.confirms and table.test == f"test_{objective.removeprefix('val_')}" else objective


def mean_of(table: Table, line: Line, metric: str) -> float | None:
    """Return the mean of a metric that `read_metric` names; None where there is none."""
    return (line.chosen if metric == table.test else line.cells[metric]).mean


def _words(objective: Objective) -> str:
    return f"{objective.metric} ({'more' if objective.maximize else 'less'} is better)"


def _exact(values: Sequence[float], maximize: bool) -> list[list[int | None]]:
    sign = 1 if maximize else -1
    return [[sign * ((a > b) - (a < b)) for b in values] for a in values]


def _why_undecided(read: Curves, settings: int) -> str:
    """Return why nothing of the objectives with noise is decided, whatever is on record, or ""."""
    if read.space.search.sampler != "grid":
        return "a search chose what it shows"
    return f"there are more than {MAX_FRONT_SETTINGS} settings" if settings > MAX_FRONT_SETTINGS else ""


def _decide(
    table: Table,
    read: Curves,
    lines: Sequence[Sequence[Curve]],
    places: Sequence[int],
    orders: Orders,
    noisy: Sequence[int],
) -> tuple[str, int]:
    """Set what is decided of the objectives with noise; return why nothing is, and how many differences were tested."""
    rules = rules_for(read, lines, table.value)
    differences: list[Difference | None] = []
    names: list[Hashable] = []
    about: list[tuple[int, int, int]] = []
    reasons = []
    for i in noisy:
        objective = read.space.search.objectives[i]
        metric = read_metric(table, objective.metric)
        if is_timed(metric):
            times = timed(lines, metric, table.value)
            pairs = [*combinations(range(len(places)), 2)]
            found = [times.difference(places[a], places[b]) for a, b in pairs]
            reasons += [f"of {metric}: {one.reason}" for one in found[:1] if all(each.reason for each in found)]
            differences += found
            names += [(metric, *pair) for pair in pairs]
            about += [(i, a, b) for a, b in pairs]
            continue
        if table.confirms and metric != table.test:
            reasons.append(f"no test examples measure {metric}")
            continue
        split, value = ("test", "best") if metric == table.test else ("val", table.value)
        evidence = evidence_for(read, lines, metric, split, value, rules)
        if evidence.why:
            reasons.append(f"of {metric}: {evidence.why}")
            continue
        for number, panel in enumerate(evidence.panels):
            here = [one for one, place in enumerate(places) if place in panel.places]
            pairs = [*combinations(here, 2)]
            compared = [(panel.places[places[a]], panel.places[places[b]]) for a, b in pairs]
            differences += compare(panel.scores, compared, Rule(read.space.report.noise), panel.unlearned)
            names += [None if name is None else (metric, number, name) for name in alike(panel.scores, compared)]
            about += [(i, a, b) for a, b in pairs]
    tested = family(differences, table_level(read), names)
    for sign in (1, -1):
        for clear, difference, (i, a, b) in zip(tested.clear(differences, sign), differences, about, strict=True):
            if difference is not None and difference.state is Trust.SAME_RUN:
                orders[i][a][b] = orders[i][b][a] = 0
            elif clear and difference is not None:
                up = read.space.search.objectives[i].maximize is difference.measure.higher_is_better
                orders[i][a][b], orders[i][b][a] = (sign, -sign) if up else (-sign, sign)
    return "; ".join(reasons), tested.comparisons
