"""Compile Triton's kernels for a GPU that need not be there, and print what their code does, as JSON.

python -m tests.classifier.augment.compiled
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from classifier import fused

H200 = GPUTarget("cuda", 90, 32)
FLOATS = dict.fromkeys(("result", "images", "rows", "means", "deviations"), "*fp32")
NUMBERS = {"y_scale": "fp32", "x_scale": "fp32"}


def compiled(kernel: Any, constants: Mapping[str, object], source: str) -> dict[str, Any]:
    """Return what a kernel does on such a GPU.

    Args:
        kernel: of `classifier.fused`.
        constants: its arguments that are known when it is compiled.
        source: type of the images, as Triton names it.
    """
    known = {**FLOATS, **NUMBERS, "source": source, **dict.fromkeys(constants, "constexpr")}
    signature = {name: known.get(name, "i32") for name in kernel.arg_names}
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    options = {"enable_fp_fusion": False}
    made = triton.compile(ASTSource(kernel, signature, places), target=H200, options=options)
    code = made.asm["ptx"]
    return {
        "bytes": len(made.asm["cubin"]),
        "fused": code.count("fma.rn.f32"),
        "divisions about right": code.count("div.full.f32"),
    }


if __name__ == "__main__":
    everything = {"ROTATION": 0, "CROP": 2, "HFLIP": 8, "VFLIP": 9, "NORMALISED": True, "BLOCK": 1024}
    coloured = {
        "PIXELS": 224 * 224,
        "STEPS": 3,
        "BEFORE": 4,
        "AFTER": 10,
        "HUE": 3,
        "GREYSCALE": 2,
        "CONTRAST": True,
        "BLOCK": 1024,
    }
    print(
        json.dumps(
            [
                compiled(fused._geometry, {**everything, "BYTES": True}, "*u8"),
                compiled(fused._geometry, {**everything, "BYTES": False}, "*fp32"),
                compiled(fused._colour, coloured, "*fp32"),
            ]
        )
    )
