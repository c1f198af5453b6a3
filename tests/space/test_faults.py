"""Every broken file of broken.txt gives exactly the sentences written below it."""

import re
from pathlib import Path

import pytest

from search.core.errors import Faults
from search.space.reader import read_space
from search.space.settings import why_no_setting

REPOSITORY = Path(__file__).parents[2]
HEAD = "workload: tests.space.fake:Fake\nfixed: {epochs: 10, batch_size: 16}\n"


def cases() -> list:
    blocks = (Path(__file__).parent / "broken.txt").read_text().split("=== ")[1:]
    found = []
    for block in blocks:
        name, rest = block.split("\n", 1)
        body, sentences = rest.split("\n>>>\n")
        found.append(pytest.param(body + "\n", sentences.strip("\n"), id=name))
    return found


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(HEAD)
    return tmp_path


def faults(path="space.yaml", **overrides) -> str:
    with pytest.raises(Faults) as caught:
        read_space(path, overrides)
    return str(caught.value)


@pytest.mark.parametrize(("body", "sentences"), cases())
def test_sentences(here, body, sentences):
    Path("space.yaml").write_text(body)
    said = faults().replace(str(here), "<here>").replace(str(REPOSITORY), "<repository>")
    assert re.sub(r"(fake\.py, line) [0-9]+", r"\1 <n>", said) == sentences


def test_there_are_enough():
    assert len(cases()) >= 45


def test_all_faults_of_a_file_come_at_once(here):
    Path("space.yaml").write_text(
        "workload: tests.space.fake:Fake\n"
        "fixed: {epochs: 1e1, batch_size: 0}\n"
        "space:\n"
        "  loss.gama: {grid: [1]}\n"
        "seeds: [-1]\n"
        "search: {sampler: tpee, objective: {metric: test_loss}}\n"
        "resources: {cpus: none}\n"
        "report: {valu: last}\n"
    )
    assert faults() == (
        "space.yaml:2: fixed.batch_size: found 0, must be at least 1\n"
        'space.yaml:2: fixed.epochs: `1e1` is text to YAML because it has no dot; write 1.0e1, or "1e1" for text\n'
        "space.yaml:4: space.loss.gama: unknown setting; did you mean 'loss.gamma'?\n"
        "space.yaml:5: seeds[0]: found -1, must be at least 0\n"
        "space.yaml:6: search.objective.metric: found 'test_loss', but no decision may read test values; "
        "use one on validation data\n"
        "space.yaml:6: search.sampler: found 'tpee', must be one of grid, random, tpe, gp, qmc, cmaes, nsga2; "
        "did you mean 'tpe'?\n"
        "space.yaml:7: resources.cpus: found 'none', must be a whole number\n"
        "space.yaml:8: report.valu: unknown key; did you mean 'value'?"
    )


def test_a_file_that_is_not_there(here):
    assert faults("bse.yaml") == "bse.yaml: no such file; did you mean 'base.yaml'?"
    Path("spaces").mkdir()
    Path("spaces/focal.yaml").write_text(HEAD)
    assert faults("focal") == faults("focal.yaml").replace("focal.yaml:", "focal:", 1)
    assert faults("focal") == "focal: no such file; did you mean 'spaces/focal.yaml'?"
    assert faults("base") == "base: no such file; did you mean 'base.yaml'?"
    assert faults("no/such.yaml") == "no/such.yaml: no such file; the folder 'no' does not exist either"


def test_a_folder(here):
    assert faults(".") == ".: is a folder, must be a search-space file"


def test_a_large_file(here):
    Path("space.yaml").write_text(HEAD + "#" * 1_000_000)
    assert faults() == "space.yaml: is larger than 1,000,000 bytes; a search-space file is a page of text"


def test_another_encoding(here):
    Path("space.yaml").write_bytes(b"workload: x\ntitle: caf\xe9\n")
    assert faults() == "space.yaml:2: is not UTF-8: found byte 0xe9; save the file as UTF-8"


def test_a_nul(here):
    Path("space.yaml").write_bytes(b"workload: x\ntitle: a\x00b\n")
    assert faults() == (
        "space.yaml:2: holds the character U+0000; a search-space file is text without control characters"
    )


def test_a_strange_file_name(here):
    Path("größe.yaml").write_text(HEAD)
    assert faults("größe.yaml") == (
        "größe.yaml:1: name: found 'größe', must be letters, digits, spaces and ._-() only, starting with none of '. ' "
        "and ending without a space; give the study a name with the key `name`"
    )


