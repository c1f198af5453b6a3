"""One Ray for several runs: started once, ended once, and by a run that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from search.core.errors import RayLost
from search.engine.executor.kept import KeptRay


class Started:
    """Counts what a Ray would be."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @contextmanager
    def ray(self) -> Iterator[None]:
        self.log.append("start")
        try:
            yield
        except ConnectionError as error:
            raise RayLost("server is gone") from error
        finally:
            self.log.append("end")


def test_runs_share_one() -> None:
    started = Started()
    with KeptRay() as ray:
        for _ in range(3):
            with ray.at(started.ray):
                assert ray.started
        assert started.log == ["start"]
    assert started.log == ["start", "end"]


def test_a_run_that_fails_ends_it_and_its_failure_is_called_by_its_name() -> None:
    started = Started()
    with KeptRay() as ray:
        with pytest.raises(RayLost), ray.at(started.ray):
            raise ConnectionError
        assert started.log == ["start", "end"]
        with pytest.raises(KeyboardInterrupt), ray.at(started.ray):
            raise KeyboardInterrupt
        with ray.at(started.ray):
            pass
    assert started.log == ["start", "end"] * 3


def test_a_start_that_fails_leaves_none() -> None:
    @contextmanager
    def failing() -> Iterator[None]:
        raise RayLost("no start")
        yield

    with KeptRay() as ray:
        with pytest.raises(RayLost), ray.at(failing):
            pass
        assert not ray.started


def test_what_nobody_used_ends_nothing() -> None:
    with KeptRay() as ray:
        assert not ray.started


def test_it_remembers_what_workers_are_by_their_share() -> None:
    ray = KeptRay()
    assert ray.known_class("classifier", 1, 0.0) is None
    ray.learn("classifier", 1, 0.0, {"cpu": "a"})
    assert ray.known_class("classifier", 1, 0.0) == {"cpu": "a"}
    assert ray.known_class("classifier", 2, 0.0) is None
    assert ray.known_class("examples.sine:Sine", 1, 0.0) is None
