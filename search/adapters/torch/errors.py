"""What an adapter says of a script that cannot be a workload."""

from __future__ import annotations


class ScriptError(Exception):
    """A script breaks a rule that makes its epochs repeatable: one sentence with what was found, and the remedy."""

    is_sentence = True
    """It is shown without its class (`search.workload.foreign.reason_of`)."""
