"""A number of seeds that was sought is not sought again, and what is kept for that cannot change."""

from __future__ import annotations

import numpy as np
import pytest

from search.statistics import components, power
from search.statistics.components import Components
from search.statistics.power import fewest_seeds

NOISE = Components(2.0e-4, 0.1, 0.2, settings=3)


def test_what_was_sought_is_not_sought_again(monkeypatch: pytest.MonkeyPatch) -> None:
    power.fewest_seeds.cache_clear()
    first, other = fewest_seeds(NOISE, 360, 0.05), fewest_seeds(NOISE, 360, 0.06)
    assert first is not None
    assert other is not None
    assert first > other, "each answer stands by itself"
    monkeypatch.setattr(Components, "power", lambda *words: pytest.fail("sought again"))
    same = Components(2.0e-4, 0.1, 0.2, settings=3)
    assert (fewest_seeds(same, 360, 0.05), fewest_seeds(same, 360, 0.06)) == (first, other)


def test_quantiles_are_computed_once_and_cannot_be_changed() -> None:
    own = components._own(5)
    assert components._own(5) is own
    assert np.array_equal(own, components.chi2_quantile(components._MIDDLES, 4) / 4)
    with pytest.raises(ValueError, match="read-only"):
        own *= 2
