"""A small workload to read space files against: no images, no torch."""

from typing import Any, ClassVar

from search.workload import SettingFaults, Settings, Workload
from search.workload.settings import complete


class Fake(Workload):
    recipe = "1"
    metrics = ("train_loss", "val_loss", "val_accuracy", "test_accuracy")
    cost_metrics: ClassVar = ("parameters",)
    settings: ClassVar = {
        "data": {"type": "string", "minLength": 1, "default": "digits", "description": "data set"},
        "data.size": {"type": "integer", "minimum": 4, "maximum": 512, "default": 8, "unit": "px"},
        "batch_size": {"type": "integer", "minimum": 1, "description": "images per step"},
        "model.activation": {"enum": ["relu", "leaky_relu", "tanh"], "default": "relu"},
        "model.slope": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.01,
            "when": {"model.activation": ["leaky_relu"]},
        },
        "loss.name": {"enum": ["focal", "cross_entropy"], "default": "focal"},
        "loss.gamma": {
            "type": "number",
            "minimum": 0,
            "maximum": 10,
            "default": 0.0,
            "epoch": True,
            "when": {"loss.name": ["focal"]},
        },
        "optimizer.lr": {"type": "number", "exclusiveMinimum": 0, "default": 0.1, "epoch": True},
        "optimizer.nesterov": {"type": "boolean", "default": False},
        "decay.name": {"enum": ["none", "exponential", "multistep"], "default": "none", "epoch": True},
        "decay.factor": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 0.5,
            "when": {"decay.name": ["exponential", "multistep"]},
        },
        "augment.operations": {"type": "array", "items": {"enum": ["crop", "rotation"]}, "default": []},
        "clip": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": 1.0},
        "tag": {"type": ["string", "number", "boolean", "null"], "default": None},
    }

    def canonical(self, settings: Settings) -> dict[str, Any]:
        result = complete(self.settings, settings)
        if result["model.activation"] == "tanh" and result["data.size"] < 8:
            raise SettingFaults([("data.size", f"found {result['data.size']}, must be at least 8 with tanh")])
        return result

    def costs(self, fixed: Settings) -> dict[str, float]:
        return {"parameters": float(fixed["data.size"])}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        raise NotImplementedError("space files are only read here")


class Regression(Fake):
    metrics = ("train_loss", "val_loss", "test_loss")


class Crashing(Fake):
    def canonical(self, settings: Settings) -> dict[str, Any]:
        raise KeyError("oops")


class Ending(Fake):
    def canonical(self, settings: Settings) -> dict[str, Any]:
        raise SystemExit(0)


class EndingLater(Fake):
    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        raise SystemExit(0)

    def check_data(self, fixed: Settings) -> list[str]:
        return []


class EndingWithData(Fake):
    def data(self, fixed: Settings) -> None:
        raise RuntimeError("no such patient")

    def check_data(self, fixed: Settings) -> list[str]:
        raise SystemExit(0)


class Typed(Fake):
    settings: ClassVar = {
        **Fake.settings,
        "kind": {"enum": [1, True, 2], "default": 1},
        "depth": {"type": "integer", "default": 2, "when": {"kind": [1]}},
    }


class Numbered(Fake):
    """Choices that a person may take for another kind."""

    settings: ClassVar = {
        "width": {"enum": [8, 16], "default": 8},
        "depth": {"enum": ["18", "34"], "default": "18"},
        "model": {"type": "string", "default": "1"},
        "light": {"type": "boolean", "default": False},
        "flag": {"enum": [True, None], "default": None},
    }

    def canonical(self, settings: Settings) -> dict[str, Any]:
        return complete(self.settings, settings)


class OddlyNamed(Fake):
    """Settings that YAML takes for values."""

    settings: ClassVar = {
        name: {"type": "integer", "minimum": 0, "maximum": 9, "default": 0}
        for name in ("nan", "inf", ".inf", "true", "null", "~", "1", "on", "1e3", "010", "No", "1:30", "2026-01-02")
    }

    def canonical(self, settings: Settings) -> dict[str, Any]:
        return complete(self.settings, settings)


class Pairs(Fake):
    """Refuses one pair of values that differ from the first ones of their axes."""

    def canonical(self, settings: Settings) -> dict[str, Any]:
        result = complete(self.settings, settings)
        if result["loss.gamma"] == 2 and result["optimizer.lr"] == 0.5:
            raise SettingFaults([("loss.gamma", "found 2, must be less than 2 with a rate of 0.5")])
        return result


class Timed(Fake):
    metrics = (*Fake.metrics, "seconds_per_image")


class Scores(Fake):
    metrics = ("train_f1", "val_f1", "test_f1")


class Short(Fake):
    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        fixed, each = super().schedule(settings, epochs)
        return fixed, each[1:]


class Scheduled(Fake):
    """Makes its schedule itself, the same as the contract's."""

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        return super().schedule(settings, epochs)
