"""A script as a workload: what it is given, what it may do, and what is refused, each in one sentence."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys
import urllib.error
from collections import Counter, defaultdict, deque
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from search.adapters.torch import ScriptError, workload
from search.adapters.torch.kept import check
from search.core.errors import UserError
from search.core.prefix import path, root_key, without_defaults
from search.system.machine import fork_is_fresh
from search.workload import Measuring, Workload, identity, load_workload
from search.workload.form import form_of
from search.workload.measured import row_of
from tests.adapters.scripts import LR, begin, load, net, resumed, right, rows, text
from tests.surroundings import ROOT


def refusal(function, *arguments, **named):
    with pytest.raises(ScriptError) as refused:
        function(*arguments, **named)
    return str(refused.value)


# A run -----------------------------------------------------------------------------------------------------------


def test_a_script_is_a_workload_with_its_settings_and_its_metrics():
    assert isinstance(right, Workload)
    assert isinstance(right, Measuring)
    assert right.metrics == ("val_loss",)
    assert right.canonical({}) == {"lr": 0.05, "width": 4}
    assert right.settings["width"]["type"] == "integer"
    assert load_workload("tests.adapters.scripts:right") is right


def test_a_training_that_goes_on_from_states_measures_what_an_undisturbed_one_does():
    assert rows(right) == resumed(right)
    assert len({row["val_loss"] for row in rows(right)}) == 4


def test_a_state_is_loaded_before_the_first_epoch_in_the_middle_and_back_to_the_beginning():
    whole = rows(right)
    run, each = begin(right)
    first = run.save()
    assert [run.train_epoch(now) for now in each[:2]] == whole[:2]
    second = run.save()
    assert [run.train_epoch(now) for now in each[2:]] == whole[2:]
    run.load(second)
    assert run.save() == second
    assert [run.train_epoch(now) for now in each[2:]] == whole[2:]
    run.load(first)
    assert [run.train_epoch(now) for now in each] == whole
    run, _ = begin(right)
    run.load(second)
    assert run.save() == second
    assert run.train_epoch(each[2]) == whole[2]


@workload(settings={"bad": 0})
def failing(run):
    if run["bad"] == 1:
        raise ValueError("before the loop")
    for epoch in run:
        if epoch == run["bad"]:
            raise ValueError("in the loop")
        yield {"loss": torch.rand(())}


def test_what_stands_before_the_loop_runs_at_the_start():
    with pytest.raises(ValueError, match="before the loop"):
        begin(failing, {"bad": 1})


def test_a_run_that_failed_goes_on_from_a_state():
    run, each = begin(failing, {"bad": 2})
    run.train_epoch(each[0])
    state = run.save()
    for _ in range(2):
        with pytest.raises(ValueError, match="in the loop"):
            run.train_epoch(each[1])
        run.load(state)
    assert run.save() == state


def test_runs_that_take_turns_do_not_disturb_each_other():
    whole = {width: rows(right, {"width": width}) for width in (3, 5)}
    runs = {width: begin(right, {"width": width}) for width in (3, 5)}
    for epoch in range(4):
        for width, (run, each) in runs.items():
            random.random(), np.random.rand(3), torch.rand(2)
            assert run.train_epoch(each[epoch]) == whole[width][epoch]


def test_the_seed_moves_rows_and_settings_of_an_epoch_act_from_that_epoch_on():
    assert rows(right)[0] != rows(right, {"seed": 2})[0]
    run, each = begin(right)
    changed = [each[0], each[1], {"lr": 0.01}, {"lr": 0.01}]
    same = [run.train_epoch(now) == row for now, row in zip(changed, rows(right), strict=True)]
    assert same == [True, True, False, False]


@workload(settings={"p": 0.5})
def everything(run):
    """All that may be kept, and all generators that a loop may draw from."""
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(run["p"]), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    average = torch.optim.swa_utils.AveragedModel(model)
    own, numpy_own, legacy, python_own = (
        torch.Generator().manual_seed(1),
        np.random.default_rng(2),
        np.random.RandomState(3),
        random.Random(4),
    )
    history, shadow, total = [], {"weight": torch.zeros(3, 2)}, np.zeros(2)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "scaler": scaler, "average": average}
    generators = {"own": own, "numpy_own": numpy_own, "legacy": legacy, "python_own": python_own}
    memory = run.keep(**parts, **generators, best=math.inf, history=history, shadow=shadow, total=total, note="none")
    for epoch in run:
        model.train()
        x = torch.rand(8, 2) + torch.rand(8, 2, generator=own) + numpy_own.random() + legacy.rand() + random.random()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(x).float().square().mean() + np.random.rand() + python_own.random()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step(loss.detach())
        average.update_parameters(model)
        memory.best = min(memory.best, loss.item())
        memory.note = f"epoch {epoch}"
        history.append(loss.item())
        shadow["weight"].mul_(0.9).add_(model[0].weight.detach())
        total += [1, loss.item()]
        weights = [shadow["weight"].sum(), next(average.parameters()).sum(), *model.parameters()]
        yield {
            **{f"w{number}": weight.sum().item() for number, weight in enumerate(weights)},
            **{
                "loss": loss.item(),
                "best": memory.best,
                "epochs": total[0],
                "total": total[1],
                "history": len(history),
            },
            **{"rate": optimizer.param_groups[0]["lr"], "scale": scaler.get_scale()},
        }


def test_everything_that_may_be_kept_is_restored_to_the_bit():
    whole = rows(everything, epochs=6)
    assert text(whole) == text(resumed(everything, epochs=6))
    assert whole[-1]["history"] == whole[-1]["epochs"] == 6
    assert whole[-1]["scale"] > 8
    assert whole[-1]["rate"] < 0.01


@workload(settings={"lr": LR}, data=load)
def accumulating(run, x, y):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    (model(x) - y).square().mean().backward()
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        optimizer.param_groups[0]["lr"] = run["lr"]
        for step, (inputs, targets) in enumerate(run.batches([x, y], 16, shuffle=True)):
            loss = (model(inputs) - targets).square().mean()
            loss.backward()
            if step % 3 == 2:  # so that the last of four batches is left over
                optimizer.step()
                optimizer.zero_grad()
        yield run.measured(val_loss=loss)


def test_gradients_that_an_epoch_leaves_behind_take_no_step_in_the_next():
    assert rows(accumulating) == resumed(accumulating)


@workload()
def containers(run):
    """Containers of Python's that remember, each restored in place and of its own kind."""
    recent, counts, by_class, both = deque(maxlen=3), Counter(), defaultdict(list), [[]]
    run.keep(recent=recent, counts=counts, by_class=by_class, both=both)
    for epoch in run:
        number = torch.randint(3, ()).item()
        recent.append(number)
        counts[str(number)] += 1
        by_class[number].append(epoch)
        both[0].append(number)
        yield {
            "recent": sum(recent),
            "most": counts.most_common(1)[0][1],
            "last": by_class[number][0],
            "n": len(both[0]),
        }


