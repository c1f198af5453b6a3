"""A workload with two names for one setting: `twin: b` trains as `twin: a` does five seeds later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier.workload import ClassifierWorkload

LATER = 5


class Twins(ClassifierWorkload):
    """The classifier; what differs between twins is luck alone."""

    settings = {
        **ClassifierWorkload.settings,
        "twin": {"enum": ["a", "b"], "default": "a", "description": "name of the setting"},
    }

    def canonical(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().canonical(_known(settings)), "twin": settings.get("twin", "a")}

    def start(self, fixed: Mapping[str, Any], cpus: int, gpus: float) -> Any:
        later = LATER if fixed["twin"] == "b" else 0
        return super().start({**_known(fixed), "seed": fixed["seed"] + later}, cpus, gpus)


def _known(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the classifier knows of."""
    return {name: value for name, value in settings.items() if name != "twin"}
