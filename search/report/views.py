"""What `list` and `show` print: all studies, one study, one trial."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from search.core.errors import UserError
from search.core.shown import shell_word
from search.core.trial import State, Trial
from search.core.trust import FRESH, SAVED, USED
from search.ledger.ledger import Ledger
from search.ledger.measured import Measured
from search.ledger.sequences import members
from search.report.briefs import brief_of, kept_briefs
from search.report.formats.axes import axis_columns, shared_parts
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.formats.terminal import Facts, OnTerminal, Paragraph
from search.report.record.complete import states as states
from search.report.record.curves import TRIAL_METRICS, Curve, best_epoch, metric_order, read_curves
from search.report.record.trust import trust_sentences
from search.report.text import duration, figure, one_line, pairs_text, printable, value_text, with_unit
from search.study.opened import OpenStudy
from search.study.pruner import pruner, rungs_on_record
from search.study.start import began_at

_NUMBER = re.compile(r"[-+0-9.,e ]*|[0-9]+ of [0-9]+|not finite|[0-9T:-]+")
"""What no column of figures has beside figures: counts, and times of the clock."""

MAX_TRIALS_LISTED = 50
"""Trials `show_study` lists; `trials.csv` has all of them."""


def study_list(ledger: Ledger) -> RenderableType:
    """Return all studies of a ledger: name, revision, created, trials by state, best value of the objective.

    The best is that of single trials that finished or were stopped, at their last epoch: the luckiest of all of them.
    A sequence of changes is one line.
    """
    every = ledger.studies()
    if not every:
        return Text("The ledger holds no study yet.")
    of_sequences = members(ledger.engine)
    counts = Counter(of_sequences.values())
    studies = [record for record in every if record.id not in of_sequences]
    rows = []
    kept = kept_briefs(ledger)
    for record in studies:
        brief = kept.get(record.id) or brief_of(ledger, record)
        best = "" if brief.best is None else f"{with_unit(brief.best[0])} {figure(*brief.best)}"
        within = counts[record.name]
        held = f"sequence of {within:,} {'study' if within == 1 else 'studies'}" if within else brief.state
        rows.append((record.name, str(record.revision), record.created[:16], held, best))
    heads = {"study": 0, "revision": 3, "created (UTC)": 2, "trials": 0, "best single trial": 1}
    doubts = [f"{record.name}: {said}" for record in every for said in trust_sentences(ledger, record)]
    shows = [f"The studies of a sequence of changes are listed by `show {shell_word(name)}`." for name in [*counts][:1]]
    return Group(listing(heads, rows), *map(Paragraph, [*doubts, *shows, _states_kept(ledger)]))


def _states_kept(ledger: Ledger) -> str:
    count, size = ledger.states.size()
    folder = ledger.states.folder
    if not count:
        return "No state of training is kept."
    if not folder.exists():  # the database was copied without them
        again = "what branches off is trained again from its first epoch"
        return f"{count} saved states of training are on record, but {folder} is not there: {again}."
    return f"{count} saved states of training, {size / 1e9:.2f} GB, in {folder}; `clean --states` frees them"


def show_study(study: OpenStudy) -> RenderableType:
    """Return what is known of one study: its facts, its runs and its trials."""
    ledger, record, space = study.ledger, study.record, study.space
    read = read_curves(study)
    objective = space.search.objective.metric
    facts = {
        "study": record.name if record.revision > 1 else f"{record.name} (revision 1)",  # later ones say theirs
        "title": space.title,
        "created": record.created,
        "workload": record.workload,
        "sampler": space.search.sampler,
        "objective": "; ".join(f"{one.metric}, {one.direction}" for one in space.search.objectives),
        "trials": states([curve.trial for curve in read.curves]),
        "data": ", ".join(card.name or card.fingerprint for card in read.cards.values()),
        "execution class": pairs_text(record.execution_class or {}, 6),
        "proven": _proven(study, read.curves),
    }
    runs = []
    for run in ledger.runs(study_id=record.id):
        took = "" if run["seconds"] is None else duration(run["seconds"])
        runs.append((str(run["id"]), run["started"][:19], took, run["outcome"] or "not ended"))
    hidden = len(read.curves) - MAX_TRIALS_LISTED
    note = [f"The last {MAX_TRIALS_LISTED} trials are shown; {hidden} more."] if hidden > 0 else []
    return Group(
        Facts(facts),
        *map(Paragraph, trust_sentences(ledger, record)),
        Text(""),
        listing({"run": 0, "started (UTC)": 0, "seconds": 1, "outcome": 0}, runs, "runs"),
        Text(""),
        *_trials(read.curves[-MAX_TRIALS_LISTED:], objective),
        *map(Paragraph, note),
    )


def _trials(curves: Sequence[Curve], objective: str) -> list[RenderableType]:
    """Return a table of trials; parameters that all of them share stand above it."""
    parts = [[pairs_text({name: value}, 4) for name, value in curve.trial.parameters.items()] for curve in curves]
    common, left = shared_parts(parts)
    names = dict.fromkeys(name for curve in curves for name in curve.trial.parameters)
    shown = [{name: value for name, _, value in (part.partition("=") for part in own)} for own in left]
    trials = [curve.trial for curve in curves]
    number = _column("trial", [str(trial.number) for trial in trials])
    # Each axis for itself: a terminal shows those that it has room for, and names the others.
    axes = [replace(column, priority=3 + place) for place, column in enumerate(axis_columns(shown, [*names]))]
    others = [
        _column("seed", [str(trial.seed) for trial in trials], 1),
        _column("state", [trial.state.value for trial in trials]),
        _column("ended by", [trial.ended_by for trial in trials], 3 + len(axes)),
        _column("epochs", [f"{trial.last_epoch} of {trial.epochs}" for trial in trials], 2),
        _column(
            with_unit(objective), [figure(objective, curve.metric(objective, curve.last_epoch)) for curve in curves]
        ),
    ]
    said = [Paragraph(f"All of them: {', '.join(common)}.")] if common else []
    return [Text("trials"), *said, OnTerminal(Sheet("", [number, *axes, *others]))]


def _proven(study: OpenStudy, curves: Sequence[Curve]) -> str:
    """Say of how many kinds of training of a study it is proven that their states can be shared, and by what."""
    kinds = {recorded.kind for curve in curves for recorded in curve.rows.values()} - {""}
    proofs = study.ledger.proofs(kinds) if kinds else {}
    if not kinds:
        return ""
    each = "proof" if (count := sum(map(len, proofs.values()))) == 1 else "proofs"
    return f"{len(proofs)} of {len(kinds)} kind{'s' * (len(kinds) != 1)} of training, by {count} {each}"


def show_trial(study: OpenStudy, number: int) -> RenderableType:
    """Return what is known of one trial: parameters, settings, how it ended, its last and best epoch, its error.

    Raises:
        UserError: the study has no such trial.
    """
    record, space = study.record, study.space
    curve = curve_of(study, trial_numbered(study, number))
    trial, last = curve.trial, curve.last_epoch
    facts = {
        "trial": f"{trial.number} of {record.name}",
        "configuration": str(trial.configuration),
        "starting point": began_at(study).get(trial.configuration, ""),
        "seed": str(trial.seed),
        "state": trial.state.value,
        "ended by": trial.ended_by,
        "because": _pruned_because(study, curve),
        "epochs": f"{trial.last_epoch} of {trial.epochs}",
        "best epoch": str(curve.best_epoch or ""),
        "attempts": str(trial.attempts),
        "seconds": duration(curve.seconds),
        "began": _began(curve),
        "parameters": "\n".join(f"{name} = {value_text(value)}" for name, value in trial.parameters.items()),
        "settings": "\n".join(f"{name} = {value_text(value)}" for name, value in sorted(trial.settings.items())),
    }
    rows = []
    known_metrics = curve.rows[last].row.metrics if last else {}
    for name in metric_order(known_metrics, (space.search.objective.metric, *TRIAL_METRICS)):
        rows.append((with_unit(name), *(_shown(name, curve.metric(name, epoch)) for epoch in (last, curve.best_epoch))))
    parts: list[RenderableType] = [Facts(facts)]
    if last:
        parts += [Text(""), listing({"metric": 0, "last epoch": 0, "best epoch": 0}, rows)]
    if trial.error:
        parts += [Text(""), Text(printable(trial.error, lines=True))]
    return Group(*parts)


def trial_numbered(study: OpenStudy, number: int) -> Trial:
    """Return the trial of that number.

    Raises:
        UserError: the study has no such trial.
    """
    trials = {trial.number: trial for trial in study.ledger.trials(study.record.id)}
    if number not in trials:
        known = f"it has trials {min(trials)} to {max(trials)}" if trials else "it has none yet"
        raise UserError(f"study {study.record.name!r} has no trial {number}; {known}")
    return trials[number]


def _pruned_because(study: OpenStudy, curve: Curve) -> str:
    """Say which values a pruned trial was compared with; "" for any other, and where these are on record no more."""
    trial, epoch, metric = curve.trial, curve.last_epoch, study.space.search.objective.metric
    rule = pruner(study.space, rungs_on_record(study.ledger, study.record.id))
    if trial.state is not State.PRUNED or rule is None or not epoch:
        return ""
    key = curve.keys[epoch - 1]
    if not rule.decided(epoch, key, trial.configuration):
        return ""
    cutoff, words = rule.because(epoch, key, trial.configuration)
    side = "below" if rule.maximize else "above"
    own = f"{with_unit(metric)} {figure(metric, curve.metric(metric, epoch))} at epoch {epoch}"
    if study.space.search.median is not None:
        values = [value for at in range(1, epoch + 1) if (value := curve.metric(metric, at)) is not None]
        best = figure(metric, (max if rule.maximize else min)(values))
        own = f"{with_unit(metric)} {best}, its best up to epoch {epoch},"
    return f"{own} is {side} {figure(metric, cutoff)}, {words}"


def _began(curve: Curve) -> str:
    """Say how the processes began that trained a trial's rows, as far as it is on record."""
    fresh = dict.fromkeys((FRESH, SAVED), "in a fresh process")
    origins = {**fresh, USED: "in a process that had trained others before", "": ""}
    said = dict.fromkeys(origins.get(row.origin, "from saved states") for _, row in sorted(curve.rows.items()))
    return ", ".join(name for name in said if name)


