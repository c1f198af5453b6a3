"""Round trips, and that nothing but `Faults` ever leaves the reader."""

import contextlib
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from search.core.errors import Faults
from search.space.keys import SAMPLERS
from search.space.labels import look
from search.space.nodes import Problems
from search.space.reader import read_space, space_from_mapping
from search.space.recorded import rebuild
from search.space.scalars import Ambiguous, resolve
from search.space.writing import dump
from search.space.yaml import parse

words = st.sampled_from(
    [
        *("workload", "fixed", "space", "seeds", "search", "resources", "report", "extends", "name", "title"),
        *("grid", "choice", "float", "int", "when", "low", "high", "log", "step", "trials", "sampler"),
        *("rows", "columns", "baseline", "labels", "published", "values", "claims", "better", "equal"),
        *("loss.gamma", "loss.name", "data.size", "decay", "epochs", "batch_size", "focal", "relu"),
        *("null", "true", "on", "1e-3", "010", "0.1", "1.0e-3", "0", "1", "-1", "2", "tests.space.fake:Fake"),
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | words
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)


def read_text(text: str | bytes, **overrides: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "space.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return read_space(path, overrides)


HEAD = "workload: tests.space.fake:Fake\nfixed: {epochs: 10, batch_size: 16}\n"
FULL = (
    HEAD + "space:\n  loss.gamma: {grid: [0, 0.3]}\n  decay:\n    grid:\n      none: {}\n"
    "      slow: {decay.name: exponential}\nseeds: [0, 1]\nreport:\n  rows: decay\n  columns: loss.gamma\n"
    "  published: {n: 137, values: {none: 54.10}}\n  claims:\n    - {better: [none, slow], by: 0.01}\n"
)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(Faults):
        read_text(text)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.lists(words | st.sampled_from([*":-[]{},#&*!|>'\"%@`?~\n\t ", ": ", "\n  ", "- "]), max_size=40))
def test_any_heap_of_tokens_is_read_or_refused(tokens):
    with contextlib.suppress(Faults):
        read_text(HEAD + "".join(tokens))


@pytest.mark.slow
@settings(deadline=None, max_examples=75)
@given(trees, st.sampled_from(["", "fixed", "space", "search", "resources", "report", "seeds", "name", "title"]))
def test_any_tree_is_read_or_refused(tree, section):
    data = {"workload": "tests.space.fake:Fake", "fixed": {"epochs": 2, "batch_size": 2}}
    if section:
        data[section] = tree
    elif isinstance(tree, dict):
        data |= tree
    data["workload"] = "tests.space.fake:Fake"
    data.pop("extends", None)
    for attempt in (lambda: read_text(yaml.safe_dump(data)), lambda: space_from_mapping(data)):
        with contextlib.suppress(Faults):
            space = attempt()
            assert read_text(dump(space)) == space


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(FULL) - 1), st.integers(0, 12), st.text(max_size=3) | words)
def test_a_damaged_file_is_read_or_refused(start, length, patch):
    with contextlib.suppress(Faults):
        space = read_text(FULL[:start] + patch + FULL[start + length :])
        assert read_text(dump(space)) == space


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(["loss.gamma", "decay", "report", "space", "search.trials", "fixed.clip", "x.y"]) | words,
    st.text(max_size=12) | words,
)
def test_any_override_is_read_or_refused(key, value):
    assume(key != "workload")
    with contextlib.suppress(Faults), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "space.yaml"
        path.write_text(FULL)
        space = read_space(path, {key: value})
        assert read_text(dump(space)) == space


gammas = st.lists(st.floats(0, 10) | st.integers(0, 10), min_size=1, max_size=5)
titles = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40)


@st.composite
def sound(draw):
    """A mapping that is nearly always sound."""
    data = {
        "workload": "tests.space.fake:Fake",
        "title": draw(titles),
        "fixed": {"epochs": draw(st.integers(1, 1000)), "batch_size": draw(st.integers(1, 64))},
        "seeds": draw(st.integers(1, 5) | st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4, unique=True)),
    }
    if draw(st.booleans()):
        data["fixed"]["clip"] = draw(st.none() | st.floats(1e-300, 1e300))
    if draw(st.booleans()):
        data["fixed"]["data"] = draw(titles.filter(bool))
    values = []
    for value in draw(gammas):
        if not any(f"{value:.12g}" == f"{other:.12g}" for other in values):
            values.append(value)
    space = {"loss.gamma": {draw(st.sampled_from(["grid", "choice"])): values}}
    if draw(st.booleans()):
        names = draw(
            st.lists(
                titles.filter(lambda text: text and text == text.strip()), min_size=1, max_size=3, unique_by=look
            )  # two names that look alike are a fault
        )
        space["decay"] = {
            "grid": {name: {"decay.name": "exponential", "decay.factor": 1.0 + at} for at, name in enumerate(names)},
            "when": {"loss.gamma": [values[0]]},
        }
    if draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.floats(1e-9, 1), st.floats(1.5, 1e9))))
        space["optimizer.lr"] = {"float": {"low": low, "high": high, "log": draw(st.booleans())}}
    data["space"] = space
    if any("grid" not in axis for axis in space.values()):
        sampler = draw(st.sampled_from([name for name in SAMPLERS if name not in ("grid", "cmaes")]))
        data["search"] = {"sampler": sampler, "trials": draw(st.integers(1, 1000))}
    data["report"] = {
        "rows": "loss.gamma",
        "baseline": values[0],
        "labels": {value: f"{draw(titles)} #{place}" for place, value in enumerate(values)},
        "published": {"values": {value: f"{draw(st.integers(0, 9999)) / 100:.2f}" for value in values}},
    }
    return data


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(sound())
def test_dump_reads_back_as_the_same_space(data):
    space = space_from_mapping(data, "study")
    again = read_text(dump(space))
    assert again == space
    assert dump(again) == dump(space)
    assert rebuild(dump(space), "study") == space


@pytest.mark.slow
@settings(deadline=None, max_examples=250)
@given(st.text(max_size=10) | st.from_regex(r"[-+]?[0-9._eE:xo]{1,8}", fullmatch=True))
def test_a_scalar_means_what_yaml_says_or_is_refused(text):
    """Where we read a number, PyYAML or Python's float reads the same one; where we read text, nobody a number."""
    try:
        value = resolve(text)
    except Ambiguous:
        return
    if isinstance(value, str):
        assert value == text
        assert not isinstance(yaml.safe_load(f"- {text}")[0] if text.isalnum() else text, (int, float, bool))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        assert value == float(text)


@settings(deadline=None, max_examples=150)
@given(titles)
@pytest.mark.slow
def test_quoted_text_stays_text(text):
    problems = Problems()
    root = parse(yaml.safe_dump({"a": text}, default_style='"', allow_unicode=True), "f", problems)
    assert not problems.faults
    assert root.data() == {"a": text}
