"""The same epochs in two ways, an epoch in turn: what something saves or costs. Ratios are medians over the repeats.

    python -m benchmarks.epochs memory [--models resnet18 model_c] [--precisions fp32 bf16] [--size N] [--images N]
                                       [--threads N] [--repeat 5]
    python -m benchmarks.epochs adapter [--repeat 100]
    python -m benchmarks.epochs start [--models resnet18 model_c] [--device cpu] [--leases 10] [--whole] [--json FILE]
    python -m benchmarks.epochs fused [--models resnet18 model_c] [--device cuda] [--size N] [--images N]
                                      [--repeat 100] [--json FILE]
    python -m benchmarks.epochs served [--viewers 20] [--epochs 100] [--repeat 10]

    memory    what it saves on a CPU that memory stays with the process (`benchmarks.memory_kept`)
    adapter   what the adapter of PyTorch scripts costs (`benchmarks.adapter_cost`)
    start     seconds from a lease to its first batch, and what leases leave behind (`benchmarks.lease_start`)
    fused     what the kernels of `classifier.fused` save (`benchmarks.fused_kernels`)
    served    what `serve` costs the study that it runs (`benchmarks.watched_study`)

The text at the top of each of these files says how to read its figures.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks import adapter_cost, fused_kernels, harness, lease_start, memory_kept, watched_study
from benchmarks.rates import CASES


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epochs", description=(__doc__ or "").splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    memory = kinds.add_parser("memory")
    memory.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    memory.add_argument("--precisions", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    memory.add_argument("--size", type=int, help="of the images, in pixels; as in benchmarks.training where not given")
    memory.add_argument("--images", type=int, help="per epoch, cut to whole batches")
    memory.add_argument("--threads", type=int, default=len(harness.cores()))
    memory.add_argument("--repeat", type=int, default=5)
    memory.add_argument("--side", choices=[memory_kept.KEPT, memory_kept.RETURNED], help=argparse.SUPPRESS)
    adapter = kinds.add_parser("adapter")
    adapter.add_argument("--repeat", type=int, default=100)
    adapter.add_argument("--side", choices=adapter_cost.SCRIPT_SIDES, help=argparse.SUPPRESS)
    start = kinds.add_parser("start")
    start.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    start.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    start.add_argument("--size", type=int, help="of the images, in pixels")
    start.add_argument("--leases", type=int, default=10)
    start.add_argument("--whole", action="store_true", help="whole epochs in one process, and what they leave behind")
    start.add_argument("--json", type=Path, help="also write the figures there")
    kernel = kinds.add_parser("fused")
    kernel.add_argument("--models", nargs="+", choices=list(CASES), default=list(CASES))
    kernel.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    kernel.add_argument("--size", type=int, help="of the images, in pixels")
    kernel.add_argument("--images", type=int, help="of a batch; as the case has it where not given")
    kernel.add_argument("--repeat", type=int, default=100)
    kernel.add_argument("--json", type=Path, help="also write the figures there")
    watched = kinds.add_parser("served")
    watched.add_argument("--viewers", type=int, default=20)
    watched.add_argument("--epochs", type=int, default=100)
    watched.add_argument("--repeat", type=int, default=10)
    chosen = parser.parse_args(arguments)
    if chosen.kind == "served":
        lines = [*harness.conditions({"viewers": chosen.viewers}), harness.busy()]
        print("\n".join(line for line in lines if line), flush=True)
        return watched_study.served(chosen)
    if chosen.kind == "fused":
        return fused_kernels.kernels(chosen)
    if chosen.kind == "start":
        return min(1, lease_start.starts(chosen))
    if chosen.side and chosen.kind == "adapter":
        adapter_cost.scripted() if chosen.side == adapter_cost.ADAPTER else adapter_cost.untouched()
        return 0
    if chosen.side:
        memory_kept.work(chosen.models[0], chosen.precisions[0], chosen.side == memory_kept.KEPT, chosen)
        return 0
    threads = 1 if chosen.kind == "adapter" else chosen.threads
    lines = [*harness.conditions({"each side": f"{threads} thread{'s' * (threads > 1)}"}), harness.busy()]
    print("\n".join(line for line in lines if line), flush=True)
    if chosen.kind == "adapter":
        adapter_cost.compare(chosen.repeat)
    else:
        for name in chosen.models:
            for precision in chosen.precisions:
                memory_kept.measure(name, precision, chosen, arguments[1:])
    print(f"\nload after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
