"""Images that belong together: what `data.groups` says of them, and how a split keeps them in one part."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.config import canonical
from classifier.data.groups import effective
from classifier.data.splits import draw, drawn_whole, shares
from classifier.workload import workload
from search.workload import SettingFaults

from .conftest import faults, forget, load, picture

SPLITS = ("train", "val", "test")


def patients(root: Path, sizes: dict[str, int]) -> Path:
    """Two classes, in each of which every patient has so many images."""
    for place, name in enumerate(("mole", "naevus")):
        for number, (patient, count) in enumerate(sizes.items()):
            for image in range(count):
                picture(root / name / f"{patient}_{image}.png", 10_000 * place + 100 * number + image)
    return root


@pytest.fixture
def skin(tmp_path: Path) -> Path:
    return patients(tmp_path / "skin", {f"p{number}": 1 + number % 4 for number in range(12)})


PATIENT = {"regex": r"(p\d+)_"}


def patient_of(name: str) -> str:
    return name.partition("/")[2].partition("_")[0]


def test_groups_stand_in_the_data_card_in_the_order_of_its_images(skin: Path) -> None:
    card = load(skin, groups=PATIENT).card
    for split in ("val", "test"):
        assert list(card.groups[split]) == [patient_of(name) for name in card.images[split]]


def test_a_drawn_split_keeps_each_group_in_one_part(skin: Path) -> None:
    alone, found = load(skin), load(skin, groups=PATIENT)
    assert set(found.card.groups["val"]).isdisjoint(found.card.groups["test"])
    held_out = {name for split in ("val", "test") for name in found.card.images[split]}
    assert {patient_of(name) for name in held_out} == {*found.card.groups["val"], *found.card.groups["test"]}
    every = Counter(patient_of(str(path.relative_to(skin))) for path in skin.rglob("*.png"))
    assert sum(every[group] for group in {patient_of(name) for name in held_out}) == len(held_out)
    shared = {patient_of(name) for name in alone.card.images["val"]} & {
        patient_of(name) for name in alone.card.images["test"]
    }
    assert shared  # without groups the same images are drawn one by one
    sizes = {split: len(labels) for split, labels in found.labels.items()}
    assert sum(sizes.values()) == 60
    assert all(abs(sizes[split] - wanted) <= 8 for split, wanted in zip(SPLITS, (36, 12, 12), strict=True))


def test_images_that_all_stand_alone_are_split_as_without_groups(skin: Path) -> None:
    before = load(skin).card
    found = load(skin, groups={"regex": "(.*)"}).card
    assert (found.fingerprint, found.truth.keys()) == (before.fingerprint, before.truth.keys())
    assert not before.groups
    assert [len(set(found.groups[split])) for split in ("val", "test")] == [12, 12]


def test_groups_change_no_key_where_they_change_no_split(divided: Path) -> None:
    before = load(divided).card
    found = load(divided, groups={"regex": r"^(\w+/\w+/\d)"}).card
    assert found.fingerprint == before.fingerprint
    assert not workload.settings["data.groups"]["hashed"]


def test_equal_images_are_drawn_together_like_groups(skin: Path) -> None:
    for name in ("p0", "p5"):
        (skin / "mole" / f"{name}_copy.png").write_bytes((skin / "mole" / "p11_0.png").read_bytes())
    for seed in range(4):
        found = load(skin, split_seed=seed, groups=PATIENT)
        kin = [{"p0", "p5", "p11"} & set(found.card.groups[split]) for split in ("val", "test")]
        assert kin in ([set(), set()], [{"p0", "p5", "p11"}, set()], [set(), {"p0", "p5", "p11"}])


# The draw ---------------------------------------------------------------------------------------------------------

images = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8)), min_size=1, max_size=60)


def sizes(_: int, count: int) -> list[int]:
    return shares(count, (0.6, 0.2, 0.2)) if count >= 3 else [count, 0, 0]


@given(images, st.integers(0, 5))
def test_every_image_is_drawn_once_and_no_group_is_cut(listed: list[tuple[int, int]], seed: int) -> None:
    labels = np.array([label for label, _ in listed])
    groups = [str(group) for _, group in listed]
    identities = [b"image %d" % number for number in range(len(listed))]
    parts = drawn_whole(labels, identities, groups, seed, sizes)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(listed)))
    of_split = [{groups[image] for image in parts[split]} for split in SPLITS]
    assert sum(map(len, of_split)) == len(set(groups))
    assert set(labels[parts["train"]]) == set(labels)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 5))
def test_a_draw_without_groups_is_the_draw(listed: list[int], seed: int) -> None:
    labels = np.array(listed)
    identities = [b"image %d" % number for number in range(len(listed))]
    whole = drawn_whole(labels, identities, [str(number) for number in range(len(listed))], seed, sizes)
    plain = draw(labels, identities, seed, sizes)
    assert {split: part.tolist() for split, part in whole.items()} == {
        split: part.tolist() for split, part in plain.items()
    }


def test_pairs_are_drawn_in_proportion() -> None:
    labels = np.zeros(1000, dtype=int)
    parts = drawn_whole(labels, [b"%d" % i for i in range(1000)], [str(i // 2) for i in range(1000)], 3, sizes)
    assert [len(parts[split]) for split in SPLITS] == [600, 200, 200]


def test_the_effective_number_of_groups() -> None:
    assert effective(list("0001123")) == pytest.approx(3.266667, abs=1e-6)
    assert effective([]) == 0


# What cannot be used ----------------------------------------------------------------------------------------------


def test_a_group_in_two_splits_is_named_with_its_images(divided: Path) -> None:
    assert faults(divided, groups={"regex": r"/(\d)\.png"}) == [
        (
            "data.groups",
            "the group '0' lies in 3 splits: training: train/cat/0.png, train/dog/0.png; validation: val/cat/0.png, "
            "val/dog/0.png; test: test/cat/0.png, test/dog/0.png (2 more groups are cut, too); what was trained on one "
            "image of a group has seen the others, so move its images into one of them",
        )
    ]


def test_a_set_known_by_name_keeps_its_split() -> None:
    ((name, sentence),) = faults("digits", groups={"regex": r"(\d)$"})
    assert name == "data.groups"
    assert "lies in" in sentence
    assert sentence.endswith("so name groups within splits")


def test_a_single_group_leaves_nothing_to_judge_by(skin: Path) -> None:
    assert faults(skin, groups={"regex": "(p)"}) == [
        (
            "data.groups",
            "60 images in 1 group leave no validation image, for a group lies in one split; name more groups, or lay "
            "images into train, val and test",
        )
    ]


def test_a_regex_must_name_the_group_of_each_image(skin: Path) -> None:
    assert faults(skin, groups={"regex": r"(p1\d*)_"}) == [
        (
            "data.groups",
            r"the regex '(p1\\d*)_' names no group for 42 of 60 images: mole/p0_0.png, mole/p2_0.png, mole/p2_1.png, "
            "and 39 more; its first group in parentheses must match in each name",
        )
    ]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({}, "found {}, must have one of the keys regex and csv"),
        ({"regexp": "(a)"}, "found {'regexp': '(a)'}, must have one of the keys regex and csv"),
        (
            {"regex": "(a)", "csv": "a.csv"},
            "found {'regex': '(a)', 'csv': 'a.csv'}, must have one of the keys regex and csv",
        ),
        (
            {"regex": "(p"},
            "found the regex '(p', which cannot be read: missing ), unterminated subpattern at position 0",
        ),
        (
            {"regex": "p.*_"},
            r"found the regex 'p.*_', which has no group in parentheses; the first one names what images belong "
            r"together by, as in '(\w+)_\d+\.png'",
        ),
    ],
)
def test_a_rule_that_is_none_is_refused_before_images_are_read(rule: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingFaults) as caught:
        canonical({"data": "digits", "data.groups": rule})
    assert caught.value.faults == [("data.groups", sentence)]


def listed(root: Path, change=lambda lines: lines) -> Path:
    """Write a CSV file that gives each image its patient."""
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    file = root.parent / "groups.csv"
    file.write_text("\n".join(change(["file,group", *(f"{name},{patient_of(name)}" for name in names)])) + "\n")
    return file


def test_a_csv_file_says_the_same(skin: Path) -> None:
    by_name, by_file = load(skin, groups=PATIENT).card, load(skin, groups={"csv": str(listed(skin))}).card
    assert (by_file.groups, by_file.fingerprint) == (by_name.groups, by_name.fingerprint)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda lines: [*lines[:3], *lines[5:]],
            "{file} lacks 2 of 60 images: mole/p10_1.png, mole/p10_2.png; an image that stands alone needs a group of "
            "its own",
        ),
        (
            lambda lines: [*lines, "mole/p1_9.png,p1"],
            "{file}, line 62: names 'mole/p1_9.png', which is no image of these data; did you mean 'mole/p1_1.png'? (1 "
            "such line)",
        ),
        (
            lambda lines: [*lines, lines[1]],
            "{file}, line 62: names 'mole/p0_0.png', as line 2 does; keep one of them",
        ),
        (lambda lines: [*lines[:2], "mole/p10_0.png,"], "{file}, line 3: has no group; each line must have both"),
        (
            lambda lines: ["name,patient", *lines[1:]],
            "{file} has the columns name, patient; it must have file and group",
        ),
        (lambda _: [], "{file} has the columns none; it must have file and group"),
    ],
)
def test_a_csv_file_names_each_image_once(skin: Path, change, sentence: str) -> None:
    file = listed(skin, change)
    assert faults(skin, groups={"csv": str(file)}) == [("data.groups", sentence.format(file=file))]


def test_a_csv_file_that_is_not_there(skin: Path) -> None:
    assert faults(skin, groups={"csv": "nowhere.csv"}) == [
        (
            "data.groups",
            "nowhere.csv cannot be read: No such file or directory; it must be a CSV file with the columns file and "
            "group",
        )
    ]


def test_a_csv_file_may_name_an_image_that_cannot_be_read(skin: Path) -> None:
    (skin / "mole" / "p1_7.png").symlink_to("nowhere.png")
    file = listed(skin)
    assert "mole/p1_7.png,p1\n" in file.read_text()
    assert load(skin, groups={"csv": str(file)}).card.groups == load(skin, groups=PATIENT).card.groups


# The data check ---------------------------------------------------------------------------------------------------


def test_check_counts_groups(skin: Path) -> None:
    def line(rule):
        forget()
        lines = workload.check_data(canonical({"data": str(skin), "data.size": 8, "data.groups": rule}))
        return [line for line in lines if line.startswith("groups")]

    card = load(skin, groups=PATIENT).card
    of_split = [card.groups[split] for split in ("val", "test")]
    left = 12 - sum(len(set(groups)) for groups in of_split)
    assert line(PATIENT) == [
        f"groups: {left} training, {len(set(of_split[0]))} validation, {len(set(of_split[1]))} test, of 2 to 8 images; "
        f"effective {effective(of_split[0]):.1f} validation, {effective(of_split[1]):.1f} test"
    ]
    assert line({"regex": "(.*)"}) == ["groups: each of the 60 images is a group of its own, as without data.groups"]
    assert line(None) == []
