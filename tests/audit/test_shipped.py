"""The shipped files: exactly three flaws, and the notes, word for word, from the files alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from search.audit.audit import audit
from search.audit.findings import Finding
from search.space.reader import read_space

ROOT = Path(__file__).parents[2]
EXPECTED = Path(__file__).with_name("shipped.txt").read_text().splitlines()
"""What is printed, without the lines of the files."""


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        audited = audit([read_space(path) for path in sorted(Path("spaces").glob("*.yaml"))])
    return [finding for one in audited for finding in one.findings]


def without_line(text: str) -> str:
    return re.sub(r":\d+: ", ": ", text, count=1)


@pytest.mark.slow
def test_the_findings_are_these_and_no_others(findings: list[Finding]) -> None:
    assert [without_line(str(finding)) for finding in findings] == EXPECTED


def test_exactly_three_of_them_are_flaws(findings: list[Finding]) -> None:
    flaws = [finding for finding in findings if finding.severity == "flaw"]
    assert [(Path(flaw.file).name, flaw.key, flaw.sentence) for flaw in flaws] == [
        (
            "focal.yaml",
            "report.published.values.1",
            "55.36% (loss.gamma=1) is no number of 137 images: 75 are 54.74 %, 76 are 55.47 %",
        ),
        (
            "models.yaml",
            "report.published.confusion_matrix",
            "the confusion matrix has 77 of 137 images on its diagonal, 56.20 %; it is printed with 60.58%, which is "
            "83 (model_c)",
        ),
        (
            "models.yaml",
            "report.published.parameters.resnet18",
            "resnet18 is printed with 1194836 parameters; with 20 classes it has 11,186,772",
        ),
    ]


def test_every_finding_has_the_line_of_its_entry(findings: list[Finding]) -> None:
    for finding in findings:
        parts = finding.key.removeprefix("report.published.").split(".", 1)
        line = (ROOT / finding.file).read_text().splitlines()[finding.line - 1]
        assert line.lstrip().startswith(f"{parts[-1]}:"), finding


def test_the_page_quotes_what_is_printed() -> None:
    page = (ROOT / "docs/reference/audit.md").read_text()
    quoted = page.partition("```text\n")[2].partition("```")[0].splitlines()
    assert len(quoted) == 7
    assert [line for line in quoted if without_line(line) not in EXPECTED] == []


def test_a_file_alone_tells_nothing_of_others() -> None:
    (alone,) = audit([read_space(ROOT / "spaces/focal.yaml")])
    assert len(alone.flaws) == 1
    assert not any("listed twice" in finding.sentence for finding in alone.findings)
