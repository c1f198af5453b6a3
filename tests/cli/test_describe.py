"""`describe`: from the command line to the workload and back."""

from __future__ import annotations

import pytest

from search.__main__ import run


def test_one_model_and_its_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", "resnet18", "--size", "64", "--classes", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "resnet18 at 64 x 64 px, 20 classes"
    assert lines[-1].split()[:2] == ["total", "11,186,772"]


@pytest.mark.slow
def test_size_and_classes_need_not_be_given_and_settings_can(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", "resnet18", "resnet50", "--set", "model.stem=small"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("224 x 224 px, 102 classes\n")
    assert "max pool" not in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["resnet19"],
            "model.name: found 'resnet19', must be one of model_c, resnet18, resnet34, resnet50, resnet101, resnet152, "
            "example_cnn; did you mean 'resnet18'?",
        ),
        (
            ["resnet18", "--size", "big", "--classes", "20"],
            "size: found 'big', must be a whole number of at least 1",
        ),
        (
            ["resnet18", "--workload", "tests.contracts.toy:SineFit"],
            "workload 'tests.contracts.toy:SineFit' cannot describe its models: "
            "it has no method describe(names, options)",
        ),
    ],
)
def test_what_cannot_be_described_is_the_user_s(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["describe", *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"{sentence}\n"
