"""Verbs and options that do not exist, and what a person may have meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.__main__ import run
from search.cli import cli

VERBS = ", ".join(cli.commands)
TAKERS = ", ".join(name for name, verb in cli.commands.items() if any(one.name == "sets" for one in verb.params))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("focal.yaml").write_text("workload: classifier\nfixed: {epochs: 1}\n")
    Path("mine.yaml").write_text("extends: base.yaml\n")
    Path("base.yaml").write_text("workload: tests.space.fake:Numbered\nfixed: {epochs: 1}\n")
    Path("other").touch()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("frobnicate", f"No such command 'frobnicate'; verbs: {VERBS}"),
        ("frobnicate --epochs 3", f"No such command 'frobnicate'; verbs: {VERBS}"),
        ("rnu focal.yaml", "No such command 'rnu'; did you mean 'run'?"),
        ("Plan focal.yaml", "No such command 'Plan'; did you mean 'plan'?"),
        ("focal.yaml", "No such command 'focal.yaml'; a file is given after a verb: python -m search run focal.yaml"),
        ("focl.yaml", "No such command 'focl.yaml'; a file is given after a verb: python -m search run focl.yaml"),
        ("other", "No such command 'other'; a file is given after a verb: python -m search run other"),
        ("run focal.yaml --epochs 3", "No such option '--epochs'; write --set epochs=3"),
        ("run --epochs=3 focal.yaml", "No such option '--epochs'; write --set epochs=3"),
        ("run focal.yaml --epochs", "No such option '--epochs'; write --set epochs=VALUE"),
        ("run focal.yaml --epochs --no-sharing", "No such option '--epochs'; write --set epochs=VALUE"),
        ("plan focal.yaml --lr -0.1", "No such option '--lr'; write --set optimizer.lr=-0.1"),
        ("plan focal.yaml --batch-size 8", "No such option '--batch-size'; write --set batch_size=8"),
        ("plan focal.yaml --loss.gamma 2", "No such option '--loss.gamma'; write --set loss.gamma=2"),
        ("check focal.yaml --trials 9", "No such option '--trials'; write --set search.trials=9"),
        ("check focal.yaml --cpus 2", "No such option '--cpus'; write --set resources.cpus=2"),
        ("check focal.yaml --seed 7", "No such option '--seed'; write --set 'seeds=[7]'"),
        ("check focal.yaml --seeds 7", "No such option '--seeds'; write --set seeds=7"),
        ("check focal.yaml --epoch 3", "No such option '--epoch'; did you mean --set epochs=3?"),
        ("check mine.yaml --depth 34", "No such option '--depth'; write --set depth=34"),
        ("run focal.yaml epochs=3", "Got unexpected extra argument (epochs=3); write --set epochs=3"),
        ("run focal.yaml --set epochs 3", "Got unexpected extra argument (3); write --set epochs=3"),
        ("--epochs 3 run focal.yaml", "No such option '--epochs'; write --set epochs=3 after the verb"),
        (
            "report focal --epochs 3",
            f"No such option '--epochs'; settings are given to {TAKERS}, and report takes none",
        ),
        ("run focal.yaml other", "Got unexpected extra argument (other)"),
        ("run focal.yaml --frobnicate", "No such option '--frobnicate'."),
        ("run focal.yaml --stor x", "No such option '--stor'. (Did you mean one of: '--json', '--set', '--storage'?)"),
    ],
)  # fmt: skip
def test_words(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words.split()) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == f"Error: {sentence}"


@pytest.mark.parametrize("words", [["check", "focal.yaml"], ["plan", "focal.yaml", "--no-probe"]], ids=" ".join)
def test_a_wrong_data_set_has_the_address_of_its_option(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--data", "digts"]) == 1
    assert capsys.readouterr().err == (
        "--data: found 'digts', which is neither a known data set (digits, flowers-17, flowers-102, cifar10) nor a "
        "folder; did you mean 'digits'?\n"
    )
    assert run([*words, "--data", "a: b # c"]) == 1
    assert capsys.readouterr().err.startswith("--data: found 'a: b # c', which is neither a known data set")
    assert run([*words, "--set", "data=digts"]) == 1
    assert capsys.readouterr().err.startswith("--set: data: found 'digts', which is neither a known data set")


def test_a_workload_without_data_takes_no_data_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "mine.yaml", "--data", "digits"]) == 1
    assert capsys.readouterr().err == "--data: the workload has no setting `data`; leave it out\n"
