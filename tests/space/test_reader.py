"""What a sound file means."""

import enum
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from search.core.errors import Faults
from search.space.model import (
    AshaSettings,
    Axis,
    Choice,
    Condition,
    Float,
    Grid,
    Int,
    Objective,
    Published,
    Report,
    Resources,
)
from search.space.reader import read_space, space_from_mapping
from search.space.recorded import rebuild
from search.space.schema import schema
from search.space.writing import dump

HEAD = "workload: tests.space.fake:Fake\nfixed: {epochs: 10, batch_size: 16}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(text, overrides=None, name="space.yaml"):
    Path(name).write_text(text)
    return read_space(name, overrides or {})


def faults(text, overrides=None) -> str:
    with pytest.raises(Faults) as caught:
        read(text, overrides)
    return str(caught.value)


def test_a_full_file():
    space = read(
        "name: a study\n"
        "title: All there is\n"
        "workload: tests.space.fake:Fake\n"
        "fixed: {epochs: 27.0, batch_size: 16}\n"
        "space:\n"
        "  model.activation: {choice: [relu, leaky_relu]}\n"
        "  model.slope: {float: {low: 0, high: 0.5, step: 0.1}, when: {model.activation: leaky_relu}}\n"
        "  data.size: {int: {low: 8, high: 32, log: true}}\n"
        "  decay:\n"
        "    choice:\n"
        "      none:\n"
        "      slow: {decay.name: exponential, decay.factor: 0.9}\n"
        "seeds: 2\n"
        "search:\n"
        "  trials: 30\n"
        "  seed: 7\n"
        "  objective: {metric: val_loss, direction: minimize}\n"
        "  pruning: {asha: {grace_period: 3}}\n"
        "  hours: 1.5\n"
        "  attempts: 1\n"
        "resources: {cpus: 2, gpus: 0.5}\n"
        "report: {rows: decay, columns: model.activation, value: best, baseline: none, margin: 0.02}\n"
    )
    assert space.name == "a study"
    assert space.title == "All there is"
    assert space.fixed == {"epochs": 27, "batch_size": 16}
    assert type(space.fixed["epochs"]) is int
    assert space.axes == (
        Axis("model.activation", Choice(("relu", "leaky_relu"))),
        Axis("model.slope", Float(0.0, 0.5, step=0.1), Condition("model.activation", ("leaky_relu",))),
        Axis("data.size", Int(8, 32, log=True)),
        Axis(
            "decay",
            Choice(("none", "slow"), {"none": {}, "slow": {"decay.name": "exponential", "decay.factor": 0.9}}),
        ),
    )
    assert space.seeds == (0, 1)
    assert (space.search.sampler, space.search.trials, space.search.seed) == ("tpe", 30, 7)
    assert space.search.objective == Objective("val_loss", "minimize")
    assert space.search.asha == AshaSettings(3, 3.0)
    assert (space.search.hours, space.search.attempts) == (1.5, 1)
    assert space.resources == Resources(2, 0.5)
    assert space.report == Report("decay", "model.activation", "best", "none", True, 0.02)
    assert space.file == "space.yaml"
    assert read(dump(space), name="again.yaml") == space
    assert rebuild(dump(space), space.name) == space  # without the workload's rules


def test_the_least_file():
    space = read(HEAD)
    assert space.name == "space"
    assert (space.axes, space.seeds, space.search.sampler) == ((), (0,), "grid")
    assert list(space.grid()) == [{}]
    assert space.report.rows == ""


@pytest.mark.parametrize(
    ("text", "overrides", "resources"),
    [
        ("", {}, Resources(1, None)),
        ("resources:\n", {}, Resources(1, None)),
        ("resources: auto\n", {}, Resources(1, None)),
        ("resources: {gpus: auto, cpus: 3}\n", {}, Resources(3, None)),
        ("resources: auto\n", {"resources.cpus": "3"}, Resources(3, None)),
        ("resources: {gpus: 2, cpus: 3}\n", {"resources.gpus": "auto"}, Resources(3, None)),
        ("resources: {gpus: 2, cpus: 3}\n", {"resources": "auto"}, Resources(1, None)),
        ("resources: auto\n", {"resources.gpus": "0"}, Resources(1, 0)),
    ],
)
def test_resources_auto(text, overrides, resources):
    space = read(HEAD + text, overrides)
    assert space.resources == resources
    assert read(dump(space), name="again.yaml") == space
    assert list(jsonschema.Draft202012Validator(schema("tests.space.fake:Fake")).iter_errors(dict(space.source))) == []


