"""The epoch loop of a script, read from its source: what stands where it may not, and which names last.

A state is saved at the ``yield`` that ends an epoch, and a training that goes on from it starts there with the loop's
next epoch. So nothing may stand behind that ``yield``: it would run in a process that goes on, and not in one that
starts from the state.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from search.adapters.torch.errors import ScriptError
from search.adapters.torch.flow import lasting_names
from search.workload.scored import PER_EXAMPLE

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True)
class Loop:
    """What the source says of a script.

    Attributes:
        handle: the parameter that stands for the run.
        lasting: names that are read in the loop before they are assigned there, or by functions in the script: their
            values pass from one epoch to the next.
        metrics: names of the metrics that are yielded; () where they are made at run time.
        function: the script with one ``yield`` more, right before its loop, so that it can be halted there.
    """

    handle: str
    lasting: frozenset[str]
    metrics: tuple[str, ...]
    function: Callable[..., Any]


def read_loop(function: Callable[..., object]) -> Loop:
    """Read a script's source and check its loop.

    Raises:
        ScriptError: it is no generator with one loop over its first parameter that ends in its only ``yield``.
    """
    return _Script(function).loop()


class _Script:
    def __init__(self, function: Any) -> None:
        self.function, self.name = function, function.__qualname__
        code = getattr(function, "__code__", None)
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            raise ScriptError(f"{self.name}: its source cannot be read; write it as a function in a file") from None
        node = tree.body[0]
        if code is None or not isinstance(node, ast.FunctionDef):
            raise ScriptError(f"{self.name}: found no function, must be `def {self.name}(run, ...):` with a yield")
        self.node, self.before = node, code.co_firstlineno - 1

    def loop(self) -> Loop:
        parameters = [*self.node.args.posonlyargs, *self.node.args.args]
        if not parameters:
            raise ScriptError(f"{self.name}: takes nothing, must take the run first: `def {self.name}(run, ...):`")
        handle = parameters[0].arg
        loop = self._one_loop(handle)
        self._check_yield(loop, handle)
        self._check_behind(self.node.body, loop)
        self._check_leaving(loop)
        for node in _own(self.node.body):
            if isinstance(node, ast.Global):
                raise self._wrong(node, f"makes {node.names[0]!r} a global, which is in no state; make it a local")
        outside = {name.id for name in _inner_names(self.node.body, loop)}
        lasting = lasting_names(loop, outside & set(self.function.__code__.co_cellvars)) - {handle}
        return Loop(handle, lasting, _metrics(loop, handle), self._halting(loop))

    def _halting(self, loop: ast.For) -> Callable[..., object]:
        """Return the script with a ``yield`` before its loop; its lines, globals and closure are those it has."""
        for parent in ast.walk(self.node):
            block: list[ast.AST] = getattr(parent, "body", [])
            if isinstance(block, list) and loop in block:
                block.insert(block.index(loop), ast.copy_location(ast.Expr(ast.Yield()), loop))
        self.node.decorator_list = []
        ast.increment_lineno(self.node, self.before)
        code, closure = self.function.__code__, self.function.__closure__ or ()
        cells = dict(zip(code.co_freevars, closure, strict=True))
        around = ast.parse(f"def around({', '.join(cells)}): pass")
        assert isinstance(around.body[0], ast.FunctionDef)
        around.body[0].body = [self.node]
        flags = code.co_flags & __future__.annotations.compiler_flag
        compiled = compile(ast.fix_missing_locations(around), code.co_filename, "exec", flags, dont_inherit=True)
        inner = _code(_code(compiled, "around"), self.node.name)
        halting = FunctionType(
            inner.replace(co_qualname=code.co_qualname),
            self.function.__globals__,
            self.function.__name__,
            self.function.__defaults__,
            tuple(cells[name] for name in inner.co_freevars),
        )
        halting.__kwdefaults__ = self.function.__kwdefaults__
        return halting

    def _wrong(self, node: ast.AST, sentence: str) -> ScriptError:
        return ScriptError(f"{self.name}: line {getattr(node, 'lineno', 1) + self.before} {sentence}")

    def _one_loop(self, handle: str) -> ast.For:
        loops = [node for node in _own(self.node.body) if isinstance(node, ast.For)]
        over = [node for node in loops if isinstance(node.iter, ast.Name) and node.iter.id == handle]
        if len(over) > 1:
            raise self._wrong(over[1], f"loops over `{handle}` again; one loop has all epochs")
        if over:
            return over[0]
        for node in loops:
            if any(isinstance(name, ast.Name) and name.id == handle for name in ast.walk(node.iter)):
                if isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func).startswith(f"{handle}."):
                    continue  # run.batches(...)
                found = f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"
                raise self._wrong(
                    node, f"is `{found}`, must be `for {ast.unparse(node.target)} in {handle}:` and nothing around it"
                )
        raise ScriptError(
            f"{self.name}: has no loop over its epochs; write `for epoch in {handle}:` in the place of `range(...)`"
        )

    def _check_yield(self, loop: ast.For, handle: str) -> None:
        remedy = f"the loop over `{handle}` ends in the only yield: `yield {handle}.measured(val_loss=...)`"
        yields = [node for node in _own(self.node.body) if isinstance(node, (ast.Yield, ast.YieldFrom))]
        if not yields:
            raise ScriptError(f"{self.name}: yields nothing; {remedy}")
        inside = [node for node in _own(loop.body) if isinstance(node, (ast.Yield, ast.YieldFrom))]
        for node in yields:
            if node not in inside:
                raise self._wrong(node, f"yields outside of the loop; {remedy}")
        if isinstance(yields[0], ast.YieldFrom) or len(yields) > 1:
            raise self._wrong(yields[-1], f"yields too often; {remedy}")
        for place, statement in enumerate(loop.body):
            if isinstance(statement, ast.Expr) and statement.value is yields[0]:
                if behind := loop.body[place + 1 :]:
                    raise self._wrong(
                        behind[0],
                        "stands behind the yield: it runs in a process that goes on, and not in one that starts from "
                        "the saved state; move it before the yield",
                    )
                return
        raise self._wrong(yields[0], f"yields inside of another statement; {remedy}")

    def _check_behind(self, block: Sequence[ast.stmt], loop: ast.For) -> None:
        """Refuse code behind the loop, and a loop around it, in each block that it stands in."""
        for place, statement in enumerate(block):
            if loop not in ast.walk(statement):
                continue
            if behind := block[place + 1 :] or (loop.orelse if statement is loop else ()):
                raise self._wrong(
                    behind[0],
                    "stands behind the loop and never runs: the space file says how many epochs there are; "
                    "move it into the loop, before the yield",
                )
            if statement is loop:
                return
            if not isinstance(statement, (ast.With, ast.Try)):
                raise self._wrong(statement, "stands around the loop over the epochs; only `with` and `try` may")
            self._check_behind(statement.body, loop)

    def _check_leaving(self, loop: ast.For) -> None:
        for node in _own(loop.body):
            if isinstance(node, ast.Return):
                raise self._wrong(
                    node, "returns from the loop; when a trial ends, the space file says (`epochs`, `stop.rule`)"
                )
        for node in _of_this_loop(loop.body):
            if isinstance(node, ast.Break):
                raise self._wrong(
                    node, "breaks the loop; when a trial ends, the space file says (`epochs`, `stop.rule`)"
                )
            if isinstance(node, ast.Continue):
                raise self._wrong(node, "goes on without a yield; each turn of the loop measures one epoch")


def _code(around: CodeType, name: str) -> CodeType:
    """Return the code of the function of that name that other code defines."""
    return next(part for part in around.co_consts if isinstance(part, CodeType) and part.co_name == name)


def _own(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield all nodes of a body but those inside of functions and classes that it defines."""
    ahead = list(body)
    while ahead:
        node = ahead.pop(0)
        yield node
        if not isinstance(node, _SCOPES):
            ahead = [*ast.iter_child_nodes(node), *ahead]