@pytest.mark.parametrize("each", [32, 1000])
def test_an_enormous_grid_is_refused_at_once(here, each):
    settings = ["loss.gamma", "optimizer.lr", "clip", "decay.factor", "model.slope"]
    rows = [f"  {setting}: {{grid: {[value / 1000 for value in range(1, each + 1)]}}}\n" for setting in settings]
    rows += ["  model.activation: {grid: [leaky_relu]}\n", "  decay.name: {grid: [multistep]}\n"]
    Path("space.yaml").write_text(HEAD + "space:\n" + "".join(rows))
    assert faults() == (
        f"space.yaml:3: space: the grid has {each**5:,} configurations, at most 1,000,000 trials can be run; "
        "choose search.sampler random or tpe, with search.trials"
    )


def test_conditional_axes_are_counted_without_enumerating(here):
    from search.space.model import Axis, Condition, Grid, Space

    axes = [Axis("a", Grid((0, 1)))]
    axes += [Axis(f"x{number}", Grid(tuple(range(1000))), Condition("a", (1,))) for number in range(6)]
    assert Space("s", "w", axes).grid_size() == 1 + 1000**6
    small = [Axis("a", Grid((0, 1))), Axis("b", Grid((0, 1, 2)), Condition("a", (1,)))]
    small += [Axis("c", Grid((0, 1)), Condition("b", (0, 2))), Axis("d", Grid((0, 1)))]
    space = Space("s", "w", small)
    assert space.grid_size() == len(list(space.grid())) == 12


def test_a_description_in_a_circle(here, monkeypatch):
    from tests.space.fake import Fake

    rules = {**Fake.settings, "a": {"when": {"b": [1]}, "default": 1}, "b": {"when": {"a": [1]}, "default": 1}}
    monkeypatch.setattr(Fake, "settings", rules)
    Path("space.yaml").write_text(HEAD)
    assert faults() == "space.yaml:1: workload: its settings depend on each other in a circle: a -> b -> a"


def test_a_description_that_is_no_schema(here, monkeypatch):
    from tests.space.fake import Fake

    monkeypatch.setattr(Fake, "settings", {**Fake.settings, "a": {"type": "numbr"}})
    Path("space.yaml").write_text(HEAD)
    assert faults().startswith("space.yaml:1: workload: loading 'tests.space.fake:Fake' failed: ")
    assert "\n" not in faults()


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("60", "2 of them, such as [60, 60]"),
        ("60, 20, 20", "[60, 20, 20]"),
        ("all", "a list of 2"),
    ],
)
def test_a_list_of_two_or_three(here, value, remedy):
    """What is proposed would be taken, as far as its length goes."""
    Path("space.yaml").write_text(f"workload: classifier\nfixed:\n  epochs: 1\n  data.limit: {value}\n")
    assert faults() == f"space.yaml:4: fixed.data.limit: found {_found(value)}, must be a list or null; write {remedy}"


def _found(value: str) -> str:
    return value if value.isdigit() else repr(value)


BROKEN = "fixed: {epochs: 10, batch_size: 16\nseeds: [0\n"
BASE = "base.yaml:2: is not valid YAML: expected ',' or '}', but got ':' (a mapping opened with '{' is not closed, or a comma is missing)"  # noqa: E501