def test_auto_over_a_base(tmp_path):
    (tmp_path / "base.yaml").write_text(HEAD + "resources: {cpus: 3, gpus: 0.5}\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nresources: auto\n")
    assert read_space(tmp_path / "mine.yaml").resources == Resources(3, None)
    (tmp_path / "base.yaml").write_text(HEAD + "resources: auto\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nresources: {cpus: 3}\n")
    assert read_space(tmp_path / "mine.yaml").resources == Resources(3, None)


def test_published_figures_stay_text():
    space = read(
        HEAD
        + "space:\n  loss.gamma: {grid: [0, 0.3, 1.0]}\n"
        + "report:\n"
        + "  baseline: 0.0\n"
        + "  labels: {0: none, 0.30: some, '1.0': full}\n"
        + "  published:\n"
        + "    n: 137\n"
        + "    values: {0: 54.10, 0.30: 54.74 %, 1: 60}\n"
        + "    confusion_matrix: [[1, 0], [2, 3]]\n"
        + "    confusion_matrix_row: 1\n"
        + "    class_sizes: [1, 5]\n"
        + "    parameters: {Model C: 441748}\n"
        + "  claims:\n"
        + "    - {better: [1, 0.30], by: 0.01}\n"
        + "    - {equal: [0, 0.3], within: 0.02}\n"
        + "    - {never: {stops_by: 1, where: {loss.gamma: 0.30}}}\n"
    )
    report = space.report
    assert report.rows == "loss.gamma"
    assert (report.baseline, report.has_baseline) == (0, True)
    assert report.labels == {"0": "none", "0.3": "some", "1.0": "full"}
    assert report.published == Published(
        n=137,
        values={"0": "54.10", "0.3": "54.74 %", "1.0": "60"},
        facts={
            "confusion_matrix": [[1, 0], [2, 3]],
            "class_sizes": [1, 5],
            "confusion_matrix_row": "1.0",
            "parameters": {"Model C": "441748"},
        },
    )
    assert report.claims == (
        {"better": [1.0, 0.3], "by": 0.01},
        {"equal": [0, 0.3], "within": 0.02},
        {"never": {"stops_by": 1, "where": {"loss.gamma": [0.3]}}},
    )


def test_a_null_baseline_is_one():
    space = read(
        HEAD.replace("16}", "16, stop.rule: generalisation_loss}")
        + "space:\n  stop.alpha: {grid: [null, 3, 2]}\nreport: {baseline: null, labels: {null: never}}\n"
    )
    assert (space.report.baseline, space.report.has_baseline) == (None, True)
    assert space.report.labels == {"null": "never"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.0e-3", 0.001), ("1.0e+3", 1000.0), ("1.0e3", 1000.0), (".5", 0.5), ("+2", 2), ("0.30", 0.3), ("7.", 7.0)],
)
def test_numbers(text, value):
    read_value = read(f"workload: tests.space.fake:Fake\nfixed: {{epochs: 1, batch_size: 2, clip: {text}}}\n")
    assert read_value.fixed["clip"] == value


