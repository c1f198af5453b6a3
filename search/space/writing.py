"""Writing a space: YAML that the strict reader reads back as the same space."""

from __future__ import annotations

import yaml

from search.space.model import Space
from search.space.nodes import bad_text
from search.space.scalars import Ambiguous, resolve


class _Dumper(yaml.SafeDumper):
    """Quotes every text that could be taken for something else, and never writes anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # of yaml.SafeDumper
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    try:
        plain = resolve(text) == text and text.isprintable() and text == text.strip() and not bad_text(text)
    except Ambiguous:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _number(dumper: yaml.SafeDumper, number: float) -> yaml.Node:
    text = repr(number)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")  # YAML 1.1 reads no number without a dot
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)


def dump(space: Space) -> str:
    """Return the resolved file as YAML: bases and overrides applied, the name written out."""
    return str(
        yaml.dump(
            dict(space.source),
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=2**31,
            default_flow_style=None,
        )
    )
