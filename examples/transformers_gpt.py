"""A small GPT-2 that learns a module of Python's library byte by byte, by transformers' Trainer, as a workload."""

import inspect
import textwrap

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from search.adapters.transformers import workload


def make_texts(length=64):
    codes = torch.tensor(list(inspect.getsource(textwrap).encode()))
    blocks = codes[: len(codes) // length * length].view(-1, length)
    examples = [{"input_ids": block, "labels": block} for block in blocks]
    return examples[len(examples) // 5 :], examples[: len(examples) // 5]


@workload(
    {
        "layers": {"type": "integer", "minimum": 1, "default": 1},
        "learning_rate": {"type": "number", "exclusiveMinimum": 0, "default": 3e-3},
        "num_train_epochs": {"type": "integer", "minimum": 1, "description": "that the rate falls to 0 in"},
        "length": {"type": "integer", "minimum": 8, "default": 64, "description": "of a text, in bytes"},
    },
    data=make_texts,
)
def gpt(data, layers, learning_rate, num_train_epochs, length):
    train, val = data
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=256, n_positions=length, n_embd=32, n_layer=layers, n_head=2, bos_token_id=0, eos_token_id=0
        )
    )
    args = TrainingArguments(
        "out",
        learning_rate=learning_rate,
        num_train_epochs=num_train_epochs,
        warmup_steps=10,
        per_device_train_batch_size=16,
        eval_strategy="epoch",
    )
    return Trainer(model, args, train_dataset=train, eval_dataset=val)
