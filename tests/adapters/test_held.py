"""What the objects of a training hold beside their state_dict comes back; what cannot is named."""

from __future__ import annotations

import random
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from search.adapters.plain import NotPlain
from search.adapters.torch.held import Held
from search.adapters.torch.state import pack, unpack


class Noise(nn.Module):
    """A module with all that a state_dict leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("steps", torch.zeros(1), persistent=False)
        self.seen, self.best, self.history, self.tracker = (
            0,
            float("inf"),
            [],
            SimpleNamespace(losses=[0.5], done=False),
        )
        self.numpy, self.python, self.torch = np.random.default_rng(1), random.Random(1), torch.Generator()
        self.old = np.random.RandomState(1)
        self.shadow = {"weight": torch.ones(2, 2)}
        self.gone = "at first"
        self.device_name, self.handler = torch.device("cpu"), object()


def held(module: Any, **roots: Any) -> Held:
    return Held({"module": module}, {"module": module, **roots}, {}, {})


def trained(module: Noise) -> Noise:
    module.layer.weight.data += 1
    module.steps += 3
    module.seen, module.best = 7, -0.0
    module.history.append({"loss": 0.25, "at": (1, "a")})
    module.tracker.losses.append(float("nan"))
    module.tracker.done = True
    module.shadow["weight"] *= 0.9
    module.late = np.arange(3)
    module.layer.bias.requires_grad_(False)
    module.layer.eval()
    del module.gone
    return module


def test_all_that_changed_comes_back_in_objects_as_they_began() -> None:
    first, other = Noise(), Noise()
    other.load_state_dict(first.state_dict())
    before = held(first)
    trained(first)
    state = pack(before.state())
    after = held(other)
    after.load(unpack(state))
    assert pack(after.state()) == state
    assert torch.equal(other.layer.weight, first.layer.weight)
    assert torch.equal(other.steps, first.steps)
    assert (other.seen, str(other.best), other.history) == (7, "-0.0", first.history)
    assert other.tracker.done
    assert len(other.tracker.losses) == 2
    assert torch.equal(other.shadow["weight"], first.shadow["weight"])
    assert other.late.tolist() == [0, 1, 2]
    assert not hasattr(other, "gone")
    assert other.layer.weight.requires_grad
    assert not other.layer.bias.requires_grad
    assert not other.layer.training
    assert other.training


def test_what_is_as_it_began_takes_no_room() -> None:
    state = held(Noise()).state()
    assert (state["changed"], state["frozen"], state["gone"]) == ({}, {}, [])


def test_generators_start_from_seed_epoch_and_their_place() -> None:
    def drawn(seed: int, epoch: int) -> list[float]:
        module = Noise()
        looked = held(module)
        module.numpy.random(5)
        looked.reseed(seed, epoch)
        ours = [module.numpy.random(), module.python.random(), module.old.random_sample()]
        return [*ours, torch.rand(1, generator=module.torch).item()]

    assert drawn(1, 2) == drawn(1, 2)
    all_drawn = [number for pair in ((1, 2), (1, 3), (2, 2)) for number in drawn(*pair)]
    assert len(set(all_drawn)) == 12


def test_a_model_held_by_another_object_has_its_state_kept() -> None:
    def made() -> tuple[Noise, Any, Held]:
        module = Noise()
        callback = SimpleNamespace(average=torch.optim.swa_utils.AveragedModel(nn.Linear(1, 1)), updates=0)
        return module, callback, held(module, callback=callback)

    _, callback, looked = made()
    callback.average.module.weight.data.fill_(5)
    callback.average.n_averaged += 2
    _, its, after = made()
    after.load(unpack(pack(looked.state())))
    assert its.average.module.weight.item() == 5
    assert its.average.n_averaged.item() == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda module: setattr(module, "handler", object()),
            "module.handler is an object, which changed and has no bytes; keep numbers, text or tensors there",
        ),
        (
            lambda module: setattr(module, "seen", {1, 2}),
            "module.seen is a set, which changed and has no bytes; keep numbers, text or tensors there",
        ),
        (
            lambda module: setattr(module, "teacher", {"net": nn.Linear(1, 1)}),
            "module.teacher['net'] is a torch.nn.modules.linear.Linear, that was made after the training began",
        ),
    ],
)
def test_what_cannot_be_kept_is_named(change: Any, sentence: str) -> None:
    module = Noise()
    looked = held(module)
    change(module)
    with pytest.raises(NotPlain, match=re.escape(sentence)):
        looked.state()


def optimised() -> tuple[Noise, torch.optim.SGD, Held]:
    module = Noise()
    module.layer.weight.data.fill_(1)
    optimizer = torch.optim.SGD([module.layer.weight], lr=0.1, momentum=0.9)
    return module, optimizer, Held({"module": module, "optimizer 0": optimizer}, {"module": module}, {}, {})


def test_a_parameter_group_that_came_on_the_way_comes_back() -> None:
    def step(module: Noise, optimizer: torch.optim.SGD) -> list[float]:
        optimizer.zero_grad()
        module.layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        return [*module.layer.weight.flatten().tolist(), *module.layer.bias.tolist()]

    module, optimizer, looked = optimised()
    step(module, optimizer)
    optimizer.add_param_group({"params": [module.layer.bias], "lr": 0.01, "weight_decay": 0.5})
    step(module, optimizer)
    state = pack(looked.state())
    other, another, after = optimised()
    after.load(unpack(state))
    assert another.param_groups[1]["weight_decay"] == 0.5
    assert step(other, another) == step(module, optimizer)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda optimizer: optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]}),
            "that got a group with 1 parameters of no module after the training began",
        ),
        (lambda optimizer: optimizer.param_groups.clear(), "whose parameter groups changed after the training began"),
    ],
)
def test_a_parameter_group_that_cannot_come_back_is_named(change: Any, sentence: str) -> None:
    _, optimizer, looked = optimised()
    change(optimizer)
    with pytest.raises(NotPlain, match=re.escape(f"optimizer 0 is a torch.optim.sgd.SGD, {sentence}")):
        looked.state()


def test_a_part_that_changes_its_state_on_the_way_back_is_named() -> None:
    class Rounding(nn.Linear):
        def load_state_dict(self, state: Any, *args: Any, **kwargs: Any) -> Any:
            return super().load_state_dict({name: value.round() for name, value in state.items()})

    module = Rounding(2, 2)
    looked = held(module)
    with pytest.raises(ValueError, match=r"^module, a .*Rounding, does not take its own state back to the bit$"):
        looked.load(unpack(pack(looked.state())))


def test_large_attributes_of_data_are_data_and_small_ones_are_counters() -> None:
    class Set:
        def __init__(self) -> None:
            self.images, self.calls, self.rng = torch.zeros(1000, 100), 0, np.random.default_rng()

    data = Set()
    looked = Held({}, {}, {"data": data}, {})
    data.images, data.calls = data.images + 1, 4
    assert looked.state()["changed"] == {"data": {"calls": (4, "")}}
    looked.reseed(0, 1)
    first = data.rng.random()
    looked.reseed(0, 1)
    assert data.rng.random() == first


def test_what_is_reached_from_both_sides_is_data() -> None:
    data = SimpleNamespace(images=torch.zeros(1000, 100), rng=random.Random(1))
    looked = Held({}, {"trainer": SimpleNamespace(data=data)}, {"data": data}, {})
    data.images = data.images + 1
    assert looked.state()["changed"] == {}
    looked.reseed(0, 1)
    first = data.rng.random()
    looked.reseed(0, 1)
    assert data.rng.random() == first


class Collator:
    """Makes its generator when it is first needed."""

    def __init__(self) -> None:
        self.generator: Any = None

    def draw(self, made: Any) -> float:
        self.generator = self.generator or made()
        number: Any = self.generator.random() if hasattr(self.generator, "random") else self.generator.random_sample()
        return float(number)


@pytest.mark.parametrize("made", [lambda: random.Random(1), lambda: np.random.default_rng(1), np.random.RandomState])
def test_a_generator_that_is_made_on_the_way_is_there_behind_a_state(made: Any) -> None:
    first, other = Collator(), Collator()
    looked, after = Held({}, {}, {"collator": first}, {}), Held({}, {}, {"collator": other}, {})
    first.draw(made)
    after.load(unpack(pack(looked.state())))
    looked.reseed(1, 2)
    after.reseed(1, 2)
    assert first.draw(made) == other.draw(made)


def test_a_generator_of_a_kind_that_cannot_be_made_is_named() -> None:
    collator = Collator()
    looked = Held({}, {}, {"collator": collator}, {})
    collator.generator = np.random.Generator(np.random.MT19937(1))
    sentence = (
        "collator.generator is a numpy.random._generator.Generator, that was made after the training began; make it "
    )
    with pytest.raises(NotPlain, match=re.escape(sentence)):
        looked.state()
