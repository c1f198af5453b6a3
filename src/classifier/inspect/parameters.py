"""How many parameters a model has, by name: weights and biases, of frozen layers too, batch norm's statistics not.

Models live on the meta device: nothing is drawn, computed or kept.
"""

from __future__ import annotations

from functools import cache

import torch

from classifier.config import canonical
from classifier.models import MODEL_SETTINGS, build
from search.workload import Settings


def parameters(name: str, settings: Settings, classes: int) -> int:
    """Return the number of parameters of a model.

    Args:
        name: of `MODEL_SETTINGS`.
        settings: of a configuration. Its ``model.*`` settings count where it uses this model, else their defaults do;
            its image size counts always.
        classes: outputs.

    Raises:
        SettingFaults: no such model, or not with these settings.
    """
    whole = canonical(settings)
    own = {key: whole[key] for key in MODEL_SETTINGS if key in whole} if whole["model.name"] == name else {}
    fixed = canonical({**own, "model.name": name, "data.size": whole["data.size"]})
    return _count(tuple((key, value) for key, value in fixed.items() if key in (*MODEL_SETTINGS, "data.size")), classes)


@cache
def _count(fixed: tuple[tuple[str, object], ...], classes: int) -> int:
    with torch.device("meta"):
        model = build(dict(fixed), classes)
    return sum(parameter.numel() for parameter in model.parameters())