def test_containers_that_remember_are_restored():
    assert rows(containers, epochs=8) == resumed(containers, epochs=8)


@workload()
def switching(run):
    torch.set_default_dtype(torch.float64)
    memory = run.keep(dtypes=[])
    for _ in run:
        memory.dtypes.append(str(torch.tensor(1.0).dtype))
        yield run.measured(bits=torch.finfo(torch.get_default_dtype()).bits, epochs=len(memory.dtypes))


@workload()
def plain_dtype(run):
    for _ in run:
        yield {"bits": torch.finfo(torch.get_default_dtype()).bits, "threads": torch.get_num_threads()}


def test_switches_of_the_process_are_each_runs_own():
    one, each = begin(switching)
    other, _ = begin(plain_dtype)
    for now in each:
        assert one.train_epoch(now)["bits"] == 64
        assert other.train_epoch(now) == {"bits": 32, "threads": 1}
        torch.set_num_threads(2)
    torch.set_default_dtype(torch.float32)


@workload()
def chunks(run, data=None):
    """A unit that is no epoch: three steps of an endless stream of passes over ten items, seven batches of them."""
    memory = run.keep(seen=[])
    for _ in run:
        for batch in run.batches(torch.arange(10), 4, shuffle=True, steps=2):
            memory.seen.append(batch.tolist())
        yield {"seen": len(memory.seen), "last": float(batch[0])}


