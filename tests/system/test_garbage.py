"""Nothing is looked for while modules are imported, and again afterwards."""

from __future__ import annotations

import gc

import pytest

from search.system import garbage


def test_garbage_is_sought_again_afterwards() -> None:
    with garbage.not_sought():
        assert not gc.isenabled()
        with garbage.not_sought():
            pass
        assert not gc.isenabled(), "the inner one found it so"
    assert gc.isenabled()


def test_also_behind_an_import_that_failed() -> None:
    with pytest.raises(ImportError), garbage.not_sought():
        raise ImportError
    assert gc.isenabled()
