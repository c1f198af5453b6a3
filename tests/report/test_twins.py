"""One setting under two names with seeds of their own: tables that call one of them better are the exception.

Twenty studies, each on a split of its own: seeds 0 to 4 under one name, 5 to 9 under the other. A test at 5 % calls the
second one better in 2.5 % of tables, on validation or on test images in at most 5 %: of 20 tables one, and more than 3
in 1.6 % of such series.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.api import Study, load_space, run

STUDIES = 20
ALLOWED = 3
FIXED: dict[str, Any] = {
    **{"epochs": 8, "batch_size": 16, "optimizer.name": "adam", "optimizer.lr": 0.003},
    **{"data": "digits", "data.size": 8, "data.limit": [96, 200, 200]},
}


def trained(results: Path, name: str, fixed: dict[str, Any], **axes: Any) -> Study:
    content = {
        "name": name,
        "workload": "tests.report.twins:Twins",
        "fixed": {**FIXED, **fixed},
        "space": {"twin": {"grid": ["a", "b"]}, **axes},
        "seeds": 5,
        "resources": {"cpus": 1},
        "report": {"rows": "twin", "baseline": "a"},
    }
    return run(load_space(content), results=results)


@pytest.mark.stress
def test_twins_are_seldom_called_better(tmp_path: Path) -> None:
    splits = {"data.split_seed": {"grid": list(range(STUDIES))}}
    trained(tmp_path, "all twins", {}, **splits)  # one Ray for all; the studies find their epochs on record
    better, worse, widths = [], [], []
    for number in range(STUDIES):
        study = trained(tmp_path, f"twins {number}", {"data.split_seed": number})
        line = study.table(all=True).set_index("twin").loc["b"]
        assert line["finished"] == 5
        assert line["val_accuracy_state"] == line["test_accuracy_chosen_state"] == "estimated"
        own = study.trials().pivot(index="seed", columns="twin", values="val_accuracy")
        assert not (own["a"] == own["b"]).all(), "the twins saw the same seeds"
        widths.append(line["val_accuracy_difference_high"] - line["val_accuracy_difference_low"])
        if line["val_accuracy_better"] or line["test_accuracy_chosen_better"]:
            better.append(number)
        elif min(line["val_accuracy_p_holm"], line["test_accuracy_chosen_p_holm"]) <= 0.05:
            worse.append(number)
    assert min(widths) > 0
    mean = sum(widths) / len(widths)
    found = f"{len(better)} call a twin better, {len(worse)} worse"
    print(f"of {STUDIES} tables {found}; intervals on validation {100 * mean:.1f} pt wide")
    assert len(better) <= ALLOWED, better
