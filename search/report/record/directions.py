"""Whether a file and the rows of its study agree on which values of a metric are better."""

from __future__ import annotations

from collections.abc import Iterator

from search.core.scores import HIGHER, LOWER
from search.report.record.curves import Curves


def direction_sentences(read: Curves) -> Iterator[str]:
    """Yield what must be said where the file wants more of a metric of which, as its rows say, less is better, or less
    of one of which more is."""
    objective, fixed = read.space.search.objective, read.space.fixed
    asked = [("search.objective.direction", objective.metric, objective.maximize, "the search, pruning and the order")]
    asked += [
        (f"search.objective[{place}].direction", one.metric, one.maximize, "the search and the front")
        for place, one in enumerate(read.space.search.further, start=1)
    ]
    if fixed.get("stop.rule") == "patience" and "stop.metric" in fixed:
        up = fixed.get("stop.direction") == "maximize"
        asked.append(("stop.direction", str(fixed["stop.metric"]), up, "the stop rule"))
    for key, metric, up, what in asked:
        rule = read.rules.get(metric)
        if rule is not None and (rule.better == HIGHER) != up:
            wanted, other = ("maximize", "minimize") if up else ("minimize", "maximize")
            yield (
                f"{key} is {wanted}, but rows say that {rule.better} values of {metric} are better: {what} went by the "
                f"file, intervals and claims go by the rows. Write {other} there, or `better: "
                f"{HIGHER if up else LOWER}` in score_rules."
            )
