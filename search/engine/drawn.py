"""The comparison while it grows, as lines of text: a pure function of what is known, of a width and of a height.

No number is ever cut, and no line is wider than it may be. Columns are left out where they do not fit, the least
telling first; the name of a setting is what is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from search.core.shown import counted, duration, is_accuracy, one_line, significant
from search.core.trial import State
from search.engine.decide.outcomes import Progress
from search.engine.decide.standings import Standing
from search.space.model import CONFIRM_SUFFIX, Space

MAX_SEARCH_ROWS = 5
"""Configurations of a search that are shown: the best ones."""

MIN_SETTING_CELLS = 14
"""Cells that the name of a setting has, before a column is left out for it."""

FRAME_LINES = 4
"""Lines beside those of settings: title, heads, what is not shown, progress."""

GAP = "  "

Label = Callable[[Space, Mapping[str, object]], str]
"""Names a setting: space and parameters -> text."""


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        text: what it says.
        style: how it is set off: "title", "head", "baseline", "progress" or "".
    """

    text: str
    style: str = ""


@dataclass(frozen=True)
class _Column:
    head: str
    cells: Sequence[str]
    left: bool = False

    @property
    def width(self) -> int:
        return max(map(cell_len, [self.head, *self.cells]))


def view(progress: Progress, label: Label, width: int, height: int, now: float, began: float) -> list[Line]:
    """Return the comparison as it stands, above one line of progress.

    Args:
        progress: of the run.
        label: names the settings.
        width, height: cells of a line, and lines, that there are.
        now: monotonic seconds.
        began: when training began, on that clock.
    """
    below = [Line(bar(progress, width, now, awaited(progress, now - began)), "progress")]
    above = comparison(progress, label, width, height - len(below)) if height > FRAME_LINES else []
    apart = [Line("")] if above and height > len(above) + len(below) else []  # from what was said before
    return [*apart, *above, *below]


def comparison(progress: Progress, label: Label, width: int, height: int) -> list[Line]:
    """Return one line per setting, below a title and heads; nothing where no setting is known yet.

    Args:
        progress: of the run.
        label: names the settings.
        width, height: cells of a line, and lines, that there are.
    """
    standings, space = progress.standings.now(), progress.standings.space
    room = height - FRAME_LINES + 1
    if not standings or room < 1:
        return []
    ranked = progress.standings.ranked(standings)
    searching = space.search.sampler != "grid"
    alike: Mapping[int, int] = {}  # number of a setting -> others that are the same training so far
    if searching:
        begun = [each for each in ranked if each.mean is not None or each.newest is not None]
        shown = begun[: min(room, MAX_SEARCH_ROWS)]
    elif len(standings) <= room:
        shown = standings
    else:
        first = [each for each in standings if each.baseline][: room - 1]
        groups = progress.standings.apart([each for each in ranked if each not in first])
        shown = [*first, *[same[0] for same in groups.values()][: room - len(first)]]
        alike = {number: len(same) - 1 for number, same in groups.items()}
    if not shown:
        return []
    ranks = {each.configuration: place for place, each in enumerate(ranked, start=1)}
    columns = _columns(space, shown, label, ranks if searching else {}, alike)
    result = [Line(_title(progress, len(standings), width), "title")]
    (heads, *rows), common = _laid(columns, width)
    result.append(Line(heads, "head"))
    result += [Line(row, "baseline" if each.baseline else "") for row, each in zip(rows, shown, strict=True)]
    if more := len(standings) - len(shown) - sum(alike.get(each.configuration, 0) for each in shown):
        result.append(Line(_cut(f"and {more:,} more{f'; these with {common}' if common else ''}", width), "head"))
    return result


