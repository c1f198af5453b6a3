"""Settings as a user declares them to an adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search.workload.settings import Description

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def ruled(settings: Mapping[str, object]) -> Description:
    """Return the rules of settings, each of which is given as a rule or as its default alone: ``{"width": 64}``.

    Raises:
        TypeError: one is neither.
    """
    for name, value in settings.items():
        if not isinstance(value, Mapping) and type(value) not in TYPES:
            raise TypeError(
                f'the setting {name!r} is {value!r}, must be a rule such as {{"type": "number", "default": 0.1}}, or '
                "its default: a number, text, True or False"
            )
    return {
        name: value if isinstance(value, Mapping) else {"type": TYPES[type(value)], "default": value}
        for name, value in settings.items()
    }


def check_varying(settings: Description, each_epoch: Callable[..., object] | None, who: str) -> None:
    """Check that settings which may differ from epoch to epoch are given to something that takes them.

    Args:
        settings: the workload's.
        each_epoch: the user's function that takes them, besides `who`.
        who: "the module".

    Raises:
        TypeError: there is a setting, and no function.
    """
    varying = [name for name, rule in settings.items() if rule.get("epoch")]
    if varying and each_epoch is None:
        raise TypeError(
            f"the setting {varying[0]!r} may differ from epoch to epoch, and nothing takes it; give each_epoch=, a "
            f"function of {who} and the epoch's settings"
        )
