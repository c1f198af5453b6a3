"""Decoded once; what is damaged is noticed and made again; nothing about the cache stops a run."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from classifier import data
from classifier.data import cache, decode
from tests.surroundings import HANG_S

from .conftest import again, load, picture

EVERY = 20


def test_a_second_process_decodes_nothing(flat: Path, decodings: list[int]) -> None:
    first = load(flat)
    assert sorted(decodings) == list(range(EVERY))
    second = load(flat)
    assert len(decodings) == EVERY
    assert first.card.fingerprint == second.card.fingerprint
    assert first.card.notes == second.card.notes


def test_another_split_decodes_nothing(flat: Path, decodings: list[int], caplog: pytest.LogCaptureFixture) -> None:
    load(flat)
    load(flat, split_seed=1)
    load(flat, ratio=[1, 1, 1])
    assert len(decodings) == EVERY
    load(flat, size=9)
    load(flat)
    assert len(decodings) == 2 * EVERY
    assert not caplog.records


def test_a_changed_file_is_decoded_again(flat: Path, decodings: list[int]) -> None:
    before = load(flat)
    path = flat / "cat/0.png"
    about = path.stat()
    picture(path, 5000)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # as a copying tool would
    after = load(flat)
    assert len(decodings) == 2 * EVERY
    assert before.card.fingerprint != after.card.fingerprint


def test_another_decoder_decodes_again(flat: Path, decodings: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    load(flat)
    monkeypatch.setattr(decode, "POLICY_VERSION", decode.POLICY_VERSION + 1)
    load(flat)
    assert len(decodings) == 2 * EVERY


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    np.save(path.open("wb"), np.zeros((3, 3)))


def pickled(path: Path) -> None:
    np.save(path.open("wb"), np.array([{"a": 1}], dtype=object), allow_pickle=True)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def edit(path: Path) -> None:
    said = json.loads(path.read_text())
    said["extra"]["more"] = 1
    path.write_text(json.dumps(said))


def another_json(path: Path) -> None:
    path.write_text('["check"]')


DAMAGE = [
    ("npy", flip),
    ("npy", truncate),
    ("npy", empty),
    ("npy", foreign),
    ("npy", pickled),
    ("npy", Path.unlink),
    ("json", flip),
    ("json", truncate),
    ("json", empty),
    ("json", edit),
    ("json", another_json),
    ("json", foreign),
]


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "damage"), DAMAGE)
def test_damage_is_noticed_and_repaired(
    ending: str,
    damage: Callable[[Path], None],
    flat: Path,
    cache_folder: Path,
    decodings: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = load(flat)
    good = [array.copy() for array in before.images.values()]
    for path in cache_folder.glob(f"*.{ending}"):
        damage(path)
    after = load(flat)
    assert all(np.array_equal(one, other) for one, other in zip(good, after.images.values(), strict=True))
    assert after.card.fingerprint == before.card.fingerprint
    assert "damaged" in caplog.text
    assert len(decodings) == 2 * EVERY
    caplog.clear()
    load(flat)
    assert not caplog.text
    assert len(decodings) == 2 * EVERY


def test_damage_to_what_is_mapped_costs_no_decoding(flat: Path, cache_folder: Path, decodings: list[int]) -> None:
    before = load(flat)
    mapped = before.images["train"].filename
    flip(Path(mapped))
    assert load(flat).card.fingerprint == before.card.fingerprint
    assert len(decodings) == EVERY


@pytest.mark.parametrize("ending", ["npy", "json"])
def test_what_cannot_be_repaired_is_gone_round(
    ending: str, flat: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = load(flat).card.fingerprint
    for path in cache_folder.glob(f"*.{ending}"):
        folder_instead(path)
    assert load(flat).card.fingerprint == before
    assert "held in memory" in caplog.text


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, decodings: list[int]
) -> None:
    expected = load(flat)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "file"))
    found = load(flat)
    assert len(decodings) == 2 * EVERY
    assert found.card.fingerprint == expected.card.fingerprint
    assert not found.images["train"].flags.writeable
    assert np.array_equal(found.images["val"], expected.images["val"])
    assert f"the cache folder {tmp_path / 'file' / 'images'} cannot be used" in caplog.text
    assert "SEARCH_CACHE" in caplog.text


def test_a_full_disk_is_no_reason_to_stop(
    flat: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = load(flat, split_seed=1).card.fingerprint

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for path in cache_folder.iterdir():
        path.unlink()
    monkeypatch.setattr(os, "fsync", full)
    assert load(flat, split_seed=1).card.fingerprint == expected
    assert "No space left on device" in caplog.text
    assert not list(cache_folder.glob("*.tmp"))
    assert not list(cache_folder.glob("*.npy"))


def test_nothing_is_left_beside_the_entries(flat: Path, cache_folder: Path) -> None:
    (cache_folder.parent / "images").mkdir(parents=True)
    load(flat)
    assert {path.suffix for path in cache_folder.iterdir()} == {".json", ".npy", ".lock"}
    name = next(cache_folder.glob("*.json")).stem
    killed = cache_folder / f"{name}.0123.tmp"
    killed.write_bytes(b"half")
    (cache_folder / f"{name}.json").unlink()
    load(flat)
    load(flat, split_seed=3)
    assert not killed.exists()


def test_files_are_shared_as_the_umask_says(flat: Path, cache_folder: Path) -> None:
    before = os.umask(0o022)
    try:
        load(flat)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in cache_folder.iterdir()} == {0o644}


def test_what_may_pass_is_not_remembered(
    flat: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch, decodings: list[int]
) -> None:
    expected = load(flat).card
    for path in cache_folder.iterdir():
        path.unlink()
    original = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "0.png":
            raise OSError(5, "Input/output error")
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        found = load(flat)
    assert sum(map(len, found.labels.values())) == EVERY - 2
    assert "left out 2 files: cat/0.png (Input/output error); dog/0.png (Input/output error)" in found.card.notes
    assert load(flat).card.fingerprint == expected.fingerprint


@pytest.mark.slow
def test_four_processes_at_once(flat: Path, cache_folder: Path) -> None:
    code = (
        "import sys; from classifier.data import load;"
        f"print(load({{'data': {str(flat)!r}, 'data.size': 8, 'data.split_seed': 0}}).card.fingerprint)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ends = [process.communicate(timeout=HANG_S) for process in started]
    assert [process.returncode for process in started] == [0] * 4, ends
    assert {out.strip() for out, _ in ends} == {load(flat).card.fingerprint}
    assert [errors for _, errors in ends] == [""] * 4
    assert len(list(cache_folder.glob("*.npy"))) == 2
    assert not list(cache_folder.glob("*.tmp"))


def test_who_comes_second_waits_and_decodes_nothing(flat: Path, decodings: list[int]) -> None:
    settings = {"data": str(flat), "data.size": 8, "data.split_seed": 0}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: data.load(settings).card.fingerprint, range(4)))
    assert len(set(found)) == 1
    assert len(decodings) == EVERY


def test_where_nothing_can_be_locked_it_works_as_well(
    flat: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(cache.fcntl, "flock", refused)
    load(flat)
    assert len(list(cache_folder.glob("*.npy"))) == 2
    assert not caplog.records


def test_the_user_cache_folder_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEARCH_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: f"/home/somebody/.cache/{name}")
    assert cache.folder() == Path("/home/somebody/.cache/search/images")


def test_this_process_notices_changed_files(flat: Path) -> None:
    first = again(flat)
    assert again(flat) is first
    picture(flat / "cat/0.png", 5000)
    assert again(flat).card.fingerprint != first.card.fingerprint


def test_warnings_go_through_logging(flat: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(flat)
    for path in cache_folder.glob("*.npy"):
        flip(path)
    load(flat)
    assert {(record.name, record.levelno) for record in caplog.records} == {("classifier.data.cache", logging.WARNING)}
    assert "its pixels do not match their hash" in caplog.text
