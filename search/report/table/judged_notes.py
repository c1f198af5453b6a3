"""The footnotes on intervals, differences and p values: what they are for, and what was adjusted for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from search.core.scores import CALIBRATION_ERROR
from search.core.shown import listed
from search.core.trial import is_timed
from search.report.record.curves import Curves
from search.report.record.evidence import FEW_GROUPS, MIN_CLASS_EXAMPLES, measures
from search.report.record.panel import Evidence
from search.report.table.families_apart import claims_compared, families_apart
from search.report.table.judged_text import ONE_RUN
from search.report.table.judgement import Remarks
from search.report.table.labels import row_text
from search.report.table.model import Judged, Note, Table
from search.report.table.noise_notes import noise_notes
from search.report.table.tail_notes import tail_notes
from search.report.text import is_accuracy, metric_words
from search.space.model import Report
from search.statistics.measure import ACCURACY
from search.statistics.results import CellEstimate, Trust

BOLD = (
    "Bold: better than the baseline, adjusted p at most {alpha:.3g} with at least 3 seeds that both finished, none of "
    "which diverged."
)

STAR = "*"
"""Marks on a terminal what is bold."""

MAX_BASELINE_LETTERS = 48
"""A baseline with a longer name is not named on a terminal: its line says that it is the baseline."""

_INTERVALS = ("level", "difference", "test", "test difference")
"""Keys of the columns with intervals."""

MAX_SETTINGS_NAMED = 5
"""Settings with diverged runs that are named; the others are counted."""


def judged_notes(table: Table, read: Curves, remarks: Remarks) -> Iterator[Note]:
    """Yield what must be said of a table's statistics."""
    if not table.lines:
        return
    if remarks.val is None:
        yield Note(_sampled(table, read))
        return
    if remarks.val.why:
        yield Note(_without(table, remarks.val))
        yield from _estimand(table, [line.tested for line in table.lines if line.tested.cell.seeds > 1])
    else:
        yield from _levels(table, remarks.val)
    yield from _times(table)
    yield from _test(table, remarks)
    if remarks.scored or not remarks.val.why or (remarks.test is not None and not remarks.test.why):
        yield from _differences(table, read, remarks)
    if table.confirms:
        examples = table.measure.examples
        bold = f"without test {examples} none is bold"
        if table.test:
            bold = f"only the differences in {metric_words(table.test)} can be bold"
        yield Note(
            f"A search chose these settings on the validation {examples}, whose levels and differences are optimistic: "
            f"{bold}."
        )
    if table.cross:
        yield Note("table.csv holds every setting in a line of its own, with its test differences and its epochs.")
    yield from noise_notes(table, read.space.report.noise)
    yield from tail_notes(table)
    yield from (*_claims(table, remarks), *_images(table, remarks), *_small(table, remarks))
    yield from (*_calibration(table, remarks), *_diverged(table))


def _without(table: Table, evidence: Evidence) -> str:
    """Nothing can be judged: a description of these runs."""
    metric = next((name for name in table.metrics if is_accuracy(name)), table.metrics[0])
    classes = measures(metric, "val")
    spread = ""
    if not table.cross and any(line.seeds > 1 for line in table.lines):
        fall = f"how far a new run on new {'images' if classes else 'examples'} may fall"
        spread = f" The sd over seeds says how far these runs lie apart, not {fall}."
    needed = "predictions" if classes else "predictions of classes, or scores of each example"
    return f"No interval and no p value for {metric}: they need {needed}, and {evidence.why}.{spread}"


def _levels(table: Table, evidence: Evidence) -> Iterator[Note]:
    cells = [line.judged for line in table.lines]
    several = [one for one in cells if one.cell.seeds > 1]
    examples = evidence.measure.examples
    if table.value == "best":
        yield Note(
            f"{table.judged} has no interval: its epoch was chosen on the same {examples}. Differences may have one.",
            about=("level",),
        )
    yield from _estimand(table, several)
    if any(_of_single(one) for one in cells):
        sampled = next(one.cell.measure for one in cells if one.known).sampled
        mark = f"{ONE_RUN} " if several else ""
        yield Note(
            f"{mark}One seed: {_of_one_run(cells)} are for this very run on new {sampled}, a smaller question "
            "than that of a new run; intervals from two seeds on answer the larger one and may be wider.",
            f"{mark}One seed: intervals and p are for this very run on new {sampled}, not for a new run.",
            (ONE_RUN,) if several else ("level", "difference", "p"),
        )
    if several and not table.cross:
        yield Note("sd over seeds: how far these runs lie apart; it is no interval.", about=("sd",))
    if evidence.unused:
        word = "setting has" if evidence.unused == 1 else "settings have"
        yield Note(f"{evidence.unused} {word} no interval: {'; '.join(evidence.faults)}.")
    other = [name for name in table.metrics if name not in (table.judged, table.test, *table.scored, *table.exact)]
    if other:
        text = f"{', '.join(other)}: no interval, for rows hold no scores that intervals could rest on."
        yield Note(text, about=tuple(other))


