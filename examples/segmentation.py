"""A segmentation in plain PyTorch, judged image by image: IoU of what is an object, groups of pictures of one scene."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as loss_of
from torch.utils.data import TensorDataset

from search.adapters.torch import workload

SCENES, VIEWS = 60, 4


def load():
    """Rectangles under the light of their scene; one picture in five has none."""
    draw = torch.Generator().manual_seed(0)
    light = torch.rand(SCENES, 1, 1, 1, generator=draw).repeat_interleave(VIEWS, 0) + 0.5
    corners = torch.randint(0, 10, (SCENES * VIEWS, 2, 1), generator=draw)
    inside = (torch.arange(16) >= corners) & (torch.arange(16) < corners + 6)
    there = torch.rand(SCENES * VIEWS, 1, 1, generator=draw) < 0.8
    masks = (inside[:, :1].mT & inside[:, 1:] & there).float().unsqueeze(1)
    images = light * masks + 0.4 * torch.randn(masks.shape, generator=draw)
    half = len(images) // 2
    return TensorDataset(images[:half], masks[:half]), TensorDataset(images[half:], masks[half:])


def iou(predicted, truth):
    """Return the IoU of each image; of one without an object 1 where none is seen, else 0."""
    both, any_ = ((op(predicted, truth)).flatten(1).sum(1) for op in (torch.logical_and, torch.logical_or))
    return torch.where(any_ > 0, both / any_.clamp(min=1), 1.0)


@workload(
    settings={"width": {"type": "integer", "minimum": 1, "default": 8}},
    data=load,
    groups=lambda train, val: {"val": [f"scene {place // VIEWS}" for place in range(len(val))]},
)
def main(run, train, val):
    width = run["width"]
    model = nn.Sequential(nn.Conv2d(1, width, 5, padding=2), nn.ReLU(), nn.Conv2d(width, 1, 5, padding=2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        for images, masks in run.batches(train, 20, shuffle=True):
            optimizer.zero_grad()
            loss_of(model(images), masks).backward()
            optimizer.step()
        images, masks = val[:]
        with torch.no_grad():
            overlap = iou(model(images) > 0, masks > 0)
        yield run.measured(
            val_iou=overlap.mean(),
            scores={"val": {"iou": overlap}},
            score_rules={"val_iou": {"low": 0, "high": 1, "untrained": 0, "example": "view", "examples": "views"}},
        )


if __name__ == "__main__":
    main()