def test_an_epoch_may_be_a_chunk_of_steps():
    run, each = begin(chunks)
    for now in each[:3]:
        run.train_epoch(now)
    seen = run._run.kept.seen
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    first, second = (list(itertools.chain(*part)) for part in (seen[:3], seen[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert rows(chunks) == resumed(chunks)


def test_a_script_is_tried_by_calling_it(capsys):
    measured = right(epochs=2, width=3)
    assert measured == rows(right, {"width": 3, "seed": 0}, 2)
    assert capsys.readouterr().out == "".join(
        f"epoch {epoch}: val_loss {row['val_loss']:.4g}\n" for epoch, row in enumerate(measured, 1)
    )


# Settings and keys -------------------------------------------------------------------------------------------------


def test_keys_are_known_before_training_and_share_beginnings():
    fixed, each = right.schedule(right.canonical({"lr": {1: 0.05, 3: 0.01}, "seed": 1}), 4)
    assert fixed == {"width": 4, "seed": 1}
    assert each == [{"lr": 0.05}, {"lr": 0.05}, {"lr": 0.01}, {"lr": 0.01}]
    root = root_key(identity("x:right", right), "", {}, fixed, {})
    keys = [
        path(root, [without_defaults(now, right.settings) for now in right.schedule(right.canonical(given), 4)[1]])
        for given in ({"lr": {1: 0.05, 3: 0.01}}, {}, {"lr": {1: 0.05, 4: 0.01}})
    ]
    assert [len({plan[epoch] for plan in keys}) for epoch in range(4)] == [1, 1, 2, 3]


@workload(settings={"lr": LR, "width": 4})
def too_early(run):
    rate = run["lr"]
    for _ in run:
        yield {"rate": rate}


@workload(settings={"lr": LR, "width": 4})
def all_settings(run):
    before = sorted(run.settings)
    for _ in run:
        yield {"count": len(run.settings), "before": len(before), "width": run["width"], "lr": run["lr"]}


def test_a_setting_of_epochs_is_read_in_the_loop_alone_and_a_fixed_one_anywhere():
    assert refusal(rows, too_early) == (
        "too_early: run['lr'] may change from epoch to epoch and is read before the loop; read it inside, or leave out "
        '"epoch": True, so that one value holds for a run'
    )
    assert rows(all_settings)[0] == {"count": 3, "before": 2, "width": 4, "lr": 0.05}


@workload(settings={"width": 4})
def misspelt(run):
    for _ in run:
        yield {"width": run["widht"]}


def test_a_setting_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(KeyError, match="misspelt: there is no setting 'widht' here; did you mean 'width'"):
        rows(misspelt)


@workload(settings={"depth": 1, "width": 2, "kind": "a", "size": 3}, data=lambda settings: [settings["size"]])
def unread(run, data):
    for _ in run:
        yield {"loss": run["width"], "other": run["depth_of_b"] if run["kind"] == "b" else 0}


@workload(settings={"used_by_b": 1, "kind": "a"})
def read_sometimes(run):
    for _ in run:
        yield {"loss": run["used_by_b"] if run["kind"] == "b" else 0}


def test_settings_that_nothing_reads_are_named_at_the_first_epoch():
    assert refusal(rows, unread) == (
        "unread: nothing reads 'depth' of its settings, whose values would train the same; "
        "read run['depth'], or remove them"
    )
    assert rows(read_sometimes, epochs=1) == [{"loss": 0}]


def test_a_default_that_says_no_type_is_refused():
    assert refusal(workload(settings={"sizes": [1, 2]}), rows) == (
        "rows: the setting 'sizes' is [1, 2], must be a rule such as "
        '{"type": "number", "default": 0.1}, or its default: a number, text, True or False'
    )
    assert refusal(workload, rows) == "rows: write `@workload(...)`, with brackets"


# Identity -----------------------------------------------------------------------------------------------------------

MODULE = """
from search.adapters.torch import workload
{import_}

@workload()
def script(run):
    for _ in run:
        yield {{"loss": {value}}}
"""
counter = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(text: str) -> str:
        name = f"script_of_test_{next(counter)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def keyed(name: str) -> dict[str, str]:
    return identity("mine:script", load_workload(f"{name}:script"))


def test_a_changed_line_changes_the_key_and_a_comment_does_not(module):
    one, other, commented = (
        module(MODULE.format(import_=comment, value=value)) for comment, value in (("", 1), ("", 2), ("# a comment", 1))
    )
    assert keyed(one) != keyed(other)
    assert keyed(one) == keyed(commented)
    assert rows(load_workload(f"{one}:script"), epochs=1) == [{"loss": 1}]


def test_what_the_script_imports_from_beside_it_and_the_adapters_version_are_in_the_key(module, monkeypatch):
    helpers = [module(f"def loss():\n    return {value}\n") for value in (1, 2)]
    one, other = (module(MODULE.format(import_=f"from {name} import loss", value="loss()")) for name in helpers)
    assert keyed(one) != keyed(other)
    before = keyed(one)
    assert before["adapter"] == "torch 1"
    monkeypatch.setattr("search.adapters.torch.script.ScriptWorkload.adapter_version", "torch 2")
    assert keyed(one) != before


def test_a_script_that_breaks_the_form_is_told_with_its_place_in_the_file(module):
    name = module(MODULE.format(import_="", value=1) + "        print('done')\n")
    with pytest.raises(UserError) as refused:
        load_workload(f"{name}:script")
    assert str(refused.value).startswith(
        f"workload '{name}:script': importing '{name}' failed: script: line 9 stands behind the yield: "
    )


def test_a_script_that_needs_a_library_that_is_not_there_is_told(module):
    name = module(MODULE.format(import_="import not_installed_anywhere", value=1))
    with pytest.raises(UserError, match="No module named 'not_installed_anywhere'"):
        load_workload(f"{name}:script")


# Data ---------------------------------------------------------------------------------------------------------------

made: list[object] = []


def make(settings):
    made.append(settings["size"])
    return {"x": torch.rand(settings["size"]), "label": random.random() + np.random.rand()}


@workload(settings={"size": 3, "width": 4}, data=make)
def with_data(run, x, label):
    for _ in run:
        yield {"sum": x.sum().item(), "label": label, "width": run["width"]}


def test_data_are_made_once_for_the_settings_that_they_read_and_known_by_content():
    made.clear()
    cards = [
        with_data.data({"size": size, "width": width, "seed": seed})
        for size in (3, 5)
        for width in (4, 8)
        for seed in (0, 1)
    ]
    assert len({card.fingerprint for card in cards[:4]}) == len({card.fingerprint for card in cards[4:]}) == 1
    assert cards[0].fingerprint != cards[4].fingerprint
    assert len(made) == 4, "each twice, to see that they repeat"
    begin(with_data), begin(with_data, {"size": 5})
    assert len(made) == 4
    assert rows(with_data)[0]["sum"] == rows(with_data, {"seed": 7})[0]["sum"]


@workload(data=load, truth=lambda x, y: {"val": (y[:, 0] > 0).long()})
def judged(run, x, y):
    for _ in run:
        yield run.measured(val_accuracy=0.5, predictions={"val": (x[:, 0] > 0.5).long()})


def test_predictions_are_judged_by_the_truth_that_a_script_names():
    card = judged.data({})
    row = row_of(rows(judged, epochs=1)[0], card)
    assert card.classes == ["0", "1"]
    assert row.predictions["val"].shape == card.truth["val"].shape == (64,)


def test_a_script_without_data_has_no_card():
    assert switching.data({}) is None


def test_data_that_differ_each_time_they_are_made_are_refused():
    def drawn():
        return np.random.default_rng().random(3)

    @workload(data=drawn)
    def script(run, x):
        for _ in run:
            yield {"loss": x.sum()}

    assert refusal(script.data, {}) == (
        "data=drawn: made twice, the data differ; give every random generator in there a fixed seed, "
        "and take nothing from the clock or from the order of a set"
    )


def test_data_are_not_given_the_seed():
    @workload(data=lambda settings: settings["seed"])
    def script(run, x):
        for _ in run:
            yield {"loss": x}

    assert refusal(script.data, {"seed": 1}) == (
        "data= is not given the seed, for it must not move the data; give the split a setting"
    )


def test_data_that_need_the_network_are_told():
    def download():
        raise urllib.error.URLError("no route to host")

    @workload(data=download)
    def script(run, x):
        for _ in run:
            yield {"loss": 1}

    assert refusal(script.data, {}) == (
        "data=download: URLError: <urlopen error no route to host>; have the files there before the study starts, "
        "and the network is not needed"
    )


@pytest.mark.parametrize(
    ("value", "parts"),
    [((1, 2, 3), "3 things"), (1, "one thing"), ({"x": 1, "z": 2}, "x, z"), ([1], "1 things")],
)
def test_data_that_do_not_fit_the_parameters_are_told(value, parts):
    def make():
        return value

    @workload(data=make)
    def script(run, x, y):
        for _ in run:
            yield {"loss": 1}

    assert refusal(script.data, {}) == (
        f"script takes x, y beside the run, but data=make returns {parts}; "
        "it must return a tuple, or a mapping by these names"
    )


@workload(data=load)
def scaling(run, x, y):
    y *= 2
    for _ in run:
        yield {"loss": y.sum()}


@workload(data=lambda: TensorDataset(*load()))
def scaling_a_set(run, data):
    data.tensors[1].mul_(2)
    for _ in run:
        yield {"loss": data.tensors[1].sum()}


@pytest.mark.parametrize(("script", "name"), [(scaling, "load"), (scaling_a_set, "<lambda>")])
def test_data_that_a_training_changed_in_place_are_not_trained_on_again(script, name):
    rows(script, epochs=1)
    assert refusal(begin, script) == (
        f"data={name}: an earlier training in this process changed the data in place; "
        "change a copy: `images = images.clone()`"
    )


# What is refused while it trains ------------------------------------------------------------------------------------


@workload(settings={"go": False})
def never_begins(run):
    if not run["go"]:
        return
    for _ in run:
        yield {"loss": 1}


def test_a_script_that_ends_before_its_loop_yields_nothing():
    assert refusal(rows, never_begins) == (
        "never_begins: ends before its loop and yields nothing; its loop must yield run.measured(...) in every epoch"
    )


@pytest.mark.parametrize(("value", "shown"), [(None, "None"), (0.5, "0.5"), ({}, "{}"), ([1], "[1]")])
def test_a_yield_of_no_row_is_told(value, shown):
    @workload()
    def script(run):
        for _ in run:
            yield value

    assert refusal(rows, script) == (
        f"script: yields {shown} in epoch 1; must yield run.measured(val_loss=...), "
        "a mapping of metric names to numbers"
    )


def test_a_row_of_other_names_is_told():
    @workload()
    def script(run):
        for epoch in run:
            yield run.measured(**{f"loss{epoch}": 1})

    first, second = (row_of(row) for row in rows(script, epochs=2))
    with pytest.raises(ValueError, match="this epoch has no metric 'loss1', which the epochs before it have"):
        row_of({"loss2": 1}, form=form_of(first))
    assert second.metrics == {"loss2": 1}


def test_nan_is_a_number_and_predictions_are_brought_to_the_cpu():
    @workload()
    def script(run):
        for _ in run:
            yield run.measured(loss=torch.tensor(math.nan), predictions={"val": torch.arange(3)})

    row = rows(script, epochs=1)[0]
    assert math.isnan(row["loss"])
    assert row["predictions"]["val"].tolist() == [0, 1, 2]


def test_scores_are_brought_to_the_cpu_and_are_what_intervals_rest_on():
    rule = {"score": "squared_error", "form": "root_mean", "better": "lower"}

    @workload()
    def script(run):
        for _ in run:
            errors = torch.tensor([1.0, 4.0, 4.0, 7.0], requires_grad=True) ** 2 / 2
            yield run.measured(
                val_rmse=errors.mean().sqrt(),
                scores={"val": {"squared_error": errors}},
                score_rules={"val_rmse": rule},
            )

    (row,) = rows(script, epochs=1)
    assert row["scores"]["val"]["squared_error"].tolist() == [0.5, 8.0, 8.0, 24.5]
    taken = row_of(row)
    assert taken.metrics.keys() == {"val_rmse"}
    assert taken.score_rules["val_rmse"].form == "root_mean"


def test_groups_are_told_beside_the_data():
    def load():
        return torch.arange(4), torch.arange(2)

    def groups(train, val):
        return {"train": ["a", "a", "b", "b"], "val": torch.tensor([7, 7])}

    @workload(data=load, groups=groups)
    def script(run, train, val):
        for _ in run:
            yield {"loss": 1}

    card = script.data({})
    assert card.groups == {"train": ["a", "a", "b", "b"], "val": ["7", "7"]}


@workload()
def keeps_late(run):
    for _ in run:
        run.keep(model=net())
        yield {"loss": 1}


@workload()
def keeps_twice(run):
    run.keep(model=net())
    run.keep(other=net())
    for _ in run:
        yield {"loss": 1}


@workload()
def asks_itself(run):
    for _ in run:
        next(run)
        yield {"loss": 1}


@workload()
def measures_itself(run):
    for _ in run:
        yield {"loss": len(run)}


def test_what_is_called_at_the_wrong_time_is_told():
    assert refusal(rows, keeps_late) == (
        "keeps_late: run.keep is called in the loop; call it once, before the loop begins"
    )
    assert refusal(rows, keeps_twice) == "keeps_twice: run.keep is called twice; give it everything at once"
    assert refusal(rows, asks_itself) == (
        "asks_itself: asks for epoch 2 before epoch 1 is yielded; `for epoch in run:` is the only place that asks"
    )
    with pytest.raises(TypeError) as refused:
        rows(measures_itself)
    assert str(refused.value) == (
        "measures_itself: how long a trial is cannot be known inside, for trials of other lengths share its epochs; "
        "where a schedule needs a length, make that a setting"
    )


KEPT = (
    "kept are numbers, text, bytes, None, lists, tuples and dictionaries of these, and numpy arrays, tensors, "
    "random generators, and what has state_dict and load_state_dict"
)


class Strange:
    def state_dict(self):
        return {"a": [lambda: 1]}

    def load_state_dict(self, state):
        raise NotImplementedError


class Average:
    """As tutorials write it: a class of one's own around a model."""

    def __init__(self, model):
        self.model = model


def test_a_class_around_a_model_is_kept_by_what_it_holds():
    with pytest.raises(ScriptError) as refused:
        check({"ema": Average(torch.nn.Linear(1, 1))})
    assert str(refused.value).endswith("; keep what it holds: run.keep(ema_model=ema.model)")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "part is an object"),
        (SimpleNamespace(x=1), "part is a types.SimpleNamespace"),
        ([1, {2}], "part[1] is a set"),
        (open, "part is a builtin_function_or_method"),
        (Strange(), "part.state_dict()['a'][0] is a function"),
        (nn.Linear, "part is a type"),
        (iter([1]), "part is a list_iterator"),
    ],
    ids=["object", "namespace", "set", "function", "state", "class", "iterator"],
)
def test_what_cannot_be_kept_is_refused_by_name_before_the_loop(value, said):
    @workload()
    def script(run):
        run.keep(part=value)
        for _ in run:
            yield {"loss": 1}

    assert refusal(rows, script) == f"script: run.keep(part=...): {said}; {KEPT}"


