"""Settings as a user declares them."""

from __future__ import annotations

import re

import pytest

from search.adapters.declared import ruled


def test_a_default_alone_is_a_rule() -> None:
    rule = {"type": "number", "minimum": 0}
    assert ruled({"width": 64, "lr": 0.1, "name": "a", "deep": True, "rate": rule}) == {
        "width": {"type": "integer", "default": 64},
        "lr": {"type": "number", "default": 0.1},
        "name": {"type": "string", "default": "a"},
        "deep": {"type": "boolean", "default": True},
        "rate": rule,
    }
    sentence = 'the setting \'sizes\' is [1], must be a rule such as {"type": "number", "default": 0.1}, or its default'
    with pytest.raises(TypeError, match=re.escape(sentence)):
        ruled({"sizes": [1]})
