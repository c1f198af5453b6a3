"""The contract over image classification, on the digits that come with scikit-learn."""

from __future__ import annotations

import importlib.util
from typing import ClassVar

import pytest

from tests.contracts.workload_contract import WorkloadContract


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("classifier.workload"), reason="classifier.workload is not there")
class TestClassifier(WorkloadContract):
    name = "classifier.workload:workload"
    settings: ClassVar = {
        "data": "digits",
        "model.name": "model_c",
        "batch_size": 48,
        "loss.name": "focal",
        "loss.gamma": 0.5,
        "optimizer.name": "sgd",
        "optimizer.lr": 0.005,
        "optimizer.momentum": 0.9,
        "decay.name": "step",
        "decay.start": 1,
        "decay.every": 1,
        "decay.factor": 0.1,
        "augment.rotation": 10,
        "augment.crop": True,
        "augment.hflip": 0.5,
        "augment.contrast": 0.2,
        "seed": 3,
    }
    epochs = 2
    absorbed = frozenset({"decay.name", "decay.start", "decay.every", "decay.factor", "decay.warmup"})


class TestClassifierInBfloat16(TestClassifier):
    """On fewer images: without instructions for it, a processor takes eight times as long; with all that mixes."""

    settings: ClassVar = {
        **TestClassifier.settings,
        "precision": "bf16",
        "data.held": "host",
        "data.limit": [96, 60, 60],
        "augment.policy": "trivialaugment",
        "augment.erase": 0.25,
        "augment.mixup": 0.4,
        "augment.cutmix": 1,
    }