def _title(progress: Progress, settings: int, width: int) -> str:
    """Say what the means are of, and how far they go, in as many words as there is room for."""
    standings = progress.standings
    space = standings.space
    metric = space.search.objective.metric
    stage = "confirm stage; " if space.name.endswith(CONFIRM_SUFFIX) else ""
    seeds, whole = counted(len(space.seeds), "seed"), standings.whole_seeds
    if space.search.sampler != "grid":
        so_far = f"the best of {settings:,} of {counted(space.search.trials or settings, 'configuration')}"
    elif whole == len(space.seeds):
        so_far = f"all {seeds} of every setting"
    else:
        so_far = f"{whole} of {seeds} of every setting" if whole else "no seed of every setting yet"
    provisional = "provisional: " if progress.to_come and not so_far.startswith("all") else ""
    of = f"{one_line(metric)}{' in %' if is_accuracy(metric) else ''}"
    of += ", the first objective" if space.search.further else ""
    at = "best epoch" if space.report.value == "best" else "last epoch"
    titles = [
        f"{stage}{provisional}{of} at the {at}; {so_far}",
        f"{stage}{provisional}{of}; {so_far}",
        f"{stage}{provisional}{so_far}",
    ]
    return next((title for title in titles if cell_len(title) <= width), _cut(titles[-1], width))


def _columns(
    space: Space, shown: Sequence[Standing], label: Label, ranks: Mapping[int, int], alike: Mapping[int, int]
) -> list[_Column]:
    """Return the columns, the first ones being those that are left out last."""
    metric, seeds = space.search.objective.metric, len(space.seeds)
    names = [one_line(label(space, each.parameters)) for each in shown]
    setting = _Column("setting", names, left=True)
    means = _Column("mean", ["" if each.mean is None else _figure(metric, each.mean) for each in shown])
    columns = [setting, means, _Column("seeds", [f"{each.done} of {seeds}" for each in shown])]
    if ranks:
        columns.append(_Column("rank", ["" if each.mean is None else f"{ranks[each.configuration]}" for each in shown]))
    if any(each.difference is not None or each.baseline for each in shown):
        head = "difference (points)" if is_accuracy(metric) else "difference"
        columns.append(_Column(head, [_difference(metric, each, seeds) for each in shown]))
    if any(alike.get(each.configuration) for each in shown):
        others = [alike.get(each.configuration, 0) for each in shown]
        columns.append(_Column("same so far", [counted(count, "other") if count else "" for count in others]))
    if any(each.newest or each.ended for each in shown):
        columns.append(_Column("in training", [_newest(metric, each) for each in shown], left=True))
    return columns


def _figure(metric: str, value: float) -> str:
    return f"{100 * value:.2f}" if is_accuracy(metric) else significant(value)


def _difference(metric: str, standing: Standing, seeds: int) -> str:
    if standing.baseline:
        return "baseline"
    if standing.difference is None:
        return ""
    value = f"{100 * standing.difference:+.2f}" if is_accuracy(metric) else f"{standing.difference:+.4g}"
    return value if standing.common == seeds else f"{value} ({counted(standing.common, 'seed')})"


def _newest(metric: str, standing: Standing) -> str:
    """Return the newest value of a trial in progress, marked as such, and what became of seeds that are not done."""
    parts = []
    if standing.newest is not None:
        epoch, value = standing.newest
        parts.append(f"{_figure(metric, value)} at epoch {epoch}")
    parts += [f"{count} {state.value}" for state, count in standing.ended.items()]
    return ", ".join(parts)


def _laid(columns: Sequence[_Column], width: int) -> tuple[list[str], str]:
    """Return heads and rows, and what was left out of all names: these are cut where they have to be, and columns that
    do not fit are left out."""
    setting, *others = columns
    while others and width - sum(len(GAP) + each.width for each in others) < min(MIN_SETTING_CELLS, setting.width):
        others.pop()
    room = max(1, min(setting.width, width - sum(len(GAP) + each.width for each in others)))
    names, common = _short(setting, room)
    room = min(room, max(map(cell_len, names)))
    lines = []
    for name, *rest in zip(names, *([each.head, *each.cells] for each in others), strict=True):
        text = set_cell_size(_cut(name, room), room)
        for cell, column in zip(rest, others, strict=True):
            space = " " * (column.width - cell_len(cell))
            text += GAP + (cell + space if column.left else space + cell)
        lines.append(text.rstrip())
    return lines, common


