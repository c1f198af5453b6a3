"""What a study asks, and what its runs answer: one sentence each.

What this file promises:

* the question is made from the space file alone: what varies, what is measured, on which data, under how many seeds;
* a setting is called better or worse only where the table may (Holm-adjusted, at least three seeds that both finished,
  none diverged), a claim supported or contradicted only where its verdict says so;
* where neither is there, the answer is that nothing can be decided, and from what; it never says "equal".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from search.report.analysis import confirms
from search.report.curves import Curves
from search.report.judged_text import p_text, points
from search.report.labels import row_text
from search.report.rows import Judged, Line, Table
from search.report.statistics.results import ALPHA, VERDICT_SEEDS
from search.report.text import figure, is_accuracy, value_text
from search.report.views import states
from search.space import Axis, Grid, Space
from search.trial import State

_ENDED = (State.FINISHED, State.STOPPED, State.PRUNED, State.DIVERGED, State.FAILED)

NAMED = 3
"""Settings, axes or claims a sentence names; the others are counted."""

SAMPLERS = {
    "random": "at random",
    "tpe": "by TPE",
    "gp": "by a Gaussian process",
    "qmc": "by a quasi-random sequence",
    "cmaes": "by CMA-ES",
}


def question(read: Curves) -> str:
    """Return what the study asks, as one sentence."""
    space = read.space
    test = confirms(read.record) and any(name == "test_accuracy" for name in read.metrics)
    measured = f"{'test accuracy' if test else words(space.search.objective.metric)}{_on(read)}"
    more = "highest" if space.search.objective.maximize else "lowest"
    varied = [axis for axis in space.axes if _varies(axis)]
    seeds = f"{many(len(space.seeds), 'seed')}"
    if space.search.sampler != "grid":
        axes = listed([axis.name for axis in varied])
        how = SAMPLERS.get(space.search.sampler, f"by {space.search.sampler}")
        trials = f"{many(space.search.trials, 'setting')} " if space.search.trials else "settings "
        return f"Which values of {axes} give the {more} {measured}, among {trials}drawn {how}, under {seeds} each?"
    count = space.grid_size()
    if count < 2:
        return f"What {measured} does one setting reach under {seeds}?"
    one = varied[0].name if len(varied) == 1 else ""
    if space.report.has_baseline and one and one == space.report.rows:
        others = "the other value" if count == 2 else f"any of the other {count - 1} values"
        comparative = "higher" if space.search.objective.maximize else "lower"
        base = row_text(space, space.report.baseline)
        return f"Does {others} of {one} give a {comparative} {measured} than {base}, under {seeds} each?"
    what = f"{count} settings of {listed([axis.name for axis in varied])}"
    base = f", each beside {row_text(space, space.report.baseline)}" if space.report.has_baseline else ""
    return f"How does {measured} differ between {what}{base}, under {seeds} each?"


def answer(table: Table, read: Curves) -> str:
    """Return what the runs answer, as far as the statistics allow."""
    space, ours = read.space, [line for line in table.lines if not line.baseline]
    if not any(line.finished for line in table.lines):
        return f"Nothing can be decided: {_unfinished(read)}."
    if space.search.sampler != "grid":
        return _searched(table, space)
    level = ALPHA / (space.report.looks or 1)
    confirm = confirms(read.record) and any(line.tested is not None for line in ours)
    if confirms(read.record) and not confirm:
        return f"Nothing can be decided: the validation images chose these settings, and {_untested(table)}."
    by = {id(line): line.tested if confirm else line.judged for line in table.lines}
    better = [line for line in ours if (one := by[id(line)]) is not None and one.better]
    worse = [line for line in ours if _worse(by[id(line)], level) and not line.at_chance]
    parts = []
    if better:
        parts.append(f"Better than {_baseline(table, space)}: {_named(better, by)}")
    if worse:
        parts.append(f"{'worse' if parts else 'Worse'} than {_baseline(table, space)}: {_named(worse, by)}")
    if parts:
        left = len(ours) - len(better) - len(worse)
        others = "the other setting" if left == 1 else f"the other {left} settings"
        rest = f"; about {others} nothing can be decided" if left else ""
        return f"{'; '.join(parts)}{rest}."
    # What runs never or always do is no answer to which setting is better.
    decided = [claim for claim in table.verdicts if claim.kind != "undecided" and "runs" not in claim.evidence]
    if decided:
        said = listed([f"“{claim.text}” is {claim.kind}" for claim in decided], between="; ")
        return f"Of what the file claims, {said}; beyond that nothing can be decided from {_basis(table, by)}."
    split = "test" if confirm else "validation"
    return f"Nothing can be decided from {_basis(table, by, split)}: {_why(table, [by[id(line)] for line in ours])}."


def _untested(table: Table) -> str:
    """Say why test images decide nothing."""
    return "no predictions on test images are on record" if table.test else "there are no test images"


def _unfinished(read: Curves) -> str:
    """Say why no run has finished: there is more to come, or how all of them ended."""
    trials = [curve.trial for curve in read.curves]
    ended = bool(trials) and all(trial.state in _ENDED for trial in trials)
    return f"no run finished: {states(trials)}" if ended else "no run has finished yet"


def _searched(table: Table, space: Space) -> str:
    best = table.lines[0]
    value = best.cells[space.search.objective.metric]
    if not best.finished or value.mean is None:
        return "Nothing can be decided from a search alone."
    confirm = "the confirm stage runs" if space.search.confirm else "a confirm stage would run"
    unit = " %" if is_accuracy(space.search.objective.metric) else ""
    return (
        f"Nothing can be decided from a search alone: it found {best.setting} best "
        f"({figure(space.search.objective.metric, value.mean, value.sd)}{unit}); that figure chose it, so it is "
        f"optimistic; {confirm} the best again under fresh seeds."
    )


def _worse(one: Judged | None, level: float) -> bool:
    if one is None or one.difference is None or one.p_adjusted is None or one.cell.diverged:
        return False
    return one.difference.decidable and one.p_adjusted <= level and (one.difference.estimate or 0.0) < 0


def _named(lines: Sequence[Line], by: Mapping[int, Judged | None]) -> str:
    return listed([f"{line.setting}{_evidence(by[id(line)])}" for line in lines], between=" and ")


def _evidence(one: Judged | None) -> str:
    d = one.difference if one is not None else None
    if one is None or d is None or d.estimate is None or d.low is None or d.high is None:
        return ""
    middle, low, high = (points(value, d) for value in (d.estimate, d.low, d.high))
    return f" ({middle} points, 95 % interval {low} to {high}, adjusted p {p_text(one.p_adjusted)})"


def _baseline(table: Table, space: Space) -> str:
    """Return what the settings are compared with: several baselines where other axes vary beside the rows."""
    lines = [line for line in table.lines if line.baseline]
    if len(lines) == 1:
        return lines[0].setting
    return f"{row_text(space, space.report.baseline)} beside the same other values"


def _basis(table: Table, by: Mapping[int, Judged | None], split: str = "validation") -> str:
    cells = [one.cell for line in table.lines if (one := by[id(line)]) is not None and one.cell.seeds]
    finished = [line.finished for line in table.lines]
    seeds = [cell.seeds for cell in cells] or finished
    low, high = min(seeds), max(seeds)
    count = many(high, "seed") if low == high else f"{low} to {high} seeds"
    images = sorted({cell.images for cell in cells})
    word = "image" if images == [1] else "images"
    measured = f" and {' or '.join(f'{n:,}' for n in images)} {split} {word}" if images else ""
    return f"{count} per setting{measured}"


def _why(table: Table, ours: Sequence[Judged | None]) -> str:
    if len(table.lines) < 2:
        return "there is one setting, and nothing to compare it with"
    if not table.judged:
        return "no difference can be judged, and the notes of the table say why"
    if not table.compared:
        return "the file names no baseline to compare with"
    known = [one for one in ours if one is not None and one.difference is not None and one.p_adjusted is not None]
    if not any(one.difference is not None and one.difference.decidable for one in known):
        if table.banner:
            return "a rerun may reverse any order"
        return f"a verdict needs {VERDICT_SEEDS} seeds that a setting and its baseline both finished"
    smallest = min(one.p_adjusted for one in known if one.p_adjusted is not None)
    return (
        f"no difference is clear of chance (smallest adjusted p {p_text(smallest)}), which does not show that the "
        "settings are equal"
    )


def listed(names: Sequence[str], most: int = NAMED, between: str = ", ") -> str:
    """Return names as a sentence holds them: "a, b and c", "a, b and 5 more"."""
    most += len(names) == most + 1  # "and 1 more" is no shorter than its name
    shown, left = list(names[:most]), len(names) - most
    if left > 0:
        return f"{between.join(shown)} and {left} more"
    if between != ", " or len(shown) < 2:
        return between.join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def many(count: int, word: str) -> str:
    """Return "1 seed", "3 seeds"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def words(metric: str) -> str:
    """Return a metric's name for people: ``val_accuracy`` is "validation accuracy"."""
    text = metric.replace("_", " ")
    return f"validation {text[4:]}" if text.startswith("val ") else text


