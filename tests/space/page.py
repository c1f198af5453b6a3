"""The settings the reference page speaks of, so that its examples are checked without training anything."""

from typing import Any, ClassVar

from search.workload import Settings, Workload


class Page(Workload):
    recipe = "1"
    settings: ClassVar = {
        "data": {"type": "string", "default": "digits"},
        "batch_size": {"type": "integer", "minimum": 1, "default": 48},
        "model.name": {"enum": ["model_c", "example_cnn"], "default": "model_c"},
        "model.activation": {"enum": ["relu", "leaky_relu", "gelu"], "default": "relu"},
        "model.slope": {"type": "number", "default": 0.01, "when": {"model.activation": ["leaky_relu"]}},
        "loss.gamma": {"type": "number", "minimum": 0, "default": 0.0},
        "optimizer.lr": {"type": "number", "exclusiveMinimum": 0, "default": 0.005},
        "optimizer.weight_decay": {"type": "number", "minimum": 0, "default": 0.0},
        "decay.name": {"enum": ["none", "exponential", "step"], "default": "none"},
        "decay.start": {"type": "integer", "default": 0, "when": {"decay.name": ["exponential", "step"]}},
        "decay.factor": {"type": "number", "default": 0.1, "when": {"decay.name": ["exponential", "step"]}},
    }

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        raise NotImplementedError("space files are only read here")
