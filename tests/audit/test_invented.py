"""Ten invented tables, half of them sound; how flawed ones read; text that means harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from search.audit.audit import audit
from search.audit.findings import Finding
from search.core.errors import Faults
from search.space.model import Space
from search.space.reader import space_from_mapping

NAMES = [0, 0.5, 1, 2, 3]


def space(published: Mapping[str, Any], report: Mapping[str, Any] = {}, **sections: Any) -> Space:
    mapping = {
        "workload": "classifier",
        "fixed": {"epochs": 2},
        "space": {"loss.gamma": {"grid": NAMES}},
        "report": {"published": published, **report},
        **sections,
    }
    return space_from_mapping(mapping)


def values(*figures: str) -> dict[Any, str]:
    return dict(zip(NAMES, figures, strict=False))


def findings(published: Mapping[str, Any], report: Mapping[str, Any] = {}, **sections: Any) -> list[Finding]:
    (audited,) = audit([space(published, report, **sections)])
    return list(audited.findings)


def flaws(*args: Any, **sections: Any) -> list[str]:
    return [finding.sentence for finding in findings(*args, **sections) if finding.severity == "flaw"]


def notes(*args: Any, **sections: Any) -> list[str]:
    return [finding.sentence for finding in findings(*args, **sections) if finding.severity == "note"]


SOUND = {
    "rounded to one decimal": {"n": 250, "values": values("91.2", "92.0 %", "88.8%", "100.0", "0.0")},
    "fractions, ties rounded to even": {"n": 400, "values": values("0.912", "0.882", "0.878", "0.9075", "1.0")},
    "cut behind the second decimal": {"n": 137, "values": values("54.01", "40.87", "60.58", "81.75", "94.89")},
    "means of five runs of rounded figures": {"n": 137, "runs": 5, "values": values("54.16", "54.75")},
    "a matrix, its classes, and the model": {
        "n": 12,
        "values": values("75.0%", "66.67%"),
        "class_sizes": [4, 4, 4],
        "confusion_matrix": [[3, 1, 0], [0, 4, 0], [1, 1, 2]],
        "confusion_matrix_row": 0,
        "parameters": {"model_c": "433027", "resnet18": "11.2", "resnet50": "23514179"},
    },
}
FLAWED = {
    "one figure in five": (
        {"n": 250, "values": values("91.2", "92.0", "88.7", "90.4", "89.2")},
        ["88.7 (loss.gamma=1) is no number of 250 images: 221 are 88.4 %, 222 are 88.8 %"],
    ),
    "a fraction": (
        {"n": 80, "values": values("0.9125", "0.9150")},
        ["0.9150 (loss.gamma=0.5) is no number of 80 images: 73 are 91.25 %, 74 are 92.50 %"],
    ),
    "a mean of three runs": (
        {"n": 60, "runs": 3, "values": values("91.11", "91.36")},
        ["91.36 (loss.gamma=0.5) is no mean of 3 runs on 60 images: of 180, 164 are 91.11 %, 165 are 91.67 %"],
    ),
    "a matrix with a number in the wrong row": (
        {
            "n": 12,
            "values": values("75.0%", "66.67%"),
            "class_sizes": [4, 4, 4],
            "confusion_matrix": [[3, 0, 0], [0, 4, 1], [1, 1, 2]],
            "confusion_matrix_row": 0.5,
        },
        [
            "rows of the confusion matrix do not add up to class_sizes: 3 for 4 in row 1 and 5 for 4 in row 2",
            "the confusion matrix has 9 of 12 images on its diagonal, 75.00 %; it is printed with 66.67%, which is 8 "
            "(loss.gamma=0.5)",
        ],
    ),
    "what lies outside": (
        {"n": 50, "values": values("98", "104", "-2%"), "class_sizes": [20, 31], "parameters": {"model_c": "432513"}},
        [
            "104 (loss.gamma=0.5) is no accuracy, which lies between 0 and 100 %",
            "-2% (loss.gamma=1) is no accuracy, which lies between 0 and 100 %",
            "class_sizes add up to 51 images, n is 50",
            "model_c is printed with 432513 parameters; with 2 classes it has 432,514",
        ],
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_tables(name: str) -> None:
    assert flaws(SOUND[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FLAWED)
def test_flawed_tables(name: str) -> None:
    published, sentences = FLAWED[name]
    assert flaws(published) == sentences


class TestNotes:
    def test_a_table_that_was_cut(self) -> None:
        told = notes(SOUND["cut behind the second decimal"])
        sentence = "some figures are a number of images only if all were cut behind their last digit, not rounded"
        assert f"truncated: {sentence}, and that fits all of them" in told

    def test_n_that_is_not_stated(self) -> None:
        start = "not checked: the number of images n is not stated; "
        assert f"{start}137 is the smallest that fits all" in notes(
            {"values": values("54.01", "60.58", "54.74", "51.09")}
        )
        assert f"{start}none up to 20,000 fits all figures" in notes({"values": values("54.0145", "54.0146001")})
        assert flaws({"values": values("54.0145", "54.0146001")}) == []

    def test_what_is_not_an_accuracy_is_not_tested(self) -> None:
        published = {"n": 137, "metric": "balanced accuracy", "values": values("55.36")}
        sentence = "the figures are balanced accuracy; only the share of right images has to be a number of images"
        assert [finding.sentence for finding in findings(published)] == [f"not checked: {sentence}"]
        for metric in ("Accuracy", "val_accuracy", "test accuracy", "Top-1 accuracy (%)"):
            assert flaws({**published, "metric": metric}) != []

    def test_several_runs_are_no_single_run(self) -> None:
        told = notes({"n": 137, "runs": 5, "values": values("54.16", "60.58")}, {"baseline": 0})
        assert not any("one run" in sentence or "McNemar" in sentence for sentence in told)

    def test_a_range_of_p_that_begins_at_nothing(self) -> None:
        told = notes({"n": 10_000, "values": values("93.47", "94")}, {"baseline": 0})
        assert told[-1].endswith(
            "exact McNemar p is at most 0.96, and may be below 1e-12, depending on the images they share: "
            "cannot be told from the figures"
        )

    def test_two_runs_that_differ_may_be_chance_among_many(self) -> None:
        start = "73.5 (loss.gamma=0.5) against 60.0 (loss.gamma=0), 147 against 120 of 200 images: exact McNemar p is "
        alone = notes({"n": 200, "values": values("60.0", "73.5")}, {"baseline": 0})
        assert alone[-1] == f"{start}at most 0.024: these two runs differ"
        many = notes({"n": 200, "values": values("60.0", "73.5", "60.5", "61.0", "61.5")}, {"baseline": 0})
        assert many[-1] == (
            f"{start}at most 0.024, but one of 4 comparisons: after Holm at most 0.095, so that it may be chance"
        )

    def test_figures_beside_which_nothing_can_be_checked(self) -> None:
        told = notes({"n": 1020, "values": values("75", "46.27")})
        assert told[0] == "not checkable: loss.gamma=0; 1,020 images make every figure of so few digits possible"

    def test_a_matrix_that_is_nobody_s(self) -> None:
        start = "not checked: the diagonal of the confusion matrix; "
        matrix = {"confusion_matrix": [[5, 5], [0, 10]]}
        assert f"{start}the file does not say whose it is (confusion_matrix_row)" in notes(
            {"values": values("75", "80"), **matrix}
        )
        assert flaws({"n": 20, "values": values("80"), **matrix}) != []  # one row: its matrix
        means = {"n": 20, "runs": 3, "values": values("80"), **matrix}
        assert f"{start}it is of one run, or of no stated number, and the figure is a mean of several" in notes(means)

    @pytest.mark.parametrize(
        ("name", "text", "sentence"),
        [
            (
                "resnet19",
                "5",
                "not checked: the parameters of resnet19; model.name: found 'resnet19', must be one of "
                "model_c, resnet18, resnet34, resnet50, resnet101, resnet152, example_cnn; did you mean 'resnet18'?",
            ),
            ("model_c", "0.4417481M", "not checked: 0.4417481M is no number of parameters (model_c)"),
            ("model_c", "441748", "the parameters of model_c, 441748, agree with 20 classes"),
        ],
    )
    def test_parameters(self, name: str, text: str, sentence: str) -> None:
        assert [finding.sentence for finding in findings({"parameters": {name: text}})] == [sentence]

    def test_a_workload_that_counts_none(self) -> None:
        mapping = {"fixed": {"epochs": 1, "lr": 0.1}, "space": {"degree": {"grid": [1, 2]}}}
        told = findings({"parameters": {"sine": "5"}}, workload="tests.contracts.toy:SineFit", **mapping)
        assert [finding.sentence for finding in told] == [
            "not checked: numbers of parameters; the workload tests.contracts.toy:SineFit counts none (it has no "
            "method parameters)"
        ]

    def test_equal_settings_with_different_figures(self) -> None:
        options = {"plain": {"loss.name": "cross_entropy"}, "gamma 0": {"loss.gamma": 0}}
        published = {"n": 137, "values": {"plain": "54.01", "gamma 0": "54.74"}}
        told = notes(published, space={"loss": {"grid": options}})
        assert told[-1] == (
            "gamma 0 has the settings of plain, but is printed with 54.74, not 54.01: another seed, or a difference "
            "that the files do not state"
        )
        assert flaws(published, space={"loss": {"grid": options}}) == []

    def test_equal_settings_on_other_images_are_nobody_s_business(self) -> None:
        one = space({"n": 137, "values": values("54.01")})
        other = space({"n": 200, "values": values("54.00")})
        both = audit([one, other])
        assert not any("settings of" in finding.sentence for audited in both for finding in audited.findings)


class TestHarm:
    NAME = "<b>|%_$\u202e\U0001f338=cmd()"

    def test_names_reach_the_page_in_one_line(self) -> None:
        published = {"n": 137, "metric": "accuracy", "values": {self.NAME: "55.36"}, "parameters": {self.NAME: "7"}}
        told = findings(published, space={"loss": {"grid": {self.NAME: {}, "other": {"loss.gamma": 1}}}})
        assert any("<b>|%_$" in finding.sentence for finding in told)
        assert all(finding.sentence.isprintable() for finding in told)

    @pytest.mark.parametrize("figure", ["9" * 40, "0." + "3" * 38, "0." + "0" * 37 + "1"])
    def test_the_longest_figures(self, figure: str) -> None:
        told = findings({"n": 137, "values": values(figure), "parameters": {"model_c": figure}})
        assert told
        assert all(len(finding.sentence) < 300 for finding in told)

    @pytest.mark.parametrize("figure", ["9" * 5000, "0." + "3" * 5000, "0." + "0" * 60 + "1"])
    def test_endless_figures_are_refused(self, figure: str) -> None:
        with pytest.raises(Faults) as refused:
            findings({"n": 137, "values": values(figure), "parameters": {"model_c": figure}})
        told = {fault.key: fault.message for fault in refused.value.faults}
        assert list(told) == ["report.published.parameters.model_c", "report.published.values.0"]
        assert all(
            message.startswith(f"found '{figure[:60]}")
            and message.endswith(f" with {len(figure)} characters, must have at most 40")
            for message in told.values()
        )

    def test_the_largest_numbers_of_images(self) -> None:
        told = findings({"n": 10**9, "values": values("54.01", "60.58")}, {"baseline": 0})
        assert all(finding.severity == "note" for finding in told)

    def test_endless_numbers_of_images_are_refused(self) -> None:
        with pytest.raises(Faults) as refused:
            findings({"n": 2**63 - 1, "values": values("54.01", "60.58")}, {"baseline": 0})
        assert str(refused.value) == (
            "<python>: report.published.n: found 9223372036854775807, must be at most 1000000000, more images than a "
            "figure was ever measured on"
        )

    def test_a_table_of_many_rows(self) -> None:
        names = [index / 100 for index in range(200)]
        figures = {name: f"{index % 100}.00" for index, name in enumerate(names)}
        told = findings({"n": 100, "values": figures}, {"baseline": 0.0}, space={"loss.gamma": {"grid": names}})
        assert len(told) < 20
