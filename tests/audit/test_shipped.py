"""The shipped files: exactly three flaws, and the notes, word for word, from the files alone."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from search.audit import Audited, audit
from search.space import read_space

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "spaces").glob("*.yaml"))

ONE_RUN = "one run per setting: another run may reverse any order in this table"
FLAWS = {
    "focal": ["55.36% (loss.gamma=1) is no number of 137 images: 75 are 54.74 %, 76 are 55.47 %"],
    "models": [
        "the confusion matrix has 77 of 137 images on its diagonal, 56.20 %; it is printed with 60.58%, which is 83 "
        "(model_c)",
        "resnet18 is printed with 1194836 parameters; with 20 classes it has 11,186,772",
    ],
}
NOTES = {
    "activation": [
        "not checkable: every figure; 1,020 images make every figure of so few digits possible",
        ONE_RUN,
        "chosen and reported on the same 1,020 images: 75% (relu) is the best of 4, and optimistic as a level unless it "
        "was chosen on other images",
        "75% (relu) against 74% (leaky_relu), 760 to 770 against 750 to 759 of 1,020 images: exact McNemar p is between "
        "1.9e-6 and 1, depending on the images they share: cannot be told from the figures",
        "75% (relu) against 46% (sigmoid), 760 to 770 against 465 to 474 of 1,020 images: exact McNemar p is at most "
        "1e-12: these two runs differ",
        "75% (relu) against 36% (example), 760 to 770 against 363 to 372 of 1,020 images: exact McNemar p is at most "
        "1e-12: these two runs differ",
    ],
    "augmentation": [
        ONE_RUN,
        "chosen and reported on the same 137 images: 50.36% (crop) is the best of 6, and optimistic as a level unless it "
        "was chosen on other images",
        "50.36% (crop) against 40.88% (rotation+crop), 69 against 56 of 137 images: exact McNemar p is between 0.00024 "
        "and 0.28, depending on the images they share: cannot be told from the figures",
        "50.36% (crop) against 37.23% (rotation+crop+vflip), 69 against 51 of 137 images: exact McNemar p is between "
        "7.6e-6 and 0.12, depending on the images they share: cannot be told from the figures",
        "50.36% (crop) against 37.23% (crop+vflip+hflip), 69 against 51 of 137 images: exact McNemar p is between 7.6e-6 "
        "and 0.12, depending on the images they share: cannot be told from the figures",
        "50.36% (crop) against 42.34% (crop+jitter), 69 against 58 of 137 images: exact McNemar p is between 0.00098 and "
        "0.37, depending on the images they share: cannot be told from the figures",
        "50.36% (crop) against 23.36% (rotation+crop+jitter), 69 against 32 of 137 images: exact McNemar p is at most "
        "0.0003: these two runs differ",
    ],
    "decay": [
        ONE_RUN,
        "chosen and reported on the same 137 images: 54.01% (step) is the best of 3, and optimistic as a level unless it "
        "was chosen on other images",
        "n = 137 cannot separate 50.36% from 51.09% (1 image apart), 50.36% from 54.01% (5 images apart), 51.09% from "
        "54.01% (4 images apart): exact McNemar p is above 0.05 whichever images they share; the 95 % interval of "
        "50.36% is 42.1 to 58.6 %",
        "none is the first 100 epochs of crop of spaces/augmentation.yaml, and both are printed with 50.36%: the same "
        "run is listed twice",
    ],
    "depth": ["not checked: the figures are multiply-adds in 10^9; only an accuracy has to be a number of images"],
    "early_stop": [
        "not checked: the figures are epochs; only an accuracy has to be a number of images",
        "stop.alpha=null, stop.alpha=3, stop.alpha=2, stop.alpha=1 and stop.alpha=0.5 differ in nothing but where they "
        "stop: one recorded run answers all of them",
    ],
    "focal": [
        ONE_RUN,
        "chosen and reported on the same 137 images: 60.58% (loss.gamma=2) is the best of 5, and optimistic as a level "
        "unless it was chosen on other images",
        "n = 137 cannot separate 54.01% from 54.74% (1 image apart): exact McNemar p is above 0.05 whichever images they "
        "share; the 95 % interval of 54.01% is 45.7 to 62.1 %",
        "60.58% (loss.gamma=2) against 54.01% (loss.gamma=0), 83 against 74 of 137 images: exact McNemar p is between "
        "0.0039 and 0.46, depending on the images they share: cannot be told from the figures",
        "60.58% (loss.gamma=2) against 54.74% (loss.gamma=0.3), 83 against 75 of 137 images: exact McNemar p is between "
        "0.0078 and 0.52, depending on the images they share: cannot be told from the figures",
        "60.58% (loss.gamma=2) against 54.74% (loss.gamma=0.5), 83 against 75 of 137 images: exact McNemar p is between "
        "0.0078 and 0.52, depending on the images they share: cannot be told from the figures",
        "loss.gamma=0 has the settings of step of spaces/decay.yaml, and both are printed with 54.01%: the same run is "
        "listed twice",
    ],
    "models": [
        ONE_RUN,
        "chosen and reported on the same 137 images: 84.67% (model_a) is the best of 3, and optimistic as a level unless "
        "it was chosen on other images",
        "n = 137 cannot separate 59.12% from 60.58% (2 images apart): exact McNemar p is above 0.05 whichever images "
        "they share; the 95 % interval of 59.12% is 50.8 to 67.0 %",
        "84.67% (model_a) against 59.12% (model_b), 116 against 81 of 137 images: exact McNemar p is at most 8.2e-5: "
        "these two runs differ",
        "model_c has the settings of loss.gamma=2 of spaces/focal.yaml, and both are printed with 60.58%: the same run "
        "is listed twice",
    ],
}


@pytest.fixture(scope="module")
def audited() -> dict[str, Audited]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found = audit(read_space(path.relative_to(ROOT)) for path in FILES)
    return {Path(one.file).stem: one for one in found}


def sentences(audited: dict[str, Audited], severity: str) -> dict[str, list[str]]:
    found = {name: [f.sentence for f in one.findings if f.severity == severity] for name, one in audited.items()}
    return {name: told for name, told in found.items() if told}


def test_exactly_three_flaws(audited: dict[str, Audited]) -> None:
    assert sentences(audited, "flaw") == FLAWS


@pytest.mark.parametrize("name", NOTES)
def test_the_notes(audited: dict[str, Audited], name: str) -> None:
    assert sentences(audited, "note")[name] == NOTES[name]


def test_files_without_figures_get_no_word(audited: dict[str, Audited]) -> None:
    assert sentences(audited, "note").keys() == NOTES.keys()
    assert {name for name, one in audited.items() if not one.figures} == audited.keys() - NOTES.keys()


def test_every_finding_has_the_line_of_its_entry(audited: dict[str, Audited]) -> None:
    keys = Counter()
    for one in audited.values():
        lines = (ROOT / one.file).read_text().splitlines()
        for finding in one.findings:
            assert finding.file == one.file
            parts = finding.key.split(".", 3)
            last = parts[3] if len(parts) == 4 else parts[2]
            assert lines[finding.line - 1].lstrip().startswith(f"{last}:"), finding
            keys[parts[2]] += 1
    assert keys.keys() == {"values", "metric", "confusion_matrix", "parameters"}
    assert keys["parameters"] == keys["confusion_matrix"] == 1


def test_the_page_quotes_what_is_printed(audited: dict[str, Audited]) -> None:
    page = (ROOT / "docs/audit.md").read_text()
    quoted = page.partition("```text\n")[2].partition("```")[0].splitlines()
    printed = {re.sub(r":\d+:", ":", str(finding)) for one in audited.values() for finding in one.findings}
    assert len(quoted) == 7
    assert [line for line in quoted if re.sub(r":\d+:", ":", line) not in printed] == []


def test_a_file_alone_tells_nothing_of_others() -> None:
    (alone,) = audit([read_space(ROOT / "spaces/focal.yaml")])
    assert [f.sentence for f in alone.flaws] == FLAWS["focal"]
    assert not any("listed twice" in f.sentence for f in alone.findings)
