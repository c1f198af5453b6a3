"""The section ``command``: the program of ``workload: command``, which is described in the space file itself.

Whoever loads the workload of a space does so by its name; the name of such a workload holds the description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from search.space.command_keys import COMMAND, COMMAND_EXAMPLE, COMMAND_WORKLOAD
from search.space.conform import conform
from search.space.nodes import Node, Problems
from search.workload import Workload


def workload_name(root: Node) -> str:
    """Return the name by which the workload of a file is loaded, with its description where that is in the file."""
    node, section = root.entries.get("workload"), root.entries.get(COMMAND_WORKLOAD)
    if node is None or node.kind == "broken":
        return ""
    name = str(node.data())
    if name != COMMAND_WORKLOAD or section is None:
        return name
    data = section.data()
    described = data if isinstance(data, dict) else {"run": data}
    return f"{name} {json.dumps(described, sort_keys=True, separators=(',', ':'))}"


def sound_definition(root: Node, problems: Problems) -> bool:
    """Check that a file describes its workload where it has to, and only there."""
    node, section = root.entries["workload"], root.entries.get(COMMAND_WORKLOAD)
    if node.value != COMMAND_WORKLOAD:
        if section is not None:
            problems.add(section, f"is read with `workload: {COMMAND_WORKLOAD}` only; remove it, or name that workload")
        return True
    if section is None:
        if problems.partial:  # it may stand in the base that could not be read
            return False
        problems.add(node, f"needs the key `{COMMAND_WORKLOAD}`: the program, such as `{COMMAND_EXAMPLE}`")
        return False
    return conform(section, COMMAND, problems)


def node_at(section: Node, path: str) -> Node:
    """Return the node at a path such as ``settings.model.rate.default`` or ``data[1]``; the nearest above it, else."""
    node = section
    while path and (node.entries or node.items):
        if item := re.match(r"\[(\d+)\]", path):
            node, path = node.items[int(item[1])], path[item.end() :].lstrip(".")
            continue
        fitting = [key for key in node.entries if re.match(rf"{re.escape(key)}(\.|\[|$)", path)]
        if not fitting:
            break
        key = max(fitting, key=len)
        node, path = node.entries[key], path[len(key) :].lstrip(".")
    return node


def check_seeds(root: Node, seeds: Sequence[int], workload: Workload | None, problems: Problems) -> None:
    """Refuse several seeds of a workload that is not told any: its runs would be one run, and no evidence of chance."""
    if len(seeds) > 1 and not getattr(workload, "seeded", True):
        reason = "the command line has no {seed}, so that all seeds would train the same"
        problems.add(root.entries["seeds"], f"{reason}; tell the program its seed, or leave `seeds` out")
