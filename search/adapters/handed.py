"""Settings handed to a user's constructors and functions, by the names of their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from search.core.values import Settings
from search.workload.settings import Description


class Handed:
    """Which settings go to which of a user's callables.

    A setting goes to each callable that has a parameter of its name. Where none has, it goes to those that take
    any name (``**kwargs``).
    """

    def __init__(
        self,
        receivers: Mapping[str, Callable[..., object]],
        settings: Description,
        elsewhere: Collection[str] = (),
        given: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Decide it once.

        Args:
            receivers: what a person calls it -> the callable, ``{"module Digits": Digits}``.
            settings: the workload's.
            elsewhere: names of settings that something else takes.
            given: receiver -> parameters that it is given besides the settings.

        Raises:
            TypeError: a setting that nobody takes; a parameter without a default that no setting fills, or only one
                that may differ from epoch to epoch.
        """
        self._receivers = dict(receivers)
        varying = {name for name, rule in settings.items() if rule.get("epoch")}
        fixed = [name for name in settings if name not in varying]
        named = {who: _parameters(function) for who, function in receivers.items()}
        taken = {name for names, _ in named.values() for name in names} | set(elsewhere)
        self._names = {
            who: [name for name in fixed if name in names or (takes_any and name not in taken)]
            for who, (names, takes_any) in named.items()
        }
        handed = {name for names in self._names.values() for name in names} | set(elsewhere)
        for name in fixed:
            if name not in handed:
                known = ", ".join(f"{who} takes {', '.join(names) or 'nothing'}" for who, (names, _) in named.items())
                raise TypeError(f"nobody takes the setting {name!r} ({known}); leave it out, or name a parameter so")
        for who, (names, _) in named.items():
            for name, needs in names.items():
                if not needs or name in self._names[who] or name in (given or {}).get(who, ()):
                    continue
                reason = (
                    f"and the setting {name!r} may differ from epoch to epoch: it is not known when {who} is made; "
                    "give the parameter a default"
                    if name in varying
                    else "and no setting has this name; declare one, or give the parameter a default"
                )
                raise TypeError(f"{who} has the parameter {name!r} without a default, {reason}")

    def settings_of(self, who: str, fixed: Settings) -> dict[str, object]:
        """Return those of a run's fixed settings that go to one receiver; inactive ones are left to its defaults."""
        return {name: fixed[name] for name in self._names[who] if name in fixed}

    def call(self, who: str, fixed: Settings, **more: object) -> Any:
        """Call a receiver with its settings, and with what else it is given."""
        return self._receivers[who](**self.settings_of(who, fixed), **more)


def _parameters(function: Callable[..., object]) -> tuple[dict[str, bool], bool]:
    """Return parameter name -> whether it must be given, and whether any other name is taken as well."""
    kinds = inspect.Parameter
    parameters = inspect.signature(function).parameters.values()
    names = {
        parameter.name: parameter.default is kinds.empty
        for parameter in parameters
        if parameter.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }
    return names, any(parameter.kind is kinds.VAR_KEYWORD for parameter in parameters)


def called(function: Callable[..., object]) -> str:
    """Return what a person calls a callable of theirs."""
    return getattr(function, "__qualname__", type(function).__name__)
