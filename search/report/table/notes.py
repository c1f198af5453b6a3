"""The footnotes of a comparison table: what its numbers are, and what they must not be taken for.

Those on intervals, differences and p values are in `judged_notes`. Each says where a terminal needs it, and in which
words: the report has all of them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from search.core.grouped import grouped
from search.core.shown import counted, duration, listed
from search.core.trial import State
from search.ledger.spending import spending
from search.report.record.curves import Curves
from search.report.table.front import decided_text
from search.report.table.judged_notes import judged_notes
from search.report.table.judgement import Remarks
from search.report.table.model import Elsewhere, Note, Table
from search.report.table.outside_notes import outside_notes
from search.report.table.rung_notes import rung_notes
from search.report.table.unmoved import Unmoved, apart_sentences
from search.report.text import is_accuracy, split_words
from search.space.model import Space
from search.study.start import began_at

PARTIAL = "†"
"""Marks the value of a line whose seeds did not all finish or stop by their rule."""

SELECTED = "‡"
"""Marks validation values that were chosen on the images they are measured on."""

BEST = "¶"
"""Marks the figure by which a search found a setting the best."""

MAX_APART_FIGURES_NAMED = 20
"""Figures, and claims, of other data that are named in a footnote."""

MAX_SAME_GROUPS_NAMED = 3
"""Groups of lines that are one training are named up to so many."""

MAX_DATA_LETTERS = 120
"""Letters of what a terminal says of the data in one note; longer ones end at their first colon there."""

_COUNTS = re.compile(r"[0-9,]+ (training|validation|test)|images per class")
"""Begins what a data card says of any data: how many images there are."""


def footnotes(
    table: Table, read: Curves, homeless: Sequence[str], same: Unmoved, remarks: Remarks | None = None
) -> list[Note]:
    """Return the footnotes of a table.

    Args:
        table: the table, its notes not yet set.
        read: what it was made from.
        homeless: published figures that belong to no single line, as text.
        same: settings that changed no bit.
        remarks: what is to be said of its statistics; None where nobody asked for them.
    """
    judged = judged_notes(table, read, remarks) if remarks is not None else ()
    notes = [*map(Note, (table.incomplete,) if table.incomplete else ()), *map(Note, table.distrusted)]
    notes += [*_meaning(table, read), *_marks(table), *map(Note, table.unmoved), *_seeds(table), *judged]
    notes += [*_front(table), *_sampled(table, read), *_left_out(read.space), *_limits(read), *rung_notes(read)]
    notes += _importances(table)
    notes += [Note(table.frozen.said)] if table.frozen.said else []
    published = _published(read, homeless) if table.elsewhere is None else apart_notes(table.elsewhere)
    told = outside_notes(read) if table.outside else _sharing(table, read, same)
    return [*notes, *published, *told, *_data(read)]


def _meaning(table: Table, read: Curves) -> list[Note]:
    if not table.lines:
        return [Note("No trial has been started.")]
    objective = read.space.search.objective
    epoch = ", at the last epoch" if table.value == "last" else f", at the epoch with the best {objective.metric}"
    epoch = "" if table.outside else epoch
    counts = sorted({line.seeds for line in table.lines})
    seeds = " or ".join(str(count) for count in counts) + (" seed" if counts == [1] else " seeds")
    which = "those that finished of " if any(line.partial for line in table.shown) else ""
    over = f"the run of {seeds}" if counts == [1] else f"mean over {which}{seeds}"
    sense = "higher is better" if objective.maximize else "lower is better"
    images = _images(read)
    text = f"{objective.metric}: {over}{epoch}" + (f", {images}" if images else "") + f"; {sense}."
    return [Note(text, about=("level", objective.metric))]


def _images(read: Curves) -> str:
    """Return "on 137 validation images" from the data cards, "" where they do not say."""
    split, _, _ = read.space.search.objective.metric.partition("_")
    sizes = sorted({len(card.truth[split]) for card in read.cards.values() if split in card.truth})
    if not sizes:
        return ""
    return f"on {' or '.join(str(size) for size in sizes)} {split_words(split)} images"


def _front(table: Table) -> Iterator[Note]:
    """Say of several objectives what the front is, and what is decided of it."""
    front = table.front
    if front is None:
        return
    noisy = (
        f"noisy differences decide where they are clear, adjusted by Holm over {counted(front.tests, 'difference')}"
        if front.tests
        else "nothing that is measured with noise is decided"
    )
    why = f" ({front.why})" if front.why else ""
    counts = decided_text(table)
    yield Note(
        f"Front of {', '.join(front.objectives)}: the settings that no other one dominates, being as good in all and "
        f"better in one. Costs decide by their value; {noisy}{why}. Decided: {counts}; in brackets beside what is not "
        "decided: where a setting stands by values. Lines are sorted by the first objective alone, or as the file "
        "lists them.",
        f"Front of {', '.join(front.objectives)}: {counts} (in brackets what values say); {noisy}{why}.",
    )


def _left_out(space: Space) -> Iterator[Note]:
    if sentence := space.left_out():
        yield Note(f"{sentence[0].upper()}{sentence[1:]} (search.where).")


def _limits(read: Curves) -> Iterator[Note]:
    """Say what the study spent of its limits, and which trials took longer than the file allows."""
    epochs, core_hours = read.space.limits.epochs, read.space.limits.core_hours
    if epochs is not None or core_hours is not None:
        spent, named = spending(read.study.ledger, read.record.id), []
        if epochs is not None:
            named.append(f"{spent.epochs:,} of {epochs:,} epochs")
        if core_hours is not None:
            hours = spent.seconds * read.space.resources.cpus / 3600
            named.append(f"{hours:.3g} of {core_hours:,.12g} core hours of training")
        yield Note(f"Limits: this study has spent {' and '.join(named)}.", "")
    yield from _cut_off(read)


def _cut_off(read: Curves) -> Iterator[Note]:
    """Say which trials took longer than the file allows."""
    cut = [curve.trial for curve in read.curves if curve.trial.state is State.CUT_OFF]
    if cut:
        epochs = sorted({trial.last_epoch for trial in cut})
        where = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"
        hours = read.space.limits.trial_hours
        allowed = f" of {duration(3600 * hours)}" if hours is not None else ""
        yield Note(
            f"{len(cut)} of {counted(len(read.curves), 'trial')} {'was' if len(cut) == 1 else 'were'} cut off at "
            f"{where}, behind the limit{allowed} of training (limits.trial_hours); such a run is in no mean."
        )


def _marks(table: Table) -> Iterator[Note]:
    if any(line.partial for line in table.shown):
        yield Note(
            f"{PARTIAL} Not every seed finished: the mean is over those that finished or were stopped by their rule; "
            "where all that have a value were pruned, it is theirs at their last epoch. Diverged, failed and "
            "unfinished runs are in no mean.",
            f"{PARTIAL} Not every seed finished: mean over those that did, diverged and failed ones apart; where all "
            "that have a value were pruned, at their last epoch.",
            (PARTIAL,),
        )
    if table.value == "best" and table.lines:
        yield Note(
            f"{SELECTED} Chosen on the same {table.measure.examples}: the level is optimistic.", about=(SELECTED,)
        )


def _seeds(table: Table) -> Iterator[Note]:
    if table.lines and all(line.seeds == 1 for line in table.lines) and not table.banner:
        yield Note("One run per setting: a rerun may reverse any order.")


def _sampled(table: Table, read: Curves) -> Iterator[Note]:
    if read.space.search.sampler == "grid" or not table.lines:
        return
    if more := len(table.lines) - len(table.shown):
        yield Note(
            f"The {len(table.shown)} best of {len(table.lines)} lines are shown; {more} more.",
            f"The {len(table.shown)} best of {len(table.lines)} settings; table.csv has all.",
        )
    yield Note(_budget(table, read))
    if tried := max(line.best_of for line in table.lines):
        metric = read.space.search.objective.metric
        chose = table.measure.examples if metric.startswith(("val_", "test_")) else "figures"
        figure = f"the {'validation ' if metric.startswith('val_') else ''}figure of the best of {tried}"
        yield Note(
            f"{BEST} Sorted by {metric}: {figure} is optimistic, because the same {chose} chose it; the next "
            "ones are so, too, if less.",
            f"{BEST} Best of {tried} on the {chose} that chose it: its figure is optimistic, the next ones' too.",
            (BEST,),
        )


def _importances(table: Table) -> list[Note]:
    """Return what each axis of a search matters, by which evaluator, and how far resamples of the settings agree."""
    importance = table.importance
    if importance is None:
        return []
    from search.report.table.importance import BOOTSTRAP_REPEATS  # Optuna is loaded for sampled studies alone

    if not importance.values:
        return [Note(f"No importances of the axes; {importance.remark}.", "")]
    shares = ", ".join(
        f"{name} {100 * share:.0f} [{100 * importance.spread[name][0]:.0f}, {100 * importance.spread[name][1]:.0f}]"
        for name, share in importance.values.items()
    )
    between = f"in brackets the smallest and largest of {BOOTSTRAP_REPEATS} resamples of the settings"
    text = f"Importances in per cent by {importance.evaluator}: {shares}; {between}."
    return [Note(text, f"Importances in per cent [range of resamples]: {shares}.")]


def _budget(table: Table, read: Curves) -> str:
    """Return what the search was given, and what it made of it."""
    settings = f"{len(table.lines)} setting{'' if len(table.lines) == 1 else 's'}"
    seed_count = len(read.space.seeds)
    seeds = "1 seed" if seed_count == 1 else f"{seed_count} seeds each"
    longest = max(curve.trial.epochs for curve in read.curves)
    pruned = sum(curve.trial.state is State.PRUNED for curve in read.curves)
    ended = f", {pruned} of {len(read.curves)} trials pruned" if pruned else ""
    reached = sum(line.alone for line in table.lines)
    count = len(began_at(read.study).keys() & {curve.trial.configuration for curve in read.curves})
    points = f" ({count} starting point{'s' * (count != 1)} of the file first)" if count else ""
    return (
        f"Budget: {settings} from the sampler {read.space.search.sampler}{points}, {seeds}, at most {longest} epochs a "
        f"trial; {reached} epochs in all{ended}."
    )


def _published(read: Curves, homeless: Sequence[str]) -> Iterator[Note]:
    published = read.space.report.published
    if published is None:
        return
    where = f" by {published.source}" if published.source else ""
    n = f", on {published.n} images" if published.n else ", on a number of images that is not stated"
    if published.n is None and not is_accuracy(published.metric):
        n = ""  # an epoch or a cost is no share of images
    text = f"Published: {published.metric} as printed{where}{n}; not measured here."
    short = f"Published: {published.source}; not measured here." if published.source else None
    yield Note(text, short, ("published",))
    if homeless:
        yield Note(f"Published figures that stand beside no line: {', '.join(homeless)}.", about=("published",))


def apart_notes(apart: Elsewhere) -> Iterator[Note]:
    """Yield what a source says of other data than the study's, and that nothing of it is judged here."""
    by = f", by {apart.source}" if apart.source else ""
    n = f" on {apart.n} images" if apart.n else ""
    if apart.figures:
        figures = listed([f"{name} {figure}" for name, figure in apart.figures], MAX_APART_FIGURES_NAMED)
        yield Note(f"{apart.heading}{by}: {apart.metric}{n}: {figures}.", f"{apart.heading}{by}: see the report.")
    if apart.claims:
        claims = listed(apart.claims, MAX_APART_FIGURES_NAMED, "; ")
        source = "" if apart.figures else by
        yield Note(
            f"Claimed of {apart.data}{source}, so not judged on {apart.here}: {claims}. `--set report.published=null` "
            f"judges them as claims about {apart.here}."
        )