@pytest.mark.parametrize("workload", ["workload: tests.space.fake:Fake", ""], ids=["known", "in the base"])
def test_a_base_that_cannot_be_read_hides_no_fault_of_the_file(here, workload):
    Path("base.yaml").write_text(BROKEN)
    Path("space.yaml").write_text(
        f"extends: base.yaml\n{workload or 'title: short'}\n"
        "fixed: {epochs: 0, stop.rule: nome, loss.gamma: high, clip: null, batch_size: null}\n"
        "space:\n  decay: {grid: {a: {decay.nam: none}, 1: {}}}\n  optimizer.lr: {gird: [1]}\n  data.size: null\n"
        "seeds: [-1]\n"
        "search: {trails: 3, pruning: {asha: {reduction_factor: 1}}, attempts: null, confirm: {top: 0}}\n"
        "resources: {cpus: 0}\n"
        "report: {rows: nothing, margin: -2, baseline: null, claims: [{better: [1]}]}\n"
        "serch: {}\n"
    )
    known = [
        "space.yaml:3: fixed.loss.gamma: found 'high', must be a number",
        "space.yaml:5: space.decay.grid.a.decay.nam: unknown setting; did you mean 'decay.name'?",
    ]
    assert faults() == "\n".join(
        [
            BASE,
            "space.yaml:3: fixed.epochs: found 0, must be at least 1",
            *(known[:1] if workload else []),
            "space.yaml:3: fixed.stop.rule: found 'nome', must be one of none, generalisation_loss, patience; "
            "did you mean 'none'?",
            'space.yaml:5: space.decay.grid.1: found 1 for the name of an option, must be text; write "1"',
            *(known[1:] if workload else []),
            "space.yaml:6: space.optimizer.lr: has no domain, must have exactly one of grid, choice, float, int",
            "space.yaml:6: space.optimizer.lr.gird: unknown key; did you mean 'grid'?",
            "space.yaml:8: seeds[0]: found -1, must be at least 0",
            "space.yaml:9: search.confirm.top: found 0, must be at least 1",
            "space.yaml:9: search.pruning.asha.reduction_factor: found 1, must be greater than 1",
            "space.yaml:9: search.trails: unknown key; did you mean 'trials'?",
            "space.yaml:10: resources.cpus: found 0, must be at least 1",
            "space.yaml:11: report.claims[0].better: found a list, must have at least 2 entries",
            "space.yaml:11: report.margin: found -2, must be a number above 0, in the unit of the metric",
            "space.yaml:12: serch: unknown key; did you mean 'search'?",
        ]
    )


@pytest.mark.parametrize(
    ("base", "fault"),
    [
        (BROKEN, BASE),
        ("- a\n", "base.yaml:1: holds a list, must be a mapping such as `workload: classifier`"),
        (None, "space.yaml:1: extends: found 'base.yaml', but there is no file 'base.yaml'"),
        ("extends: deeper.yaml\n", "base.yaml:1: extends: found 'deeper.yaml', but there is no file 'deeper.yaml'"),
        ("extends: base.yaml\n", "base.yaml:1: extends: goes in a circle: space.yaml -> base.yaml -> base.yaml; a base "
         "must not extend its extension"),
    ],
)  # fmt: skip
def test_what_a_base_may_hold_is_no_fault(here, base, fault):
    Path("base.yaml").unlink() if base is None else Path("base.yaml").write_text(base)
    Path("space.yaml").write_text(
        "extends: base.yaml\n"
        "fixed: {batch_size: 8, loss.gamma: null}\n"
        "space:\n  model.slope: {grid: [0.1, 0.2], when: {model.activation: leaky_relu}}\n  optimizer.lr: null\n"
        "search: {sampler: random, pruning: {asha: {reduction_factor: 4}}, hours: null}\n"
        "resources: null\n"
        "report: {rows: model.activation, baseline: relu, labels: {relu: ReLU}}\n"
    )
    assert faults(**{"optimizer.lr": "0.5", "activation": "relu", "search.trials": "3"}) == fault
    assert faults(**{"epochs": "0"}) == "\n".join(sorted([fault, "--set: epochs: found 0, must be at least 1"]))


def test_without_its_workload_every_override_may_be_a_setting(here):
    Path("space.yaml").write_text("workload: nowhere.at:all\nfixed: {epochs: 1}\n")
    (sentence,) = faults(**{"optimizer.lr": "0.5"}).splitlines()
    assert sentence.startswith("space.yaml:1: workload: no module 'nowhere' can be imported from ")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("optimizer.learning_rate", "optimizer.lr"),  # and not optimizer.name, which shares the group's name with it
        ("optimizer.decay", "optimizer.weight_decay"),
        ("optimizer.rate", "optimizer.lr"),  # and not that of another group
        ("optimizer.warmup", "decay.warmup"),  # nothing of its own group is like it
        ("optimizer.lrr", "optimizer.lr"),
        ("loss.gama", "loss.gamma"),
    ],
)
def test_a_setting_is_meant_by_what_its_description_calls_it(word, meant):
    rules = {
        "optimizer.name": {"description": "sgd or adam"},
        "optimizer.lr": {"description": "base learning rate: of the first epoch"},
        "optimizer.beta1": {"description": "decay of the first moment"},
        "optimizer.weight_decay": {"description": "pull to zero"},
        "loss.gamma": {"description": "focus"},
        "decay.rate": {"description": "factor of the learning rate"},
        "decay.warmup": {"description": "epochs of a rising start"},
    }
    assert why_no_setting(word, rules) == f"unknown setting; did you mean {meant!r}?"