def curve_of(study: OpenStudy, trial: Trial) -> Curve:
    """Return one trial with its rows on record."""
    keys, data = study.ledger.paths(study.record.id)[trial.number]
    keys = keys[: trial.last_epoch]
    recorded = Measured(study.ledger, study.space.read_metrics).rows(dict.fromkeys(keys, data))
    rows = {epoch: recorded[key] for epoch, key in enumerate(keys, start=1) if key in recorded}
    return Curve(trial, keys, data, rows, frozenset(), best_epoch(rows, study.space.search.objective))


def _shown(name: str, value: float | None) -> str:
    return "" if value is None else figure(name, value) or "not finite"


def listing(heads: Mapping[str, int], rows: Sequence[Sequence[str]], title: str = "") -> OnTerminal:
    """Return a table for the terminal.

    Args:
        heads: of the columns -> priority: the larger one gives way first where there is no room.
        rows: texts, one for each column.
        title: above it.
    """
    columns = [
        _column(head, [row[place] for row in rows], priority) for place, (head, priority) in enumerate(heads.items())
    ]
    return OnTerminal(Sheet(title, columns))


def _column(head: str, texts: Sequence[str], priority: int = 0) -> Column:
    """Return a column, flush right where it holds figures."""
    entries = [Entry(one_line(text)) for text in texts]
    number = any(entry.text for entry in entries) and all(_NUMBER.fullmatch(entry.text) for entry in entries)
    return Column(head, "number" if number else "text", entries, priority=priority)
