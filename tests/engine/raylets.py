"""Nodes of a Ray cluster on this machine, for tests.

Each is a process, ``python -m tests.engine.raylets``, that starts a raylet and ends it when it ends. They listen on
127.0.0.1 alone: `ray start` would take the machine's own address instead.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef0123456789abcdef"
SECURED = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
"""Environment of whoever may use the cluster."""


class Raylet:
    """One node, alive from the start of its process.

    Args:
        folder: for its output.
        address: of the head; where it is empty, this node is one.
        cpus: it offers.
        environment: variables beside those of this process.
        hidden: folders it does not see: others lie over them.
    """

    def __init__(
        self,
        folder: Path,
        address: str = "",
        cpus: int = 1,
        environment: Mapping[str, str] = SECURED,
        hidden: Sequence[Path] = (),
    ) -> None:
        command = [sys.executable, "-m", "tests.engine.raylets", "--cpus", str(cpus), "--address", address]
        if hidden:
            covers = " && ".join(f"mount -t tmpfs none {path}" for path in hidden)
            command = ["unshare", "-m", "sh", "-c", f'{covers} && exec "$@"', "sh", *command]
        with open(folder / f"node-{os.urandom(4).hex()}.err", "w") as self.log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
                cwd=ROOT,
                env={**os.environ, **environment},
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().split()
        assert len(said) == 2, Path(self.log.name).read_text()
        self.address, self.id = said

    def family(self) -> list[psutil.Process]:
        """This node's processes, its workers among them."""
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def workers(self) -> list[psutil.Process]:
        """Those of its processes that Ray gives leases, and not those which they fork."""
        named = {}
        for process in self.family():
            with suppress(psutil.Error):
                name = " ".join(process.cmdline())  # which a fork has from its parent
                if name.startswith("ray::") and "Agent" not in name:
                    named[process] = process.ppid()
        numbers = {process.pid for process in named}
        return [process for process, parent in named.items() if parent not in numbers]

    def kill(self) -> None:
        """End it as a power failure would: every process at once."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def main() -> None:
    """Start a node and print its head's address and its id; end it at the end of the standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpus", type=int)
    parser.add_argument("--address")
    asked = parser.parse_args()
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = (
        "0"  # before `import ray`: otherwise all interfaces are listened on
    )
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    wanted = RayParams(
        gcs_address=asked.address or None,
        node_ip_address="127.0.0.1",
        num_cpus=asked.cpus,
        num_gpus=0,
        object_store_memory=80 * 2**20,
        node_manager_port=0,
        min_worker_port=0,
        max_worker_port=0,
        include_log_monitor=False,
        include_dashboard=False,
    )
    node = Node(wanted, head=not asked.address)
    print(node.gcs_address, node.node_id, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
