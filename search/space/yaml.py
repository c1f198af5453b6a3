"""From the bytes of a file to nodes with addresses, strictly: what could be misread is a fault.

Built on PyYAML's event stream, not on its loaders: events carry lines, quotes, tags and anchors, and the constructors
that turn ``on`` into true or run ``!!python`` tags are never reached.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from search.space.commas import Commas, tight
from search.space.files import text_of_file
from search.space.nodes import MAX_NESTING_LEVELS, Node, Problems, bad_text, printable
from search.space.numbers import decimal
from search.space.scalars import Ambiguous, resolve

MAX_VALUES = 50_000
"""Keys and values of a file. PyYAML reads some 70,000 a second; the largest sound files, with a confusion matrix of a
hundred classes, hold 11,000."""

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HINTS = (
    ("mapping values are not allowed", "a second ':' on the line, or a wrong indentation; quote text that holds ': '"),
    ("expected <block end>", "the indentation does not match the lines above"),
    ("could not find expected ':'", "a key without ':' after it, or a quote that is not closed"),
    ("expected ',' or ']'", "a list opened with '[' is not closed, or a comma is missing"),
    ("expected ',' or '}'", "a mapping opened with '{' is not closed, or a comma is missing"),
    ("unexpected end of stream", "a quote is not closed"),
    ("that cannot start any token", "quote text that starts with this character"),
    ("found undefined tag handle", "tags are not read; write plain values"),
    ("escape", "in double quotes a backslash begins an escape: double it, or put the text in single quotes"),
    ("incompatible YAML document", "remove the line that starts with %YAML"),
    ("expected '<document start>'", "one file holds one search space; remove the line `...`"),
)


_SHARED = "put shared parts in a base file and use `extends`"


_NAMES = re.compile(
    r"fixed|space|space\..+\.when|space\..+\.(grid|choice)\..+|search\.confirm\.baseline|report\.published\.parameters"
    r"|report\.baseline|report\.published\.confusion_matrix_row"
    r"|report\.claims.+\.(where|best|better\[.+|equal\[.+)"
)
"""Mappings whose keys are names of settings, axes or models, and never values."""


class _Stop(Exception):
    """Nothing after this point can be read."""


def read(path: str | os.PathLike[str], problems: Problems) -> Node | None:
    """Read a file into nodes; None where nothing could be read. Faults go to `problems`."""
    file = os.fspath(path)
    text = text_of_file(file, problems)
    return None if text is None else parse(text, file, problems)


def parse(text: str, file: str, problems: Problems) -> Node | None:
    """Turn the text of a file into nodes; None where it is no mapping. Faults go to `problems`."""
    root = compose(text, file, problems)
    if root is None or root.kind == "mapping":
        return root
    if root.null:
        problems.at(file, 0, "", "is empty; a search-space file needs at least `workload` and `fixed`")
    elif root.kind != "broken":
        found = {"list": "a list"}.get(root.kind, "a single value")
        problems.at(file, root.line, "", f"holds {found}, must be a mapping such as `workload: classifier`")
    return None


def compose(text: str, file: str, problems: Problems, key: str = "", lines: bool = True) -> Node | None:
    """Turn one YAML document of any kind into nodes; None where it cannot be read."""
    if match := _CONTROL.search(text):
        line = text.count("\n", 0, match.start()) + 1
        reason = f"holds the character U+{ord(match[0]):04X}; a search-space file is text without control characters"
        problems.at(file, line if lines else 0, key, reason)
        return None
    composer = _Composer(text, file, problems, lines)
    try:
        return composer.document(key)
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.at(file, line if lines else 0, key, _syntax(error, text.splitlines()[line - 1 : line]))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        line, reason = _no_character(text, composer.index) or (composer.line, printable(str(error)))
        problems.at(file, line if lines else 0, key, f"is not valid YAML: {reason}")
    return None


def _no_character(text: str, start: int) -> tuple[int, str] | None:
    """Return the line of the first escape behind `start` that is beyond Unicode, and a sentence; PyYAML has none."""
    for match in re.finditer(r"\\U([0-9a-fA-F]{8})", text[start:]):
        if int(match[1], 16) > sys.maxunicode:
            reason = f"the escape `{match[0]}` stands for no character, the last one is `\\U{sys.maxunicode:08X}`"
            return text.count("\n", 0, start + match.start()) + 1, reason
    return None


def _syntax(error: yaml.MarkedYAMLError, lines: list[str]) -> str:
    problem = error.problem or "it cannot be read"
    indent = re.match(r"\s*", lines[0]) if lines else None
    before = lines[0][: error.problem_mark.column].strip() if lines and error.problem_mark else ""
    if "'\\t'" in problem and before:
        return f"holds a tab behind `{printable(before[-60:])}`; write a space"
    if "'\\t'" in problem or (indent and "\t" in indent[0]):
        return "is indented with a tab; YAML allows spaces only"
    for sign, hint in _HINTS:
        if sign in problem or sign in (error.context or ""):
            return f"is not valid YAML: {problem} ({hint})"
    return f"is not valid YAML: {problem}"


class _Composer:
    """Builds nodes from PyYAML's events. `_Stop` ends the reading after a fault that nothing can follow."""

    def __init__(self, text: str, file: str, problems: Problems, lines: bool) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self.text, self.file, self.problems, self.lines = text, file, problems, lines
        self.line, self.index, self.count = 1, 0, 0

    def next(self) -> Any:
        event = next(self.events)
        self.line, self.index = event.start_mark.line + 1, event.end_mark.index
        self.count += isinstance(event, yaml.NodeEvent)
        if self.count > MAX_VALUES:
            self.fault("", f"holds more than {MAX_VALUES:,} keys and values; a search-space file is a page of text", 0)
            raise _Stop
        return event

    def document(self, key: str) -> Node | None:
        self.next()  # the stream's start
        event = self.next()
        if isinstance(event, yaml.StreamEndEvent):
            return Node("scalar", None, key, self.file, 0, plain=True)
        root = self.node(self.next(), key, 0)
        self.next()  # the document's end
        event = self.next()
        if isinstance(event, yaml.DocumentStartEvent):
            self.fault(key, "starts a second document; one file holds one search space, so remove the '---'")
        return root

    def fault(self, key: str, message: str, line: int | None = None) -> None:
        line = self.line if line is None else line
        self.problems.at(self.file, line if self.lines else 0, key, message)

    def node(self, event: Any, key: str, depth: int) -> Node:
        line = (event.start_mark.line + 1) if self.lines else 0
        if isinstance(event, yaml.AliasEvent):
            self.fault(key, f"aliases (`*{event.anchor}`) are not read; {_SHARED}")
            return Node("broken", None, key, self.file, line)
        if event.anchor is not None:
            self.fault(key, f"anchors (`&{event.anchor}`) are not read; {_SHARED}")
        if depth > MAX_NESTING_LEVELS:
            self.fault(
                key, f"is nested deeper than {MAX_NESTING_LEVELS} levels; a search-space file needs at most seven"
            )
            raise _Stop
        tagged = event.tag is not None
        if tagged:
            tag = printable(event.tag).replace("tag:yaml.org,2002:", "!!")
            self.fault(key, f"tags (`{tag}`) are not read; write plain values")
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, key, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(key, line, depth)
        else:
            node = self.mapping(key, line, depth)
        return Node("broken", None, key, self.file, line) if tagged else node

    def scalar(self, event: Any, key: str, line: int) -> Node:
        text, plain = event.value, event.style is None
        if reason := bad_text(text):
            self.fault(key, reason, event.start_mark.line + 1)
            return Node("broken", None, key, self.file, line, text)
        try:
            value = resolve(text) if plain else text
        except Ambiguous as error:
            self.fault(key, f"`{printable(text)}` {error}", event.start_mark.line + 1)
            return Node("broken", None, key, self.file, line, text)
        return Node("scalar", value, key, self.file, line, text, plain)

    def sequence(self, key: str, line: int, depth: int) -> Node:
        items: list[Node] = []
        before: Any = None
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            items.append(self.node(event, f"{key}[{len(items)}]", depth + 1))
            if tight(self.text, before, event):
                items[-2:] = [replace(item, decimal=decimal(before.value, event.value)) for item in items[-2:]]
            before = event
        return Node("list", tuple(items), key, self.file, line)

    def mapping(self, key: str, line: int, depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Node] = {}
        commas = Commas(self.text, self.fault)
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            at = event.start_mark.line + 1
            name = event.value if isinstance(event, yaml.ScalarEvent) else ""
            path = f"{key}.{name}" if key else name
            if isinstance(event, yaml.ScalarEvent):
                value_event = self.next()
                if owner := commas.taken(event, value_event, path, at):
                    if owner in entries and entries[owner].text:
                        entries[owner] = replace(entries[owner], kind="broken", value=None)
                    elif owner in entries:  # the first half of a key
                        del entries[owner], keys[owner]
                    continue
                self.line = at
                name_node = self.name(event, path or key, key, depth)
                self.line = value_event.start_mark.line + 1
            else:
                name_node = self.name(event, path or key, key, depth)
                value_event = self.next()
            if name == "<<" and isinstance(value_event, yaml.AliasEvent):
                continue  # one fault is enough for one habit
            value = self.node(value_event, path, depth + 1)
            if name_node is None:
                continue
            if name in entries:
                first = f"first in line {keys[name].line}" if self.lines else "twice"
                self.fault(path, f"is given twice, {first}; keep one", at)
                continue
            # The key's line is where a person looks, also when the value begins a line further down.
            entries[name], keys[name] = replace(value, key=path, line=name_node.line), name_node
        commas.close()
        return Node("mapping", entries, key, self.file, line, keys=keys)

    def name(self, event: object, path: str, within: str, depth: int) -> Node | None:
        """Read a key of the mapping `within`; None, with a fault, where it is none."""
        if not isinstance(event, yaml.ScalarEvent):
            self.fault(path, "has a list or a mapping for a key; keys are text")
            self.node(event, path, depth + 1)
            return None
        if event.value == "<<" and event.style is None:
            self.fault(path, f"merge keys (`<<`) are not read; {_SHARED}")
            return None
        if within and event.style is None and _NAMES.fullmatch(within):
            event.style = "'"  # the name of a setting is text, also where it is called nan or 1
        if event.value in ("n", "y") and event.style is None and event.tag is None:
            # The number of images is called n; as the name of a key nobody takes it for false.
            return Node("scalar", event.value, path, self.file, self.line if self.lines else 0, event.value)
        node = self.node(event, path, depth + 1)
        return None if node.kind == "broken" else node
