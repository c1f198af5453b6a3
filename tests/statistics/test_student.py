"""Student's t, against `scipy.stats`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search.statistics.components import chi2_quantile
from search.statistics.student import t_quantile, t_tail

DF = st.one_of(st.integers(1, 10_000), st.floats(0.5, 1e6))


@given(p=st.floats(0.001, 0.999), df=DF)
def test_quantiles_have_the_bits_of_scipy_stats(p: float, df: float) -> None:
    assert t_quantile(p, df) == stats.t.ppf(p, df)
    assert chi2_quantile(p, df) == stats.chi2.ppf(p, df)


@given(x=st.floats(-1e6, 1e6), df=DF)
def test_tails_have_the_bits_of_scipy_stats(x: float, df: float) -> None:
    assert t_tail(x, df) == stats.t.sf(x, df)
