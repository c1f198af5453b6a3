"""A PyTorch script as a workload: its own loop, as a generator.

    from search.adapters.torch import workload

    @workload(settings={"lr": {"type": "number", "default": 0.1, "epoch": True}, "width": 64}, data=load)
    def digits(run, train, val):
        model = ...
        run.keep(model=model, optimizer=optimizer)   # saved after an epoch, put back here
        for epoch in run:                            # seeds Python, numpy and torch from (seed, epoch)
            ...
            yield run.measured(val_loss=...)

[The page](../../../docs/how-to/code-pytorch.md) has an example from the script it was to what it became.
"""

from search.adapters.torch.errors import ScriptError
from search.adapters.torch.run import ScriptRun
from search.adapters.torch.script import ScriptWorkload, workload

__all__ = ["ScriptError", "ScriptRun", "ScriptWorkload", "workload"]
