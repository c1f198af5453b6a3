"""States of torch as bytes: to the bit, in their memory format, without a pickle of anything but tensors."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given

from search.adapters.plain import NotPlain
from search.adapters.torch.state import Stateful, pack, unpack
from tests.adapters.strategies import alike, states, tensors


@given(states)
def test_states_come_back_to_the_bit(value):
    assert alike(value, unpack(pack(value)))


@given(states)
def test_equal_states_give_equal_bytes(value):
    assert pack(value) == pack(copy.deepcopy(value)) == pack(unpack(pack(value)))


@given(tensors())
def test_a_tensor_comes_back_on_the_cpu_with_memory_of_its_own_in_its_format(tensor):
    again = unpack(pack(tensor))
    assert again.device.type == "cpu"
    assert again.untyped_storage().nbytes() == again.numel() * again.element_size()
    if tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        assert again.is_contiguous(memory_format=torch.channels_last)


def test_a_model_an_optimiser_and_a_scheduler_go_on_from_their_bytes():
    def begin():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, amsgrad=True)
        return model, optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 7)

    def step(model, optimizer, scheduler):
        loss = model(torch.arange(12.0).reshape(4, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        return loss.item()

    parts = begin()
    whole = [step(*parts) for _ in range(6)]
    parts = begin()
    first = [step(*parts) for _ in range(3)]
    saved = pack([part.state_dict() for part in parts])
    parts = begin()
    for part, state in zip(parts, unpack(saved), strict=True):
        assert isinstance(part, Stateful)
        part.load_state_dict(state)
    assert first + [step(*parts) for _ in range(3)] == whole
    assert unpack(saved)[0]._metadata == parts[0].state_dict()._metadata


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"rng": torch.Generator()}, "['rng'] is a torch._C.Generator"),
        ([torch.nn.Linear(1, 1)], "[0] is a torch.nn.modules.linear.Linear"),
        (torch.empty(2, device="meta"), "the value is a torch.Tensor"),
        (torch.float32, "the value is a torch.dtype"),
    ],
)
def test_what_is_no_state_is_refused_by_name(value, said):
    with pytest.raises(NotPlain) as refused:
        pack(value)
    assert str(refused.value) == said


class Evil:
    def __reduce__(self):
        return print, ("unpickled",)


def test_loading_runs_no_code(tmp_path, capsys):
    torch.save(Evil(), tmp_path / "evil")
    with pytest.raises(ValueError, match="a state that cannot be read"):
        unpack((tmp_path / "evil").read_bytes())
    with pytest.raises(ValueError, match="a state that cannot be read"):
        unpack(b"no state at all")
    assert capsys.readouterr().out == ""