def _inner_names(body: Iterable[ast.AST], loop: ast.For) -> Iterator[ast.Name]:
    """Yield all names inside of functions and classes that a body defines, but for those of its loop."""
    for node in body:
        if isinstance(node, _SCOPES):
            yield from (name for name in ast.walk(node) if isinstance(name, ast.Name))
        elif node is not loop:
            yield from _inner_names(ast.iter_child_nodes(node), loop)


def _of_this_loop(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of a loop's body but those of loops in it, whose ``break`` is theirs."""
    for node in body:
        yield node
        if isinstance(node, (ast.For, ast.While)):
            yield from _of_this_loop(node.orelse)
        elif not isinstance(node, _SCOPES):
            yield from _of_this_loop(ast.iter_child_nodes(node))


def _metrics(loop: ast.For, handle: str) -> tuple[str, ...]:
    """Return the names in ``yield run.measured(name=...)`` or ``yield {"name": ...}``, where all are written out."""
    last = loop.body[-1]
    value = last.value.value if isinstance(last, ast.Expr) and isinstance(last.value, ast.Yield) else None
    names: list[Any] = [None]
    if isinstance(value, ast.Call) and ast.unparse(value.func) == f"{handle}.measured" and not value.args:
        names = [keyword.arg for keyword in value.keywords]
    elif isinstance(value, ast.Dict):
        names = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
    if not all(isinstance(name, str) for name in names):
        return ()
    return tuple(name for name in names if name not in PER_EXAMPLE)
