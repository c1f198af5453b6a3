"""Randomness as tables: every draw is a function of (seed, epoch, purpose), never of how much was drawn before.

What a caller may rely on:

- The same arguments give the same bits on every machine and in every numpy release: only the raw 64-bit stream of
  Philox is used, which numpy guarantees (NEP 19), and not the distributions of `Generator`, which it does not.
- Purposes are independent: one more operation moves nobody else's draws, and every setting of one seed sees the
  same numbers (common random numbers, so that settings compare as pairs).
- Tables are indexed by image, so the order and the size of the batches do not matter, and they are prefix-stable:
  row i does not depend on how many images there are.

Philox4x64-10 is the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3" (SC 2011). Its 128-bit key is the BLAKE2b hash (RFC 7693) of the purpose, so no two purposes share a stream.
"""

import hashlib
import operator

import numpy as np
from numpy.typing import NDArray

_KEY_BYTES = 16  # Philox4x64 has a key of two 64-bit words
_FRACTION_BITS = 53  # of a double in [0.5, 1)


def _key(*parts: int | str) -> int:
    """The 128-bit key of a purpose; types and lengths are hashed too, so 1 and "1", or "ab" and "a", "b", differ."""
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    for part in parts:
        if isinstance(part, str):
            kind, text = b"s", part.encode()
        else:
            kind, text = b"i", b"%d" % operator.index(part)
        digest.update(b"%s%d:%s" % (kind, len(text), text))
    return int.from_bytes(digest.digest(), "little")


def generator(seed: int, *purpose: int | str) -> np.random.Generator:
    """A generator of its own for one purpose of one seed, at the start of its stream.

    Prefer `table` and `permutation` where bits must outlive a numpy upgrade: the methods of `Generator` may change
    between releases, its bit generator may not.
    """
    return np.random.Generator(np.random.Philox(key=_key(seed, *purpose)))


def _raw(count: int, seed: int, *purpose: int | str) -> NDArray[np.uint64]:
    """The first `count` 64-bit words of a purpose's stream."""
    return np.random.Philox(key=_key(seed, *purpose)).random_raw(count)


def table(seed: int, epoch: int, operation: str, images: int, parameters: int) -> NDArray[np.float64]:
    """Uniform draws in [0, 1) for one operation of one epoch, float64 [images, parameters].

    Row i belongs to image i of the training set, whatever the order and the size of the batches. The stream is laid
    out row by row, so row i is the same however many images follow.
    """
    words = _raw(images * parameters, seed, "table", epoch, operation).reshape(images, parameters)
    # The top 53 bits as a fraction: every value is exact, and 1.0 cannot come out.
    return (words >> np.uint64(64 - _FRACTION_BITS)).astype(np.float64) * 2.0**-_FRACTION_BITS


def permutation(seed: int, epoch: int, images: int) -> NDArray[np.int64]:
    """The order in which one epoch visits the training set, int64 [images], uniform over all orders.

    Sorting one 64-bit word per image makes ties as good as impossible (below 1e-9 for 100,000 images); a stable sort
    settles them the same way everywhere. Dropping the last images of the set leaves the order of the others as it was.
    """
    words = _raw(images, seed, "permutation", epoch)
    return np.argsort(words, kind="stable").astype(np.int64)