def test_extends_lays_a_file_over_another():
    Path("base").mkdir()
    Path("base/base.yaml").write_text(
        "name: base\n"
        "title: the base\n"
        "workload: tests.space.fake:Fake\n"
        "fixed: {epochs: 10, batch_size: 16, optimizer.lr: 0.2, data.size: 16, clip: 2.0}\n"
        "space:\n"
        "  loss.gamma: {grid: [0, 1]}\n"
        "  model.activation: {grid: [relu, leaky_relu]}\n"
        "  model.slope: {grid: [0.1, 0.2], when: {model.activation: leaky_relu}}\n"
        "seeds: [0, 1, 2]\n"
        "search: {attempts: 2, seed: 1}\n"
        "report: {rows: loss.gamma, baseline: 0, margin: 0.1}\n"
    )
    space = read(
        "extends: base/base.yaml\n"
        "fixed:\n"
        "  batch_size: 8\n"
        "  optimizer.lr: null\n"
        "  clip: null\n"
        "  loss.gamma: 0.5\n"
        "  model.activation: leaky_relu\n"
        "space:\n"
        "  data.size: {grid: [8, 9]}\n"
        "seeds: [5]\n"
        "search: {seed: null}\n"
    )
    assert space.name == "space"
    assert space.title == "the base"
    # a null takes away, except where null is a value of the setting
    assert space.fixed == {
        "epochs": 10,
        "batch_size": 8,
        "clip": None,
        "loss.gamma": 0.5,
        "model.activation": "leaky_relu",
    }
    assert [(axis.name, axis.when) for axis in space.axes] == [("model.slope", None), ("data.size", None)]
    assert space.seeds == (5,)
    assert (space.search.attempts, space.search.seed) == (2, 0)
    assert space.report == Report(margin=0.1)
    assert read(dump(space), name="again.yaml") == space


def test_what_a_base_sets_in_vain_is_dropped():
    Path("base.yaml").write_text(HEAD.replace("16}", "16, loss.gamma: 2}"))
    space = read("extends: base.yaml\nfixed: {loss.name: cross_entropy}\n")
    assert space.fixed == {"epochs": 10, "batch_size": 16, "loss.name": "cross_entropy"}
    assert read(dump(space), name="again.yaml") == space


def test_a_base_axis_without_effect_is_a_fault():
    Path("base.yaml").write_text(HEAD + "space: {loss.gamma: {grid: [0, 1]}}\n")
    assert faults("extends: base.yaml\nfixed: {loss.name: cross_entropy}\n") == (
        "base.yaml:3: space.loss.gamma: has no effect because loss.name is 'cross_entropy'; it counts where loss.name "
        "is 'focal'; remove the axis with `loss.gamma: null` under `space`"
    )
    assert not read("extends: base.yaml\nfixed: {loss.name: cross_entropy}\nspace: {loss.gamma: null}\n").axes


def test_bases_in_a_circle():
    Path("a.yaml").write_text("extends: space.yaml\n")
    assert faults("extends: a.yaml\n") == (
        "a.yaml:1: extends: goes in a circle: space.yaml -> a.yaml -> space.yaml; a base must not extend its extension"
    )


def test_a_fault_in_a_base_has_the_address_of_the_base():
    Path("base.yaml").write_text(HEAD + "seeds: [-1]\n")
    assert faults("extends: base.yaml\nseed: 1\n") == (
        "base.yaml:3: seeds[0]: found -1, must be at least 0\nspace.yaml:2: seed: unknown key; did you mean 'seeds'?"
    )


GAMMA = HEAD + "space:\n  loss.gamma: {grid: [0, 1]}\nreport: {baseline: 0, labels: {0: none}}\n"


def test_overrides():
    space = read(
        GAMMA,
        {
            "epochs": "20",
            "seeds": "[3, 4]",
            "search.attempts": "5",
            "optimizer.lr": "1.0e-3",
            "space.loss.gamma.grid": "[0, 0.5]",
            "report.labels.0.5": "half",
            "name": "mine",
        },
    )
    assert space.fixed == {"epochs": 20, "batch_size": 16, "optimizer.lr": 0.001}
    assert space.seeds == (3, 4)
    assert space.search.attempts == 5
    assert space.axes == (Axis("loss.gamma", Grid((0, 0.5))),)
    assert space.report.labels == {"0": "none", "0.5": "half"}
    assert space.name == "mine"


def test_an_override_of_an_axis_fixes_it():
    space = read(GAMMA, {"loss.gamma": "1"})
    assert space.axes == ()
    assert space.fixed["loss.gamma"] == 1
    assert space.report == Report()


