"""The machines that train, one or many: what a lease gets of them, and how many leases run where. Free of Ray."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.core.errors import UserError
from search.space.model import Resources


@dataclass(frozen=True)
class TrainingNode:
    """A node that offers workers.

    Attributes:
        id: Ray's name of it, unique as long as it lives.
        address: its IP address.
        host: its host name.
        leases: how many run on it at once.
    """

    id: str
    address: str
    host: str
    leases: int

    def __str__(self) -> str:
        return f"{self.address} ({self.host}, {self.id[:8]})"


@dataclass(frozen=True)
class Share:
    """What one lease gets, and where leases run.

    Attributes:
        cpus, gpus: of one lease.
        fits: leases that CPU threads allow at once, on these nodes.
        nodes: those on which at least one lease fits.
    """

    cpus: int
    gpus: float
    nodes: Sequence[TrainingNode]
    fits: int

    @property
    def workers(self) -> int:
        """Leases that run at once."""
        return sum(node.leases for node in self.nodes)


def share_of(table: Sequence[Mapping[str, Any]], resources: Resources) -> Share:
    """Return what leases get on these nodes; a lease lies on one node, so what is left over on each counts for nothing.

    Args:
        table: ``ray.nodes()``.
        resources: what a space asks for.

    Raises:
        UserError: not even one lease fits on any node.
    """
    alive = [(entry, entry["Resources"]) for entry in table if entry["Alive"]]
    most_gpus = max((there.get("GPU", 0.0) for _, there in alive), default=0.0)
    cpus, gpus = resources.cpus, resources.gpus if resources.gpus is not None else min(1.0, most_gpus)
    nodes, by_threads = [], 0
    for entry, there in alive:
        fits = threads = int(there.get("CPU", 0)) // cpus
        if gpus:
            fits = min(fits, math.floor(there.get("GPU", 0.0) / gpus + 1e-9))
        if fits:
            by_threads += threads
            nodes.append(TrainingNode(entry["NodeID"], entry["NodeManagerAddress"], entry["NodeManagerHostname"], fits))
    if not nodes:
        most_cpus = max((int(there.get("CPU", 0)) for _, there in alive), default=0)
        where = "this machine has" if len(alive) < 2 else f"the largest of {len(alive)} nodes has"
        raise UserError(
            f"resources: a trial wants {cpus} CPUs and {gpus:g} GPUs, "
            f"{where} {most_cpus} and {most_gpus:g}; lower them under resources"
        )
    return Share(cpus, gpus, nodes, by_threads)
