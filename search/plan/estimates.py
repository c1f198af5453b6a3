"""Seconds of an epoch and bytes of a state: measured on rows and states on record, or by a probe; never guessed.

A trial is like another one where few of their settings differ, and none is more important here than another: this room
knows nothing of what they mean. Which ones differ is said beside the figure.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from search.core.trial import Trial
from search.ledger.brief import seconds_of
from search.ledger.ledger import Ledger
from search.ledger.newest import studies_newest
from search.plan.known import Inventory, Known
from search.plan.process import Probe
from search.space.service import SERVICE_SETTINGS
from search.study.leaf import Leaf

MAX_EPOCHS_SAMPLED = 32
"""Epochs of a trial on record that are looked at, spread over all of them."""

MAX_KINDS_COMPARED = 200
"""Different trials on record that are compared with; own ones come first, then those of the newest studies."""

MAX_STUDIES_COMPARED = 20
"""The newest studies of the workload and the class, in which such trials are looked for."""

Kind = frozenset[tuple[str, str]]
"""Settings of a trial that decide how long an epoch takes: all but the seed and the service's own."""


@dataclass(frozen=True)
class Measured:
    """What an epoch takes and a state needs, of one kind of trial; None where no similar trial is on record.

    Attributes:
        seconds: of an epoch.
        size: bytes of a state.
        source: where `seconds` is from, for people.
        size_source: where `size` is from.
    """

    seconds: float | None
    size: float | None
    source: str
    size_source: str


@dataclass(frozen=True)
class _Seen:
    kind: Kind
    data: str
    where: str
    seconds: float | None
    size: float | None


