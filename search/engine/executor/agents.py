"""A raylet without its two agents, which no run on this machine asks anything: that of the dashboard, which measures
and serves, and that of environments, which makes those that a worker is to have of its own.

The raylet starts both, waits until each has written down where it listens, and ends where one of them does. So it gets
in their place a process that waits for its end, and finds written down that nobody listens.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

AGENTS = ("dashboard_agent_command", "runtime_env_agent_command")
"""Words of a raylet's command line that say how its agents are started."""

PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
"""What the agents write down."""

NO_PORT = -1
"""Written down where nobody listens."""


def stripped(command: Sequence[str], write_port: Callable[[str, str, str, int], object]) -> list[str]:
    """Return a raylet's command line without agents; another command line as it is.

    Args:
        command: its words.
        write_port: writes down a port: folder of the session, number of the node, name of the port, port.
    """
    values = {name: value for name, is_given, value in (word[2:].partition("=") for word in command) if is_given}
    waiting = shutil.which("cat")  # its standard input is a pipe, which closes with the raylet
    if waiting is None or not values.keys() >= {"session_dir", "node_id", *AGENTS}:
        return list(command)
    for port in PORTS:
        write_port(values["session_dir"], values["node_id"], port, NO_PORT)
    return [f"--{name}={waiting}" if (name := word[2:].partition("=")[0]) in AGENTS else word for word in command]
