"""A regression in plain PyTorch whose table has intervals: each row holds the squared error of every example."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import TensorDataset, random_split

from search.adapters.torch import workload


def load():
    x, y = (torch.tensor(part, dtype=torch.float32) for part in load_diabetes(return_X_y=True))
    return random_split(TensorDataset(x / x.std(0), y), [300, 142], torch.Generator().manual_seed(0))


@workload(settings={"width": {"type": "integer", "minimum": 1, "default": 16}}, data=load)
def main(run, train, val):
    model = nn.Sequential(nn.Linear(10, run["width"]), nn.ReLU(), nn.Linear(run["width"], 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        for x, y in run.batches(train, 30, shuffle=True):
            optimizer.zero_grad()
            ((model(x).squeeze(1) - y) ** 2).mean().backward()
            optimizer.step()
        x, y = val[:]
        with torch.no_grad():
            errors = (model(x).squeeze(1) - y) ** 2
        yield run.measured(
            val_rmse=errors.mean().sqrt(),
            scores={"val": {"squared_error": errors}},
            score_rules={
                "val_rmse": {
                    "score": "squared_error",
                    "form": "root_mean",
                    "better": "lower",
                    "low": 0,
                    "untrained": y.var().item(),
                    "example": "patient",
                    "examples": "patients",
                }
            },
        )


if __name__ == "__main__":
    main()
