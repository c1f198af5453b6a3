"""A Ray cluster: joined and left again, its nodes asked and watched. Imported by `tune`, which prepares for Ray first.

The cluster is somebody else's: it is neither started nor ended here. What trains on it are workers of this driver,
which end with it. Only nodes that proved what `search.engine.machines.agreement` asks for get work; one that joins
later waits for the next run, for nothing is known of it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.core.errors import UserError
from search.core.shown import first_line
from search.engine.decide.driver import Driver
from search.engine.executor.job import job
from search.engine.executor.leasing import NotSaved
from search.engine.machines.agreement import Answer, Question, answer, split_address
from search.engine.machines.nodes import Share, TrainingNode

WORKER_ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""What local workers inherit from the driver: those of a cluster are started by others."""

NODE_CHECK_INTERVAL_S = 5.0
"""Seconds between two looks at which nodes are alive."""

ALL_NODES_LOST = "the loss of all its nodes"
"""Why a run ends once no node is left that could train."""


@contextmanager
def joined(address: str) -> Iterator[None]:
    """Connect to a cluster, as a program on one of its nodes; leave it at exit.

    Raises:
        UserError: nothing answers there, or it does not let us in.
    """
    host, port = split_address(address)
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        raise UserError(
            f"address {address!r}: nothing answers there ({error.strerror or error}); give the HOST:PORT that "
            "`ray start --head` printed, and see that it can be reached from this machine"
        ) from error
    try:
        ray.init(
            address,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": WORKER_ENVIRONMENT},
            job_config=job(local=False),
        )
    except Exception as error:
        raise UserError(_refusal(address, error)) from error
    try:
        yield
    finally:
        ray.shutdown()


def _refusal(address: str, error: Exception) -> str:
    """Say why a cluster did not let us in."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    text = "\n".join(f"{type(each).__name__}: {each}" for each in chain)
    if "AuthenticationError" in text or "InvalidAuthToken" in text:
        return (
            f"address {address!r}: the cluster refuses this command's token; give it, in RAY_AUTH_TOKEN or "
            "RAY_AUTH_TOKEN_PATH, the token its nodes were started with"
        )
    if "No node info found" in text or "resolve node to connect" in text:
        return (
            f"address {address!r}: this machine is no node of that cluster; give the command on one of its nodes, or "
            f"make this one a node that trains nothing: ray start --address {address} --num-cpus 0"
        )
    reason = f"joining the cluster failed ({first_line(error)}); its nodes and this command need the same Ray"
    return f"address {address!r}: {reason}"


# Asked -------------------------------------------------------------------------------------------------------------


def ask(nodes: Sequence[TrainingNode], question: Question, say: Callable[[str], None]) -> dict[TrainingNode, Answer]:
    """Put a question to one worker on every node, all at once; whoever is busy answers when it is free.

    Args:
        nodes: whom to ask.
        question: see `search.engine.machines.agreement`.
        say: told what is waited for.
    """
    share = {"num_cpus": question.setup.cpus, "num_gpus": question.setup.gpus, "max_retries": 0}
    task = ray.remote(**share)(answer)
    asked = {
        task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)).remote(
            question, node.id
        ): node
        for node in nodes
    }
    open_ones, said = list(asked), False
    while open_ones:
        _, open_ones = ray.wait(open_ones, num_returns=len(open_ones), timeout=NODE_CHECK_INTERVAL_S)
        if open_ones and not said:
            said = True
            say(f"waiting for a free worker, or the data, on {', '.join(str(asked[each]) for each in open_ones)}")
    return {node: _answer_of(reference) for reference, node in asked.items()}


def _answer_of(reference: object) -> Answer:
    try:
        answered: Answer = ray.get(reference)
        return answered
    except ray.exceptions.RayError as error:
        trouble = (
            f"did not answer ({type(error).__name__}: {first_line(error)}); end it with `ray stop`, or start it anew"
        )
        return Answer(mode="token", trouble=[trouble])


# While it trains ---------------------------------------------------------------------------------------------------


def on_nodes(trainable: object, share: Share) -> object:
    """Return a Ray Tune trainable whose workers lie on these nodes and on no other."""
    bundle = {"CPU": float(share.cpus), "GPU": share.gpus}
    allowed = {"ray.io/node-id": f"in({','.join(node.id for node in share.nodes)})"}
    return tune.with_resources(trainable, tune.PlacementGroupFactory([bundle], bundle_label_selector=[allowed]))


class NodeWatch(NotSaved, tune.Callback):
    """Tells the driver how many leases still fit, and ends the run where no node is left: Tune would wait for ever."""

    def __init__(self, driver: Driver, nodes: Sequence[TrainingNode]) -> None:
        self._driver, self._nodes = driver, nodes
        self._next = time.monotonic() + NODE_CHECK_INTERVAL_S

    def on_step_begin(self, iteration: int, trials: list[object], **info: object) -> None:
        """Look at the nodes now and then."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + NODE_CHECK_INTERVAL_S
        self.look({entry["NodeID"] for entry in ray.nodes() if entry["Alive"]})

    def look(self, alive: set[str]) -> None:
        """Take note of the nodes that are alive.

        Raises:
            KeyboardInterrupt: none of ours is; the run ends as by the second Ctrl-C.
        """
        left = sum(node.leases for node in self._nodes if node.id in alive)
        if not left:
            self._driver.stop(ALL_NODES_LOST)
            raise KeyboardInterrupt
        self._driver.workers = left
