"""What a run has taken of its GPU, for whoever decides how many run there at once. Changes no bit of what it trains."""

from __future__ import annotations

import torch


class Meter:
    """What is taken of a device since a run began there.

    On a GPU, memory that earlier runs of the process left unused is given back first: neither what they took nor how
    often they were refused more is told of this one.

    Args:
        device: of the run.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._refused = device, 0
        if device.type == "cuda":
            torch.cuda.init()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self._refused = _refusals(device)

    def usage(self) -> dict[str, float] | None:
        """Return what is taken; None for the CPU.

        Returns:
            ``memory``: fraction of the device's memory that is in use by whatever runs there: this process with its
            context, kernels and workspaces, and others. PyTorch keeps what it once had, so that after an epoch this is
            the most the epoch needed. At least the most that PyTorch reserved, where some of it was given back.

            ``refused``: how often this process was refused memory that the run asked for. It may have gone on: where
            there is no room for the workspace of a convolution, cuDNN takes an algorithm that needs less, and gives
            other bits.
        """
        if self._device.type != "cuda":
            return None
        free, total = torch.cuda.mem_get_info(self._device)
        taken = max(total - free, torch.cuda.max_memory_reserved(self._device))
        return {"memory": min(1.0, taken / total), "refused": float(self.refused())}

    def refused(self) -> int:
        """Return how often this process was refused memory since the run began; 0 on the CPU."""
        return _refusals(self._device) - self._refused if self._device.type == "cuda" else 0


def _refusals(device: torch.device) -> int:
    """Return how often this process asked for memory there and did not get it."""
    return int(torch.cuda.memory_stats(device).get("num_ooms", 0))
