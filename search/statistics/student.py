"""Student's t from `scipy.special`: the same bits as `scipy.stats.t`, whose import takes every command a second."""

from __future__ import annotations

from typing import Any

from scipy import special


def t_quantile(p: float, df: Any) -> Any:
    """Return x with P(T <= x) = p for T with df degrees of freedom, any shape; NaN unless df > 0."""
    return special.stdtrit(df, p)


def t_tail(x: Any, df: Any) -> Any:
    """Return P(T > x) for T with df degrees of freedom, any shape."""
    return special.stdtr(df, -x)
