"""``--set key=value``: one value laid over the file, by the same rules as an extending file.

The key is a setting (``loss.gamma``: fixed, in place of an axis of that name), an axis of named options (fixed to one
of them) or a dotted path into the file (``search.trials``, ``seeds``, ``space.loss.gamma.grid``).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import replace

from search.core.values import Rule
from search.space.extends import options, section, settle_axis, spelt_out
from search.space.keys import DOMAINS
from search.space.nodes import COMMAND_LINE, DATA_OPTION, Node, Problems, empty_mapping, show, unknown
from search.space.python import from_python
from search.space.schema import TOP
from search.space.service import SERVICE_SETTINGS
from search.space.settings import Rules, meant
from search.space.yaml import compose

_FREE = ("labels", "baseline", "published.values", "published.parameters")
"""Mappings of the report whose keys are values or axes, and may hold dots."""


class DataName(str):
    """What stands behind ``--data``: a name or a path as it was typed, and no YAML."""


def values(overrides: Mapping[str, object], problems: Problems) -> dict[str, Node]:
    """Parse the values of overrides; one that cannot be read is a fault and left out."""
    nodes = {}
    if not isinstance(overrides, Mapping):
        reason = f"found a {type(overrides).__name__}, must be a mapping of settings such as {{'epochs': 10}}"
        problems.at(COMMAND_LINE, 0, "", reason)
        return {}
    for key, text in overrides.items():
        if not isinstance(key, str):
            problems.at(COMMAND_LINE, 0, str(key), f"found a {type(key).__name__} for a key, must be text")
            continue
        if isinstance(text, DataName):
            node: Node | None = from_python(str(text), problems, DATA_OPTION)
        elif isinstance(text, str) and not isinstance(text, enum.Enum):
            node = _value(key, text, problems)
        else:
            node = from_python(text, problems, COMMAND_LINE, key)
        if node is not None and node.sound:
            nodes[key] = node
    return nodes


def apply(root: Node, overrides: Mapping[str, Node], rules: Rules, problems: Problems) -> Node:
    """Lay parsed overrides over the tree of a file.

    Args:
        overrides: key -> value.
        rules: of the settings; without them every name may be one.
    """
    settings = SERVICE_SETTINGS if rules is None else rules
    for key, node in overrides.items():
        axis = section(root, "space").entries.get(key)
        head = key.partition(".")[0]
        if key == "seed":
            problems.add(node, "seeds are no setting; write --set seeds=[0, 1]")
        elif key in settings:
            root = _fix(root, key, node)
        elif axis is not None and options(axis):
            root = _choose(root, axis, node, problems)
        elif key == "extends":
            problems.add(node, "a base file cannot be exchanged from the command line; edit the file")
        elif head in TOP["properties"]:
            root = spelt_out(_at(root, _parts(root, key), node, problems))
        elif rules is None:
            root = _fix(root, key, node)
        else:
            if node.file == DATA_OPTION:
                problems.add(node, "the workload has no setting `data`; leave it out")
                continue
            others: dict[str, Rule] = {name: {} for name in (*section(root, "space").entries, *paths())}
            found = " or ".join(map(repr, meant(key, others | dict(settings))))
            remedy = f"; did you mean {found}?" if found else "; `search schema` lists what there is"
            problems.add(node, f"unknown setting or key of the file{remedy}")
    return root


def _value(key: str, text: str, problems: Problems) -> Node | None:
    text = text.strip()
    before = len(problems)
    node = compose(text, COMMAND_LINE, problems, key, lines=False)
    if node is None or len(problems) > before:
        return None
    if not text:
        reason = "has no value; write null to take a key away, or '\"\"' for empty text"
    elif node.kind != "scalar" and text[0] not in "[{":
        reason = f"found {text!r}; write lists as [a, b], mappings as {{a: b}}, and text that holds ': ' in quotes"
    elif node.plain and node.text != text:
        reason = f"found {text!r}, of which only {node.text!r} would be read; put it in quotes"
    else:
        return node
    problems.at(COMMAND_LINE, 0, key, reason)
    return None


def _fix(root: Node, setting: str, node: Node) -> Node:
    fixed = section(root, "fixed")
    root = settle_axis(root, setting, node)
    return root.put("fixed", fixed.put(setting, replace(node, removes=node.null and setting in fixed.entries)))


def _choose(root: Node, axis: Node, node: Node, problems: Problems) -> Node:
    """Fix an axis of named options to one of them."""
    named = options(axis)
    if node.kind != "scalar" or node.text not in named:
        problems.add(node, f"found {show(node)}, must be one of its options{unknown(node.text, named)}")
        return root
    name = axis.key.removeprefix("space.")
    fixed = section(root, "fixed")
    for setting, value in named[node.text].entries.items():
        fixed = fixed.put(setting, value)
    return settle_axis(root, name, node).put("fixed", fixed)


def _parts(root: Node, key: str) -> list[str]:
    """Split a dotted path into keys of the file; names of settings and labels hold dots themselves."""
    head, _, rest = key.partition(".")
    if not rest:
        return [head]
    if head == "fixed":
        return [head, rest]
    if head == "space":
        axes = sorted(section(root, "space").entries, key=len, reverse=True)
        words = [rest.rpartition(f".{word}")[0] for word in (*DOMAINS, "when") if rest.endswith(f".{word}")]
        name = next((axis for axis in axes if f"{rest}.".startswith(f"{axis}.")), words[0] if words else rest)
        word, _, inner = rest[len(name) + 1 :].partition(".")
        parts = [inner] if word == "when" else inner.split(".")  # a condition's key is an axis, dots and all
        return [part for part in (head, name, word, *parts) if part]
    for free in _FREE:
        if head == "report" and rest.startswith(f"{free}."):
            return [head, *free.split("."), rest[len(free) + 1 :]]
    return key.split(".")


def _at(node: Node, parts: list[str], value: Node, problems: Problems) -> Node:
    """Return `node` with `value` at the path; a null takes what is there away."""
    name, rest = parts[0], parts[1:]
    if node.key == "space" and rest and rest[0] in DOMAINS and name in node.entries:
        node = node.put(name, node.entries[name].without(*(kind for kind in DOMAINS if kind != rest[0])))
    if rest:
        inner = node.entries.get(name)
        path = f"{node.key}.{name}" if node.key else name
        if inner is None or inner.null:
            inner = empty_mapping(path, COMMAND_LINE, 0)
        if inner.kind != "mapping":
            problems.add(value, f"goes into `{path}`, which is no mapping; set that key as a whole")
            return node
        return node.put(name, _at(inner, rest, value, problems))
    if value.null and name in node.entries:
        return node.put(name, replace(value, removes=True)) if node.key == "fixed" else node.without(name)
    return node.put(name, value)


def paths(rule: Rule = TOP, prefix: str = "") -> Iterator[str]:
    """Yield the paths into the file that can be set, settings and axes apart."""
    for name, inner in rule.get("properties", {}).items():
        if prefix or name not in ("fixed", "space"):
            yield f"{prefix}{name}"
            yield from paths(inner, f"{prefix}{name}.")
