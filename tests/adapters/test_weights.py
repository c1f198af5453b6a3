"""Weights of what adapters train, in the classes that the scripts have them from."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from search.adapters.torch.kept import Kept, saved
from search.adapters.torch.state import pack, unpack
from search.adapters.torch.weights import weights_of
from search.inspect.revive import as_in_a_worker
from search.inspect.weights import export_weights
from search.ledger.ledger import Ledger
from tests.inspect.recorded import recorded


def weights_after_a_state(**objects: Any) -> dict[str, torch.Tensor]:
    """Return the weights of kept objects, by way of the bytes of a state."""
    return weights_of(unpack(pack(saved(Kept(objects)))))


def a_step(model: nn.Module) -> torch.optim.Optimizer:
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    return optimizer


def test_one_model_has_its_own_names_whatever_is_kept_beside_it() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = a_step(model)
    others = {
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer),
        "scaler": torch.amp.GradScaler("cpu"),
        "generator": torch.Generator(),
        "history": [1.0, 2.0],
        "best": {"epoch": 3},
        "steps": torch.tensor(7),
    }
    found = weights_after_a_state(model=model, **others)
    assert list(found) == list(model.state_dict())
    assert found._metadata == model.state_dict()._metadata  # type: ignore[attr-defined]
    nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).load_state_dict(found, strict=True)


def test_several_stand_behind_what_they_are_kept_as() -> None:
    model = nn.Linear(3, 2)
    found = weights_after_a_state(model=model, ema=torch.optim.swa_utils.AveragedModel(model), scale=torch.ones(2))
    assert list(found) == [
        *("model.weight", "model.bias", "ema.n_averaged", "ema.module.weight", "ema.module.bias", "scale"),
    ]
    assert list(weights_after_a_state(w=torch.ones(2))) == ["w"]
    assert weights_after_a_state(history=[1.0]) == {}


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Train one epoch of a trial, and write its weights from a kept state, and trained again."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    ledger = Ledger(str(tmp_path / "search.db"))

    def export(name: str, space: dict[str, Any], metric: str, **fixed: Any) -> OrderedDict[str, torch.Tensor]:
        search = {"objective": {"metric": metric, "direction": "minimize"}}
        with as_in_a_worker(1):
            study = recorded(ledger, name, epochs=1, space=space, fixed={"epochs": 1, **fixed}, search=search)
        again = export_weights(study.opened, tmp_path / "again.pt", say=lambda text: None)
        with as_in_a_worker(1):  # in which trainings have moved switches meanwhile
            assert study.record.execution_class == study.workload.execution_class(1, 0.0)
        study.keep(1)
        told: list[str] = []
        written = export_weights(study.opened, tmp_path / "kept.pt", 0, say=told.append)
        assert told == []
        one, other = (torch.load(file.path, weights_only=True) for file in (again, written))
        assert one.metadata == other.metadata
        assert list(one) == list(other)
        assert all(torch.equal(one[name], other[name]) for name in one)
        return one

    yield export
    ledger.close()


@pytest.mark.slow
def test_a_script_of_torch(exported: Callable[..., Any]) -> None:
    found = exported("examples.digits_torch:main", {"lr": {"grid": [0.1]}}, "val_loss")
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(576, 10))
    model.load_state_dict(found, strict=True)

    from examples.digits_torch import load

    images, labels = load()[1][:]
    loss = nn.functional.cross_entropy(model.eval()(images), labels).item()
    assert loss == json.loads(found.metadata["metrics"])["val_loss"]


@pytest.mark.slow
def test_a_module_of_lightning(exported: Callable[..., Any]) -> None:
    pytest.importorskip("lightning")
    found = exported("examples.lightning_digits:digits", {"width": {"grid": [16]}}, "val_loss")

    from examples.lightning_digits import Digits

    Digits(**json.loads(found.metadata["hyper_parameters"])).load_state_dict(found, strict=True)


@pytest.mark.slow
def test_a_model_of_transformers(exported: Callable[..., Any]) -> None:
    transformers = pytest.importorskip("transformers")
    found = exported("examples.transformers_gpt:gpt", {"layers": {"grid": [1]}}, "eval_loss", num_train_epochs=1)
    config = transformers.GPT2Config(**json.loads(found.metadata["config"]))
    transformers.GPT2LMHeadModel(config).load_state_dict(found, strict=True)


@pytest.mark.slow
def test_an_estimator_of_scikit_learn(exported: Callable[..., Any]) -> None:
    found = exported("examples.digits_sklearn:model", {"alpha": {"grid": [0.001]}}, "val_loss")
    about = {name: json.loads(found.metadata[name]) for name in ("classes", "parameters", "metrics")}
    assert found.metadata["estimator"].endswith(".SGDClassifier")
    assert about["parameters"]["alpha"] == 0.001
    assert about["classes"] == [str(digit) for digit in range(10)]

    from examples.digits_sklearn import load

    _, images, _, labels = load()
    scores = images @ found["coef_"].numpy().T + found["intercept_"].numpy()
    assert (scores.argmax(1) == labels).mean() == about["metrics"]["val_accuracy"]


def test_layers_have_their_places_and_a_forest_has_no_arrays_to_predict_with() -> None:
    neural_network = pytest.importorskip("sklearn.neural_network")
    ensemble = pytest.importorskip("sklearn.ensemble")
    from search.adapters.sklearn.weights import weights_of as arrays_of

    x, y = torch.eye(4).numpy(), [0, 1, 0, 1]
    network = neural_network.MLPClassifier((3,)).partial_fit(x, y, classes=[0, 1])
    assert [name for name in arrays_of(network) if name != "classes_"] == [
        *("coefs_.0", "coefs_.1", "intercepts_.0", "intercepts_.1"),
    ]
    assert arrays_of(ensemble.RandomForestClassifier(2).fit(x, y)) == {}
