"""Which settings go to which of a user's callables, and what is said where they fit nowhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from search.adapters.handed import Handed
from search.adapters.needed import needed

NUMBER = {"type": "number"}


class Net:
    def __init__(self, width: int, lr: float = 0.1) -> None:
        self.width, self.lr = width, lr


def data(batch_size: int = 8, width: int = 0) -> tuple[int, int]:
    return batch_size, width


def anything(scale: float = 1, **others: Any) -> dict[str, Any]:
    return {"scale": scale, **others}


def test_a_setting_goes_to_each_that_has_a_parameter_of_its_name() -> None:
    settings = dict.fromkeys(("width", "lr", "batch_size", "precision"), NUMBER)
    handed = Handed({"module Net": Net, "data data": data}, settings, elsewhere=["precision"])
    fixed = {"width": 3, "batch_size": 5, "precision": 1, "seed": 2}  # lr is inactive here
    net = handed.call("module Net", fixed)
    assert (net.width, net.lr) == (3, 0.1)
    assert handed.call("data data", fixed) == (5, 3)


def test_what_nobody_names_goes_to_whoever_takes_any_name() -> None:
    handed = Handed({"anything": anything, "Net": Net}, dict.fromkeys(("width", "depth", "scale"), NUMBER))
    assert handed.call("anything", {"width": 1, "depth": 2, "scale": 3}) == {"scale": 3, "depth": 2}


def test_what_is_given_besides_needs_no_setting() -> None:
    handed = Handed({"Net": Net}, {}, given={"Net": ["width"]})
    assert handed.call("Net", {}, width=4).width == 4


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"width": NUMBER, "lear": NUMBER},
            "nobody takes the setting 'lear' (Net takes width, lr); leave it out, or name a parameter so",
        ),
        (
            {"lr": NUMBER},
            "Net has the parameter 'width' without a default, and no setting has this name; declare one, or give the "
            "parameter a default",
        ),
        (
            {"width": {**NUMBER, "epoch": True}},
            "Net has the parameter 'width' without a default, and the setting 'width' may differ from epoch to epoch: "
            "it is not known when Net is made; give the parameter a default",
        ),
    ],
)
def test_what_fits_nowhere_is_named(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TypeError, match=re.escape(sentence) + "$"):
        Handed({"Net": Net}, settings)


def test_a_library_that_is_not_installed_is_named_with_the_extra() -> None:
    needed("search.adapters.any", "any", "not_there_at_all", "json")
    sentence = "search.adapters.any needs not_there_at_all, which is not installed: pip install 'search-service[any]'"
    with pytest.raises(ModuleNotFoundError, match=re.escape(sentence)):
        needed("search.adapters.any", "any", "not_there_at_all")
