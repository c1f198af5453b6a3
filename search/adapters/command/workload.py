"""The workload: a command line, the settings that fill it in, and the files that stand behind it."""

from __future__ import annotations

import functools
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.adapters.command import files, line
from search.adapters.command.machine import environment, gpu_names
from search.adapters.command.process import Process, new_folder
from search.adapters.command.run import CommandRun
from search.adapters.command.truth import BadTruth, Truth, read_truth
from search.core.errors import nearest
from search.core.prefix import fingerprint
from search.core.values import Rule, Settings
from search.workload import DataCard, Description, SettingFaults, Workload, complete
from search.workload.settings import why_not

VERSION = "1"
"""Raised when the same file and program would be started in another way."""

TYPES = ("number", "integer", "string", "boolean", "array")

UNDECLARED: Rule = {
    "type": ["number", "string", "boolean", "array"],
    "items": {"type": ["number", "string", "boolean"]},
}
"""The rule of a setting that the command line names and nobody describes."""

OUTPUT = "output"


class Command(Workload):
    """A program that trains, as the key ``command`` of a space file describes it.

    Args:
        definition: what stands there: ``run`` and perhaps ``settings``, ``rows``, ``source`` and ``data``; the reader
            has checked its form. None where only the name of the workload is known.

    Raises:
        SettingFaults: it cannot be started so; names are paths below ``command``.
    """

    settings: Description
    resumable = False

    def __init__(self, definition: Mapping[str, object] | None = None) -> None:
        self._words: list[str] = []
        self._data: list[str] | None = None
        self._source: list[str] = []
        self._truth = Truth()
        self._rows = OUTPUT
        self.settings = {}
        if definition is not None:
            self._define(definition)

    def _define(self, definition: Mapping[str, Any]) -> None:
        faults: list[tuple[str, str]] = []
        try:
            self._words = line.words_of(definition["run"])
        except line.BadLine as bad:
            raise SettingFaults([("run", str(bad))]) from None
        self._rows = definition.get("rows", OUTPUT)
        self._data = _listed(definition.get("data"))
        self._names = line.names_in(self._words)
        described: dict[str, Rule] = {}
        for name, rule in (definition.get("settings") or {}).items():
            if isinstance(rule, str) and (reason := why_not(rule, {"enum": TYPES})):
                faults.append((f"settings.{name}", reason))
            ruled = {"type": rule} if isinstance(rule, str) else rule
            described[name] = ruled if {"type", "enum"} & set(ruled) else {**UNDECLARED, **ruled}
        self.settings = {
            name: {"description": f"stands for {{{name}}} in the command", **described.get(name, UNDECLARED)}
            for name in self._names
            if name not in line.OF_A_RUN
        }
        for name, rule in described.items():
            if name in line.OF_A_RUN:
                faults.append(
                    (f"settings.{name}", f"{{{name}}} is {line.OF_A_RUN[name]}; give the setting another name")
                )
            elif name not in self._names:
                remedy = nearest(name, self.settings) or f"; write {{{name}}} where its value belongs"
                faults.append((f"settings.{name}", f"is not in the command line{remedy}"))
            elif "default" in rule and (reason := why_not(rule["default"], rule)):
                faults.append((f"settings.{name}.default", reason))
        if self._rows != OUTPUT and not self._rows.startswith(f"{{{line.FOLDER}}}/"):
            rule_of_rows = "must be `output`, or a file in the folder of the run such as '{folder}/rows.jsonl'"
            faults.append(("rows", f"found {self._rows!r}, {rule_of_rows}"))
        elif strange := set(line.names_in([self._rows])) - set(self._names):
            remedy = f"; write {{{min(strange)}}} where the program is told of its file of rows"
            faults.append(("rows", f"the command line has no {{{min(strange)}}}{remedy}"))
        for name in line.names_in(self._data or ()):
            if name not in self.settings:
                reason = f"data may depend on settings that the command line names, and {{{name}}} is none"
                faults.append(("data", f"{reason}{nearest(name, self.settings)}"))
        if "{" not in self._words[0] and not files.program_of(self._words[0]):
            faults.append(("run", files.why_no_program(self._words[0])))
        for key, paths in (("source", _listed(definition.get("source"))), ("data", self._data)):
            for place, path in enumerate(paths or ()):
                if not line.names_in([path]) and not Path(path).exists():
                    each = key if isinstance(definition[key], str) else f"{key}[{place}]"
                    faults.append((each, f"found {path!r}, but there is no such file or folder in {Path.cwd()}"))
        if "truth" in definition:
            try:
                self._truth = read_truth(definition["truth"])
            except BadTruth as bad:
                faults.append(("truth", str(bad)))
        self._source = self._sources(_listed(definition.get("source")), faults)
        if faults:
            raise SettingFaults(faults)

    def _sources(self, given: list[str] | None, faults: list[tuple[str, str]]) -> list[str]:
        """Return the files whose content keys the workload."""
        if given is not None:
            return given
        plain = [word for word in self._words if not line.names_in([word])]
        found = [path for path in files.named_files(plain) if path not in (self._data or ())]
        if not found:
            reason = "names no file that is there, so that a changed program would not be noticed"
            faults.append(("run", f"{reason}; list its files under `source`, or write `source: []` if it has none"))
        return found

    @functools.cached_property
    def recipe(self) -> str:  # type: ignore[override]
        """What determines a row: the command line, the content of its source, and defaults, which are in no key."""
        defaults = {name: rule["default"] for name, rule in self.settings.items() if "default" in rule}
        parts = [VERSION, self._words, self._rows, defaults, files.hashes(self._source)]
        return f"command {fingerprint(parts)[:16]}"

    @property
    def seeded(self) -> bool:
        """Whether the program is told the seed."""
        return line.SEED in self._names

    @property
    def unrepeated(self) -> str:
        """Why two runs of the same settings may give different rows."""
        chance, seed = "unseeded chance in the program, or its clock", f"{{{line.SEED}}}"
        remedy = "seed every generator that it draws from with"
        if not self.seeded:
            return f"{chance}: the command line has no {seed}; write it there, and {remedy} it"
        return f"{chance}; {remedy} {seed}, or with one made of it and the epoch"

    def canonical(self, settings: Settings) -> dict[str, Any]:
        """Return settings in their one spelling: whole numbers that nobody described are whole."""
        result = complete(self.settings, settings)
        faults = []
        for name, value in result.items():
            if self.settings.get(name, {}).get("type") == UNDECLARED["type"]:
                result[name] = [_whole(item) for item in value] if isinstance(value, list) else _whole(value)
            if any("\0" in word for word in line.filled(f"{{{name}}}", {name: value})):
                faults.append((name, f"found {value!r}, which no command line can hold; leave out the zero character"))
        if faults:
            raise SettingFaults(faults)
        return result

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return settings as fixed ones: a program that has begun is told nothing more.

        Where it is told the number of epochs, that is one of them: what it trains may depend on it.
        """
        told = {line.EPOCHS: epochs} if line.EPOCHS in self._names else {}
        return {**settings, **told}, [{} for _ in range(epochs)]

    def data(self, fixed: Settings) -> DataCard | None:
        """Describe the data files by content.

        Raises:
            SettingFaults: one is not there.
        """
        if self._data is None and not self._truth.splits:
            return None
        named = self._data or []
        paths = [path for each in named for path in line.filled(each, fixed)]
        contents: list[tuple[str, str]] = []
        size = 0
        try:
            for path in paths:
                digests = files.hashes([path])
                contents += [(os.path.relpath(name, path), digest) for name, digest in digests.items()]
                size += sum(Path(name).stat().st_size for name in digests)
        except OSError as error:
            name = next(iter(line.names_in(named)), "")
            reason = f"the data file {error.filename!r} cannot be read: {error.strerror}"
            raise SettingFaults([(name, f"{reason}; put it there, or mend `data` under `command`")]) from None
        note = f"{len(contents)} file{'s' * (len(contents) != 1)}, {size:,} bytes"
        splits = {split: classes.tolist() for split, classes in self._truth.splits.items()}
        content = [[list(each) for each in contents], *([splits] if splits else [])]
        name = ", ".join(paths) or "none"
        return DataCard(fingerprint(content), name, self._truth.classes, self._truth.splits, notes=[note])

    def inputs(self, fixed: Settings) -> Mapping[str, str]:
        """Return file -> hash of the files that words of the command line name once they are filled in."""
        named = [word for word in self._words if line.names_in([word])]
        values = {line.SEED: "", line.EPOCHS: "", **fixed, line.FOLDER: "", line.CPUS: ""}
        words = [other for word in named for other in line.filled(word, values)]
        data = {path for each in self._data or () for path in line.filled(each, values)}
        return files.hashes(path for path in files.named_files(["", *words]) if path not in data)

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        """Return what can change bits here: the system, threads, GPUs, and the program where it is no source."""
        system = {"system": f"{platform.system()} {platform.machine()}", "cpus": str(cpus)}
        if "{" not in self._words[0] and self._words[0] not in self._source:
            system["program"] = f"{self._words[0]} {files.content_hash(files.program_of(self._words[0]))}"
        return system | ({"gpus": f"{gpus:g} of {gpu_names()}"} if gpus else {})

    def check_data(self, fixed: Settings) -> Sequence[str]:
        """Return lines on what stands behind the command: its source, its data, and the words of one run."""
        card = self.data(fixed)
        words = self._filled({**fixed, **{name: name.upper() for name in line.OF_A_RUN}}, {})
        return [
            f"command: {json.dumps(words, ensure_ascii=False)}",
            *(f"source: {path} ({digest})" for path, digest in files.hashes(self._source).items()),
            f"data: {'none named' if card is None else ' '.join([card.name, *card.notes])}",
        ]

    def start(self, fixed: Settings, cpus: int, gpus: float) -> CommandRun:  # noqa: ARG002  # it finds them itself
        """Return a run; its program is started with its first epoch."""
        return CommandRun(functools.partial(self._start, dict(fixed), cpus), fixed.get(line.EPOCHS))

    def _start(self, fixed: Settings, cpus: int) -> Process:
        folder = new_folder() if line.FOLDER in self._names else ""
        values = {line.CPUS: cpus, line.FOLDER: folder}
        rows = "" if self._rows == OUTPUT else line.filled(self._rows, {**fixed, **values})[0]
        return Process(self._filled(fixed, values), environment(cpus), folder, rows)

    def _filled(self, fixed: Settings, values: Mapping[str, object]) -> list[str]:
        return [word for each in self._words for word in line.filled(each, {**values, **fixed})]


def _listed(paths: str | Sequence[str] | None) -> list[str] | None:
    return [paths] if isinstance(paths, str) else None if paths is None else list(paths)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
