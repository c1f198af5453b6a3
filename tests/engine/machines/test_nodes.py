"""Which nodes of a cluster get leases, and how many."""

from __future__ import annotations

from typing import Any

import pytest

from search.core.errors import UserError
from search.engine.machines.nodes import TrainingNode, share_of
from search.space.model import Resources


def node(name: str, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {
        "NodeID": name,
        "Alive": alive,
        "NodeManagerAddress": f"10.0.0.{name}",
        "NodeManagerHostname": f"host{name}",
        "Resources": {**resources, "node:__internal__": 1.0},
    }


def test_a_lease_lies_on_one_node() -> None:
    table = [node("1", CPU=3.0), node("2", CPU=5.0), node("3", CPU=1.0), node("4", alive=False, CPU=64.0), node("5")]
    share = share_of(table, Resources(cpus=2))
    assert (share.cpus, share.gpus, share.workers) == (2, 0.0, 3)
    assert list(share.nodes) == [TrainingNode("1", "10.0.0.1", "host1", 1), TrainingNode("2", "10.0.0.2", "host2", 2)]


def test_nodes_without_gpus_stand_back_where_there_are_some() -> None:
    table = [node("1", CPU=8.0), node("2", CPU=8.0, GPU=2.0), node("3", CPU=1.0, GPU=4.0)]
    share = share_of(table, Resources(cpus=1))
    assert (share.gpus, share.workers, [each.id for each in share.nodes]) == (1.0, 3, ["2", "3"])
    assert share_of(table, Resources(cpus=1, gpus=0.5)).workers == 4 + 1
    assert share_of(table, Resources(cpus=1, gpus=0)).workers == 8 + 8 + 1


def test_a_trial_that_fits_on_no_node() -> None:
    with pytest.raises(UserError) as refused:
        share_of([node("1", CPU=3.0), node("2", CPU=3.0)], Resources(cpus=4))
    assert str(refused.value) == (
        "resources: a trial wants 4 CPUs and 0 GPUs, the largest of 2 nodes has 3 and 0; lower them under resources"
    )
    with pytest.raises(UserError) as refused:
        share_of([node("1", CPU=2.0)], Resources(cpus=1, gpus=1))
    assert str(refused.value) == (
        "resources: a trial wants 1 CPUs and 1 GPUs, this machine has 2 and 0; lower them under resources"
    )
