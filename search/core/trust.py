"""What must be proven before a saved state is trained on from, and what that costs. Pure.

A state is believed because one of its *kind* was proven, never because it was read without an error. A kind is what
trust is earned for: workload, execution class, and those settings that decide which code acts: other numbers run the
same code, but a number that is zero may switch something off, and a proof without momentum says nothing about momentum.

A *pair* is a saved state of epoch s, and the row of epoch s + 1 that the process which saved it trained behind it. A
*proof* trains that row again, in a process in which nothing was trained before, and compares every bit. A kind has
these proofs, each given once and on record from then on:

* ``start``: the first epoch of a trial. Where processes train one lease after another, the first epochs of two trials,
  or of one twice where there is no other;
* ``depth j``: one epoch from the state of a pair with s >= 2^j. Whatever starts from a state of epoch t with
  2^j < t <= 2^(j+1) needs it, so a state of at least t / 2 is proven. A deeper proof does not stand for a shallower
  one: how many proofs a study takes then follows from where its chains start, not from the order in which they end;
* ``sample K``: one epoch from the state K itself, of each hundredth state that anything starts from.

At most log2(epochs) + 1 depths per kind follow, once, and about 1 % of the starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from search.core.prefix import fingerprint
from search.core.values import same

FRESH = "fresh"
"""Origin of a row whose process began at epoch 0 and had trained nothing before."""

SAVED = "saved"
"""Origin of a row whose process was fresh and had saved a state since: to save may change what is trained behind it."""

USED = "used"
"""Origin of a row whose process began at epoch 0 and had trained something else before.

The fourth kind of origin is the key of the saved state that its process began from.
"""

START = "start"
"""The proof of a kind that anything from epoch 0 needs."""

START_EPOCHS = 1
"""Epochs that the proof of the start trains where each lease has a process of its own."""

START_EPOCHS_OF_USED = 2
"""Epochs that it trains where processes train one lease after another: what they keep may change what they train."""

STATES_PER_SAMPLE = 100
"""One state in so many is proven itself, whatever is proven of its kind."""

Proof = tuple[str, str]
"""A kind, and which of its proofs: ``start``, ``depth j`` or ``sample K``."""


def kind_of(
    identity: Mapping[str, str],
    execution_class: Mapping[str, str],
    fixed: Mapping[str, object],
    defaults: Mapping[str, object] | None = None,
) -> str:
    """Return the kind of a training, 40 hex digits.

    Args:
        identity: of the workload, its source included (`search.workload.identity`).
        execution_class: all of the machine that can change a bit.
        fixed: canonical fixed settings, without those that stand for data; the seed may be among them.
        defaults: of the settings that have one. Where both say the same to the kind the setting is left out, so that a
            setting that comes new to a workload, at its default, leaves its kinds as they are.

    Raises:
        InternalError: a setting is not plain data.
    """
    outlines = {name: outline(value) for name, value in fixed.items() if name != "seed"}
    usual = {name: outline(value) for name, value in (defaults or {}).items()}
    telling = {name: value for name, value in outlines.items() if name not in usual or not same(value, usual[name])}
    return fingerprint([dict(identity), dict(execution_class), telling])


def outline(value: object) -> object:
    """Return what the kind holds of a setting: the value, with 1 for every number in it that is not zero."""
    if isinstance(value, Mapping):
        return {name: outline(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [outline(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value != 0)
    return value


def depth_of(epoch: int) -> int:
    """Return the depth of an epoch, counted from 1: depth j holds the epochs from 2^j + 1 to 2^(j+1), depth 0 both 1
    and 2."""
    return max(0, (epoch - 1).bit_length() - 1)


def proves_depth(epoch: int, depth: int) -> bool:
    """Whether the pair of a state after `epoch` proves a depth."""
    return epoch >= 1 << depth


def depth_name(depth: int) -> str:
    """Return how the proof of a depth is called."""
    return f"depth {depth}"


def sample_name(key: str) -> str:
    """Return how the proof of a sampled state is called."""
    return f"sample {key}"


def is_sampled(key: str) -> bool:
    """Whether the state of this key (40 hex digits) is proven itself, whatever is proven of its kind."""
    return int(key, 16) % STATES_PER_SAMPLE == 0


def needed(epoch: int, key: str) -> list[str]:
    """Return the proofs of its kind that a start from a state needs.

    Args:
        epoch: behind which the state was saved, from 1; 0 where training starts anew: nothing is loaded then, and
            nothing is waited for. The proof of the start is owed before the run is over.
        key: of the state; "" where it has no row behind it, so that it cannot be proven itself.
    """
    if not epoch:
        return []
    return [depth_name(depth_of(epoch)), *([sample_name(key)] if key and is_sampled(key) else [])]


def start_epochs(own_process: bool) -> int:
    """Return the epochs that the proof of a start trains.

    Args:
        own_process: whether each lease is trained in a process of its own.
    """
    return START_EPOCHS if own_process else START_EPOCHS_OF_USED


def owed(
    roots: Iterable[str],
    starts: Iterable[tuple[str, int, str]],
    proven: Mapping[str, Iterable[str]],
    own_process: bool,
) -> dict[Proof, int]:
    """Return the proofs that a run has to give, with the epochs that each one trains.

    Args:
        roots: kinds of which the run trains anything from epoch 0.
        starts: a kind, the epoch and the key of each state that anything starts from.
        proven: kind -> its proofs on record.
        own_process: whether each lease is trained in a process of its own.
    """
    proofs = {(kind, START): start_epochs(own_process) for kind in roots}
    proofs |= {(kind, what): 1 for kind, epoch, key in starts for what in needed(epoch, key)}
    on_record = {(kind, what) for kind, names in proven.items() for what in names}
    return {proof: epochs for proof, epochs in proofs.items() if proof not in on_record}
