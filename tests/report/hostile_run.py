"""A workload all of whose texts are hostile, and space files that put hostile text wherever they allow text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from search.core.trial import DataCard
from search.workload import Description, Settings, Workload
from tests.report.hostile import TEXTS

SETTING = "=name|<i>%_$&\\`"
LONG = "x" * 150 + "|_%$" + "ü" * 146
KEPT = [text for text in TEXTS if "\r" not in text]
"""Texts that a space file may hold: control characters beside tab and line feed are refused."""
VALUES = [*KEPT, "line\nbreak", "\u202egnp.exe\u202c", "%{y} <br> `back`", LONG, "nan", ""]
FATAL = "fails"
CLASSES = [*(f"class {text}" for text in TEXTS[:9]), "line\nbreak", "\x1b[31mred", "\udcff of no encoding"]
"""As folders of images may be called."""
IMAGES = 18


class Hostile(Workload):
    """Guesses at classes with hostile names; the seed and the text decide which guesses are right."""

    recipe = "1"
    settings: Description = {
        SETTING: {"type": "string", "default": "plain", "description": "any <b>text</b> | of % people"},
        "text": {"type": "string", "default": "plain", "description": "= another"},
        "lr": {"type": "number", "default": 0.1, "description": "length of a step", "epoch": True},
    }

    def data(self, fixed: Settings) -> DataCard:
        truth = {split: np.arange(IMAGES) % len(CLASSES) for split in ("val", "test")}
        names = {split: [f"{TEXTS[i % len(TEXTS)]} {split} {i}.png" for i in range(IMAGES)] for split in truth}
        return DataCard("f" * 40, TEXTS[0] + TEXTS[7], CLASSES, truth, names, VALUES)

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Guess:
        return Guess(dict(fixed), self.data(fixed))


class Guess:
    """One run; a setting called `FATAL` fails in its second epoch, with a hostile message."""

    def __init__(self, fixed: dict[str, Any], card: DataCard) -> None:
        self.fixed, self.card, self.epoch = fixed, card, 0

    def train_epoch(self, settings: Settings) -> dict[str, Any]:
        self.epoch += 1
        words = self.fixed[SETTING] + self.fixed["text"]
        if words.startswith(FATAL) and self.epoch == 2:
            raise ValueError(f"{TEXTS[0]} \x1b[31m {TEXTS[1]}")
        draws = np.random.default_rng([self.fixed["seed"], self.epoch, sum(map(ord, words))])
        row: dict[str, Any] = {"train_loss": 1 / self.epoch, "lr": settings["lr"], "=evil<b>|_%": 1.0}
        guesses = {}
        for split, truth in self.card.truth.items():
            guesses[split] = np.where(draws.random(IMAGES) < 0.6, truth, draws.integers(0, len(CLASSES), IMAGES))
            row |= {f"{split}_loss": 1.0, f"{split}_accuracy": float(np.mean(guesses[split] == truth))}
        return {**row, "predictions": guesses}

    def save(self) -> bytes:
        return str(self.epoch).encode()

    def load(self, state: bytes) -> None:
        self.epoch = int(state)


def quoted(text: str) -> str:
    """Return text in YAML's double quotes."""
    kept = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in kept)


def write_spaces(folder: Path) -> list[Path]:
    """Write a study of hostile values, titles, labels, sources and claims, and one of hostile options and names."""
    q = quoted
    first, second, third, *_ = VALUES
    values = [
        *(f"title: {q(' '.join(KEPT)[:200])}", "workload: tests.report.hostile_run:Hostile", "fixed: {epochs: 2}"),
        *("space:", f"  {q(SETTING)}:", "    grid:", *(f"      - {q(text)}" for text in [*VALUES, FATAL])),
        *("seeds: 2", "report:", f"  rows: {q(SETTING)}", f"  baseline: {q(first)}", "  labels:"),
        *(f"    {q(text)}: {q(f'label {text}')}" for text in VALUES[1::2] if text.isprintable()),
        *("  published:", f"    source: {q(' '.join(VALUES))}", "    n: 18", "    values:"),
        *(f"      {q(text)}: 50 %" for text in VALUES[:4]),
        *("  claims:", f"    - better: [{q(second)}, {q(first)}]", f"    - best: {q(third)}"),
        f"    - never: {{diverges: true, where: {{{q(SETTING)}: [{q(first)}, {q(second)}]}}}}",
    ]
    names = [text for text in VALUES if text.strip() == text and text.isprintable() and 0 < len(text) <= 100]
    options = [
        *(f"title: {q('</script> | $x$ % _')}", "workload: tests.report.hostile_run:Hostile", "fixed: {epochs: 2}"),
        *("space:", "  -a _(1)_:", "    grid:", *(f"      {q(name)}: {{text: {q(name)}}}" for name in names[:4])),
        *("  b..b:", "    grid:", *(f"      {q(name)}: {{{q(SETTING)}: {q(name)}}}" for name in names[4:7])),
        *("seeds: 2", "report:", "  rows: -a _(1)_", "  columns: b..b", f"  baseline: {q(names[0])}"),
        *("  labels:", f"    {q(names[1])}: {q(LONG)}"),
    ]
    made = []
    for name, lines in (("values", values), ("(study) - of options.v1", options)):
        made.append(folder / f"{name}.yaml")
        made[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made