def test_what_was_not_kept_is_not_set_on_what_is():
    @workload()
    def script(run):
        memory = run.keep(best=0.0)
        for epoch in run:
            memory.bets = epoch
            yield {"loss": 1}

    assert refusal(rows, script) == "'bets' is not kept; give it to run.keep before the loop: run.keep(bets=...)"


@workload(settings={"width": 4})
def growing(run):
    run.keep(weights=torch.zeros(run["width"]))
    for _ in run:
        yield {"loss": 1}


@workload(settings={"both": True})
def other_parts(run):
    run.keep(**({"a": [1], "b": [2]} if run["both"] else {"a": [1]}))
    for _ in run:
        yield {"loss": 1}


def test_a_state_of_other_parts_or_shapes_is_refused():
    run, each = begin(growing)
    run.train_epoch(each[0])
    other, _ = begin(growing, {"width": 5})
    assert refusal(other.load, run.save()) == (
        "growing: run.keep(weights=...): the state holds a tensor [4] of torch.float32, and there is one [5] of "
        "torch.float32; keep one that has its shape from the start, or a list"
    )
    run, _ = begin(other_parts)
    run.train_epoch({})
    other, _ = begin(other_parts, {"both": False})
    assert refusal(other.load, run.save()) == (
        "other_parts: the state holds a, b, but run.keep was given a; "
        "keep the same under all settings that share epochs"
    )


# What it loads ---------------------------------------------------------------------------------------------------

LOADED = """
import subprocess
import sys
from search.proof.fresh import Warm
from tests.adapters.scripts import right
from tests.surroundings import ROOT

print("torch._dynamo" in sys.modules)
with Warm(lambda: right, fork=True) as warm, warm.fresh() as fresh:
    print("torch._dynamo" in fresh.ask("modules"))
"""


@pytest.mark.slow
@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here")
def test_the_compiler_that_optimisers_import_is_there_before_a_training_is_forked_and_not_for_who_looks():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("False\nTrue\n", "")
