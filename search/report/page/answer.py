"""What the runs of a study answer, in a few sentences that contradict nothing else on the page.

What this file promises:

* it speaks after it has read the table, the differences on test images and the claims, and names what each of them
  decides; only what none of them decides is said to be undecided;
* a setting is called better or worse only where the table may (Holm-adjusted, at least three seeds that both finished,
  none diverged), a claim supported or contradicted only where its verdict says so;
* where the table and the claims differ although they rest on one test, it says why;
* where nothing is decided, it says from what; it never says "equal".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from search.core.shown import MAX_ITEMS_NAMED, counted, listed
from search.report.page.front import front_answer
from search.report.record.complete import incomplete, states
from search.report.record.curves import Curves
from search.report.table.families_apart import families_apart
from search.report.table.judged_text import points, with_words
from search.report.table.judgement import confirms
from search.report.table.labels import row_text
from search.report.table.model import Claim, Judged, Line, Table
from search.report.table.noise_notes import stuck_sentence
from search.report.text import figure, is_accuracy, metric_words
from search.space.model import Space
from search.statistics.measure import ACCURACY
from search.statistics.results import ALPHA, VERDICT_SEEDS, Trust
from search.statistics.text import p_text


@dataclass
class Split:
    """What one set of images decides.

    Attributes:
        name: ``validation`` or ``test``.
        lines: per line that is no baseline what was found of it there.
        better, worse: lines that may be called so.
    """

    name: str
    lines: Sequence[tuple[Line, Judged]]

    @cached_property
    def better(self) -> list[Line]:
        """Lines that may be called better than the baseline."""
        return [line for line, one in self.lines if one.better]

    @cached_property
    def worse(self) -> list[Line]:
        """Lines that may be called worse than the baseline."""
        return [line for line, one in self.lines if one.worse]

    @property
    def examples(self) -> str:
        """What several examples are called."""
        return next((one.cell.measure for _, one in self.lines if one.known), ACCURACY).examples

    @property
    def decided(self) -> list[Line]:
        """Lines that may be called either."""
        return [*self.better, *self.worse]

    @property
    def tested(self) -> bool:
        """Whether there are differences that could have been decided here."""
        return any(one.difference is not None and one.difference.decidable for _, one in self.lines)

    def sentence(self, base: str) -> str:
        """Return what is better and worse, "" where nothing is."""
        by = {id(line): one for line, one in self.lines}
        named = [
            f"{word} than {base}: {listed([line.setting + evidence(by[id(line)]) for line in lines], between=' and ')}"
            for word, lines in (("better", self.better), ("worse", self.worse))
            if lines
        ]
        return "; ".join(named)


def answer(table: Table, read: Curves) -> str:
    """Return what the runs answer, as far as the statistics allow."""
    runs = [claim for claim in table.verdicts if claim.kind != "undecided" and "runs" in claim.evidence]
    # What runs never or always do is no answer to which setting is better: it is said behind it.
    behind = f" Of what the file claims about runs, {_verdicts(runs)}." if runs else ""
    stuck = f" {sentence}." if (sentence := stuck_sentence(table)) else ""
    return f"{_of_settings(table, read)}{behind}{stuck}"


def _verdicts(claims: Sequence[Claim]) -> str:
    return listed([f"“{claim.text}” is {claim.kind}" for claim in claims], between="; ")


def _of_settings(table: Table, read: Curves) -> str:
    """Return what is decided about settings."""
    space, ours = read.space, [line for line in table.lines if not line.baseline]
    if not any(line.finished for line in table.lines):
        return f"Nothing can be decided: {unfinished(read)}."
    if table.front is not None:
        said = front_answer(table, space)
        return f"{said[:1].upper()}{said[1:]}"
    if space.search.sampler != "grid":
        return _searched(table, read)
    if why := untested(table, read):
        return f"Nothing can be decided: {why}."
    own, test = splits(table, read)
    base = baseline_name(table, space)
    sentences = [own.sentence(base)]
    metric = table.judged if own.name == "validation" else table.test
    if sentences[0] and metric != space.search.objective.metric and own.name == "validation":
        sentences[0] = f"in {metric_words(metric)} {sentences[0]}"  # tests are of classes, whatever is optimised
    scored = dict(_scored(table)) if own.name == "validation" else {}
    asked = space.search.objective.metric  # what the question asks for comes first
    told = {name: f"in {metric_words(name)} {said}" for name, one in scored.items() if (said := one.sentence(base))}
    sentences = [told.pop(asked, ""), *sentences, *told.values()]
    sentences.append(on_test(own, test, base))
    same = [line for line, one in own.lines if one.difference and one.difference.state is Trust.SAME_RUN]
    if same and any(sentences):
        sentences.append(f"the same run as {base}: {listed([line.setting for line in same])}")
    parts = [part for part in sentences if part]
    decided = [claim for claim in table.verdicts if claim.kind != "undecided" and "runs" not in claim.evidence]
    claims = _verdicts(decided)
    apart = "".join(f" {sentence}" for sentence in families_apart(table)[:MAX_ITEMS_NAMED])
    if not parts:
        rests_on = basis(table, own)
        if decided:
            return f"Of what the file claims, {claims}; beyond that nothing can be decided from {rests_on}.{apart}"
        return f"Nothing can be decided from {rests_on}: {''.join(why_undecided(table, own))}.{apart}"
    if decided:
        parts.append(f"of what the file claims, {claims}")
    known = {id(line) for one in (own, test, *scored.values()) for line in one.decided} | {id(line) for line in same}
    known |= {id(table.lines[place]) for claim in decided for place in _settled(claim)}
    left = sum(id(line) not in known for line in ours)
    others = f"the other {'setting' if left == 1 else f'{left} settings'}"
    rest = f"; about {others} nothing can be decided" if left else ""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}{rest}.{apart}"


def _scored(table: Table) -> Iterator[tuple[str, Split]]:
    """Yield other metrics with scores, and what decides by each."""
    ours = [line for line in table.lines if not line.baseline]
    for name in table.scored:
        yield name, Split("validation", [(line, line.scored[name]) for line in ours])


def untested(table: Table, read: Curves) -> str:
    """Return why a confirm stage decides nothing: a phrase, "" where it may, and for every other study."""
    if not confirms(read.record) or any(line.tested.known for line in table.lines if not line.baseline):
        return ""
    examples = table.measure.examples
    missing = f"no predictions on test {examples} are on record" if table.test else f"there are no test {examples}"
    return f"the validation {examples} chose these settings, and {missing}"


def splits(table: Table, read: Curves) -> tuple[Split, Split]:
    """Return what decides, and what is told beside it: validation and test images; in a confirm stage test alone."""
    ours = [line for line in table.lines if not line.baseline]
    test = Split("test", [(line, line.tested) for line in ours])
    if confirms(read.record):  # what validation images show of settings that they chose is no answer
        return test, Split("test", [])
    return Split("validation", [(line, line.judged) for line in ours]), test


def on_test(own: Split, test: Split, base: str) -> str:
    """Return what the test images say beside those of validation, "" where they have no part in it."""
    if not test.tested:
        return ""
    if not test.decided:
        return f"on test {test.examples} none of this is clear of chance" if own.decided else ""
    pairs = ((own.better, test.better), (own.worse, test.worse))
    if all(set(map(id, ones)) == set(map(id, others)) for ones, others in pairs):
        return f"test {test.examples} say the same"
    against = [line for line in own.better if line in test.worse] + [line for line in own.worse if line in test.better]
    end = f"; the two contradict each other on {listed([line.setting for line in against])}" if against else ""
    but = "" if own.decided else f", where validation {test.examples} decide nothing"
    return f"on test {test.examples}{but}, {test.sentence(base)}{end}"


def _settled(claim: Claim) -> tuple[int, ...]:
    """Return the lines that a decided claim says something of; that one is not the best says nothing of the others."""
    return claim.about[:1] if claim.best and claim.kind == "contradicted" else claim.about


def unfinished(read: Curves) -> str:
    """Say why no run has finished: there is more to come, or how all of them ended."""
    trials = [curve.trial for curve in read.curves]
    ended = bool(trials) and all(trial.state.ended for trial in trials)
    return f"no run finished: {states(trials)}" if ended else "no run has finished yet"


def _searched(table: Table, read: Curves) -> str:
    space, metric = read.space, read.space.search.objective.metric
    best = table.lines[0]
    value = best.cells[metric]
    if not best.finished or value.mean is None:
        return "Nothing can be decided from a search alone."
    confirm = "the confirm stage runs" if space.search.confirm else "a confirm stage would run"
    unit = " %" if is_accuracy(metric) else ""
    equal = [line.setting for line in table.lines if line.best_of]
    so_far = "so far " if incomplete(read) else ""
    seeds = f"under {best.finished} of {counted(best.seeds, 'seed')} " if best.partial else ""
    names = f"{listed(equal)} equally" if len(equal) > 1 else best.setting
    return (
        f"Nothing can be decided from a search alone: {so_far}it found {names} best {seeds}"
        f"({figure(metric, value.mean, value.sd)}{unit}); that figure chose it, so it is optimistic; {confirm} the "
        "best again under fresh seeds."
    )


def evidence(one: Judged) -> str:
    """Return a difference with its interval and its p in parentheses, with a space in front; "" where there is none."""
    d = one.difference
    if d is None or d.estimate is None or d.low is None or d.high is None:
        return ""
    middle, low, high = (points(value, d) for value in (d.estimate, d.low, d.high))
    middle = with_words(middle, d.measure)
    return f" ({middle}, 95 % interval {low} to {high}, adjusted p {p_text(one.p_adjusted)})"


def baseline_name(table: Table, space: Space) -> str:
    """Return what the settings are compared with: several baselines where other axes vary beside the rows."""
    lines = [line for line in table.lines if line.baseline]
    if len(lines) == 1:
        return lines[0].setting
    return f"{row_text(space, space.report.baseline)} beside the same other values"


def basis(table: Table, own: Split) -> str:
    """Return what decides: seeds per setting, and images."""
    judged_lines = [line.tested if own.name == "test" else line.judged for line in table.lines]
    cells = [one.cell for one in judged_lines if one.cell.seeds]
    seeds = [cell.seeds for cell in cells] or [line.finished for line in table.lines]
    low, high = min(seeds), max(seeds)
    count = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    images = sorted({cell.images for cell in cells})
    measure = next((cell.measure for cell in cells), table.measure)
    split = table.split if own.name == "validation" else own.name
    measured = (
        f" and {' or '.join(f'{n:,}' for n in images)} {measure.of_split(split, images == [1])}" if images else ""
    )
    return f"{count} per setting{measured}"


def why_undecided(table: Table, own: Split) -> tuple[str, str]:
    """Return why nothing is decided, as a phrase, and what is to be added to it, "" for nothing."""
    if len(table.lines) < 2:
        return "there is one setting, and nothing to compare it with", ""
    if not table.judged and own.name == "validation":
        return "no difference can be judged", ", and the notes of the table say why"
    if not table.compared:
        return "the file names no baseline to compare with", ""
    judged_lines = [(one, one.difference) for _, one in own.lines if one.difference is not None]
    if judged_lines and all(difference.state is Trust.SAME_RUN for _, difference in judged_lines):
        return "all settings are the same run", ", and their difference is exactly 0"
    smallest = smallest_p(own)
    if smallest is None:
        if table.banner:
            return "a rerun may reverse any order", ""
        reasons = [difference.reason for _, difference in judged_lines if difference.state is not Trust.SAME_RUN]
        if reasons and reasons[0] and len(set(reasons)) == 1:
            reason, _, more = reasons[0].partition("; ")
            return reason, f"; {more}" if more else ""
        return f"a verdict needs {VERDICT_SEEDS} seeds that a setting and its baseline both finished", ""
    if smallest <= table.level:
        clear = f"what is clear of chance (smallest adjusted p {p_text(smallest)}) is so"
        return f"{clear} on the seeds that did not diverge alone", ", and a diverged run is an outcome"
    level = f", level {table.level:.3g} as several looks were planned" if 0 < table.level < ALPHA else ""
    unclear = f" (smallest adjusted p {p_text(smallest)}{level}), which does not show that the settings are equal"
    return "no difference is clear of chance", unclear


def smallest_p(own: Split) -> float | None:
    """Return the smallest adjusted p of the differences that could be decided; None where there is none."""
    judged_lines = [(one, one.difference) for _, one in own.lines]
    decidable = [one for one, difference in judged_lines if difference is not None and difference.decidable]
    return min((one.p_adjusted for one in decidable if one.p_adjusted is not None), default=None)
