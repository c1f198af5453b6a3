"""What changes between epochs without being kept is named; what ordinary scripts do besides is let alone."""

from __future__ import annotations

import itertools
import random
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, TensorDataset

from search.adapters.torch import ScriptError, workload
from search.adapters.torch.watch import MAX_HASHED_BYTES, snapshot
from tests.adapters.scripts import load, net, resumed, rows, text

BEGIN = "changes from epoch to epoch and is not kept: a training that starts from a saved state lacks it"
VALUE = (
    "write `memory = run.keep({0}=...)` before the loop, and `memory.{0}` inside, or assign it inside of the loop "
    "before it is read"
)
OBJECT = "write run.keep({0}={0}), or make it inside of the loop"


def steps(model, optimizer, data):
    for x, y in data:
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# Mistakes ---------------------------------------------------------------------------------------------------------


@workload(data=load)
def optimizer_forgotten(run, x, y):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run.keep(model=model)
    for _ in run:
        yield {"loss": steps(model, optimizer, run.batches([x, y], 16))}


@workload(data=load)
def everything_forgotten(run, x, y):
    model = net()
    for _ in run:
        loss = (model(x) - y).square().mean()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.1 * parameter.grad
        yield {"loss": loss}


@workload(data=load)
def scheduler_forgotten(run, x, y):
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        loss = steps(model, optimizer, run.batches([x, y], 16))
        scheduler.step()
        yield {"loss": loss}


@workload()
def generator_seeded_once(run):
    generator = torch.Generator().manual_seed(1)
    for _ in run:
        yield {"loss": torch.rand((), generator=generator)}


@workload()
def numpy_generator_seeded_once(run):
    rng = np.random.default_rng(1)
    for _ in run:
        yield {"loss": rng.random()}


@workload()
def python_generator_seeded_once(run):
    rng = random.Random(1)
    for _ in run:
        yield {"loss": rng.random()}


@workload(data=load)
def loader_with_a_generator(run, x, y):
    loader = DataLoader(TensorDataset(x, y), 16, shuffle=True, generator=torch.Generator().manual_seed(1))
    for _ in run:
        yield {"loss": next(iter(loader))[0].sum()}


@workload(data=load)
def sampler_with_a_generator(run, x, y):
    data = TensorDataset(x, y)
    loader = DataLoader(data, 16, sampler=RandomSampler(data, generator=torch.Generator().manual_seed(1)))
    for _ in run:
        yield {"loss": next(iter(loader))[0].sum()}


@workload()
def best_so_far(run):
    best = 2.0
    for _ in run:
        best = min(best, torch.rand(()).item())
        yield {"loss": best}


@workload()
def step_counter(run):
    step = 0
    for _ in run:
        step += 3
        yield {"loss": step}


@workload()
def kept_and_left(run):
    step = 0
    run.keep(step=step)
    for _ in run:
        step += 1
        yield {"loss": step}


@workload()
def counter_in_a_function(run):
    step = 0

    def forward():
        nonlocal step
        step += 1
        return step

    for _ in run:
        yield {"loss": forward()}


@workload()
def unfrozen_early(run):
    frozen = True
    for _ in run:
        loss = torch.rand(()).item()
        if loss < 0.99:
            frozen = False
        yield {"loss": loss + frozen}


@workload()
def made_in_the_first_epoch(run):
    for epoch in run:
        if epoch == 1:
            noise = torch.rand(3)
        noise = noise * 2
        yield {"loss": noise.sum()}


@workload()
def history(run):
    losses = []
    for _ in run:
        losses.append(random.random())
        yield {"loss": sum(losses)}


@workload()
def running_mean(run):
    mean = torch.zeros(3)
    for _ in run:
        mean.mul_(0.9).add_(torch.rand(3))
        yield {"loss": mean.sum()}


@workload()
def large_mean(run):
    mean = torch.zeros(MAX_HASHED_BYTES)
    for _ in run:
        mean.mul_(0.9).add_(torch.rand(()))
        yield {"loss": mean.sum()}


@workload()
def shuffled_again(run):
    order = np.arange(10)
    for _ in run:
        np.random.shuffle(order)
        yield {"loss": order[0]}


@workload()
def nested_state(run):
    state = {"a": [{"count": 0}]}
    for _ in run:
        state["a"][0]["count"] += 1
        yield {"loss": state["a"][0]["count"]}


class Average:
    """Of a class of the script's own package."""

    def __init__(self, model: nn.Module) -> None:
        self.shadow = [parameter.detach().clone() for parameter in model.parameters()]

    def update(self, model: nn.Module) -> None:
        for mine, theirs in zip(self.shadow, model.parameters(), strict=True):
            mine.mul_(0.9).add_(theirs.detach(), alpha=0.1)