def _times(table: Table) -> Iterator[Note]:
    for name in filter(is_timed, table.scored):
        yield Note(
            f"{name}: a time, told by the runs alone. Its interval is that of the mean of runs like these, by t on "
            "logarithms; a difference is the logarithm of a ratio (Welch 1947). Other work on the machine makes a time "
            "longer.",
            f"{name}: a time, by the runs alone; other work on the machine makes it longer.",
            (name, f"{name} difference"),
        )


def _estimand(table: Table, several: Sequence[Judged]) -> Iterator[Note]:
    """Say what the intervals of settings with several seeds are for."""
    interval = "± half the 95 % interval ([ ]: its ends, where it is lopsided)" if table.cross else "[ ] 95 % interval"
    if several:
        measure = several[0].cell.measure
        what = (
            f"{interval} for a new run judged on new {measure.sampled} of the same kind; same training "
            f"{measure.examples}"
        )
        counts = f"{_seeds(several)}, {_count(several)} {measure.sampled}."
        yield Note(f"{what}, one split for all seeds. {counts}", f"{what}.", _INTERVALS)


def _of_single(one: Judged) -> bool:
    """Whether a figure that is shown is of a single run; of a pruned setting none is."""
    return Trust.ONE_RUN in (one.cell.state, one.difference.state if one.difference is not None else None)


def _of_one_run(cells: Sequence[Judged]) -> str:
    """Name the methods for single runs; where images count differently, none is simply right or wrong."""
    differences = [one.difference for one in cells if one.difference is not None]
    counted = {one.discordant is not None for one in differences if one.state is Trust.ONE_RUN}
    measure = next((one.cell.measure for one in cells if one.known), ACCURACY)
    if not measure.correctness and counted == {True}:
        return "the 95 % interval (differences: Bonett and Price) and the p value (exact McNemar)"
    if not measure.correctness:
        return f"the 95 % interval and the p value (t over {measure.sampled}, of differences paired)"
    if False in counted:
        return (
            f"the 95 % interval and the p value (differences: paired t over {measure.sampled}, which count differently)"
        )
    return "the 95 % interval (Wilson; differences: Bonett and Price) and the p value (exact McNemar)"


def _test(table: Table, remarks: Remarks) -> list[Note]:
    if not table.test:
        if table.outside:
            return []
        return [Note("No independent test set: levels are optimistic.")] if table.judged else []
    text = f"{table.test}: {'it chose nothing' if table.outside else 'at the epoch that each run chose on validation'}"
    if remarks.test is not None and remarks.test.why and table.judged:
        text += f"; no interval, because {remarks.test.why}"
    elif (remarks.test is None or not remarks.test.why) and any(line.tested.cell.seeds for line in table.lines):
        cells = [line.tested for line in table.lines if line.tested.cell.seeds]
        text += f", on {_count(cells)} {cells[0].cell.measure.of_split('test')}"
    return [Note(f"{text}.", about=("test", "test difference"))]