def test_an_override_chooses_a_named_option():
    text = HEAD + "space:\n  decay: {grid: {none: {}, slow: {decay.name: exponential}}}\n"
    space = read(text, {"decay": "slow"})
    assert (space.axes, space.fixed["decay.name"]) == ((), "exponential")
    assert faults(text, {"decay": "slw"}) == (
        "--set: decay: found 'slw', must be one of its options; did you mean 'slow'?"
    )


def test_an_override_switches_a_setting_off():
    text = HEAD.replace("16}", "16, loss.gamma: 2}")
    assert "loss.gamma" not in read(text, {"loss.name": "cross_entropy"}).fixed


def test_an_override_names_another_workload():
    assert read(HEAD.replace("Fake", "Nothing"), {"workload": "tests.space.fake:Fake"}).axes == ()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("epochs", "0", "--set: epochs: found 0, must be at least 1"),
        ("optimizer.lr", "1e-3", '`1e-3` is text to YAML because it has no dot; write 1.0e-3, or "1e-3" for text'),
        ("optimizer.l", "1", "--set: optimizer.l: unknown setting or key of the file; did you mean 'optimizer.lr'?"),
        ("loss.lr", "1", "loss.lr: unknown setting or key of the file; did you mean 'optimizer.lr'?"),
        (
            "qqqq",
            "1",
            "--set: qqqq: unknown setting or key of the file; `search schema` lists what there is",
        ),
        ("seed", "1", "--set: seed: seeds are no setting; write --set seeds=[0, 1]"),
        ("search.trails", "3", "--set: search.trails: unknown key; did you mean 'trials'?"),
        ("title", "run #3", "found 'run #3'"),
        ("title", "run 1 #3", "--set: title: found 'run 1 #3', of which only 'run 1' would be read; put it in quotes"),
        ("title", "a: b", "write lists as [a, b], mappings as {a: b}, and text that holds ': ' in quotes"),
        ("title", "", "--set: title: has no value; write null to take a key away, or '\"\"' for empty text"),
        ("seeds", "[1", "--set: seeds: is not valid YAML: expected ',' or ']'"),
        ("extends", "a.yaml", "--set: extends: a base file cannot be exchanged from the command line; edit the file"),
        ("title.x", "1", "--set: title.x: goes into `title`, which is no mapping; set that key as a whole"),
        ("report.baseline", "7", "--set: report.baseline: found 7, which is no value of 'loss.gamma'; known: 0, 1"),
    ],
)
def test_faults_of_overrides(key, value, sentence):
    assert sentence in faults(GAMMA + "title: x\n", {key: value})


ODD = ("nan", "inf", ".inf", "true", "null", "~", "1", "on", "1e3", "010", "No", "1:30", "2026-01-02")


@pytest.mark.parametrize("name", ODD)
def test_a_setting_may_be_called_like_a_value(name):
    head = "workload: tests.space.fake:OddlyNamed\n"
    one, *others = [odd for odd in ODD if odd != name][:4]
    space = read(
        f"{head}fixed:\n  epochs: 1\n  {one}: 3\nspace:\n  {name}: {{grid: [0, 1]}}\n"
        f"  other:\n    grid:\n      a: {{{others[0]}: 2}}\n      b: {{'{others[1]}': 2}}\n    when: {{{name}: 1}}\n"
        f"report: {{rows: '{name}', claims: [{{never: {{diverges: true, where: {{{name}: 1}}}}}}]}}\n"
    )
    assert space.fixed == {"epochs": 1, one: 3}
    assert space.axes == (
        Axis(name, Grid((0, 1))),
        Axis("other", Grid(("a", "b"), {"a": {others[0]: 2}, "b": {others[1]: 2}}), Condition(name, (1,))),
    )
    assert read(dump(space), name="again.yaml") == space
    assert read(head + "fixed: {epochs: 1}\n", {name: "4"}).fixed == {"epochs": 1, name: 4}
    assert read(f"{head}fixed: {{epochs: 1, '{name}': 4}}\n").fixed == {"epochs": 1, name: 4}


