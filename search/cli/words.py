"""What a person may have meant by a verb or an option that does not exist, in the words that do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from search.core.errors import UserError, nearest, nearest_name

MAX_SETTINGS_OFFERED = 3
"""Settings that are offered for one word."""


class Verbs(click.Group):
    """The verbs, with remedies for words that are none."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb.

        Raises:
            UsageError: there is none of that name.
        """
        word = args[0]
        if self.get_command(ctx, word) is not None or word.startswith("-"):
            return super().resolve_command(ctx, args)
        if Path(word).is_file() or word.endswith((".yaml", ".yml")):
            remedy = f"; a file is given after a verb: {ctx.command_path} run {word}"
        else:
            remedy = nearest(word, self.commands) or f"; verbs: {', '.join(self.commands)}"
        raise click.UsageError(f"No such command {word!r}{remedy}", ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the verb.

        Raises:
            UsageError: an option that does not exist, with its remedy.
        """
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _explained(error, given, self) from error

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb.

        Raises:
            UsageError: its arguments are wrong, with their remedy.
        """
        given = [*ctx._protected_args, *ctx.args]
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _explained(error, given, self) from error


def _explained(error: click.UsageError, given: Sequence[str], verbs: Verbs) -> click.UsageError:
    """Return the error with what may have been meant, or as it is."""
    command = error.ctx.command if error.ctx is not None else verbs
    if isinstance(error, click.NoSuchOption):
        word, value = _valued(error.option_name, given)
        meant, sure = _meant(word, given)
        if not meant or (error.possibilities and not sure):
            return error
        message = f"No such option {error.option_name!r}"
    elif "unexpected extra argument" in error.message:
        found = next(_assignments(given), None)
        if found is None:
            return error
        word, value = found
        meant, sure = _meant(word, given)
        if not meant:
            return error
        message = error.message.rstrip(".")
    else:
        return error
    if re.fullmatch("-*seed", word) and value.isdecimal():
        value = f"[{value}]"
    written = " or ".join(_written(name, value) for name in meant)
    remedy = f"write {written}" if sure else f"did you mean {written}?"
    if command is verbs:
        remedy = f"write {written} after the verb"
    elif not any(parameter.name == "sets" for parameter in command.params):
        takers = [name for name, verb in verbs.commands.items() if any(one.name == "sets" for one in verb.params)]
        remedy = f"settings are given to {', '.join(takers)}, and {command.name} takes none"
    return click.UsageError(f"{message}; {remedy}", error.ctx)


def _written(name: str, value: str) -> str:
    text = f"{name}={value}"
    return f"--set {text}" if re.fullmatch(r"[\w.=+-]*", text) else f"--set '{text}'"


def _valued(option: str, given: Sequence[str]) -> tuple[str, str]:
    """Return the name and the value of an option as they were typed."""
    for place, token in enumerate(given):
        name, equals, value = token.partition("=")
        if name == option:
            follows = given[place + 1] if place + 1 < len(given) else ""
            plain = bool(follows) and (not follows.startswith("-") or re.fullmatch(r"-[0-9.].*", follows) is not None)
            return option.lstrip("-"), value if equals else follows if plain else "VALUE"
    return option.lstrip("-"), "VALUE"


def _assignments(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what looks like a setting among the arguments: key=value on its own, or ``--set key value``."""
    for place, token in enumerate(given):
        before = given[place - 1] if place else ""
        if re.fullmatch(r"[A-Za-z_][\w.-]*=.*", token) and before != "--set":
            yield tuple(token.split("=", 1))  # type: ignore[misc]
        elif before == "--set" and "=" not in token and place + 1 < len(given):
            yield token, given[place + 1]


def _meant(word: str, given: Sequence[str]) -> tuple[list[str], bool]:
    """Return the settings and keys that a word may mean, and whether it is one of their names."""
    from search.space.overrides import paths

    keys = [*_settings(given), *paths()]
    plain = word.replace("-", "_")
    if plain == "seed":
        return ["seeds"], True
    for fits in (lambda name: name in (word, plain), lambda name: name.rpartition(".")[2] in (word, plain)):
        if 0 < len(found := list(dict.fromkeys(filter(fits, keys)))) <= MAX_SETTINGS_OFFERED:
            return found, True
    near = nearest_name(plain, keys)
    return ([] if near is None else [near]), False


def _settings(given: Sequence[str]) -> list[str]:
    """Return the settings of the workload that a file among the arguments names; of the shipped one by default."""
    from search.space.extends import load
    from search.space.nodes import Problems
    from search.space.service import SERVICE_SETTINGS
    from search.workload import load_workload

    name: Any = "classifier"
    for token in given:
        if token.endswith((".yaml", ".yml")) and (root := load(token, Problems())) is not None:
            name = root.data().get("workload", name)
    described: Mapping[str, Any] = {}
    with contextlib.suppress(UserError, TypeError):  # the settings of the service are known all the same
        described = load_workload(name).settings
    return [*SERVICE_SETTINGS, *described]
