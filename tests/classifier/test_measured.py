"""Top-5 accuracy and calibration, which rows hold where a file asks: their figures, and that nothing else moves."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from classifier.config import canonical, schedule
from classifier.data import load
from classifier.measured import Asked, fastest
from classifier.training import Training
from classifier.workload import workload
from search.space.reader import space_from_mapping
from search.study.leaf import Planner
from search.workload import SettingFaults

SMALL = {"data": "digits", "data.size": 8, "data.limit": [48, 40, 40], "optimizer.lr": 0.02}


def asked(**settings: bool) -> dict[str, object]:
    given = {"top5": False, "calibration": False, "seconds": False, **settings}
    return {f"measure.{name}": value for name, value in given.items()}


def test_the_five_likeliest_hold_the_true_class_or_not() -> None:
    logits = torch.tensor([[0.0, 1, 2, 3, 4, 5], [5, 1, 2, 3, 4, 0], [1, 1, 1, 1, 1, 1], [float("nan")] * 6])
    found = Asked(asked(top5=True), 6)
    found.look(logits[:1], torch.tensor([0]))
    found.look(logits[1:], torch.tensor([4, 2, 0]))
    assert found.scores()["top5_accuracy"].tolist() == [0, 1, 1, 0]


def test_an_image_whose_true_class_has_no_number_is_not_found() -> None:
    nan = float("nan")
    found = Asked(asked(top5=True), 6)
    found.look(torch.tensor([[nan, 1, 2, 3, 4, 5], [9, nan, 2, 3, 4, 5]]), torch.tensor([0, 0]))
    assert found.scores()["top5_accuracy"].tolist() == [0, 1]


def test_scores_of_many_batches_leave_the_device_in_one_copy_each(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[int] = []
    copy = torch.Tensor.cpu

    def noted(tensor: torch.Tensor) -> torch.Tensor:
        copies.append(len(tensor))
        return copy(tensor)

    monkeypatch.setattr(torch.Tensor, "cpu", noted)
    found = Asked(asked(top5=True, calibration=True), 10)
    for images in (3, 2, 4):
        found.look(torch.rand(images, 10), torch.zeros(images, dtype=torch.int64))
    assert {len(values) for values in found.scores().values()} == {9}
    assert copies == [9, 9, 9]


def test_the_metrics_are_the_means_of_their_scores_and_say_how() -> None:
    found = Asked(asked(top5=True, calibration=True), 10)
    generator = torch.Generator().manual_seed(1)
    logits, labels = 4 * torch.randn(300, 10, generator=generator), torch.randint(10, (300,), generator=generator)
    found.look(logits, labels)
    scores = found.scores()
    metrics, rules = found.row({"val": scores})
    top = logits.topk(5).indices
    assert metrics["val_top5_accuracy"] == pytest.approx((top == labels[:, None]).any(1).float().mean().item())
    probability, classes = logits.softmax(1).max(1)
    gaps = 0.0
    for b in range(15):
        inside = (probability > b / 15) & (probability <= (b + 1) / 15)
        if inside.any():
            gap = (classes == labels)[inside].float().mean() - probability[inside].mean()
            gaps += inside.float().mean().item() * abs(gap.item())
    assert metrics["val_calibration_error"] == pytest.approx(gaps, abs=1e-6)
    assert rules["val_calibration_error"]["form"] == "influence"
    assert rules["val_top5_accuracy"]["untrained"] == 0.5
    found.look(logits[:7], labels[:7])
    assert {name: len(values) for name, values in found.scores().items()} == dict.fromkeys(scores, 7)
    assert {name: values.dtype for name, values in scores.items()} == dict.fromkeys(scores, np.dtype("float32"))


def test_what_is_asked_moves_no_other_bit_of_a_row() -> None:
    rows = []
    for more in ({}, {"measure.top5": True, "measure.calibration": True, "measure.seconds": True}):
        fixed, steps = schedule(canonical({**SMALL, **more, "seed": 0}), 2)
        run = Training(fixed, load(fixed), 1, "cpu")
        rows.append([run.train_epoch(now) for now in steps][-1])
    plain, full = rows
    named = [f"{split}_{name}" for split in ("val", "test") for name in ("top5_accuracy", "calibration_error")]
    assert sorted(set(full) - set(plain)) == sorted([*named, "seconds_per_image"])
    assert 0 < full["seconds_per_image"] < 60
    numbers = [name for name, value in plain.items() if isinstance(value, float)]
    assert [plain[name] for name in numbers] == [full[name] for name in numbers]
    assert 0 < full["val_calibration_error"] < 1
    assert full["val_top5_accuracy"] >= full["val_accuracy"]
    assert set(full["scores"]["test"]) == {"loss", "top5_accuracy", "calibration_error"}


def test_a_time_is_that_of_the_fastest_pass_and_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    now, said = 0.0, []
    lasting = iter([0.0625, 0.03125, 0.0625, 0.125, 8])  # together 0.28 s before the last, which is never begun
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    def wait() -> None:
        nonlocal now
        said.append("wait")
        if said[-2:] == ["predict", "wait"]:
            now += next(lasting)

    assert fastest(lambda: said.append("predict"), wait) == 0.03125
    assert said == ["wait", "predict", "wait"] * 4
    lasting = iter([0.5, 0.25, 4.0])
    assert fastest(lambda: said.append("predict"), wait) == 0.25
    assert said[12:] == ["wait", "predict", "wait"] * 3


def test_what_is_not_asked_is_in_no_key_and_what_is_has_keys_of_its_own() -> None:
    paths = []
    for more in ({}, {"measure.top5": False}, {"measure.top5": True}):
        space = space_from_mapping({"workload": "classifier", "fixed": {**SMALL, "epochs": 2, **more}}, "keys")
        paths.append(Planner(space, workload, {"device": "a test"}).leaf(0, 0, 0, {}).path)
    assert paths[0] == paths[1]
    assert set(paths[0]).isdisjoint(paths[2])


def test_of_five_classes_the_five_likeliest_are_all() -> None:
    from classifier.measured import check_classes

    with pytest.raises(SettingFaults) as caught:
        check_classes(asked(top5=True), 5)
    assert caught.value.faults == [
        ("measure.top5", "found true, but the data have 5 classes: each image is found; set it to false")
    ]
    check_classes(asked(top5=True), 6)
