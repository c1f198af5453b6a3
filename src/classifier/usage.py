"""What a run has taken of its GPU, for whoever decides how many run there at once. Changes no bit of what it trains."""

from __future__ import annotations

import torch


def usage(device: torch.device) -> dict[str, float] | None:
    """Return what is taken of a device; None for the CPU.

    Returns:
        ``memory``: fraction of the device's memory that is in use by whatever runs there: this process with its
        context, kernels and workspaces, and others. PyTorch keeps what it once had, so that after an epoch this is
        the most the epoch needed. At least the most that PyTorch reserved, where some of it was given back.

        ``refused``: how often this process was refused memory that it asked for. It may have gone on: where there is
        no room for the workspace of a convolution, cuDNN takes an algorithm that needs less, and gives other bits.
    """
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    taken = max(total - free, torch.cuda.max_memory_reserved(device))
    refused = torch.cuda.memory_stats(device).get("num_ooms", 0)
    return {"memory": min(1.0, taken / total), "refused": float(refused)}