def test_python_data_is_checked_like_a_file():
    data = {
        "workload": "tests.space.fake:Fake",
        "fixed": {"epochs": 10, "batch_size": 16},
        "space": {"loss.gamma": {"grid": (0, 0.3)}},
        "report": {"labels": {0: "none"}, "published": {"values": {0.3: "54.10"}}},
    }
    space = space_from_mapping(data, "mine")
    assert (space.name, space.file) == ("mine", "")
    assert space.report.published.values == {"0.3": "54.10"}
    assert read(dump(space), name="again.yaml") == space
    with pytest.raises(Faults) as caught:
        space_from_mapping(
            {**data, "seed": {1}, "seeds": [float("nan")], "report": {"published": {"values": {0: 5.5}}}}
        )
    assert str(caught.value) == (
        "<python>: report.published.values.0: found the number 5.5, must be text: a number forgets its last digits\n"
        "<python>: seed: holds a set; use text, numbers, true or false, null, lists and mappings\n"
        "<python>: seed: unknown key; did you mean 'seeds'?\n"
        "<python>: seeds[0]: found nan, must be a finite number"
    )


def test_an_override_deep_in_an_axis():
    text = HEAD + (
        "space:\n  model.activation: {choice: [relu, leaky_relu, tanh]}\n"
        "  optimizer.lr: {float: {low: 0.1, high: 1}, when: {model.activation: relu}}\nsearch: {trials: 3}\n"
    )
    space = read(text, {"space.optimizer.lr.float.low": "0.2", "space.optimizer.lr.when.model.activation": "tanh"})
    assert space.axes[1] == Axis("optimizer.lr", Float(0.2, 1.0), Condition("model.activation", ("tanh",)))
    space = read(text, {"space.optimizer.lr.grid": "[1, 2]"})
    assert space.axes[1] == Axis("optimizer.lr", Grid((1, 2)), Condition("model.activation", ("relu",)))
    space = read(text, {"model.activation": "relu"})
    assert space.axes == (Axis("optimizer.lr", Float(0.1, 1.0)),)
    assert read(text, {"model.activation": "tanh", "search.trials": "null"}).axes == ()


def test_a_recorded_space_of_before_there_were_maxima_is_read():
    text = dump(read(HEAD + "search: {hours: 5, attempts: 7}\nresources: {states_gb: 3}\n"))
    old = text.replace("hours: 5", "hours: 1.0e+9").replace("attempts: 7", "attempts: 9000")
    space = rebuild(old.replace("states_gb: 3", "states_gb: 1.0e+12"), "old")
    assert (space.search.hours, space.search.attempts, space.resources.states_gb) == (1_000_000, 1000, 10**9)


def test_the_baseline_of_a_confirm_stage_is_a_value_of_its_axis():
    """As the axis spells it: what is made of it is trained, and compared with what was."""
    space = space_from_mapping(
        {
            "workload": "tests.space.fake:Typed",
            "fixed": {"epochs": 1, "batch_size": 2},
            "space": {
                "kind": {"choice": [1, True]},
                "loss.gamma": {"choice": [0, 0.5]},
                "data.size": {"int": {"low": 4, "high": 8}},
                "clip": {"float": {"low": 1, "high": 8}},
            },
            "search": {
                "sampler": "tpe",
                "trials": 4,
                "confirm": {
                    "top": 1,
                    "seeds": 3,
                    "baseline": {"kind": True, "loss.gamma": "0.5", "data.size": 8.0, "clip": 8},
                },
            },
        }
    )
    baseline = space.search.confirm.baseline
    assert repr(baseline) == "{'kind': True, 'loss.gamma': 0.5, 'data.size': 8, 'clip': 8.0}"


@pytest.mark.parametrize("name", ["1", "true"])
def test_an_option_whose_name_reads_like_a_value_is_set_from_the_command_line(tmp_path, name):
    path = tmp_path / "space.yaml"
    path.write_text(HEAD + f'space: {{which: {{grid: {{"{name}": {{loss.gamma: 2}}, other: {{}}}}}}}}\n')
    assert read_space(path, {"which": name}).fixed["loss.gamma"] == 2


class Size(enum.IntEnum):
    SMALL = 8


class Activation(enum.Enum):
    TANH = "tanh"


