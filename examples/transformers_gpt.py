"""A small GPT-2 that learns a module of Python's library byte by byte, by transformers' Trainer, as a workload."""

import inspect
import textwrap

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from search.adapters.transformers import set_learning_rate, workload


def make_texts(length=64):
    codes = torch.tensor(list(inspect.getsource(textwrap).encode()))
    blocks = codes[: len(codes) // length * length].view(-1, length)
    examples = [{"input_ids": block, "labels": block} for block in blocks]
    return examples[len(examples) // 5 :], examples[: len(examples) // 5]


def set_rate(trainer, settings):
    set_learning_rate(trainer, settings["rate"])


@workload(
    {"layers": 1, "num_train_epochs": 4, "length": 64, "rate": {"type": "number", "default": 3e-3, "epoch": True}},
    data=make_texts,
    each_epoch=set_rate,
)
def gpt(data, layers, num_train_epochs, length):
    train, val = data
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(vocab_size=256, n_positions=length, n_embd=32, n_layer=layers, n_head=2, **ends)
    model = GPT2LMHeadModel(config)
    args = TrainingArguments(
        "out",
        num_train_epochs=num_train_epochs,
        warmup_steps=10,
        per_device_train_batch_size=16,
        eval_strategy="epoch",
    )
    return Trainer(model, args, train_dataset=train, eval_dataset=val)
