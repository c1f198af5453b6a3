"""Reading a search-space file: every fault at once, each with its file, line and key.

The steps: text to nodes (`yaml`), base files (`extends`), ``--set`` (`overrides`), the workload, each section against
its rules, sections against each other, and last what the workload says of sample configurations (`effects`). A step
goes on as far as the faults before it allow, and says nothing that only follows from them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema

from search.core.errors import Fault, Faults, UserError
from search.core.values import Rule, Settings
from search.space import extends
from search.space import overrides as command_line
from search.space.activity import drop_inactive
from search.space.axes import read_axes
from search.space.candidates import check_start, check_where
from search.space.command import check_seeds, node_at, sound_definition, workload_name
from search.space.command_keys import COMMAND_WORKLOAD
from search.space.conform import broken_rule, conform
from search.space.demanded import check_demanded
from search.space.effects import check_samples
from search.space.keys import AUTO, NAME, TITLE, WORKLOAD
from search.space.limits import check_limits, read_limits
from search.space.misplaced import unknown_key
from search.space.model import Axis, Choice, Grid, Space
from search.space.nodes import TYPED, Node, Problems, show
from search.space.objectives import check_metric, check_target, objective_nodes, with_costs
from search.space.partial import check_part
from search.space.planned import planned
from search.space.pruned import pruning_notes
from search.space.python import PYTHON, from_python
from search.space.reporting import check_claims, read_report
from search.space.schema import TOP
from search.space.searching import (
    check_confirm,
    check_epochs,
    check_shown,
    check_size,
    read_resources,
    read_search,
    read_seeds,
)
from search.space.service import SERVICE_SETTINGS
from search.space.settings import Rules, circle, read_settings
from search.space.stops import check_stops
from search.workload import Costing, Measuring, OnDemand, SettingFaults, Workload, load_workload

MAX_RULES_KEPT = 10_000


def read_space(path: str | os.PathLike[str], overrides: Mapping[str, object] = {}) -> Space:
    """Read a search-space file.

    Args:
        overrides: ``--set key=value``: a setting, an axis of named options or a dotted path into the file, and its
            value: plain Python data, or text, read as in the file.

    Raises:
        Faults: everything that is wrong with the file, its bases and the overrides.
    """
    problems = Problems()
    file = os.fspath(path)
    root = extends.load(file, problems)
    return _read(root, Path(file).stem, file, overrides, problems)


def space_from_mapping(
    mapping: Mapping[str, object],
    name: str = "space",
    overrides: Mapping[str, object] = {},
) -> Space:
    """Build a space from plain Python data, by the same checks as a file.

    Args:
        mapping: what the file would hold; published figures must be text.
        name: name of the study where the mapping has none.
        overrides: as for `read_space`.

    Raises:
        Faults: everything that is wrong with it, in the file ``<python>``.
    """
    problems = Problems()
    root: Node | None = from_python(mapping, problems)
    if root is not None and root.kind != "mapping":
        problems.at(PYTHON, 0, "", "must be a mapping such as {'workload': 'classifier'}")
        root = None
    if root is not None:
        root = extends.with_base(root, PYTHON, problems)
    return _read(root, name, "", overrides, problems)


def _read(root: Node | None, stem: str, file: str, overrides: Mapping[str, object], problems: Problems) -> Space:
    values = command_line.values(overrides, problems)
    if root is None:
        raise Faults(problems.faults)
    if "workload" in values:
        root = root.put("workload", values.pop("workload"))
    if "workload" in root.entries and root.entries["workload"].value == COMMAND_WORKLOAD:
        # What describes the workload is laid over the file before it is loaded.
        described = {key: values.pop(key) for key in list(values) if key.partition(".")[0] == COMMAND_WORKLOAD}
        root = command_line.apply(root, described, None, problems)
    workload = None if problems.partial and "workload" not in root.entries else _workload(root, problems)
    rules: Rules = None if workload is None else {**SERVICE_SETTINGS, **planned(workload)}
    if problems.partial:
        _known_keys(root, rules, problems)
        known = {name: node for name, node in values.items() if name in (rules or SERVICE_SETTINGS)}
        check_part(command_line.apply(root, known, rules, problems), rules, problems)
        raise Faults(problems.faults)
    moved = command_line.apply(root, values, rules, problems)
    root = extends.with_data_of(root, moved, (rules or {}).get("data", {}).get("default", ""))
    space = _space(root, stem, file, workload, rules, problems)
    if problems.faults:
        raise Faults(problems.faults)
    return space


def _space(root: Node, stem: str, file: str, workload: Workload | None, rules: Rules, problems: Problems) -> Space:
    """Check every section of a merged tree and build the space it means."""
    _known_keys(root, rules, problems)
    before = len(problems)
    fixed = read_settings(extends.section(root, "fixed"), rules, problems)
    names = list(extends.section(root, "space").entries)
    axes = read_axes(extends.section(root, "space"), extends.section(root, "fixed"), rules, problems)
    _missing(root, rules, problems)
    sound = len(problems) == before and all(
        root.entries[key].sound for key in ("fixed", "space") if key in root.entries
    )
    parts: dict[str, Any] = {
        "name": _name(root, stem, problems),
        "workload": workload_name(root),
        "title": _text(root, "title", TITLE, problems),
        "seeds": read_seeds(root.entries.get("seeds"), problems),
        "resources": read_resources(extends.section(root, "resources"), problems),
        "limits": read_limits(extends.section(root, "limits"), problems),
    }
    check_seeds(root, parts["seeds"], workload, problems)
    search = extends.section(root, "search")
    before = len(problems)
    parts["search"] = read_search(search, axes, len(axes) == len(names), problems)
    measured = workload.metrics if isinstance(workload, Measuring) else ()
    costs = workload.cost_metrics if isinstance(workload, Costing) else ()
    check_metric(search, measured, costs, problems)
    check_target(search, extends.section(root, "limits"), problems)
    parts["search"] = with_costs(parts["search"], costs)
    check_stops(root, measured, problems)
    check_shown(extends.section(root, "report"), measured, problems)
    check_demanded(root, workload.on_demand if isinstance(workload, OnDemand) else {}, problems)
    searchable = sound and search.sound and len(problems) == before
    parts["report"] = read_report(extends.section(root, "report"), axes, names, rules is not None, problems)
    check_claims(extends.section(root, "report"), parts["search"].objective.metric, measured, problems)
    space = Space(axes=tuple(axes), fixed=fixed, file=file, **parts)
    if searchable:
        check_size(space, search, root, problems)
        before = len(problems)
        check_where(space, search, problems)
        if len(problems) > before:  # what follows asks which configurations it allows
            space = replace(space, search=replace(space.search, where=""))
        check_epochs(space, search, problems)
        if rules is not None:  # a study on record was searched as it stands
            check_confirm(space, search, problems)
            check_start(space, search, problems)
            check_limits(space, extends.section(root, "limits"), problems)
    notes: list[Fault] = []
    if sound and rules is not None and workload is not None:
        before = len(problems)
        root = drop_inactive(space, root, rules, problems)
        if len(problems) == before:
            notes = check_samples(space, root, workload, problems)
    if searchable:
        notes += pruning_notes(space, search)
    if problems.faults:
        return space
    # Once more from the tree as it is written out: what a base set in vain is gone from both.
    fixed = read_settings(extends.section(root, "fixed"), rules, problems)
    axes = read_axes(extends.section(root, "space"), extends.section(root, "fixed"), rules, problems)
    typed = {name: node.file for name, node in extends.section(root, "fixed").entries.items() if node.file in TYPED}
    source = _source(root, space.name, fixed, axes)
    return Space(axes=tuple(axes), fixed=fixed, file=file, **parts, source=source, notes=tuple(notes), typed=typed)


def _known_keys(root: Node, rules: Rules, problems: Problems) -> None:
    sections = TOP["properties"]
    for key, node in root.entries.items():
        if key not in sections:
            setting = key == "seed" or any(f"{known}.".startswith(f"{key}.") for known in rules or {})
            remedy = "; settings go under `fixed`" if setting else unknown_key(key, sections)
            remedy = "; did you mean 'seeds'?" if key == "seed" else remedy
            problems.add(node, f"unknown key{remedy}")
        elif key == "resources" and node.kind in ("scalar", "list") and not node.null:
            problems.add(node, f"found {show(node)}, must be a mapping, or {AUTO}")
        elif key in ("fixed", "space", "search", "limits", "report") and node.kind in ("scalar", "list"):
            conform(node, {"type": ["object", "null"]}, problems)


def _workload(root: Node, problems: Problems) -> Workload | None:
    """Load the workload the file names; a failure is a fault of that line."""
    node = root.entries.get("workload")
    if node is None:
        problems.add(root, "needs the key `workload`: `classifier` or `package.module:attribute`", key="")
        return None
    if node.kind == "broken":
        return None
    if not isinstance(node.value, str) or not node.value:
        problems.add(node, f"found {show(node)}, must be {WORKLOAD['words']}")
        return None
    if not sound_definition(root, problems):
        return None
    try:
        workload = load_workload(workload_name(root))
        for name, rule in workload.settings.items():
            _check_rule(rule)
            if strange := set(rule.get("when", {})) - set(workload.settings):
                raise UserError(f"its setting {name!r} depends on {min(strange)!r}, which it does not describe")
        if loop := circle(workload.settings):
            raise UserError(f"its settings depend on each other in a circle: {' -> '.join(loop)}")
        if clash := set(workload.settings) & set(SERVICE_SETTINGS):
            raise UserError(f"its setting {min(clash)!r} has the name of one of the service's own; rename it")
    except SettingFaults as error:  # of a workload that the file describes
        for path, reason in error.faults:
            at = node_at(root.entries[COMMAND_WORKLOAD], path)
            problems.add(at, reason, key=f"{COMMAND_WORKLOAD}.{path}")
    except UserError as error:
        problems.add(node, str(error).removeprefix(f"workload {node.value!r}: "))
    except Exception as error:  # a stranger's code or description
        problems.add(node, f"loading {node.value!r} failed: {error!r}")
    else:
        return workload
    return None


_SOUND_RULES: set[str] = set()
"""Rules of settings that were found sound, as text: a process that checks one file after the other looks once."""


def _check_rule(rule: Mapping[str, object]) -> None:
    """See that a rule is a schema.

    Raises:
        SchemaError: it is none.
    """
    text = json.dumps(rule, default=repr)
    if text not in _SOUND_RULES:
        jsonschema.Draft202012Validator.check_schema(rule)
        if len(_SOUND_RULES) >= MAX_RULES_KEPT:
            _SOUND_RULES.clear()
        _SOUND_RULES.add(text)


def _missing(root: Node, rules: Rules, problems: Problems) -> None:
    """Settings without default that nothing sets; those of one branch only are left to the sample configurations."""
    space = extends.section(root, "space")
    if any(key in root.entries and root.entries[key].kind not in ("mapping", "scalar") for key in ("fixed", "space")):
        return
    given = {*extends.section(root, "fixed").entries, *space.entries}
    given |= {
        key for axis in space.entries.values() for option in extends.options(axis).values() for key in option.entries
    }
    section = root.entries.get("fixed", root)
    for name, rule in (SERVICE_SETTINGS if rules is None else rules).items():
        if "default" not in rule and "when" not in rule and name not in given and name != "seed":
            meaning = rule.get("description", name)
            reason = f"is required and has no default; set it under `fixed`, or make it an axis ({meaning})"
            problems.add(section, reason, key=f"fixed.{name}")


def _name(root: Node, stem: str, problems: Problems) -> str:
    node = root.entries.get("name")
    if node is not None and node.kind != "broken":
        return _text(root, "name", NAME, problems)
    if node is None and (reason := broken_rule(Node("scalar", stem), NAME)):
        problems.add(root, f"{reason}; give the study a name with the key `name`", key="name")
    return stem


def _text(root: Node, key: str, rule: Rule | None, problems: Problems) -> str:
    node = root.entries.get(key)
    if node is None or node.kind == "broken":
        return ""
    if rule is not None and (reason := broken_rule(node, rule)):
        problems.add(node, reason)
    return str(node.data())


def _source(root: Node, name: str, fixed: Settings, axes: Sequence[Axis]) -> dict[str, Any]:
    """Return the resolved file as plain data: what `dump` writes and `read_space` reads back as the same space."""
    source: dict[str, Any] = {"name": name, **root.without("name").data()}
    # Settings in their one spelling, so that they read the same where the workload's rules are not at hand.
    if "fixed" in source:
        source["fixed"] = dict(fixed)
    for axis in axes:
        if isinstance(axis.domain, Grid):
            kind = "choice" if isinstance(axis.domain, Choice) else "grid"
            named = {name: dict(option) for name, option in axis.domain.options.items()}
            listed = [axis.domain.plans.get(value, value) for value in axis.domain.values]
            source["space"][axis.name][kind] = named or listed
    objectives = objective_nodes(extends.section(root, "search"))
    if len(objectives) == 1:  # a list of one is that one
        source["search"]["objective"] = objectives[0].data()
    published = extends.section(extends.section(root, "report"), "published")
    for key in ("values", "parameters"):
        for label, figure in extends.section(published, key).entries.items():
            source["report"]["published"][key][label] = figure.text
    return source
