"""Triton's kernels against PyTorch's operations, over settings, sizes and images that are drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from .test_fused import agree, noise

hypothesis: Any = pytest.importorskip("hypothesis", reason="settings are drawn by it")

from hypothesis import strategies as st  # noqa: E402  # only where it is installed

STRENGTHS = {
    "rotation": st.sampled_from([0, 1, 90]) | st.floats(0, 180),
    "crop": st.booleans(),
    "hflip": st.sampled_from([0, 0.5, 1]),
    "vflip": st.sampled_from([0, 0.5]),
    **{name: st.sampled_from([0, 0.4]) | st.floats(0, 20) for name in ("brightness", "contrast", "saturation")},
    "hue": st.floats(0, 0.5),
    "greyscale": st.sampled_from([0, 0.5]),
}


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="Triton's interpreter is for machines without a GPU")
@hypothesis.settings(max_examples=25)
@hypothesis.given(
    st.fixed_dictionaries({}, optional=STRENGTHS), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32)
)
def test_kernels_agree_with_the_reference(settings: dict[str, Any], height: int, width: int, seed: int) -> None:
    agree(settings, noise(seed, height, width), seed)