def _on(read: Curves) -> str:
    names = list(dict.fromkeys(card.name or card.fingerprint[:12] for card in read.cards.values()))
    if not names and isinstance(read.space.fixed.get("data"), str):
        names = [value_text(read.space.fixed["data"])]
    return f" on {listed(names)}" if names else ""


def _varies(axis: Axis) -> bool:
    return axis.when is not None or not isinstance(axis.domain, Grid) or len(axis.domain.values) > 1


def setup(read: Curves) -> Iterator[str]:
    """Yield what was done, as sentences: settings, seeds, epochs, what is measured."""
    space = read.space
    seeds = listed([str(seed) for seed in space.seeds], most=8)
    count = len({tuple(sorted((k, value_text(v)) for k, v in one.trial.parameters.items())) for one in read.curves})
    epochs = f" for {space.fixed['epochs']} epochs at most" if "epochs" in space.fixed else ""
    if not count:
        return
    yield (
        f"{many(count, 'setting')}, each trained under {many(len(space.seeds), 'seed')} ({seeds}){epochs}. A seed "
        "decides everything random in a run: initial weights, the order of the images, augmentations."
    )
    at = "after the last epoch" if space.report.value == "last" else "at the epoch that was best in validation"
    sense = "higher is better" if space.search.objective.maximize else "lower is better"
    if confirms(read.record):
        tested = any(name.startswith("test_") for name in read.metrics)
        judged = ", and judged on test images, which chose none of them" if tested else "; there are no test images"
        yield f"The candidates are what a search found best, run again under seeds it had not seen{judged}."
        return
    yield f"Judged by {words(space.search.objective.metric)} {at}; {sense}."
