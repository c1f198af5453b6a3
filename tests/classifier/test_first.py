"""A first space file: whatever the images, it reads, fits them, and takes about as long as a person waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from classifier import first
from classifier.data.groups import proposed
from classifier.first import MAX_EPOCHS, MIN_EPOCHS, WAIT_S, batch_size, choose
from classifier.first_text import RATES, SEEDS, Facts, text_of
from search.space.reader import read_space
from search.workload import SettingFaults

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=20)
COUNTS = st.lists(st.integers(10, 60_000), min_size=2, max_size=3)


@given(st.integers(2, 100_000))
def test_a_batch_fits_the_training_images(images):
    size = batch_size(images)
    assert 2 <= size <= min(64, max(images, 2))
    assert images / size >= min(10, images / 8)
    if images >= 100:
        assert images % size not in (2, 3)


@given(
    st.lists(st.sampled_from([128, 64, 48, 32, 12]), min_size=1, unique=True).map(lambda sizes: sorted(sizes)[::-1]),
    COUNTS,
    st.integers(1, 16),
    st.floats(1, 1e5),
)
def test_what_is_chosen_takes_no_longer_than_a_person_waits(sizes, counts, workers, speed):
    def rates(size: int) -> tuple[float, float]:
        return speed / size, 5 * speed / size

    found = choose(sizes, counts, workers, rates)
    assert found.size in sizes
    assert MIN_EPOCHS <= found.epochs <= MAX_EPOCHS
    assert all(min(10, count) <= fewer <= count for fewer, count in zip(found.counts, counts, strict=True))
    few = all(fewer == min(10, count) for fewer, count in zip(found.counts, counts, strict=True))
    least = 10 * len(counts) * 9 * MIN_EPOCHS / (speed / found.size)  # ten images of each split are kept at any price
    assert found.seconds <= WAIT_S + least or few
    if list(found.counts) != counts:
        assert found.size == sizes[-1], "smaller images come before fewer ones"


@given(st.integers(1, 16))
def test_a_fast_machine_takes_the_largest_size_and_no_endless_run(workers):
    found = choose([64, 32], [1000, 300], workers, lambda size: (1e6, 1e6))
    assert (found.size, found.epochs, list(found.counts)) == (64, MAX_EPOCHS, [1000, 300])


FACTS = Facts(
    data="images",
    file="images.yaml",
    name="images",
    size=32,
    counts=(100, 30, 30),
    limit=None,
    there=(100, 30, 30),
    classes=3,
    smallest=33,
    largest=34,
    usual="rose",
    usual_share=0.4,
    grey=False,
    batch=10,
    epochs=24,
    seconds=500.0,
    rate=200.0,
    device="CPU core",
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=NAMES,
    name=NAMES,
    usual=NAMES,
    size=st.integers(8, 512),
    limit=st.none() | st.just((100, 30, 30)),
    smallest=st.integers(0, 10),
    grey=st.booleans(),
    batch=st.integers(2, 64),
    epochs=st.integers(10, 60),
)
def test_whatever_is_found_out_the_text_is_a_sound_file_that_says_it(tmp_path, **found):
    folder = tmp_path / f"a{found['data']}"
    folder.mkdir(exist_ok=True)
    facts = Facts(**{**vars(FACTS), **found, "data": str(folder)})
    path = tmp_path / "first.yaml"
    text = text_of(facts)
    path.write_text(text)
    space = read_space(path)
    assert space.fixed["data"] == facts.data
    assert (space.fixed["data.size"], space.fixed["batch_size"]) == (facts.size, facts.batch)
    assert (space.fixed["epochs"], space.fixed.get("input.greyscale", False)) == (facts.epochs, facts.grey)
    assert space.fixed.get("data.limit") == (None if facts.limit is None else list(facts.limit))
    assert ("loss.class_weights" in text) is (facts.largest >= 3 * facts.smallest)
    assert (space.report.rows, space.report.baseline, tuple(space.seeds)) == ("optimizer.lr", RATES[1], SEEDS)
    assert space.grid_size() == len(RATES)
    assert all(len(line) <= 120 for line in text.splitlines() if not line.startswith(("# Who", "# Which", "  data:")))


def images(folder: Path, counts: Sequence[int], side: int = 40, grey: bool = False, names: str = "abcdefgh") -> Path:
    """Write noise into class folders."""
    random = np.random.default_rng(1)
    for name, count in zip(names, counts, strict=False):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (side, side + 8) if grey else (side, side + 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first, "_rates", lambda size, device: (500.0, 5000.0))


def read(folder: Path) -> tuple[str, dict[str, object]]:
    text = first.first_file(str(folder), "first.yaml")
    path = folder.parent / "first.yaml"
    path.write_text(text)
    return text, dict(read_space(path).fixed)


@pytest.mark.parametrize(
    ("counts", "side", "grey", "size"),
    [((30, 30), 40, False, 40), ((30, 30, 9), 40, True, 40), ((40, 20), 5, False, 8)],
)
def test_a_folder_is_looked_at(tmp_path, counts, side, grey, size):
    text, fixed = read(images(tmp_path / "mine", counts, side, grey))
    assert (fixed["data.size"], fixed.get("input.greyscale", False)) == (size, grey)
    assert f"{len(counts)} classes of" in text
    assert ("uneven" in text) is (max(counts) >= 3 * min(counts))


def test_a_folder_with_splits_is_used_as_it_is_split(tmp_path):
    for split, count in (("train", 20), ("val", 6), ("test", 5)):
        images(tmp_path / "mine" / split, [count, count])
    text, fixed = read(tmp_path / "mine")
    assert "# 40 training, 12 validation, 10 test images, 2 classes of 20 training images." in text
    assert fixed["batch_size"] == 8


def test_where_there_is_no_test_split_the_limit_is_still_sound(tmp_path, monkeypatch):
    monkeypatch.setattr(first, "_rates", lambda size, device: (1.0, 1.0))
    for split, count in (("train", 60), ("val", 20)):
        images(tmp_path / "mine" / split, [count, count])
    text, fixed = read(tmp_path / "mine")
    train, val, test = fixed["data.limit"]
    assert (10 <= train < 120, val, test) == (True, 10, 1)
    assert "at most so many of 120 training, 40 validation; remove it for all" in text


def test_folders_in_class_folders_are_images_of_the_class(tmp_path):
    folder = images(tmp_path / "mine", [0, 30])
    images(folder / "a", [20, 20], names=["one day", "another day"])
    assert "2 classes of 18 to 24 training images" in read(folder)[0]


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            (6, 7),
            "{folder} holds 13 images of 2 classes, which makes 8 training, 3 validation, 2 test images; a comparison "
            "needs at least 10 validation images, so add images to its classes, or write a file by hand with more of "
            "them for validation (data.ratio)",
        ),
        ((30,), "{folder} holds only the class 'a'; it must hold one folder per class"),
        ((), "{folder} holds no folders; it must hold one folder per class"),
    ],
)
def test_what_nothing_can_be_compared_on_is_refused(tmp_path, counts, sentence):
    (tmp_path / "mine").mkdir()
    folder = images(tmp_path / "mine", counts)
    with pytest.raises(SettingFaults) as refused:
        first.first_file(str(folder), "first.yaml")
    ((name, said),) = refused.value.faults
    assert name == "data"
    assert said.startswith(sentence.format(folder=folder))


def test_the_folder_above_the_classes_is_told_apart(tmp_path):
    images(tmp_path / "mine" / "inner", [20, 20])
    with pytest.raises(SettingFaults, match=r"holds one folder, inner, which holds a, b; name .*/mine/inner if these"):
        first.first_file(str(tmp_path / "mine"), "first.yaml")


@pytest.mark.slow
def test_steps_on_noise_are_timed(monkeypatch):
    monkeypatch.undo()
    training, evaluating = first._rates(8, "cpu")
    assert 0 < training < evaluating


def test_groups_that_file_names_show_plainly_are_proposed_as_a_comment(tmp_path):
    patients = [f"{kind}/p{number}_{image}.png" for kind in "ab" for number in range(9) for image in range(3)]
    pattern, names = proposed(patients, 2)
    assert (pattern, names[:2], len(names)) == (r"([^/]+)[_-]\d+\.\w+$", ["p0", "p1"], 9)
    assert proposed([f"{kind}/p{number}/{image}.png" for kind in "ab" for number in range(9) for image in range(3)], 2)
    line = next(line for line in text_of(replace(FACTS, groups=(pattern, names))).splitlines() if "data.groups" in line)
    assert line.strip().startswith(
        f"# data.groups: {{regex: '{pattern}'}}  # 9 groups by file name, as p0: where these"
    )
    space = tmp_path / "space.yaml"
    settings = f"fixed: {{data: digits, epochs: 1, {line.strip()[2:].partition('  #')[0]}}}"
    space.write_text(f"workload: classifier\n{settings}\nspace: {{}}\n")
    assert read_space(str(space)).fixed["data.groups"] == {"regex": pattern}


@pytest.mark.parametrize(
    "names",
    [
        [f"{kind}/{number}.png" for kind in "ab" for number in range(30)],
        [f"{kind}/image_{number:04}.jpg" for kind in "ab" for number in range(30)],
        [f"cat/cat_{number}.jpg" for number in range(30)] + [f"dog/dog_{number}.jpg" for number in range(30)],
        [f"{kind}/{number}_{number}.jpg" for kind in "a" for number in range(30)],
    ],
)
def test_names_that_number_images_propose_nothing(names):
    assert proposed(names, len({name[0] for name in names})) is None