def _sharing(table: Table, read: Curves, same: Unmoved) -> Iterator[Note]:
    """What sharing saved, which does not depend on who trained first; what this study trained; lines that are one
    training."""
    alone = sum(line.alone for line in table.lines)
    distinct = len(frozenset().union(*(line.keys for line in table.lines)))
    trained = sum(len(curve.trained) for curve in read.curves)
    begun = [curve for curve in read.curves if curve.rows]
    settled = sum(1 for curve in begun if not curve.trained and curve.trial.state.ended)
    if table.shares:
        yield Note(
            f"All lines: {alone} epochs if every trial were trained alone to where it ended, {distinct} distinct ones; "
            "the distinct epochs of a line are those that no line above it has.",
            f"Sharing: {distinct} epochs say what {alone} would, were every trial trained alone.",
        )
    if trained < alone:
        own = f"{settled} of {len(begun)} trials needed no training of their own"
        yield Note(f"Runs of this study trained {trained} epochs; {own}.", "")
    trainings = grouped((line for line in table.lines if line.keys), lambda line: line.keys).values()
    groups = [[line.setting for line in lines] for lines in trainings if len(lines) > 1]
    for names in groups[:MAX_SAME_GROUPS_NAMED]:
        yield Note(f"Same runs, by construction: {'; '.join(names)}.")
    if len(groups) > MAX_SAME_GROUPS_NAMED:
        lines = sum(len(names) for names in groups[MAX_SAME_GROUPS_NAMED:])
        more = len(groups) - MAX_SAME_GROUPS_NAMED
        yield Note(f"Same runs, by construction, in {more} more groups of {lines} lines.")
    yield from (Note(sentence, "") for sentence in apart_sentences(same, [line.setting for line in table.lines]))


def _data(read: Curves) -> list[Note]:
    notes = dict.fromkeys(note for card in read.cards.values() for note in card.notes)
    return [Note(f"Data: {note}", "" if _COUNTS.match(note) else _cut(f"Data: {note}")) for note in notes]


def _cut(note: str) -> str:
    """Return a note as a terminal says it: of a long list what it is a list of."""
    if len(note) <= MAX_DATA_LETTERS:
        return note
    return f"{note[: note.find(': ', len('Data: ')) + 1]} see the report." if note.count(": ") > 1 else note
