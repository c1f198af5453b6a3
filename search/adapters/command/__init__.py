"""``workload: command``: training code that cannot become a generator, in any language.

A space file names a command line with settings filled in; the program prints one JSON object per epoch. It has no
states: whole runs are reused from the ledger by key, and what is trained again is trained from its first epoch.
"""

from search.adapters.command.workload import Command

__all__ = ["Command"]
