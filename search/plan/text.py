"""A plan as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from search.core.shown import cells, counted, folded
from search.core.shown import duration as duration
from search.core.trial import is_timed
from search.plan.overhead import Overhead
from search.plan.plan import Plan, confirmed_settings
from search.plan.process import FIRST_EPOCHS
from search.plan.tree import Stage, walk
from search.study.leaf import Leaf
from search.study.pruner import decided_text

MAX_TREE_LINES = 40
"""Lines of the stage tree that are shown unless all are asked for."""

MAX_VALUES_LISTED = 4
"""Values of one axis that are listed before the rest is counted."""


def text(plan: Plan, whole_tree: bool = False, width: int | None = None) -> str:
    """Return the plan as lines of text.

    Args:
        plan: the plan.
        whole_tree: show all of the stage tree.
        width: of the terminal in its columns; None breaks no line.
    """
    lines: list[str | _Figure] = [*_head(plan), *_epochs(plan), *_cost(plan)]
    stages = sum(1 for _ in walk(plan.tree))
    if stages:
        lines += ["", "stage tree (epochs: what differs there)"]
        shown = list(tree_lines(plan) if whole_tree else islice(tree_lines(plan), MAX_TREE_LINES))
        lines += [f"  {line}" for line in shown]
        if left := stages - len(shown):
            lines.append(f"  ... {left:,} more line{'s' * (left > 1)}; --tree shows all")
    return "\n".join(map(str, lines) if width is None else chain.from_iterable(_narrow(line, width) for line in lines))


class _Figure(NamedTuple):
    """What a line is about, how much, and what is said of that."""

    label: str
    figure: str
    note: str

    def __str__(self) -> str:
        return f"{self.label:<40} {self.figure:>12}" + (f"  {self.note}" if self.note else "")


def _narrow(line: str | _Figure, width: int) -> Iterator[str]:
    """Yield a line as lines that fit: what is said of a figure goes below it, and no figure is broken."""
    if cells(str(line)) <= width:
        yield str(line)
    elif isinstance(line, str):
        indent = " " * (len(line) - len(line.lstrip()))
        yield from (indent + part for part in folded(line, width - len(indent), hang=2))
    else:
        head = str(line._replace(note=""))
        below = [line.note] if cells(head) <= width else [line.figure, line.note]
        yield head if cells(head) <= width else line.label
        yield from (f"      {part}" for text in below for part in folded(text, width - 6) if part)


def _head(plan: Plan) -> Iterator[str | _Figure]:
    yield f"study {plan.study}"
    for note in plan.space.notes:
        yield f"  note: {note}"
    what = f"{counted(plan.configurations, 'configuration')} x {counted(plan.seeds, 'seed')}"
    yield _line("trials", f"{plan.trials:,}", what)
    starts = f"{counted(len(start), 'starting point')} tried first" if (start := plan.space.search.start) else ""
    yield from (f"  {said}" for said in (plan.space.left_out(), starts, decided_text(plan.space)) if said)
    if plan.space.search.further:
        objectives = [f"{one.metric} ({one.direction})" for one in plan.space.search.objectives]
        yield f"  objectives {', '.join(objectives)}: the front is looked for; costs are worked out, not trained"
        times = [one.metric for one in plan.space.search.further if is_timed(one.metric)]
        if times and plan.seconds.workers > 1:
            alone = "where one takes all `resources.cpus`, it runs alone"
            yield f"  {', '.join(times)}: {plan.seconds.workers} trials at once slow each other; {alone}"
    if plan.unasked:
        so_far = plan.configurations - plan.unasked
        chosen = f"{plan.unasked:,} of them as it goes ({so_far:,} so far)"
        yield f"  the sampler {plan.space.search.sampler} chooses {chosen}: the figures below are upper limits"


def _epochs(plan: Plan) -> Iterator[str | _Figure]:
    epochs = plan.epochs
    yield "epochs"
    yield _line("  every trial at full length", f"{epochs.full:,}")
    if plan.early:
        said = f"ends known for {plan.known_ends:,} of {plan.trials:,} trials, the others at full length"
        yield _line("  every trial alone, ended early", f"{epochs.alone:,}", said)
    times = f"{epochs.full / epochs.distinct:.2f} times fewer" if epochs.distinct < epochs.full else ""
    yield _line("  distinct", f"{epochs.distinct:,}", times if plan.sharing else "sharing is off")
    if plan.early:
        yield _line("  distinct, with the ends that are known", f"{epochs.needed:,}")
    yield _line("  already in the ledger", f"{epochs.recorded:,}")
    exact = epochs.exact and not plan.unasked
    yield _line("  to be trained", f"{epochs.train:,}", "" if exact else f"at most; at least {epochs.least:,}")
    if epochs.expected is not None and not exact:
        eta = getattr(plan.space.search.pruning, "reduction_factor", 0)
        yield _line("  expected", f"{epochs.expected:,.0f}", f"if one in {eta:g} goes on at each rung")
    yield _line("  to be trained again, to reach a state", f"{epochs.again:,}")
    yield _line("  to prove", f"{epochs.prove:,}", _proofs(plan, exact))
    if (confirm := plan.space.search.confirm) is not None:
        what = f"at most; {counted(confirmed_settings(plan.space), 'setting')} x {counted(confirm.seeds, 'seed')}"
        each = plan.seconds.epoch
        time = f", {duration(plan.confirm * each / plan.seconds.workers)} and its own start" if each else ""
        yield _line("  its confirm stage, besides", f"{plan.confirm:,}", what + time)
        if plan.untested:
            yield "  without test images its confirm stage can call no setting better"


def _proofs(plan: Plan, exact: bool) -> str:
    """Say what is proven, and how often that is paid."""
    if not plan.epochs.prove:
        return ""
    what = f"{counted(plan.kinds, 'kind')} of training, once; in processes of their own"
    more = "" if not plan.unasked else "; besides, one in a hundred of the states that are started from"
    return f"{'' if exact else 'at most; '}{what}{more}"


def _cost(plan: Plan) -> Iterator[str | _Figure]:
    seconds, room = plan.seconds, plan.room
    workers = counted(seconds.workers, "worker")
    if plan.epochs.train + plan.epochs.again + plan.epochs.prove == 0:
        yield _line(
            "time", "seconds", "nothing is to be trained" + (" before the confirm stage" if plan.confirm else "")
        )
    elif seconds.device is None:
        yield _line("time", "unknown", "no timing on record for a similar trial, and no probe was made")
    else:
        assert seconds.wall is not None
        assert seconds.epoch is not None
        assert seconds.chain is not None
        yield _line("time of training", duration(seconds.device), f"{seconds.epoch:.3g} s an epoch")
        about = "at most" if plan.early or plan.unasked else "about"
        if seconds.expected is not None:
            about += f"; expected {duration(seconds.expected)}"
        yield _line(f"time with {workers}", duration(seconds.wall), f"{about}; longest chain {duration(seconds.chain)}")
        if seconds.start:
            yield _line("  of it until the first epoch begins", duration(seconds.start), _start(seconds.overhead))
        if seconds.first is not None:
            yield _line("  first comparison after", duration(seconds.first), "one seed of every setting is trained")
        yield from _sources("epoch seconds from", seconds.sources)
    if plan.sharing:
        size_of_each = "" if room.size is None else f" of {size(room.size)}"
        total = "unknown" if room.total is None else size(room.total)
        if room.limit <= 0:
            yield _line(
                "states", "none", "resources.states_gb is 0: every branch is trained from the last state there is"
            )
        elif room.kept:
            more = ", rolling ones apart"
            yield _line("states", total, f"{room.kept:,}{size_of_each}{more}; the limit is {size(room.limit)}")
            yield from _sources("their size from", room.sources)
            if room.total is not None and room.total > room.limit:
                yield "  more than the limit: the least useful go first, and what would start there is trained again"
        else:
            yield _line("states", "none", f"nothing more to keep; the limit is {size(room.limit)}")
    yield _line("states there", size(room.there_bytes), f"{room.there:,}, of all studies of this ledger")
    place = plan.place
    device = place.execution_class.get("device", "")
    gpus = f", {place.gpus:g} GPU" if place.gpus else ""
    yield _line("execution class", device or "as below", f"{place.cpus} CPU{gpus} a trial; {place.source}")
    if place.note:
        yield f"  {place.note}"
    if plan.limits:
        yield "limits"
        for cut in plan.limits:
            yield _line(f"  {cut.limit.replace('_', ' ')}", f"{cut.value:,.12g}", cut.says)
    if plan.shows is not None:
        yield f"what it can show: {plan.shows.sentence}"


def compared(plan: Plan, trained: int, again: int, proved: int, seconds: float, ray: bool = True) -> str:
    """Return in one line what was planned for a run and what became of it.

    Args:
        plan: made before its first epoch.
        trained: epochs it trained.
        again: epochs it trained again to reach a state.
        proved: epochs it trained in fresh processes, to prove others.
        seconds: it took.
        ray: whether Ray was started in it.
    """
    exact, epochs = plan.epochs.exact and not plan.unasked, plan.epochs
    line = f"planned {'' if exact else 'at most '}{epochs.train:,} epochs, {epochs.again:,} again and {epochs.prove:,} "
    line += f"to prove, trained {trained:,}, {again:,} again and {proved:,} to prove"
    if plan.seconds.wall is None:
        why = "no time was planned: no similar trial was on record, and none came to its second epoch"
        return f"{line}; took {duration(seconds)}; {why}"
    without = plan.seconds.overhead.ray if plan.seconds.start and not ray else 0.0
    return f"{line}; planned {_about(plan, without)}, took {duration(seconds)}"


def timed(plan: Plan) -> str:
    """Say how long a run takes that has trained its first epochs, of a plan that could not tell it before."""
    return f"planned {_about(plan)}"


def _about(plan: Plan, without: float = 0.0) -> str:
    """Say how long a run takes, so many seconds of it left out, and what says so where it was none on record."""
    assert plan.seconds.wall is not None
    about = "at most" if plan.early or plan.unasked else "about"
    by = ", by its first epochs" if FIRST_EPOCHS in plan.seconds.sources else ""
    return f"{about} {duration(plan.seconds.wall - without)}{by}"


def _start(overhead: Overhead) -> str:
    """Say what a run does before its first epoch, and where the seconds are from."""
    return f"Ray {duration(overhead.ray)}, workers {duration(overhead.worker)}; {overhead.source}"


def tree_lines(plan: Plan) -> Iterator[str]:
    """Yield the stage tree, a line a stage: its epochs, what differs there, and how far it is on record."""
    everything = _values([known.leaf for known in plan.stock.trials])
    parents: list[_Values] = []
    rails: list[bool] = []  # per depth: whether its branch goes on below
    for depth, last, stage in walk(plan.tree):
        del parents[depth:], rails[depth:]
        mine, above = _values(stage.leaves), parents[-1] if parents else everything
        indent = "".join("│  " if goes_on else "   " for goes_on in rails[1:])
        branch = ("└─ " if last else "├─ ") if depth else ""
        rails.append(not last)
        parents.append(mine)
        span = f"{stage.start + 1}-{stage.end}" if stage.end > stage.start + 1 else f"{stage.end}"
        notes = _notes(plan, stage)
        what = _differs(mine, above) or ("all trials" if depth == 0 else "the rest of them")
        yield f"{indent if depth else ''}{branch}{span}: {what}{f' [{notes}]' if notes else ''}"


def _notes(plan: Plan, stage: Stage) -> str:
    notes = []
    if len(stage.leaves) > 1:
        notes.append(f"{len(stage.leaves):,} trials")
    if ending := stage.ending:
        if varying := _varying(ending):
            notes.append(varying)
        if stage.children:
            notes.append(f"{counted(len(ending), 'trial')} {'ends' if len(ending) == 1 else 'end'} here")
    there = sum(key in plan.stock.rows for key in stage.keys)
    if there:
        notes.append("on record" if there == stage.end - stage.start else f"on record to {stage.start + there}")
    return "; ".join(notes)


_Values = dict[str, dict[str, Any]]


def _values(leaves: Sequence[Leaf]) -> _Values:
    """Return axis (and seed) -> text of each value it has among these leaves."""
    found: _Values = {}
    for leaf in leaves:
        for name, value in [*leaf.trial.parameters.items(), ("seed", leaf.trial.seed)]:
            found.setdefault(name, {})[_spelt(value)] = None
    return found


def _differs(mine: _Values, theirs: _Values) -> str:
    """Say which values some leaves have of those that stood open before."""
    return ", ".join(
        f"{name}={_listed(list(values))}" for name, values in mine.items() if len(values) < len(theirs[name])
    )


def _varying(leaves: Sequence[Leaf]) -> str:
    """Say in what trials that train the same epochs differ: how they are stopped."""
    return ", ".join(f"{name}={_listed(list(found))}" for name, found in _values(leaves).items() if len(found) > 1)


def _listed(values: Sequence[str]) -> str:
    if len(values) == 1:
        return values[0]
    shown = "|".join(values[:MAX_VALUES_LISTED])
    return f"{shown}|... ({len(values)})" if len(values) > MAX_VALUES_LISTED else shown


def _spelt(value: object) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _sources(label: str, sources: Sequence[str]) -> Iterator[str]:
    for source in sources[:2]:
        yield f"  {label} {source}"
    if len(sources) > 2:
        yield f"  and {len(sources) - 2} more such sources"


def _line(label: str, figure: str, note: str = "") -> _Figure:
    return _Figure(label, figure, note)


def size(count: float) -> str:
    """Return bytes as a person says them, in powers of 1000: ``1.2 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.3g} {unit}" if count < 1000 else f"{count:,.0f} {unit}"
        count /= 1000
    raise AssertionError(count)