@dataclass
class Estimates:
    """What epochs and states of a study's trials take.

    Attributes:
        stock: its trials.
        ledger: where similar ones are looked for.
        execution_class: only trials of this class are similar.
        workload: only trials of this workload are.
        study: name of the study, "" where it is new.
        probe: trains an epoch of a leaf where nothing similar is on record; None where this is not wanted.
    """

    stock: Inventory
    ledger: Ledger
    execution_class: Mapping[str, str]
    workload: str
    study: str
    probe: Callable[[Leaf], Probe] | None

    def __post_init__(self) -> None:
        self._seen = list(_own(self.stock))
        self._looked: set[str] = set()  # data of which similar trials were looked for
        self._told = False
        self._found: dict[tuple[Kind, str], Measured] = {}
        self._kinds: dict[int, tuple[Kind, str]] = {}
        self._probed: Probe | None = None

    @property
    def start(self) -> float | None:
        """Seconds from the start of the probe's process until it trained; None without a probe."""
        return self._probed.start if self._probed is not None else None

    def of(self, leaf: Leaf) -> Measured:
        """Return what an epoch and a state of this leaf take."""
        if id(leaf) not in self._kinds:
            self._kinds[id(leaf)] = (kind_of(leaf.trial.settings), leaf.data)
        name = self._kinds[id(leaf)]
        if name not in self._found:
            self._found[name] = self._measure(leaf, *name)
        return self._found[name]

    def told(self, probe: Probe) -> None:
        """Take in what an epoch took that was trained meanwhile: it counts where nothing similar was on record."""
        self._probed, self._told = probe, True
        self._found.clear()

    def sources(self, leaves: Iterable[Leaf]) -> list[str]:
        """Say where the seconds of these leaves are from, the most frequent source first."""
        counts = Counter(source for leaf in leaves if (source := self.of(leaf).source))
        return [source for source, _ in counts.most_common()]

    def _measure(self, leaf: Leaf, kind: Kind, data: str) -> Measured:
        timed, sized = self._nearest(kind, data, "seconds"), self._nearest(kind, data, "size")
        looked = self._told or data in self._looked
        if not looked and (timed is None or timed.kind != kind or sized is None):
            self._looked.add(data)
            own = {seen.kind for seen in self._seen if seen.data == data and seen.size is not None}
            self._seen += [seen for seen in self._recorded(data) if seen.kind not in own]
            timed, sized = self._nearest(kind, data, "seconds"), self._nearest(kind, data, "size")
        if (timed is None or sized is None) and self.probe is not None and self._probed is None:
            self._probed = self.probe(leaf)
        probed = self._probed
        seconds = timed.seconds if timed else probed.seconds if probed else None
        size = sized.size if sized else probed.size if probed else None
        return Measured(
            seconds,
            size,
            _source(timed, kind, "rows") if timed else probed.source if probed else "",
            _source(sized, kind, "states") if sized else probed.source if probed and probed.size is not None else "",
        )

    def _nearest(self, kind: Kind, data: str, what: str) -> _Seen | None:
        fitting = [seen for seen in self._seen if getattr(seen, what) is not None and seen.data == data]
        return min(fitting, key=lambda seen: len(seen.kind ^ kind), default=None)

    def _recorded(self, data: str) -> Iterator[_Seen]:
        """Look at trials of this workload, class and data in the whole ledger, the newest studies first."""
        seen: set[Kind] = set()
        newest = studies_newest(self.ledger, self.workload)
        alike = (one for one in newest if dict(one.execution_class or {}) == dict(self.execution_class))
        for record in itertools.islice(alike, MAX_STUDIES_COMPARED):
            fresh: dict[Kind, Trial] = {}
            for trial in self.ledger.begun(record.id, data):
                if (kind := kind_of(trial.settings)) not in seen:
                    fresh.setdefault(kind, trial)
            if not fresh:
                continue
            chosen = dict(itertools.islice(fresh.items(), MAX_KINDS_COMPARED - len(seen)))
            paths = self.ledger.paths(record.id, [trial.number for trial in chosen.values()])
            keys = {kind: paths[trial.number][0][: trial.last_epoch] for kind, trial in chosen.items()}
            sampled = {kind: path[:: max(1, len(path) // MAX_EPOCHS_SAMPLED)] for kind, path in keys.items()}
            # All kinds at once: a question to the database takes longer than its answer.
            took = seconds_of(self.ledger.engine, [key for path in sampled.values() for key in path])
            kept = self.ledger.states.find([key for path in keys.values() for key in path])
            where = "this study" if record.name == self.study else f"study {record.name!r}"
            for kind in chosen:
                sizes = [kept[key].file.size for key in keys[kind] if key in kept]
                yield _Seen(
                    kind, data, where, _middle([took[key] for key in sampled[kind] if key in took]), _middle(sizes)
                )
            seen |= chosen.keys()
            if len(seen) >= MAX_KINDS_COMPARED:
                return


def kind_of(settings: Mapping[str, object]) -> Kind:
    """Return what makes a trial like another one."""
    return frozenset(
        (name, json.dumps(value, sort_keys=True))
        for name, value in settings.items()
        if name != "seed" and name not in SERVICE_SETTINGS
    )


def _own(stock: Inventory) -> Iterator[_Seen]:
    """Yield what rows and states on the study's own paths say."""
    known: dict[tuple[Kind, str], list[Known]] = {}
    for trial in stock.trials:
        if trial.epoch and len(known) < MAX_KINDS_COMPARED:
            known.setdefault((kind_of(trial.leaf.trial.settings), trial.leaf.data), []).append(trial)
    for (kind, data), trials in known.items():
        keys: Sequence[str] = max((trial.leaf.path[: trial.epoch] for trial in trials), key=len)
        seconds = [stock.rows[key].seconds for key in keys if key in stock.rows]
        sizes = [stock.states[key] for key in keys if key in stock.states]
        yield _Seen(kind, data, "this study's own epochs", _middle(seconds), _middle(sizes))


def _middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _source(seen: _Seen, kind: Kind, what: str) -> str:
    differing = sorted({name for name, _ in seen.kind ^ kind})
    if not differing:
        return f"{what} of {seen.where}"
    shown = ", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
    return f"{what} of {seen.where}, where {shown} differ{'s' if len(differing) == 1 else ''}"
