"""How p values are written."""

from __future__ import annotations

SMALLEST_P = 1e-12
"""A bound of p below this is told as this."""


def p_text(p: float | None) -> str:
    """Return a p value to three decimals; "" where there is none."""
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def p_bound_text(p: float) -> str:
    """Return an upper bound of p to two significant digits; what is below `SMALLEST_P` as that."""
    return f"{max(p, SMALLEST_P):.2g}".replace("e-0", "e-")
