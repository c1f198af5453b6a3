"""Student's t from `scipy.special`: the same bits as `scipy.stats.t`, whose import takes every command a second."""

from __future__ import annotations

from scipy import special

from search.statistics.scores import Floats


def t_quantile(p: float | Floats, df: float | Floats) -> Floats:
    """Return x with P(T <= x) = p for T with df degrees of freedom, any shape; NaN unless df > 0."""
    quantile: Floats = special.stdtrit(df, p)
    return quantile


def t_tail(x: float | Floats, df: float | Floats) -> Floats:
    """Return P(T > x) for T with df degrees of freedom, any shape."""
    tail: Floats = special.stdtr(df, -x)
    return tail
