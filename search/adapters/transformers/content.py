"""What transformers adds to fingerprints of data: tokenizers, which are often made with the data."""

from __future__ import annotations

import json

from transformers import PreTrainedTokenizerBase

from search.adapters.fingerprint import content


@content.register
def _tokenizer(value: PreTrainedTokenizerBase) -> list[object]:
    """A tokenizer is what it makes of text; how its last call padded and cut off is no part of it."""
    backend = getattr(value, "backend_tokenizer", None)
    rules = json.loads(backend.to_str()) if backend is not None else {"vocab": value.get_vocab()}
    kept = {name: rule for name, rule in rules.items() if name not in ("padding", "truncation")}
    own = [value.special_tokens_map, value.padding_side, value.truncation_side, value.model_max_length]
    return [type(value).__qualname__, json.dumps([kept, own, getattr(value, "chat_template", None)], default=str)]
