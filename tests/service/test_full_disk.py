"""A disk that is full at random moments under a server: nothing is lost, nothing runs twice, and all goes on."""

from __future__ import annotations

import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from search.api import load_space, run
from search.core.errors import UserError
from tests.service.test_notices import Hook
from tests.service.test_served import DOCUMENT, Running, children, ended, rows

FILLS = 4
CHUNK_BYTES = 1 << 20


@pytest.fixture(params=["bytes", "files"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A small disk in memory, as wide or with as few files as a test fills."""
    place = tmp_path / "disk"
    place.mkdir()
    limits = "size=96m" if request.param == "bytes" else "size=256m,nr_inodes=400"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", limits, "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, stop: threading.Event) -> None:
    """Keep a disk full, of bytes and of files, until told to stop."""
    folder = disk / "filler"
    folder.mkdir(exist_ok=True)
    number = 0
    while not stop.is_set():
        try:
            with (folder / str(number)).open("wb") as file:
                number += 1
                if os.statvfs(disk).f_files > 1000:
                    for size in (CHUNK_BYTES, 4096):
                        with suppress(OSError):
                            while not stop.is_set():
                                file.write(b"x" * size)
                                file.flush()
        except OSError:
            time.sleep(0.02)


def free(disk: Path) -> None:
    for path in (disk / "filler").iterdir():
        path.unlink()


@pytest.mark.stress
def test_a_disk_that_is_full_again_and_again_loses_nothing(disk: Path, tmp_path: Path) -> None:
    chance, hook = random.Random(3), Hook()
    documents = [{"name": f"study {place}", "fixed": {"epochs": 1500, "lr": 0.1 + place / 100}} for place in range(4)]
    server = Running(disk / "results", "--allow-code", "--slots", "2", "--notify", hook.url)
    numbers = {0: server.submit(**documents[0]), 1: server.submit(**documents[1])}
    refused = []
    for _ in range(FILLS):
        time.sleep(chance.uniform(0.5, 4.0))
        stop = threading.Event()
        filling = threading.Thread(target=fill, args=(disk, stop))
        filling.start()
        time.sleep(chance.uniform(1.0, 12.0))
        for place in sorted({2, 3} - numbers.keys()):
            try:
                numbers[place] = server.submit(**documents[place])
            except UserError as error:
                refused.append(str(error))
        assert sum(len(children(server.results / "queue" / str(number))) for number in numbers.values()) <= 2
        stop.set()
        filling.join()
        free(disk)
    for place in sorted({2, 3} - numbers.keys()):
        numbers[place] = server.submit(**documents[place])
    found = {place: server.wait(number, ended) for place, number in sorted(numbers.items())}
    assert {place: (entry["outcome"], entry["said"]) for place, entry in found.items()} == dict.fromkeys(
        range(4), ("done", "")
    )
    listed = server.client.ask("GET", "/entries")["entries"]
    assert sorted(entry["id"] for entry in listed) == sorted(numbers.values()), "none is lost, none is there twice"
    assert all(re.search("make room|No space left", reason) for reason in refused), refused
    print("refused:", refused)
    print({place: [act["what"] for act in reversed(entry["actions"])] for place, entry in found.items()})
    assert "The disk runs short" in [title for title, _, _ in hook.told()]
    server.end(15)
    for document in documents:
        run(load_space({**DOCUMENT, **document}), results=tmp_path / "undisturbed")
        name = str(document["name"])
        assert rows(server.results, name) == rows(tmp_path / "undisturbed", name)
    hook.server.shutdown()
    hook.server.server_close()