@workload(data=load)
def average_without_state(run, x, y):
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    average = Average(model)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        loss = steps(model, optimizer, run.batches([x, y], 16))
        average.update(model)
        yield {"loss": loss}


AVERAGE = (
    "give Average the methods state_dict and load_state_dict and write run.keep(average=average), "
    "or make it inside of the loop"
)


@pytest.mark.parametrize(
    ("script", "name", "remedy"),
    [
        (optimizer_forgotten, "optimizer", OBJECT),
        (everything_forgotten, "model", OBJECT),
        (scheduler_forgotten, "scheduler", OBJECT),
        (generator_seeded_once, "generator", OBJECT),
        (numpy_generator_seeded_once, "rng", OBJECT),
        (python_generator_seeded_once, "rng", OBJECT),
        (best_so_far, "best", VALUE),
        (step_counter, "step", VALUE),
        (kept_and_left, "step", "the value that run.keep was given is no longer its own; " + VALUE),
        (counter_in_a_function, "step", VALUE),
        (unfrozen_early, "frozen", VALUE),
        (history, "losses", OBJECT),
        (running_mean, "mean", OBJECT),
        (large_mean, "mean", OBJECT),
        (shuffled_again, "order", OBJECT),
        (nested_state, "state", OBJECT),
        (average_without_state, "average", AVERAGE),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_changes_and_is_not_kept_is_named_in_the_first_epoch(script, name, remedy):
    with pytest.raises(ScriptError) as refused:
        rows(script, epochs=1)
    assert str(refused.value) == f"{script.__name__}: `{name}` {BEGIN}; {remedy.format(name)}"


class Noisy(Dataset):
    """Remembers what it has read, and draws from a generator of its own."""

    def __init__(self, seeded: bool) -> None:
        self.read: dict[int, float] = {}
        self.rng = np.random.default_rng(1) if seeded else None

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> float:
        self.read[index] = float(index)
        return self.read[index] + (torch.rand(()).item() if self.rng is None else self.rng.random())


@workload(data=load)
def dataset_with_a_generator(run, x, y):
    loader = DataLoader(Noisy(seeded=True))
    for _ in run:
        yield {"loss": sum(float(item) for item in loader)}


@workload(data=lambda: Noisy(seeded=False))
def dataset_that_remembers(run, data):
    own, loader = Noisy(seeded=False), DataLoader(data)
    for _ in run:
        yield {"loss": sum(own[index] + data[index] for index in range(4)) + sum(float(item) for item in loader)}


class Count:
    def __init__(self):
        self.count = 0


@workload(data=load)
def whole_tutorial_forgotten(run, x, y):
    model, average = net(), Count()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    best, bad = float("inf"), 0
    for _ in run:
        loss = steps(model, optimizer, run.batches([x, y], 16))
        scheduler.step()
        bad = bad + 1
        best = min(best, loss)
        average.count += 1
        yield {"loss": loss}


@workload(data=load)
def model_and_optimizer_forgotten(run, x, y):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in run:
        yield {"loss": steps(model, optimizer, run.batches([x, y], 16))}


def test_all_that_is_not_kept_is_named_at_once():
    with pytest.raises(ScriptError) as refused:
        rows(whole_tutorial_forgotten, epochs=1)
    assert str(refused.value) == (
        "whole_tutorial_forgotten: `bad`, `best`, `model`, `optimizer`, `scheduler` change from epoch to epoch and are "
        "not kept: a training that starts from a saved state lacks them; write `memory = run.keep(bad=..., best=..., "
        "model=model, optimizer=optimizer, scheduler=scheduler)` before the loop, and `memory.bad`, `memory.best` "
        "inside, or assign them inside of the loop before they are read. Besides, "
        f"`average` {BEGIN}; give Count the methods state_dict and load_state_dict and write "
        "run.keep(average=average), or make it inside of the loop"
    )
    with pytest.raises(ScriptError) as refused:
        rows(model_and_optimizer_forgotten, epochs=1)
    assert str(refused.value) == (
        "model_and_optimizer_forgotten: `model`, `optimizer` change from epoch to epoch and are not kept: a training "
        "that starts from a saved state lacks them; write run.keep(model=model, optimizer=optimizer), or make them "
        "inside of the loop"
    )


@pytest.mark.parametrize("script", [loader_with_a_generator, sampler_with_a_generator])
def test_a_loader_whose_order_is_seeded_once_is_named(script):
    with pytest.raises(ScriptError) as refused:
        rows(script, epochs=1)
    assert str(refused.value) == (
        f"{script.__name__}: `loader` {BEGIN}: its generator is seeded once; leave out generator=..., for the epoch "
        "seeds the order, or keep it: run.keep(order=loader.generator)"
    )


def test_a_data_set_with_a_generator_of_its_own_is_named():
    with pytest.raises(ScriptError) as refused:
        rows(dataset_with_a_generator, epochs=1)
    assert str(refused.value) == (
        f"dataset_with_a_generator: `loader` {BEGIN}: its items draw from a generator that is seeded once; let them "
        "draw from Python's, numpy's or torch's, which are seeded in every epoch, and take run.batches(...) where "
        "workers make them"
    )


def test_what_is_first_made_inside_and_lasts_is_named_in_the_second_epoch():
    with pytest.raises(ScriptError) as refused:
        rows(made_in_the_first_epoch, epochs=2)
    assert str(refused.value) == f"made_in_the_first_epoch: `noise` {BEGIN}; {OBJECT.format('noise')}"


@workload(data=load)
def stream(run, x, y):
    batches = iter(DataLoader(TensorDataset(x, y), 16))
    for _ in run:
        yield {"loss": next(batches)[0].sum()}


@workload()
def counting(run):
    steps = itertools.count()
    for _ in run:
        yield {"loss": next(steps)}


@pytest.mark.parametrize(("script", "name"), [(stream, "batches"), (counting, "steps")])
def test_an_iterator_from_before_the_loop_is_named(script, name):
    with pytest.raises(ScriptError) as refused:
        rows(script, epochs=1)
    assert str(refused.value) == (
        f"{script.__name__}: `{name}` is an iterator that is made before the loop, and its place is in no state; "
        "make it inside the loop, or take run.batches(..., steps=...) for a stream of batches"
    )


@workload(data=load)
def workers_that_live_on(run, x, y):
    loader = DataLoader(TensorDataset(x, y), 16, shuffle=True, num_workers=1, persistent_workers=True)
    for _ in run:
        yield {"loss": next(iter(loader))[0].sum()}


def test_workers_that_live_from_epoch_to_epoch_are_named():
    with pytest.raises(ScriptError) as refused:
        rows(workers_that_live_on, epochs=1)
    assert str(refused.value) == (
        "workers_that_live_on: the workers of `loader` live from epoch to epoch, and their random numbers are in no "
        "state; leave out persistent_workers=True, or take run.batches(..., workers=...)"
    )


# Ordinary scripts ---------------------------------------------------------------------------------------------------


class Meter:
    """As in the examples of PyTorch."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.sum = self.count = 0.0

    def update(self, value: float) -> None:
        self.sum += value
        self.count += 1


@dataclass
class Settings:
    width: int = 4
    rate: float = 0.1


@workload(data=load)
def tutorial(run, x, y):
    """Names of all kinds that are left over from one epoch, and none of which the next one reads."""
    settings, classes, criterion, device = Settings(), ["a", "b"], nn.MSELoss(), torch.device("cpu")
    train = TensorDataset(x, y)
    loader, plain = DataLoader(train, 16, shuffle=True), DataLoader(train, 64)
    model = net(settings.width).to(device)
    teacher = net(8).requires_grad_(False).eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.rate, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=100)
    parameters, head, first = list(model.parameters()), model[3], next(model.parameters())
    meter, total, correct, buffer, names = Meter(), 0.0, 0, torch.zeros(3), []
    seen, words, counts = set(), Counter(), deque(maxlen=3)
    epoch = loss = batch = x_val = None
    compute = lambda a, b: criterion(a, b)  # noqa: E731

    def evaluate(data):
        model.eval()
        with torch.no_grad():
            return sum(compute(model(a), b).item() for a, b in data)

    run.keep(model=model, optimizer=optimizer, scheduler=scheduler)
    for epoch in run:  # noqa: B007
        model.train()
        total, correct = 0.0, 0  # noqa: F841
        meter.reset()
        buffer.zero_()
        names.clear()
        seen, words, counts = set(), Counter(), deque(maxlen=3)
        for number, batch in enumerate(loader):
            inputs, targets = (part.to(device) for part in batch)
            loss = criterion(model(inputs), targets) + 0.1 * criterion(teacher(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
            meter.update(loss.item())
            buffer += first.sum().item()
            names.append(classes[number % 2])
            seen.add(number), words.update(names), counts.append(number)
        val_loss, x_val = evaluate(plain), x  # noqa: F841
        weight = head.weight.sum().item()
        yield {"train": total, "mean": meter.sum / meter.count, "val": val_loss, "weight": weight + buffer.sum().item()}


@workload(data=load)
def with_parts_of_what_is_kept(run, x, y):
    """Models in lists, dictionaries, wrappers and attributes: all of them kept under another name."""
    model = net()
    average = torch.optim.swa_utils.AveragedModel(model)
    models, pair, wrapped = [model, average], {"model": model}, nn.Sequential(model)
    optimizer = torch.optim.AdamW(model.parameters())
    optimizers, groups, state = (optimizer,), optimizer.param_groups, optimizer.state
    history, rows = [], {}
    run.keep(model=model, average=average, optimizer=optimizer, history=history, rows=rows)
    both = [history, rows]
    for epoch in run:
        loss = steps(pair["model"], optimizers[0], run.batches([x, y], 16, shuffle=True))
        models[1].update_parameters(models[0])
        both[0].append(loss)
        both[1][str(epoch)] = loss
        groups[0]["lr"] = 0.01 / epoch
        yield {"loss": loss, "out": wrapped(x).sum().item(), "state": len(state), "rows": len(both[0])}


@workload()
def with_a_log(run):
    with open("/dev/null", "w") as log:
        for epoch in run:
            print(epoch, file=log)
            yield {"loss": random.random() + np.random.rand() + torch.rand(()).item()}


@workload(data=load)
def with_closures(run, x, y):
    """A step that takes a function, as of LBFGS, and a function from before the loop that reads what this sets."""
    model = net()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
    loss = None

    def logged():
        return loss.item()

    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        for inputs, targets in run.batches([x, y], 32, shuffle=True):

            def closure():
                optimizer.zero_grad()
                error = (model(inputs) - targets).square().mean()  # noqa: B023
                error.backward()
                return error

            loss = optimizer.step(closure)
        yield {"loss": logged()}


@workload(data=load)
def with_a_memory(run, x, y):
    memory = run.keep(best=10.0, patience=0, weights=[])
    for _ in run:
        loss = torch.rand(()).item()
        memory.patience = 0 if loss < memory.best else memory.patience + 1
        if loss < memory.best:
            memory.best, memory.weights = loss, [x[:2].clone() * loss]
        yield {"loss": loss, "best": memory.best, "patience": memory.patience, "w": memory.weights[0].sum().item()}


@workload(data=load)
def with_a_keeper_of_its_own(run, x, y):
    average = KeptAverage(net())
    run.keep(average=average)
    for _ in run:
        average.update(net())
        yield {"loss": average.shadow[0].sum()}


class KeptAverage(Average):
    def state_dict(self) -> dict[str, object]:
        return {"shadow": self.shadow}

    def load_state_dict(self, state: dict) -> None:
        for mine, saved in zip(self.shadow, state["shadow"], strict=True):
            mine.copy_(saved)


ORDINARY = [
    tutorial,
    with_parts_of_what_is_kept,
    with_a_log,
    with_a_memory,
    with_a_keeper_of_its_own,
    dataset_that_remembers,
]


@pytest.mark.parametrize("script", ORDINARY, ids=lambda script: script.__name__)
def test_ordinary_scripts_are_let_alone_and_repeat_from_every_state(script):
    whole = rows(script)
    assert text(whole) == text(resumed(script))
    assert len({text([row]) for row in whole}) == 4


# What is seen -------------------------------------------------------------------------------------------------------


def test_a_snapshot_changes_with_what_can_be_seen_and_with_nothing_else():
    large = torch.zeros(MAX_HASHED_BYTES)
    sparse = np.zeros(MAX_HASHED_BYTES)
    values = [1, 1.5, "a", None, [1, [2]], {"a": torch.ones(2)}, {1, 2}, large, sparse, np.ones(3), list(range(5000))]
    values += [
        random.Random(1),
        torch.Generator(),
        net(),
        torch.tensor([True]),
        torch.empty(0),
        torch.eye(2).to_sparse(),
    ]
    for value in values:
        assert snapshot(value) == snapshot(value)
    assert len({snapshot(value) for value in values}) == len(values)
    before = snapshot([large, sparse])
    large += 1
    assert snapshot([large, sparse]) != before
    before = snapshot(sparse)
    sparse[:] = 1
    assert snapshot(sparse) != before


def test_what_holds_itself_or_a_strangers_object_is_looked_at_without_harm():
    ring: list = []
    ring.append(ring)
    assert snapshot(ring) == snapshot(ring)
    assert snapshot(object()) == snapshot(object())
    with torch.inference_mode():
        assert snapshot(torch.zeros(MAX_HASHED_BYTES)) is not None
