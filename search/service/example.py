"""A study to begin with, on the page that submits one."""

from __future__ import annotations

EXAMPLE = {
    "name": "smoothing",
    "text": """title: Does label smoothing help on the digits?
workload: classifier
fixed: {data: digits, epochs: 20, batch_size: 48, optimizer.lr: 0.01}
space:
  loss.label_smoothing: {grid: [0, 0.1]}
seeds: [0, 1, 2, 3, 4]
report:
  baseline: 0
  claims:
    - better: [0.1, 0]
""",
}
"""A study that trains in a minute or two, and that somebody could change into their own."""
