"""The workload of `examples/sine.py` by the name that spaces of tests, and databases stored with them, have for it."""

from examples.sine import Fit, SineFit

__all__ = ["Fit", "SineFit"]
