"""A file whose base cannot be read: what is wrong with it whatever the base says, so that all is mended in one go."""

from __future__ import annotations

from dataclasses import replace

from search.core.values import Rule
from search.space.axes import read_domain
from search.space.conform import broken_rule, conform
from search.space.extends import section
from search.space.keys import NAME, RESOURCES, SEARCH, TITLE
from search.space.nodes import Node, Problems
from search.space.report_keys import REPORT
from search.space.searching import read_seeds
from search.space.service import SERVICE_SETTINGS
from search.space.settings import Rules, read_settings


def check_part(root: Node, rules: Rules, problems: Problems) -> None:
    """Report what no base can mend: values outside their rules, keys and settings that do not exist.

    Nothing is said of what is missing, of what one section says of another, and of null, which takes from the base.

    Args:
        root: the file, laid over as many of its bases as could be read.
        rules: of the settings; None where the workload is not known.
    """
    root = _without_nulls(root)
    fixed = section(root, "fixed")
    if rules is None:
        fixed = fixed.with_entries(
            {name: node for name, node in fixed.entries.items() if name in SERVICE_SETTINGS}, fixed.keys
        )
    read_settings(fixed, SERVICE_SETTINGS if rules is None else rules, problems)
    for name, node in section(root, "space").entries.items():
        if node.kind == "mapping":
            read_domain(name, node, rules, problems)
    for key, rule in (("search", SEARCH), ("resources", RESOURCES), ("report", REPORT)):
        conform(section(root, key), _without_required(rule), problems)
    read_seeds(root.entries.get("seeds"), problems)
    for key, rule in (("name", NAME), ("title", TITLE)):
        found = root.entries.get(key)
        if found is not None and found.kind != "broken" and (reason := broken_rule(found, rule)):
            problems.add(found, reason)


def _without_nulls(node: Node) -> Node:
    if node.kind != "mapping":
        return node
    entries = {name: _without_nulls(child) for name, child in node.entries.items() if not child.null}
    return replace(node, value=entries, keys={name: node.keys[name] for name in entries})


def _without_required(rule: Rule) -> Rule:
    """Return a rule that mappings meet in part; lists are never merged, so their entries have to be whole."""
    parts = {name: _without_required(part) for name, part in rule.get("properties", {}).items()}
    rest = {key: value for key, value in rule.items() if key not in ("required", "properties")}
    return {**rest, "properties": parts} if parts else rest