def _differences(table: Table, read: Curves, remarks: Remarks) -> list[Note]:
    report = read.space.report
    if not report.has_baseline and table.confirms:
        return [
            Note("No differences: the search names no configuration to compare with; `search.confirm.baseline` does.")
        ]
    if not report.has_baseline:
        return [
            Note(
                f"No differences: the file names no baseline; `report.baseline`, a value of {_row_axes(report)}, gives "
                "them, with intervals and p values.",
                "No differences: the file names no baseline; `report.baseline`, a value of "
                f"{listed(report.row_axes) or '(`report.rows`)'}, gives them.",
            )
        ]
    if not any(line.baseline for line in table.lines):
        return [Note(f"No differences: the baseline {row_text(read.space, report.baseline)} has no run on record.")]
    if all(line.baseline for line in table.lines):
        return [Note("No differences: there is nothing beside the baseline.")]
    notes = []
    name = row_text(read.space, report.baseline)
    within = " with all else equal" if len({line.configuration for line in table.lines if line.baseline}) > 1 else ""
    judged_by = {"": remarks.family} | {name: family for name, (_, family) in remarks.scored.items()}
    for metric, family, cells, key in (
        *(
            (
                name or table.judged,
                family,
                [line.judgement(table, name or table.judged) for line in table.lines],
                f"{name} difference".strip(),
            )
            for name, family in judged_by.items()
        ),
        (table.test, remarks.tested, [line.tested for line in table.lines], "test difference"),
    ):
        if family is None:
            continue
        noise = _noise(cells)
        start = f"Differences in {metric} to the baseline {name}{within}, on the seeds that both finished"
        brief = start if len(name) <= MAX_BASELINE_LETTERS else start.replace(f" {name}", "")
        none = "all settings have its rows, so there is no comparison" if family.repeated else "none has a p value"
        said = f"{family.sentence}{noise}" if family.comparisons else none
        notes.append(Note(f"{start}; {said}.", f"{brief}; {family.sentence if family.comparisons else none}.", (key,)))
    family = remarks.family or remarks.tested
    if family is not None:
        can = Trust.ESTIMATED in table.states
        bold = BOLD.format(alpha=family.alpha) if can else "Nothing can be bold."
        better = f"{STAR} and bold: better{bold.removeprefix('Bold: better')}"
        both = ("difference", "test difference")
        none = "" if table.banner else "Under 3 seeds that both finished, nothing is called better or worse."
        notes.append(Note(f"Intervals are pointwise. {bold}", better if can else none, (STAR,) if can else both))
    return notes


def _row_axes(report: Report) -> str:
    if len(report.row_axes) > 1:
        return f"each of the row axes {listed(report.row_axes)}"
    return f"the row axis {report.rows or '(`report.rows`)'}"


def _claims(table: Table, remarks: Remarks) -> list[Note]:
    """Say what the p values of claims were adjusted for, where claims speak of differences."""
    family = next((one for one in (remarks.family, remarks.tested) if one is not None), None)
    tested = [claim.comparison for claim in table.verdicts if "p_adjusted" in claim.evidence]
    judged = tested or any("p" in claim.evidence or "p_largest" in claim.evidence for claim in table.verdicts)
    if family is None or not judged:
        return []
    apart = [*map(Note, families_apart(table))]
    by = {claim.metric for claim in table.verdicts if claim.metric}
    if table.scored and len(by) == 1:
        apart.insert(0, Note(f"Claims about settings are judged by {by.pop()}."))
    if tested:
        distinct = claims_compared(table)
        if not distinct:
            return [Note("Claims that one is better: all of them compare equal rows, so there is no comparison.")]
        own = replace(family, comparisons=distinct, repeated=len(tested) - distinct)
        text = f"Claims that one is better are a family of their own: {own.sentence}."
        return [Note(text, "" if not own.level.told else f"Claims: {own.level.told}."), *apart]
    return [*([Note(f"Claims: {family.level.told}.")] if family.level.told else []), *apart]


def _noise(found: Iterable[Judged]) -> str:
    """Return what the seed noise was estimated from, "" where it was not."""
    differences = (one.difference for one in found)
    texts = dict.fromkeys(one.noise for one in differences if one is not None and one.noise)
    return f"; {'; or '.join(texts)}" if texts else ""


def _images(table: Table, remarks: Remarks) -> Iterator[Note]:
    for evidence, word in ((remarks.val, table.split), (remarks.test, "test")):
        if evidence is None or evidence.why:
            continue
        if evidence.wrong:
            are = "prediction is" if evidence.wrong == 1 else "predictions are"
            yield Note(f"{evidence.wrong} {are} no class on {word} images: counted as wrong.")
        example, examples = evidence.measure.example, evidence.measure.examples
        grouped = [panel for panel in evidence.panels if panel.grouped]
        for panel in grouped:
            counts = f"{panel.scores.images:,} groups ({panel.images:,} {examples}; effective {panel.effective:.1f})"
            few = "" if panel.effective >= FEW_GROUPS else ": few, so that intervals of levels may be too narrow"
            which = f"{word} {examples}".strip()
            yield Note(f"{which[0].upper()}{which[1:]} that belong together count as one: {counts}{few}.")
        if evidence.folded and not grouped:
            are = f"{example} is" if evidence.folded == 1 else f"{examples} are"
            yield Note(
                f"{evidence.folded} {word} {are} there twice or more: {examples} of equal content count as one, with "
                "their number as weight."
            )
        if len(evidence.panels) > 1:
            sets = f"{len(evidence.panels)} sets of {word} {examples}"
            yield Note(f"Settings were measured on {sets}: no difference across.")


