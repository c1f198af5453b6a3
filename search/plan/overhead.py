"""What a run takes beside its epochs: the start of Ray, of workers, of leases and of proofs, as runs on record took it.

Every run records these seconds with its conditions. A plan takes them from the newest runs of the same workload on this
machine; where there is none, from what is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from statistics import median
from typing import Any

from search.ledger.ledger import Ledger
from search.ledger.newest import runs_newest
from search.system import machine

MAX_RUNS_ASKED = 5
"""Newest runs that are asked for each of the seconds; the middle one counts."""

MAX_RUNS_LOOKED_AT = 50
"""Newest runs among which those are looked for, however many are on record."""

MEASURED = "as in runs on this machine"

TIMINGS = "timings"
"""Name, among the conditions of a run, of what it took beside its epochs."""


@dataclass(frozen=True)
class Overhead:
    """Seconds that a run takes beside its epochs.

    Attributes:
        ray: until a worker has said what it is.
        worker: from then until the first epoch begins: processes, imports, the data.
        lease: the beginning of a lease on a worker that is there.
        epoch: each epoch, beside its training: the row travels, is committed and decided on.
        proof: each proof, beside its epochs: a process of its own.
        source: where they are from, for people.
    """

    ray: float
    worker: float
    lease: float
    epoch: float
    proof: float
    source: str = "assumed; the first run measures it"

    @property
    def start(self) -> float:
        """Until the first epoch begins."""
        return self.ray + self.worker


ASSUMED = Overhead(ray=8.0, worker=7.0, lease=0.3, epoch=0.03, proof=4.0)
"""Two cores, a workload that imports torch."""


def overhead_on_record(ledger: Ledger, workload: str) -> Overhead:
    """Return what runs of a workload took on this machine; of Ray's start every workload's runs tell.

    Args:
        ledger: where they are on record.
        workload: its name in the space file.
    """
    host = machine.hardware()["host"]
    seen: dict[str, list[float]] = {name: [] for name in asdict(ASSUMED) if name != "source"}
    for name, runs in {"": runs_newest(ledger, workload), "ray": runs_newest(ledger)}.items():
        for run in islice(runs, MAX_RUNS_LOOKED_AT):
            conditions: Mapping[str, Any] = run["conditions"]
            if conditions.get("hardware", {}).get("host") != host:
                continue
            for of, seconds in conditions.get(TIMINGS, {}).items():
                known = seen.get(of, [])
                if (of == "ray") == (name == "ray") and len(known) < MAX_RUNS_ASKED:
                    known.append(float(seconds))
            if all(len(known) == MAX_RUNS_ASKED for of, known in seen.items() if (of == "ray") == (name == "ray")):
                break
    middles: dict[str, Any] = {name: median(known) for name, known in seen.items() if known}
    return replace(ASSUMED, **middles, source=MEASURED) if "worker" in middles else replace(ASSUMED, **middles)


def probed(overhead: Overhead, start: float | None) -> Overhead:
    """Return what a run takes where a process has shown how long it is until it trains, and no run is on record."""
    if start is None or overhead.source == MEASURED:
        return overhead
    return replace(overhead, worker=start, proof=start, source="by a probe of one epoch, and assumed of Ray")
