"""The JSON Schema, the shipped spaces and the reference page agree with the reader."""

import functools
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from search.space.keys import DOMAINS
from search.space.reader import read_space, space_from_mapping
from search.space.schema import schema
from search.space.writing import dump
from tests.space.fake import Fake

ROOT = Path(__file__).parents[2]
SPACES = [ROOT / "spaces" / f"{name}.yaml" for name in ("focal", "prior")]
PAGE = (ROOT / "docs" / "reference" / "space-file.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FAKE = Fake()


@functools.cache
def validator(workload=None):
    rule = schema(workload)
    jsonschema.Draft202012Validator.check_schema(rule)
    return jsonschema.Draft202012Validator(rule)


def errors(data, workload=None):
    return list(validator(workload).iter_errors(data))


def keys(rule):
    """Every key a schema names, settings apart."""
    found = set(rule.get("properties", {}))
    properties = rule.get("properties", {})
    inner = [*properties.values(), *rule.get("anyOf", []), rule.get("items"), rule.get("additionalProperties")]
    for part in inner:
        if isinstance(part, dict):
            found |= keys(part)
    return found


def without_maximum(rule, path=""):
    """Every number of a schema that may be as large as it likes."""
    kind = rule.get("type", ())
    number = {"number", "integer"} & ({kind} if isinstance(kind, str) else set(kind))
    if number and not {"maximum", "exclusiveMaximum", "pattern"} & set(rule):
        yield path
    for name, part in rule.get("properties", {}).items():
        yield from without_maximum(part, f"{path}.{name}".strip("."))
    for word in ("items", "additionalProperties"):
        if isinstance(rule.get(word), dict):
            yield from without_maximum(rule[word], f"{path}[]")
    for part in rule.get("anyOf", []):
        yield from without_maximum(part, path)


def test_every_number_has_a_maximum():
    """But a step, which lies between its low and high, and what is compared with something else."""
    row = "best|baseline|confusion_matrix_row|better|equal"
    free = re.compile(rf"\.(step|reaches|{row})$|\.(when|where|start\[]|{row})\[]")
    for rule in (schema(), schema("classifier")):
        assert [path for path in without_maximum(rule) if not free.search(path)] == []


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_shipped_spaces_follow_the_schema(path):
    assert errors(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_shipped_spaces_are_sound(path, monkeypatch, tmp_path):
    pytest.importorskip("classifier.workload")
    space = read_space(path)
    again = tmp_path / path.name
    again.write_text(dump(space))
    assert read_space(again) == space
    assert errors(dict(space.source), space.workload) == []


def test_published_figures_of_the_focal_space():
    pytest.importorskip("classifier.workload")
    published = read_space(SPACES[0]).report.published
    assert published.values == {"0": "54.01%", "0.3": "54.74%", "0.5": "54.74%", "1": "55.36%", "2": "60.58%"}
    assert published.n == 137


@pytest.mark.parametrize(
    "change",
    [
        {"serch": {}},
        {"workload": None},
        {"seeds": [1, 1]},
        {"seeds": -1},
        {"space": {"loss.gamma": {"grid": []}}},
        {"space": {"loss.gamma": {"grid": [11]}}},
        {"space": {"loss.gamma": {}}},
        {"space": {"loss.gamma": {"grid": [1], "float": {"low": 0, "high": 1}}}},
        {"fixed": {"loss.gama": 1}},
        {"fixed": {"epochs": 0}},
        {"search": {"sampler": "best"}},
        {"report": {"claims": [{"equal": [0, 1]}]}},
        {"report": {"claims": [{"best": 1, "better": [0, 1]}]}},
        {"name": ".x"},
        {"resources": "plenty"},
        {"resources": {"gpus": "many"}},
    ],
)
def test_the_schema_refuses(change):
    sound = {"workload": "tests.space.fake:Fake", "fixed": {"epochs": 1, "batch_size": 2}}
    assert errors(sound, FAKE) == []
    assert errors({**sound, **change}, FAKE) != []


@pytest.mark.parametrize("resources", ["auto", {"gpus": "auto"}, {"gpus": 0.5}, None])
def test_the_schema_lets_resources_be_measured(resources):
    sound = {"workload": "tests.space.fake:Fake", "fixed": {"epochs": 1, "batch_size": 2}}
    assert errors({**sound, "resources": resources}, FAKE) == []


def test_a_resolved_space_follows_the_schema_of_its_workload():
    space = space_from_mapping(
        {
            "workload": "tests.space.fake:Fake",
            "fixed": {"epochs": 1, "batch_size": 2, "clip": None},
            "space": {
                "loss.gamma": {"float": {"low": 0, "high": 1}},
                "decay": {"choice": {"none": {}, "slow": {"decay.name": "exponential"}}},
            },
            "search": {"trials": 3},
        }
    )
    assert errors(dict(space.source), "tests.space.fake:Fake") == []


def test_settings_are_completed_from_the_workload():
    rule = schema(Fake())
    assert rule["properties"]["fixed"]["properties"]["batch_size"]["description"] == "images per step"
    assert set(rule["properties"]["space"]["properties"]["loss.gamma"]["anyOf"][0]["properties"]) == {*DOMAINS, "when"}
    assert rule["properties"]["fixed"]["additionalProperties"] is False


def test_every_key_is_on_the_reference_page():
    missing = {key for key in keys(schema()) if f"`{key}`" not in PAGE}
    assert not missing


def test_the_page_has_examples():
    assert len(BLOCKS) >= 10


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_examples_of_the_page_are_sound(block, tmp_path, monkeypatch):
    """Each block is a whole file, or sections to go with the first one."""
    monkeypatch.chdir(ROOT)
    data = yaml.safe_load(block)
    head = "workload: tests.space.page:Page\n"
    if "workload" not in data and "extends" not in data:
        block = head + ("" if "fixed" in data else "fixed: {epochs: 100}\n") + block
    (tmp_path / "base.yaml").write_text(re.sub("workload: classifier", head.strip(), BLOCKS[0]))
    path = tmp_path / "space.yaml"
    path.write_text(re.sub("workload: classifier", head.strip(), block))
    read_space(path)