@pytest.mark.parametrize(
    ("overrides", "fixed"),
    [
        ({"epochs": 20}, {"epochs": 20}),
        (
            {"optimizer.lr": 0.5, "optimizer.nesterov": True, "clip": None},
            {"optimizer.lr": 0.5, "optimizer.nesterov": True, "clip": None},
        ),
        ({"augment.operations": ["crop"]}, {"augment.operations": ["crop"]}),
        ({"augment.operations": ("crop", "rotation")}, {"augment.operations": ["crop", "rotation"]}),
        (
            {"epochs": np.int64(3), "optimizer.lr": np.float32(0.25), "optimizer.nesterov": np.bool_(True)},
            {"epochs": 3, "optimizer.lr": 0.25, "optimizer.nesterov": True},
        ),
        (
            {"optimizer.lr": np.array(0.25), "augment.operations": np.array(["crop"])},
            {"optimizer.lr": 0.25, "augment.operations": ["crop"]},
        ),
        (
            {"optimizer.lr": Decimal("0.5"), "loss.gamma": Fraction(1, 4), "epochs": Fraction(8, 2)},
            {"optimizer.lr": 0.5, "loss.gamma": 0.25, "epochs": 4},
        ),
        (
            {"data": Path("my folder"), "data.size": Size.SMALL, "model.activation": Activation.TANH},
            {"data": "my folder", "data.size": 8, "model.activation": "tanh"},
        ),
    ],
)
def test_overrides_of_python(overrides, fixed):
    space = read(HEAD, overrides)
    assert space.fixed == {"epochs": 10, "batch_size": 16, **fixed}
    assert {type(value) for value in space.fixed.values()} <= {int, float, bool, str, list, type(None)}
    mapping = {
        "workload": "tests.space.fake:Fake",
        "fixed": {"batch_size": 16, **fixed, "epochs": overrides.get("epochs", 10)},
    }
    assert space_from_mapping(mapping).fixed == {"epochs": 10, "batch_size": 16, **fixed}


def test_lists_and_mappings_of_python():
    assert read(HEAD, {"seeds": range(3)}).seeds == read(HEAD, {"seeds": np.arange(3)}).seeds == (0, 1, 2)
    assert read(GAMMA, {"space.loss.gamma.grid": np.array([0.0, 0.5])}).axes[0].domain == Grid((0.0, 0.5))
    assert read(GAMMA, {"space.loss.gamma": {"grid": (0, 2)}}).axes[0].domain == Grid((0, 2))
    assert read(GAMMA, {"report": None}).report.baseline is None


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            {"augment.operations": {"crop"}},
            "--set: augment.operations: holds a set; use text, numbers, true or false, null, lists and mappings",
        ),
        ({"epochs": b"3"}, "--set: epochs: holds a bytes; use text, numbers, true or false, null, lists and mappings"),
        ({"optimizer.lr": float("nan")}, "--set: optimizer.lr: found nan, must be a finite number"),
        (
            {"optimizer.lr": Decimal("NaN")},
            "--set: optimizer.lr: holds a Decimal; use text, numbers, true or false, null, lists and mappings",
        ),
        ({"batch_size": 10**400}, "--set: batch_size: is a number of more than 300 digits; write a smaller one"),
        ({"batch_size": 10**5000}, "--set: batch_size: is a number of more than 300 digits; write a smaller one"),
        ({"batch_size": 10**30}, f"--set: batch_size: found {10**30}, must be at most 9223372036854775807"),
        ({"optimizer.lr": np.array([1.0, 2.0])}, "--set: optimizer.lr: found a list, must be a number"),
        ({3: 4}, "--set: 3: found a int for a key, must be text"),
        ([("epochs", 3)], "--set: found a list, must be a mapping of settings such as {'epochs': 10}"),
        ("epochs=3", "--set: found a str, must be a mapping of settings such as {'epochs': 10}"),
    ],
)
def test_what_no_override_can_be(overrides, sentence):
    assert faults(HEAD, overrides) == sentence


