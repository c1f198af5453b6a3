"""What the process that examines says of a file: of one that is judged, the price of its last look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search.service.examine import answered

FILE = """
name: sine
workload: tests.contracts.toy:SineFit
fixed: {epochs: 4, lr: 0.1}
space: {degree: {grid: [0, 2]}}
seeds: [0, 1, 2]
report:
  baseline: 0
  claims: [{better: [2, 0]}]
"""


@pytest.mark.parametrize(
    ("options", "looks", "seeds"),
    [
        ({}, "", 3),
        ({"judge": True}, "", 10),
        ({"judge": True, "max_seeds": 5}, "", 5),
        ({"judge": True}, "  looks: [3, 6]\n", 6),
        ({"judge": True, "set": ["seeds=[0, 1, 2, 3]"]}, "", 10),
    ],
)
def test_what_is_judged_is_priced_at_its_last_look(
    tmp_path: Path, options: dict[str, Any], looks: str, seeds: int
) -> None:
    path = tmp_path / "sine.yaml"
    path.write_text(f"{FILE}{looks}")
    place = {"file": str(path), "folder": str(tmp_path), "results": str(tmp_path / "results"), "storage": ""}
    found: Any = answered({"what": "plan", "options": json.dumps(options), **place})
    assert found["faults"] == []
    assert found["plan"]["epochs"]["to_train"] == 2 * seeds * 4
