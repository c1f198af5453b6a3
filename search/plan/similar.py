"""Studies on record that are like the one to come, and the noise that their runs show.

Alike are studies of the same workload, on the same data, whose rows tell the same metric. The one whose table has most
degrees of freedom counts. What is read is bounded, however much is on record: names of trials, and the last rows of as
many runs as tell enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from search.core.derived import rule_of
from search.core.grouped import grouped
from search.core.scores import ScoreRule
from search.core.trial import DataCard
from search.core.units import counts_groups, units_of
from search.ledger.ledger import Ledger
from search.ledger.scored import FinishedRun, finished_runs, score_rules, scores_of
from search.statistics.measure import ACCURACY, Measure, measure_of
from search.statistics.noise import Noise, PooledSquares, from_record, pooled_squares
from search.statistics.scores import Scores, make_scores, why_not_scores

MAX_TRIALS_NAMED = 5_000
"""Trials that are looked through, by name alone."""

MAX_SETTINGS_READ = MAX_SEEDS_READ = 8
"""Settings and seeds of a table that is read: 49 degrees of freedom, of which more would tell no more."""

MAX_SEED_SETS_TRIED = 20
"""Different sets of seeds that settings of a study finished, of which each may make a table."""

MAX_SCORES_READ = 8_000_000
"""Scores that are read in all: 6 runs of a million examples, 64 MB."""

MAX_STUDIES_READ = 3
"""Studies whose rows are read before the search is given up."""

_BALANCED = "balanced_accuracy"

Keys = Sequence[Sequence[str]]
"""Keys of rows, of settings x seeds."""

Values = npt.NDArray[np.generic]
"""Scores, or right and wrong, of one run: one per example."""


@dataclass(frozen=True)
class _Design:
    """A table of finished runs without a gap: runs[a][s], of settings x seeds."""

    study: int
    runs: Sequence[Sequence[FinishedRun]]

    @property
    def df(self) -> int:
        """Degrees of freedom of the noise that it tells."""
        return (len(self.runs) - 1) * (len(self.runs[0]) - 1) if self.runs else 0


def noise_on_record(
    ledger: Ledger, workload: str, data: str, metric: str, settings: int, study: int | None = None
) -> Noise | None:
    """Return the noise of studies that are like one to come, as `squares_on_record` finds it, for a plan.

    Args:
        ledger: where they are.
        workload: of the study to come, as its file names it.
        data: fingerprint of its data.
        metric: what it is judged by.
        settings: settings of its table.
        study: number of the study on record that it continues, if there is one.
    """
    told = squares_on_record(ledger, workload, data, metric, study)
    return None if told is None else from_record(told[0], settings, told[1], told[2])


def squares_on_record(
    ledger: Ledger, workload: str, data: str, metric: str, study: int | None = None
) -> tuple[PooledSquares, str, Measure] | None:
    """Return the mean squares of the study on record that tells most of noise, what it is called, and what was judged.

    Arguments are those of `noise_on_record`. None where no study like it is on record.
    """
    by_study = grouped(finished_runs(ledger, workload, data, MAX_TRIALS_NAMED), lambda run: run.study)
    designs = [_design(number, runs) for number, runs in by_study.items()]
    # Newest first, so that of equals the newest counts.
    best = sorted((one for one in designs if one.df), key=lambda one: one.df, reverse=True)[:MAX_STUDIES_READ]
    names = ledger.names() if best else {}
    card = (ledger.data(data) if best else None) or DataCard(data)
    for design in best:
        found = _scores(ledger, design, card, metric)
        if found is None:
            continue
        scores, chance = found
        squares = pooled_squares(scores, chance)
        if squares is not None:
            name = "this study so far" if design.study == study else f"study {names[design.study]!r}"
            return squares, name, scores.measure
    return None


def _design(study: int, runs: Sequence[FinishedRun]) -> _Design:
    """Return the table of a study with most degrees of freedom: settings that finished the same seeds."""
    by_setting: dict[str, dict[int, FinishedRun]] = defaultdict(dict)
    for run in runs:
        by_setting[run.parameters].setdefault(run.seed, run)
    best = _Design(study, ())
    tried = {tuple(sorted(own)[:MAX_SEEDS_READ]): None for own in by_setting.values()}
    for seeds in [*tried][:MAX_SEED_SETS_TRIED]:
        rows = [[own[seed] for seed in seeds] for own in by_setting.values() if own.keys() >= set(seeds)]
        found = _Design(study, rows[:MAX_SETTINGS_READ])
        best = max(best, found, key=lambda one: one.df)
    return best


def _scores(ledger: Ledger, design: _Design, card: DataCard, metric: str) -> tuple[Scores, float | None] | None:
    """Return what the runs of a table say example by example, and chance; None where they say nothing of the metric."""
    paths = ledger.paths(design.study, [run.number for row in design.runs for run in row])
    keys = [[paths[run.number][0][run.last_epoch - 1] for run in row] for row in design.runs]
    return _judged(ledger, keys, card, metric) or _scored(ledger, keys, card, metric)


def _judged(ledger: Ledger, keys: Keys, card: DataCard, metric: str) -> tuple[Scores, float | None] | None:
    """Return which predictions are right, and chance, where the metric is an accuracy over classes."""
    split, _, name = metric.partition("_")
    truth = card.truth.get(split, np.empty(0, np.int64))
    if name not in ("accuracy", _BALANCED) or not len(truth):
        return None
    keys = _fitting(keys, len(truth))
    rows = ledger.rows([key for row in keys for key in row], predictions=True)
    guesses = {key: one.row.predictions.get(split, ()) for key, one in rows.items()}
    right = {key: np.equal(guess, truth) for key, guess in guesses.items() if len(guess) == len(truth)}
    found = _table(keys, right, card, split, ACCURACY, truth if name == _BALANCED else None)
    return None if found is None else (found, 1 / max(len(card.classes), int(truth.max()) + 1))


def _scored(ledger: Ledger, keys: Keys, card: DataCard, metric: str) -> tuple[Scores, float | None] | None:
    """Return the scores that the metric comes from; what an untrained model scores is part of their measure."""
    first = keys[0][:1]
    rule = score_rules(ledger, first).get(metric) or rule_of(metric)
    if rule is None:
        return None
    truth = card.truth.get(rule.split)
    length = next((len(one) for _, one, _ in scores_of(ledger, first, metric, rule, _each(first, truth))), 0)
    keys = _fitting(keys, length)
    found = _table(keys, _own(ledger, keys, rule, metric, truth), card, rule.split, measure_of(metric, rule))
    return None if found is None else (found, None)


def _own(ledger: Ledger, keys: Keys, rule: ScoreRule, metric: str, truth: Values | None) -> dict[str, Values]:
    """Return key -> scores of the rows that come from them as this rule says, and can be analysed."""
    flat = [key for row in keys for key in row]
    return {
        key: scores
        for key, scores, own in scores_of(ledger, flat, metric, rule, _each(flat, truth))
        if (own == rule or (own is None and rule.of_classes)) and not why_not_scores(scores, measure_of(metric, rule))
    }


def _each(keys: Sequence[str], truth: Values | None) -> dict[str, Values]:
    """Return key -> the true classes, the same for all of them."""
    return {} if truth is None else dict.fromkeys(keys, truth)


def _fitting(keys: Keys, examples: int) -> Keys:
    """Return a part of the table that is not too much to read: fewer settings first, then fewer seeds."""
    while keys and sum(map(len, keys)) * examples > MAX_SCORES_READ:
        keys = keys[:-1] if len(keys) > 2 else [row[:-1] for row in keys]
        if len(keys[0]) < 2:
            return ()
    return keys


def _table(
    keys: Keys,
    found: Mapping[str, Values],
    card: DataCard,
    split: str,
    measure: Measure,
    classes: npt.NDArray[np.generic] | None = None,
) -> Scores | None:
    """Return the scores of the settings whose rows all have some, of one length."""
    whole = [row for row in keys if all(key in found for key in row)]
    lengths = {len(found[key]) for row in whole for key in row}
    if len(whole) < 2 or len(lengths) != 1 or not (count := lengths.pop()):
        return None
    units = units_of(card, split, count)
    return make_scores(
        [[found[key] for key in row] for row in whole],
        measure=replace(measure, grouped=counts_groups(card, split, count)),
        classes=classes,
        groups=np.asarray(units) if len(units) else None,
        identities=whole,
    )