def _small(table: Table, remarks: Remarks) -> Iterator[Note]:
    """Say of which metrics the level is biased, because a class has few examples."""
    scored = [(name, evidence) for name, (evidence, _) in remarks.scored.items()]
    for metric, evidence in ((table.judged, remarks.val), (table.test, remarks.test), *scored):
        if evidence is None or evidence.why or not evidence.small:
            continue
        classes, examples = listed(evidence.small, MAX_SETTINGS_NAMED), evidence.measure.examples
        start = f"{metric}: level biased, a class has fewer than {MIN_CLASS_EXAMPLES} {examples}"
        text = f"{start}, and counts as much as any other: {classes}. Differences are less so."
        yield Note(text, f"{start}.", (metric,))


def _calibration(table: Table, remarks: Remarks) -> Iterator[Note]:
    """Say what the level of a calibration error is, and what it is not."""
    scored = [(name, evidence) for name, (evidence, _) in remarks.scored.items()]
    for metric, evidence in ((table.judged, remarks.val), *scored):
        if metric.endswith(CALIBRATION_ERROR) and evidence is not None and not evidence.why:
            examples = evidence.measure.examples
            text = (
                f"{metric} and its intervals speak of figures on as many {examples}: noise gives each of its bins some "
                "gap, so on many more it would be smaller, of a well calibrated model most, and differences would be "
                "others."
            )
            yield Note(text, f"{metric}: of as many {examples}; on many more it would be smaller.", (metric,))


def _diverged(table: Table) -> Iterator[Note]:
    if not any(line.at_chance for line in table.lines):
        lost = [(line.setting, line.judged.cell) for line in table.lines if line.judged.cell.diverged]
        if lost:  # nobody said what an untrained model scores
            yield Note(
                f"A diverged run is an outcome ({_shares(lost)}), and no figure counts it: rows do not say what an "
                "untrained model scores (`untrained` in `score_rules`). What lacks such runs is called neither better "
                "nor worse."
            )
        return
    where = "`at_chance` in table.csv" if table.cross else "the second line of its setting"
    found = [(line.setting, line.judged.cell) for line in table.lines if line.at_chance]
    chance = "chance" if table.measure.correctness else "the score of an untrained model"
    what = " (1 / classes)" if table.measure.correctness else ""
    if table.measure.correctness and any(line.at_chance and line.at_chance.scored for line in table.lines):
        what += f", and in {listed(table.scored)} at the score of an untrained model"
    yield Note(f"A diverged run is an outcome ({_shares(found)}): {where} counts it at {chance}{what}.")
    if any(claim.evidence for claim in table.verdicts):
        yield Note(f"Claims count diverged runs at {chance}.")


def _shares(found: Sequence[tuple[str, CellEstimate]]) -> str:
    """Name settings with the share of their seeds that diverged; many are counted."""
    shares = [f"{setting}: {cell.diverged} of {cell.of} seeds" for setting, cell in found[:MAX_SETTINGS_NAMED]]
    more = f"; {len(found) - MAX_SETTINGS_NAMED} more settings" if len(found) > MAX_SETTINGS_NAMED else ""
    return f"{'; '.join(shares)}{more}"


def _sampled(table: Table, read: Curves) -> str:
    confirm = read.space.search.confirm
    what = (
        "`search.confirm` in the file runs the best ones" if confirm is None else "the confirm stage runs the best ones"
    )
    none = f", but without test {table.measure.examples} none can be called better"
    judged = ", to be judged on test" if table.test else none
    return f"No interval, p value or bold: the search chose what is shown; {what} under fresh seeds{judged}."


def _seeds(cells: Sequence[Judged]) -> str:
    return f"{_span({one.cell.seeds for one in cells})} seeds"


def _count(cells: Sequence[Judged]) -> str:
    return _span({one.cell.images for one in cells})


def _span(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