def _short(setting: _Column, room: int) -> tuple[list[str], str]:
    """Return the head and the names of settings, and what was left out of all of them.

    They have fewer words where they do not fit: what all have in common is left out, then the names of the axes stand
    in the head, and if that is not enough names lose their middle.
    """
    names = list(setting.cells)
    pairs = [[part.partition("=") for part in name.split(", ")] for name in names]
    axes = [axis for axis, _, _ in pairs[0]]
    alike = all([axis for axis, _, _ in each] == axes for each in pairs) and all(axes)
    if setting.width <= room or len(names) < 2 or not alike or not all(sign for _, sign, _ in pairs[0]):
        return [setting.head, *(_without_middle(name, room) for name in names)], ""
    differing = [place for place in range(len(axes)) if len({each[place][2] for each in pairs}) > 1]
    common = ", ".join(f"{axis}={pairs[0][place][2]}" for place, axis in enumerate(axes) if place not in differing)
    kept = [[f"{each[place][0]}={each[place][2]}" for place in differing] for each in pairs]
    if differing and max(cell_len(", ".join(parts)) for parts in kept) <= room:
        return [setting.head, *(", ".join(parts) for parts in kept)], common
    values = [", ".join(each[place][2] for place in differing) for each in pairs]
    head = _cut(", ".join(axes[place] for place in differing), room)
    return [head or setting.head, *(_without_middle(value, room) for value in values)], common


def _without_middle(text: str, room: int) -> str:
    """Return a text of at most so many cells: what tells settings apart may stand at either end."""
    if cell_len(text) <= room or room < MIN_SETTING_CELLS:
        return _cut(text, room)
    head = set_cell_size(text, (room - 1) // 2).rstrip()
    tail = text[-(room - 1 - cell_len(head)) :]
    while cell_len(head) + 1 + cell_len(tail) > room:
        tail = tail[1:]
    return f"{head}…{tail}"


def awaited(progress: Progress, seconds: float) -> str:
    """Return what a person waits for that brings no epoch, so many seconds after training began; "" where one may come
    at any time."""
    if not progress.worker_ready:
        return f"starting the first worker ({seconds:.0f} s)"
    if not progress.epochs_trained + progress.epochs_retrained + progress.epochs_proved:
        return f"first epoch ({seconds:.0f} s)"
    if progress.undecided or progress.running:
        return ""
    return "proving what was shared" if progress.proving else "ending the workers"


def bar(progress: Progress, width: int, now: float, status: str = "") -> str:
    """Return the one line of progress: of its parts those that fit, the most telling ones."""
    trained, planned = progress.epochs_trained, progress.epochs_planned
    parts: list[tuple[int, str]] = []  # how soon it is left out, 0 last, and what it says
    of = f" of about {max(planned, trained):,.0f}" if planned is not None and progress.undecided else ""
    parts.append((0, f"{trained:,}{of} epoch{'s' * (trained != 1 or bool(of))}"))
    if status:
        parts.append((2, status))
    if progress.ends_at is not None and progress.undecided:
        parts.append((1, f"{duration(max(0.0, progress.ends_at - now), whole=True)} left"))
    if progress.running:
        parts.append((3, f"{progress.running} running"))
    if progress.proving:
        parts.append((3, counted(progress.proving, "proof") + " running"))
    if progress.rate is not None and not status:
        parts.append((4, f"{_rate(progress.rate)} epochs/s"))
    if progress.total is not None:
        parts.append((5, f"{progress.done:,} of {counted(progress.total, 'trial')} ended"))
    for place, state in (
        (2, State.FAILED),
        (3, State.DIVERGED),
        (6, State.PRUNED),
        (6, State.CUT_OFF),
        (6, State.STOPPED),
    ):
        if count := progress.states[state]:
            parts.append((place, f"{count:,} {state.value}"))
    counts = {"reused": progress.epochs_reused, "in proofs": progress.epochs_proved, "again": progress.epochs_retrained}
    parts += [(7 + place, f"{number:,} {name}") for place, (name, number) in enumerate(counts.items()) if number]
    while len(parts) > 1 and cell_len(", ".join(text for _, text in parts)) > width:
        parts.remove(max(reversed(parts), key=lambda part: part[0]))
    return _cut(", ".join(text for _, text in parts), width)


def _rate(rate: float) -> str:
    """Return a rate to 2 digits, and whole from 10 on; without an exponent."""
    return f"{rate:,.0f}" if rate >= 9.95 else significant(float(f"{rate:.2g}"))


def _cut(text: str, width: int) -> str:
    """Return a text of at most so many cells, with a sign where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…" if width > 1 else "…"[:width]
