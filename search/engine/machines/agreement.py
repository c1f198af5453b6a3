"""What every node of a cluster proves before anything is trained there.

A cluster is several machines, and nothing says that they are alike. So each node that offers workers is asked

* whether it sees the folder of states: it reads what the driver wrote there, and the driver reads its answer;
* whether it lets in only whoever has the token;
* whether its code of the workload, its data, its input weights and its execution class are those the epoch keys name.

Everything that is wrong anywhere is told at once, each node by its name, before anything is trained.

Free of Ray: `search.engine.executor.cluster` carries the questions to the nodes.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from search.core.errors import UserError
from search.core.shown import called
from search.engine.decide.lease import WorkerSetup
from search.engine.machines.challenge import FILE_VISIBLE_TIMEOUT_S, SHARED_FOLDER_REMEDY, Challenge, meet
from search.engine.machines.nodes import TrainingNode
from search.engine.worker.place import execution_class, prepare
from search.ledger.urls import is_url, without_password
from search.workload import identity

AUTH_MODE_VARIABLE = "RAY_AUTH_MODE"


@dataclass(frozen=True)
class StudySample:
    """One configuration of a study, as the driver reads it.

    Attributes:
        fixed: its canonical fixed settings.
        data: fingerprint of its data, "" where there are none.
        inputs: input weights by name -> content hash.
    """

    fixed: Mapping[str, Any]
    data: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What a node is asked.

    Attributes:
        setup: what its workers would be given.
        challenge: name of the folder, in the folder of states, where it reads and writes.
        fixed: settings of the configuration whose data it reads.
    """

    setup: WorkerSetup
    challenge: str
    fixed: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a node said. `trouble` says what it could not do; what comes after it is then empty."""

    mode: str = ""
    trouble: Sequence[str] = ()
    code: Mapping[str, str] = field(default_factory=dict)
    execution_class: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


# Before anything is opened ---------------------------------------------------------------------------------------


def require(address: str, storage: str | None, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to run on a cluster what cannot be safe there.

    Args:
        address: of the cluster's head.
        storage: database of the ledger as the user gave it.
        environment: variables of this process.

    Raises:
        UserError: it is no address, nobody is asked for a token, or there is no database server.
    """
    split_address(address)
    mode = environment.get(AUTH_MODE_VARIABLE, "")
    if mode.lower() != "token":
        found = f"{AUTH_MODE_VARIABLE} is {mode!r}" if mode else f"{AUTH_MODE_VARIABLE} is not set"
        raise UserError(
            f"{found}: a cluster that asks for no token runs the code of anybody who reaches its ports; start each "
            f"node, and this command, with {AUTH_MODE_VARIABLE}=token and one token for all (RAY_AUTH_TOKEN "
            "or RAY_AUTH_TOKEN_PATH; docs/how-to/cluster.md says how)"
        )
    if _backend(storage) != "postgresql":
        found = f"--storage is {without_password(storage)!r}" if storage else "without --storage the ledger is SQLite"
        raise UserError(
            f"{found}: SQLite's locks do not hold between machines; a study on a cluster needs a database server, for "
            "example --storage postgresql+psycopg://user@host/database"
        )


def split_address(address: str) -> tuple[str, int]:
    """Return host and port.

    Raises:
        UserError: it is no HOST:PORT.
    """
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})", address)
    if not match or not 0 < int(match[2]) < 65536:
        raise UserError(
            f"address {address!r}: must be HOST:PORT of the cluster's head, as `ray start --head` printed it, for "
            "example 10.0.0.1:6379"
        )
    return match[1].strip("[]"), int(match[2])


def _backend(storage: str | None) -> str:
    if not storage or not is_url(storage):
        return "sqlite"
    try:
        return sa.make_url(storage).get_backend_name()
    except sa.exc.ArgumentError:
        return ""


# The shared folder -----------------------------------------------------------------------------------------------


# On a node -------------------------------------------------------------------------------------------------------


