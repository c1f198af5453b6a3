"""What the offline runs of Weights & Biases hold, read with its own record format."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from search import logs
from tests.logs.conftest import RUNS, go_on
from tests.report.builder import Study

pytest.importorskip("wandb", reason="Weights & Biases is an optional library: the extra `wandb`")
pytestmark = pytest.mark.slow  # every run starts a process of the library

BLOCK = 1 << 15


def log(study: Study, tmp_path: Path) -> dict[str, Path]:
    """Log a study; return the folders by the name of their run."""
    (said,) = logs.log_study(["wandb"], study.opened, tmp_path, tmp_path / "focal")
    place = tmp_path / "focal" / "wandb"
    assert f"wandb sync '{place}'/offline-run-*" in said
    return {records(folder)[0]["run"]["display_name"]: folder for folder in place.glob("offline-run-*")}


def records(folder: Path) -> list[dict[str, Any]]:
    """Return what a run's file holds, the run itself first.

    The file is a log of LevelDB's format: after a header of 7 bytes blocks of 32 KiB, in them records, each with a
    checksum (4 bytes), its length (2) and its kind (1: whole, 2, 3 and 4: first, middle and last part).
    """
    from google.protobuf.json_format import MessageToDict
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("*.wandb")
    data, at, part, found = file.read_bytes(), 7, b"", []
    assert data.startswith(b":W&B")
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            found.append(MessageToDict(record, preserving_proto_field_name=True))
            part = b""
    return sorted(found, key=lambda record: "run" not in record)


def history(folder: Path, metric: str) -> list[tuple[int, float]]:
    rows = []
    for record in records(folder):
        items = record.get("history", {}).get("item", [])
        values = {item.get("key") or item["nested_key"][0]: json.loads(item["value_json"]) for item in items}
        if metric in values:
            rows.append((values["epoch"], values[metric]))
    return rows


def test_offline_runs_hold_curves_and_parameters(study: Study, tmp_path: Path) -> None:
    runs = log(study, tmp_path)
    assert sorted(runs) == ["Focal loss", *RUNS]
    one = runs["trial 1, gamma=0.5, seed 1"]
    assert history(one, "val_accuracy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    run = records(one)[0]["run"]
    config = {item["key"]: json.loads(item["value_json"]) for item in run["config"]["update"]}
    assert {name: config[name] for name in ("gamma", "seed", "lr", "epochs")} == {
        **{"gamma": 0.5, "seed": 1, "lr": 0.1, "epochs": 3}
    }
    assert (run["project"], run["run_group"]) == ("focal", "gamma=0.5")
    assert list(runs["Focal loss"].rglob("*.table.json"))


def test_logging_twice_adds_nothing_and_a_trial_that_went_on_is_replaced(study: Study, tmp_path: Path) -> None:
    before = log(study, tmp_path)
    assert log(study, tmp_path) == before
    go_on(study, 5)
    after = log(study, tmp_path)
    assert len(after) == 7
    name = "trial 5, gamma=0, seed 1"
    assert [epoch for epoch, _ in history(after[name], "val_accuracy")] == [1, 2, 3]
    assert records(after[name])[0]["run"]["run_id"] == after[name].name.rpartition("-")[2]
    assert before[name].name.rpartition("-")[2] == after[name].name.rpartition("-")[2]
