"""A condition between settings, as `search.where` states it: ``model.width * batch_size <= 4096``.

It is read by Python's grammar, of which only the few forms below are taken, and is worked out here, never by Python's
own evaluation: numbers, text, ``true``, ``false`` and ``null``; names of settings and axes; ``+ - * / // %``;
comparisons, ``in`` a list, ``not``, ``and``, ``or``; ``min``, ``max``, ``abs``. There is no power and no product of a
text, so that nothing can grow.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from search.core.values import among, same

MAX_WHERE_LETTERS = 500
"""Characters of a condition; also bounds how deep it can nest."""

Values = Mapping[str, Any]
_Part = Callable[[Values], Any]

_CONSTANTS = {"true": True, "false": False, "null": None}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}


class WhereError(ValueError):
    """Why a condition cannot be read, or has no answer for some values; the message goes behind the condition."""


@dataclass(frozen=True)
class Where:
    """A condition that was read.

    Attributes:
        text: as it is written.
        names: settings and axes it speaks of.
    """

    text: str
    names: frozenset[str]
    _answer: _Part

    def holds(self, values: Values) -> bool:
        """Whether it holds for the settings and axes of a configuration; one that lacks a name is kept.

        Raises:
            WhereError: it divides by zero, or orders what has no order.
        """
        if not self.names <= values.keys():
            return True
        try:
            return _truth(self._answer(values))
        except ZeroDivisionError:
            reason = "divides by zero"
        except OverflowError:
            reason = "counts beyond the largest number"
        told = ", ".join(f"{name} = {values[name]!r}" for name in sorted(self.names))
        raise WhereError(f"{reason} at {told}")


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Where:
    """Read a condition.

    Raises:
        WhereError: it is none.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        reader = _Reader()
        answer = reader.part(tree)
    except SyntaxError as error:
        raise WhereError("cannot be read; write a condition such as model.width * batch_size <= 4096") from error
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, WhereError):
            raise
        raise WhereError("is nested too deeply") from error
    if not reader.names:
        raise WhereError("speaks of no setting")
    if isinstance(tree, ast.Constant | ast.BinOp):
        raise WhereError("is a value, must be a condition such as model.width * batch_size <= 4096")
    return Where(text, frozenset(reader.names), answer)


class _Reader:
    """Turns a tree into one function, form by form; what is not listed is refused."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def part(self, node: ast.expr) -> _Part:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return lambda values: value
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.part(operand)
                return lambda values: not _truth(inner(values))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.part(operand)
                return lambda values: -_number(inner(values))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                work, one, two = _ARITHMETIC[type(op)], self.part(left), self.part(right)
                return lambda values: work(_number(one(values)), _number(two(values)))
            case ast.BoolOp(op=op, values=operands):
                parts, needs_all = [self.part(operand) for operand in operands], isinstance(op, ast.And)
                decide = all if needs_all else any
                return lambda values: decide(_truth(part(values)) for part in parts)
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self.part(left), *map(self._side, others)]
                steps = [(sides[at], _comparison(op), sides[at + 1]) for at, op in enumerate(ops)]
                return lambda values: all(compare(one(values), two(values)) for one, compare, two in steps)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS and arguments:
                if (name == "abs") != (len(arguments) == 1):
                    needed = "one" if name == "abs" else "two or more"
                    raise WhereError(f"gives {name} {len(arguments)} values, must be {needed}")
                work, parts = _FUNCTIONS[name], [self.part(argument) for argument in arguments]
                return lambda values: work(*(_number(part(values)) for part in parts))
        raise WhereError(
            f"holds {ast.unparse(node)!r}, and only names, numbers, text, + - * / // %, comparisons, in, and, or, not, "
            "min, max and abs are known"
        )

    def _side(self, node: ast.expr) -> _Part:
        """Return what stands right of a comparison: a list only there."""
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self.part(node)
        parts = [self.part(item) for item in node.elts]
        return lambda values: [part(values) for part in parts]

    def _name(self, node: ast.expr) -> _Part:
        name = ast.unparse(node)
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda values: constant
        if not all(word.isidentifier() for word in name.split(".")):
            raise WhereError(f"holds {name!r}, which is no name of a setting")
        self.names.add(name)
        return lambda values: values[name]


def _comparison(op: ast.cmpop) -> Callable[[Any, Any], bool]:
    match op:
        case ast.Eq():
            return same
        case ast.NotEq():
            return lambda one, other: not same(one, other)
        case ast.In():
            return lambda one, several: among(one, _several(several))
        case ast.NotIn():
            return lambda one, several: not among(one, _several(several))
        case _ if type(op) in _ORDER:
            ordered = _ORDER[type(op)]
            return lambda one, other: ordered(*_alike(one, other))
    raise WhereError("compares with `is`; write ==")


def _several(value: object) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise WhereError(f"asks whether something is in {value!r}, which is no list")
    return value


def _alike(one: object, other: object) -> tuple[Any, Any]:
    if isinstance(one, str) and isinstance(other, str):
        return one, other
    return _number(one), _number(other)


def _number(value: object) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WhereError(f"counts with {value!r}, which is no number")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise WhereError(f"takes {value!r} for true or false; compare it with something")
    return value