def answer(question: Question, node: str) -> Answer:
    """Answer on a node, on a worker like those that will train. What is wrong here is said, not raised."""
    setup = question.setup
    plain = Answer(os.environ.get(AUTH_MODE_VARIABLE, ""))
    if unseen := meet(setup.states, question.challenge, node):
        return replace(plain, trouble=[unseen])
    try:
        workload = prepare(setup)
        code = identity(setup.workload, workload)
    except Exception as error:
        remedy = f"its code must be installed, or lie in {setup.folder!r}, on every node"
        return replace(
            plain, trouble=[f"cannot import the workload {called(setup.workload)!r}: {_named(error)}; {remedy}"]
        )
    try:
        card = workload.data(question.fixed)
        inputs = dict(workload.inputs(question.fixed))
    except Exception as error:
        remedy = "they must lie on every node where they lie here, or be found by what is set where the node is started"
        return replace(plain, code=code, trouble=[f"cannot read the data: {_named(error)}; {remedy}"])
    try:
        found = execution_class(setup)
    except Exception as error:
        trouble = f"cannot say its execution class: {_named(error)}; it must be able to train there"
        return replace(plain, code=code, trouble=[trouble])
    return replace(
        plain, code=code, execution_class=found, data=card.fingerprint if card is not None else "", inputs=inputs
    )


def _named(error: Exception) -> str:
    if faults := getattr(error, "faults", None):
        return "; ".join(f"{name}: {reason}" for name, reason in faults)
    return f"{type(error).__name__}: {error}" if not isinstance(error, UserError) else str(error)


# On the driver ---------------------------------------------------------------------------------------------------


def agreed(
    address: str,
    answers: Mapping[TrainingNode, Answer],
    challenge: Challenge,
    code: Mapping[str, str],
    sample: StudySample,
    patience: float = FILE_VISIBLE_TIMEOUT_S,
) -> dict[str, str]:
    """Return the execution class of all nodes.

    Args:
        address: of the cluster, for people.
        answers: what each node said.
        challenge: the one they were to meet.
        code: `search.workload.identity` of the workload here.
        sample: the configuration they read, as it is here.
        patience: seconds an answer in the shared folder may take to be seen here.

    Raises:
        UserError: names each node that cannot train this study, and why; or those that differ from one another.
    """
    troubles = {node: _troubles(node, said, challenge, code, sample, patience) for node, said in answers.items()}
    if wrong := [f"  node {node} {each}" for node, several in troubles.items() for each in several]:
        bad = sum(bool(several) for several in troubles.values())
        raise UserError(
            "\n".join([f"cluster {address}: {bad} of {len(answers)} nodes cannot train this study", *wrong])
        )
    classes = [dict(said.execution_class) for said in answers.values()]
    if any(each != classes[0] for each in classes):
        raise UserError(_differing(address, answers))
    return classes[0]


def _troubles(
    node: TrainingNode,
    said: Answer,
    challenge: Challenge,
    code: Mapping[str, str],
    sample: StudySample,
    patience: float,
) -> list[str]:
    troubles = list(said.trouble)
    if said.mode.lower() != "token":
        found = f"{AUTH_MODE_VARIABLE}={said.mode}" if said.mode else f"without {AUTH_MODE_VARIABLE}"
        troubles.append(
            f"was started {found} and lets anybody in; start it with {AUTH_MODE_VARIABLE}=token and the cluster's token"
        )
    if said.trouble:
        return troubles
    if not challenge.was_met(node.id, patience):
        troubles.append(
            "answered in a folder of states that is not the one of this run, though it lies under the same path; "
            + SHARED_FOLDER_REMEDY
        )
    if dict(said.code) != dict(code):
        differing = _pairs(code, said.code)
        troubles.append(f"has other code of the workload ({differing}); install the same version on every node")
    if said.data != sample.data:
        troubles.append(
            f"has other data (fingerprint {sample.data or 'none'} here, {said.data or 'none'} there); copy them anew"
        )
    if dict(said.inputs) != dict(sample.inputs):
        troubles.append(f"has other input weights ({_pairs(sample.inputs, said.inputs)}); copy them anew")
    return troubles


def _pairs(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    names = [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
    return "; ".join(
        f"{name} is {here.get(name, 'not there')!r} here, {there.get(name, 'not there')!r} there" for name in names
    )


def _differing(address: str, answers: Mapping[TrainingNode, Answer]) -> str:
    """Say in what the execution classes of nodes differ, and which node is of which."""
    names = sorted({name for said in answers.values() for name in said.execution_class})
    lines = []
    for name in names:
        nodes: dict[str, list[str]] = defaultdict(list)
        for node, said in answers.items():
            nodes[said.execution_class.get(name, "not there")].append(str(node))
        if len(nodes) > 1:
            found = "; ".join(f"{value!r} on {', '.join(where)}" for value, where in nodes.items())
            lines.append(f"  {name}: {found}")
    return "\n".join(
        [
            f"cluster {address}: its nodes are of different execution classes, which train different bits; keep one "
            "class: `ray stop` on the other nodes, or `ray start --num-cpus 0 --num-gpus 0` there",
            *lines,
        ]
    )
