"""The toy with a learning rate that drops: a setting that is absorbed by the schedule, so that trials share epochs."""

from __future__ import annotations

from typing import Any, ClassVar

from search.core.values import rounded
from search.workload import Settings
from tests.contracts.toy import SineFit


class DroppingFit(SineFit):
    settings: ClassVar = {
        **SineFit.settings,
        "drop_after": {"type": ["integer", "null"], "minimum": 1, "default": None, "description": "then lr is a tenth"},
    }

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        fixed, each = super().schedule(settings, epochs)
        if drop := fixed.pop("drop_after"):
            for now in each[drop:]:
                now["lr"] = rounded(now["lr"] / 10, self.settings["lr"])
        return fixed, each
