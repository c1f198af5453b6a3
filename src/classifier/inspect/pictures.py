"""The pictures of a run that need its weights: features of images, and what filters answer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from classifier.inspect.features import features_scatter
from classifier.inspect.filters import BLUR_SIGMA_PX, IMAGE_SIZE_PX, STEP_RMS, ascend, find
from classifier.models import build
from classifier.training import Training
from search.workload import Settings

SPLITS = ("val", "train")


def check(fixed: Settings, options: Mapping[str, Any]) -> None:
    """Check what `pictures` will be asked for against the model of these fixed settings.

    Raises:
        SettingFaults: names of filters that are none.
    """
    with torch.device("meta"):  # names and shapes alone
        find(build(fixed, classes=2), options.get("filters", ()))


def pictures(run: Training, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the scatters and images of a run in its present state.

    Args:
        run: the run; it is left as it was.
        options: ``filters``: names, see `classifier.inspect.filters`; a default choice where there are none.

    Returns:
        ``features-val``, ``features-train``: see `features_scatter`. ``filter-<name>-<iterations>``: ``title``,
        ``image`` (uint8 [h, w, 3]) and ``note``.

    Raises:
        SettingFaults: names of filters that are none.
    """
    filters = find(run.model, options.get("filters", ()))
    drawn = {f"features-{split}": features_scatter(run, split) for split in SPLITS}
    note = (
        f"gradient ascent from grey noise on the mean of the filter's output: {IMAGE_SIZE_PX} px, "
        f"steps of {STEP_RMS:g} of the brightness range (rms), gradient blurred by {BLUR_SIGMA_PX:g} px; "
        "centred and scaled to be seen"
    )
    for one in filters:
        for iterations, image in ascend(run.model, one, run.normalise, channels=run.channels).items():
            title = f"{one.name} after {iterations} iterations"
            drawn[f"filter-{one.name.replace(':', '-')}-{iterations}"] = {"title": title, "image": image, "note": note}
    return drawn
