"""Which values of a metric are better, as far as its name tells everybody."""

from __future__ import annotations

import re

LOWER, HIGHER = "lower", "higher"

_LOWER = re.compile(r"^seconds_|loss|error|(_|\b)(r?mse|mae|mape|rmsle|nll|perplexity|ppl|[wc]er|crps)(_|\b)")
_HIGHER = re.compile(r"(_|\b)(accuracy|auc|f1|iou|dice|r2|bleu|recall|precision)(_|\b)")


def better_by_name(metric: str) -> str | None:
    """Return whether `LOWER` or `HIGHER` values of a metric are better, where its name tells everybody; else None."""
    name = metric.lower()
    lower, higher = _LOWER.search(name) is not None, _HIGHER.search(name) is not None
    if lower == higher:
        return None
    return LOWER if lower else HIGHER