def test_a_study_on_record_is_read_whatever_is_a_fault_today():
    """It was run with its labels, its look-alike values and its confirm stage, and its tables must be read."""
    text = """
name: old
workload: tests.space.fake:Fake
fixed: {epochs: 1, batch_size: 2}
space:
  tag: {choice: [1, "1", true]}
  which: {choice: {two words: {loss.gamma: 0}, two  words: {loss.gamma: 1}}}
  data.size: {int: {low: 4, high: 8}}
search: {sampler: tpe, trials: 2, confirm: {top: 3, seeds: 2, baseline: {data.size: 4.5}}}
report: {rows: tag, labels: {1: "true", true: ""}}
"""
    space = rebuild(text, "old")
    assert space.axes[0].domain.values == (1, "1", True)
    assert space.search.confirm.top == 3


PRINTED = "workload: classifier\nfixed: {epochs: 5, data: digits}\nspace: {loss.gamma: {grid: [0, 2]}}\n"
PRINTED_FIGURES = "report: {published: {values: {2: 60.58}}}\n"


@pytest.mark.parametrize(
    ("text", "overrides", "data"),
    [
        (PRINTED + PRINTED_FIGURES, {}, ""),
        (PRINTED + PRINTED_FIGURES, {"data": "digits"}, ""),
        (PRINTED + PRINTED_FIGURES, {"data": "flowers-17"}, "digits"),
        (PRINTED.replace(", data: digits", "") + PRINTED_FIGURES, {"data": "cifar10"}, "digits"),
        (PRINTED + "report: {published: {data: roses}}\n", {"data": "flowers-17"}, "roses"),
        (PRINTED + PRINTED_FIGURES, {"data": "flowers-17", "report.published.data": "tulips"}, "tulips"),
    ],
)
def test_published_figures_stay_with_the_data_of_their_file(tmp_path, text, overrides, data):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    space = read_space(path, overrides)
    assert space.report.published is not None
    assert space.report.published.data == data
    assert rebuild(dump(space), space.name).report == space.report


@pytest.mark.parametrize(
    ("child", "data"),
    [
        ("fixed: {epochs: 9}", ""),
        ("fixed: {data: flowers-17}", "digits"),
        ("fixed: {data: flowers-17}\nreport: {published: {values: {0: 54.01}}}", ""),
        ("fixed: {data: flowers-17}\nreport: {published: null}", None),
    ],
)
def test_published_figures_of_a_base_stay_with_its_data(tmp_path, child, data):
    (tmp_path / "base.yaml").write_text(PRINTED + PRINTED_FIGURES)
    (tmp_path / "child.yaml").write_text(f"extends: base.yaml\n{child}\n")
    published = read_space(tmp_path / "child.yaml").report.published
    assert (None if published is None else published.data) == data


def test_a_margin_of_another_metric_than_an_accuracy_is_in_its_own_unit():
    data = {
        "workload": "tests.space.fake:Fake",
        "fixed": {"epochs": 1, "batch_size": 16},
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
        "report": {"margin": 5},
    }
    assert space_from_mapping(data, "mine").report.margin == 5


CLASSIFIER = """workload: classifier
fixed:
  data: digits
  epochs: 1
  data.groups: {regex: '(\\d)$'}
space:
  optimizer.lr: {grid: [0.1, 0.2]}
report:
  metrics: [val_macro_f1, val_loss]
"""


def test_further_metrics_and_settings_that_are_mappings_are_read_again_from_the_record():
    space = read(CLASSIFIER)
    assert space.report.metrics == ("val_macro_f1", "val_loss")
    assert space.read_metrics == ("val_accuracy", "val_macro_f1", "val_loss")
    again = rebuild(dump(space), "space")
    assert (again.report, again.fixed) == (space.report, space.fixed)
    assert again.fixed["data.groups"] == {"regex": r"(\d)$"}


def test_a_column_of_a_metric_that_is_not_measured_is_refused():
    said = faults(CLASSIFIER.replace("val_macro_f1", "val_macro_f2"))
    assert said == (
        "space.yaml:9: report.metrics[0]: found 'val_macro_f2', which the workload does not measure; did you mean "
        "'val_macro_f1'?"
    )
