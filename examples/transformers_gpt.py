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


@workload({"layers": 1, "learning_rate": 3e-3, "num_train_epochs": 4, "length": 64}, data=make_texts)
def gpt(data, layers, learning_rate, num_train_epochs, length):
    train, val = data
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(vocab_size=256, n_positions=length, n_embd=32, n_layer=layers, n_head=2, **ends)
    model = GPT2LMHeadModel(config)
    args = TrainingArguments(
        "out",
        learning_rate=learning_rate,
        num_train_epochs=num_train_epochs,
        warmup_steps=10,
        per_device_train_batch_size=16,
        eval_strategy="epoch",
    )
    return Trainer(model, args, train_dataset=train, eval_dataset=val)
