"""Processes that answer questions: several at once, bounded, and none is waited for that another could answer."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from search.service.examining import Pool
from tests.surroundings import HANG_S

SCRIPT = """
import json, os, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    with open(sys.argv[1], "a") as log:
        log.write(f"{os.getpid()} {asked['what']}\\n")
    if asked["what"] == "die":
        break
    until = asked.get("until")
    while until and not os.path.exists(until):
        time.sleep(0.01)
    print(json.dumps({"pid": os.getpid(), "what": asked["what"]}), flush=True)
"""
READY = {"what": "ready"}


class Place:
    """Pools whose processes answer what they are asked, and a log of who was asked what."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        self.started: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        words = (sys.executable, "-c", SCRIPT, str(self.log))
        made = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, start_new_session=True)
        self.started.append(made)
        return made

    def pool(self, most: int = 2, lasting: bool = True, first: Any = READY) -> Pool:
        return Pool(self.start, most, lasting, first)

    def asked(self) -> list[str]:
        return [line.split()[1] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    async def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + HANG_S
        while not true():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def ran(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, HANG_S))


def test_a_question_does_not_wait_behind_one_that_takes_long(place: Place) -> None:
    async def work() -> None:
        pool, held = place.pool(), place.folder / "go"
        slow = asyncio.create_task(pool.ask({"what": "slow", "until": str(held)}, HANG_S))
        await place.until(lambda: place.asked() == ["slow"])
        quick = [await pool.ask({"what": "quick"}, HANG_S) for _ in range(3)]
        assert not slow.done()
        assert len({answer["pid"] for answer in quick}) == 1
        assert place.asked() == ["slow", "ready", "quick", "quick", "quick"], "it got ready before it was asked"
        held.touch()
        assert (await slow)["what"] == "slow"
        assert len(place.started) == 2
        await pool.close()

    ran(work())


@pytest.mark.parametrize(("lasting", "first"), [(True, READY), (True, None), (False, None)])
def test_so_many_and_no_more_answer_at_once(place: Place, lasting: bool, first: Any) -> None:
    async def work() -> None:
        pool, held = place.pool(2, lasting, first), place.folder / "go"
        asked = [asyncio.create_task(pool.ask({"what": "x", "until": str(held)}, HANG_S)) for _ in range(5)]
        await place.until(lambda: place.asked().count("x") == 2)
        await asyncio.sleep(0.1)
        assert place.asked().count("x") == 2
        held.touch()
        pids = [(await one)["pid"] for one in asked]
        assert len(set(pids)) == (2 if lasting else 5)
        assert sum(process.returncode is None for process in place.started) == (2 if lasting else 0)
        assert pool.idle
        await pool.close()
        assert all(process.returncode is not None for process in place.started)

    ran(work())


def test_one_question_after_the_other_takes_one_process(place: Place) -> None:
    async def work() -> None:
        pool = place.pool()
        assert len({(await pool.ask({"what": "x"}, HANG_S))["pid"] for _ in range(3)}) == 1
        assert len(place.started) == 1
        await pool.close()

    ran(work())


def test_whoever_comes_behind_one_that_died_took_too_long_or_went_away_is_answered(place: Place) -> None:
    async def work() -> None:
        pool, never = place.pool(1), str(place.folder / "never")
        with pytest.raises(EOFError):
            await pool.ask({"what": "die"}, HANG_S)
        with pytest.raises(TimeoutError):
            await pool.ask({"what": "long", "until": never}, 0.5)
        gone = asyncio.create_task(pool.ask({"what": "gone", "until": never}, HANG_S))
        waits = asyncio.create_task(pool.ask({"what": "waits"}, HANG_S))
        left = asyncio.create_task(pool.ask({"what": "left"}, HANG_S))
        await place.until(lambda: "gone" in place.asked())
        left.cancel()
        gone.cancel()
        assert (await waits)["what"] == "waits"
        assert "left" not in place.asked()
        place.started[-1].kill()
        await place.started[-1].wait()
        assert (await pool.ask({"what": "after"}, HANG_S))["what"] == "after", "it was ended while nobody asked"
        await pool.close()

    ran(work())


def test_closing_ends_those_that_answer_too(place: Place) -> None:
    async def work() -> None:
        pool, never = place.pool(), str(place.folder / "never")
        asked = [asyncio.create_task(pool.ask({"what": "x", "until": never}, HANG_S)) for _ in range(2)]
        await place.until(lambda: place.asked().count("x") == 2)
        await pool.close()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, EOFError | OSError) for answer in answers), answers
        assert all(process.returncode is not None for process in place.started)

    ran(work())
