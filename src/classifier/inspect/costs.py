"""What a model costs: parameters, multiply-adds and bytes of its weights, nothing being trained.

Models live on the meta device: nothing is drawn, computed or kept.
"""

from __future__ import annotations

from functools import cache

import torch

from classifier.inspect.layers import anatomy
from classifier.models import MODEL_SETTINGS, build
from search.workload import Settings


def costs(fixed: Settings, classes: int) -> dict[str, float]:
    """Return the costs of a model.

    Args:
        fixed: canonical fixed settings; those of the model and the image size count.
        classes: outputs.

    Returns:
        ``parameters``: numbers that are learnt, frozen ones among them; ``multiply_adds``: of convolutions and linear
        layers, for one image; ``weight_bytes``: of all that a saved model holds, batch norm's statistics too.
    """
    own = {key: fixed[key] for key in (*MODEL_SETTINGS, "data.size") if key in fixed}
    return dict(_costs(tuple(own.items()), classes))


@cache
def _costs(fixed: tuple[tuple[str, object], ...], classes: int) -> dict[str, float]:
    settings = dict(fixed)
    with torch.device("meta"):
        weights = build(settings, classes).state_dict().values()
    part = anatomy(settings, classes)
    return {
        "parameters": float(part.parameters),
        "multiply_adds": float(part.multiply_adds),
        "weight_bytes": float(sum(tensor.numel() * tensor.element_size() for tensor in weights)),
    }
