"""Images to augment: noise, which shows every misplaced pixel, and smooth ones, which forgive interpolating twice."""

import pytest
import torch

HEIGHT, WIDTH, BATCH, IMAGES = 24, 32, 12, 50


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Bits do not depend on how many threads there are where a test says nothing of them."""


@pytest.fixture
def noise() -> torch.Tensor:
    """8-bit noise with a few grey, black, white and fully saturated pixels in it, uint8 [12, 3, 24, 32]."""
    images = torch.randint(0, 256, (BATCH, 3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(0))
    images[:, :, 0, :4] = torch.tensor([[0, 255, 128, 255], [0, 255, 128, 0], [0, 255, 128, 255]])
    return images.to(torch.uint8)


@pytest.fixture
def smooth() -> torch.Tensor:
    """Slow waves that fade to black at the border, float32 [12, 3, 64, 80] in [0, 1]."""
    y = torch.linspace(-1, 1, 64)[:, None]
    x = torch.linspace(-1, 1, 80)[None, :]
    waves = [
        0.5 + 0.5 * torch.sin(2 * x * (1 + channel) + y * (image % 4) + image)
        for image in range(BATCH)
        for channel in range(3)
    ]
    fade = ((1 - x**2) * (1 - y**2)) ** 2  # no kinks: where the slope jumps, a second interpolation shows
    return (torch.stack(waves) * fade).reshape(BATCH, 3, 64, 80)


@pytest.fixture
def index() -> torch.Tensor:
    """Which training images the batch holds, int64 [12]: neither in order nor next to each other."""
    return torch.tensor([7, 3, 41, 0, 49, 12, 5, 22, 31, 8, 19, 2])
