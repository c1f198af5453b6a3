"""The suite of the contract over a command, but for what a workload without states cannot promise."""

from typing import ClassVar

from tests.adapters.command.made import NAME
from tests.contracts.workload_contract import WorkloadContract


class TestCommand(WorkloadContract):
    name = NAME
    settings: ClassVar = {"act": "train", "x": 1, "seed": 3}
