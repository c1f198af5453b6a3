"""How p values are written."""

from __future__ import annotations

import pytest

from search.statistics.text import p_bound_text, p_text


@pytest.mark.parametrize(
    ("p", "text"), [(1.0, "1"), (0.4597, "0.46"), (0.00390625, "0.0039"), (8.2159e-5, "8.2e-5"), (1e-300, "1e-12")]
)
def test_an_upper_bound_has_two_significant_digits(p: float, text: str) -> None:
    assert p_bound_text(p) == text


@pytest.mark.parametrize(("p", "text"), [(None, ""), (1.0, "1.000"), (0.0114, "0.011"), (0.0009, "<0.001")])
def test_a_p_value_has_three_decimals(p: float | None, text: str) -> None:
    assert p_text(p) == text
