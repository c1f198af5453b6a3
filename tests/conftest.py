"""What all tests share: surroundings, a cache of decoded images, never the user's, and a PostgreSQL server."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Generator, Iterator
from contextlib import suppress

import pytest

from search.system.garbage import not_sought
from tests.postgres import binaries, server
from tests.surroundings import settle

settle()

with suppress(ImportError):  # not on every machine with a GPU
    import hypothesis

    # What an example takes says more about the machine than about the code.
    slow_is_fine = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
    hypothesis.settings.register_profile("noisy machine", print_blob=True, **slow_is_fine)
    hypothesis.settings.load_profile("noisy machine")


FIRST = ("proof/", "adapters/", "engine/", "test_guides.py", "test_examples.py")
"""Files that come before the others: those whose tests fork their process, while it is small, and those that take
minutes, so that the processes of a run end together."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    with not_sought():  # all tests are imported meanwhile, and what they test
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        file = item.nodeid.removeprefix("tests/")
        return next((place for place, beginning in enumerate(FIRST) if file.startswith(beginning)), len(FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_power_failure() -> Iterator[None]:
    """Ledgers of this process wait for no disk: against a power failure alone they would have to."""
    with pytest.MonkeyPatch.context() as patch:
        with suppress(ImportError):  # not on every machine with a GPU
            import sqlalchemy as sa

            from search.ledger import opening

            usual = opening._tune_sqlite

            @functools.wraps(usual)
            def tuned(engine: sa.Engine) -> None:
                usual(engine)
                sa.event.listen(engine, "connect", lambda opened, _: opened.execute("PRAGMA synchronous = OFF"))

            patch.setattr(opening, "_tune_sqlite", tuned)
        yield


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch computes with one thread."""
    import torch  # here: most tests need none

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server: the one SEARCH_TEST_POSTGRES names, or one started for the tests where it is installed."""
    if named := os.environ.get("SEARCH_TEST_POSTGRES"):
        yield named
        return
    if binaries() is None:
        pytest.skip("no PostgreSQL: none is installed, and SEARCH_TEST_POSTGRES names no server")
    with server() as url:
        yield url


@pytest.fixture
def postgres_database(postgres: str) -> Iterator[str]:
    """URL of a database of its own for every test, dropped afterwards."""
    import sqlalchemy as sa  # here, for machines that have a GPU and no database libraries

    name = f"search_test_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
