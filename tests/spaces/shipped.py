"""The shipped space files and what their trials would train, told from settings alone: no image is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifier.workload import ClassifierWorkload
from search.core.prefix import fingerprint
from search.core.trial import DataCard
from search.space.model import Space
from search.space.reader import read_space
from search.study.leaf import Leaf, Planner

SPACES = Path(__file__).parents[2] / "spaces"
REPORT_A = ("augmentation", "decay", "early_stop", "focal", "models")
REPORT_B = ("activation", "depth", "greyscale", "milestones", "normalisation")


def space(name: str, **overrides: str) -> Space:
    """Read a shipped file; ``data__size="32"`` is ``--set data.size=32``."""
    return read_space(SPACES / f"{name}.yaml", {key.replace("__", "."): text for key, text in overrides.items()})


class Unread(ClassifierWorkload):
    """The classifier, with data and pretrained weights known by their settings instead of their content."""

    def data(self, fixed: Mapping[str, Any]) -> DataCard:
        return DataCard(fingerprint({name: value for name, value in fixed.items() if name.startswith("data")}))

    def inputs(self, fixed: Mapping[str, Any]) -> dict[str, str]:
        return {"model.weights": fixed["model.name"]} if fixed.get("model.weights") == "imagenet" else {}


def leaves(name: str, seed: int = 0, **overrides: str) -> dict[str, Leaf]:
    """Return row -> leaf of a file under one seed."""
    read = space(name, **overrides)
    planner = Planner(read, Unread(), {"machine": "here"})
    found = {}
    for configuration, parameters in enumerate(read.grid()):
        (value,) = parameters.values()
        found[str(value)] = planner.leaf(configuration, configuration, seed, parameters)
    return found


def keys(*names: str) -> set[str]:
    """Return the epochs that these files train under one seed, each named by its key."""
    return {key for name in names for leaf in leaves(name).values() for key in leaf.path}
