"""Which names of a loop's body pass from one turn to the next, as far as its source tells."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

RESETS = frozenset({"clear", "fill", "fill_", "reset", "zero_"})
"""Methods that make an object as it was before: what it held does not last."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def lasting_names(loop: ast.For, captured: Iterable[str]) -> frozenset[str]:
    """Return names that are read in a loop's body before they are assigned there: their values pass between turns.

    Args:
        loop: the loop.
        captured: names that functions from before the loop read or set; they may do so wherever they are called.
    """
    flow = _Flow()
    flow.block([loop.target, *loop.body])
    return frozenset(flow.lasting | (set(captured) - flow.assigned))


class _Flow(ast.NodeVisitor):
    """Collects names that are read before they are assigned, in the order in which Python evaluates.

    The bodies of inner loops, of ``with`` and of ``try`` count as run: a loop over batches that are none is no epoch.
    A branch counts where all others assign as well.
    """

    def __init__(self) -> None:
        self.assigned: set[str] = set()
        self.lasting: set[str] = set()

    def block(self, statements: Iterable[ast.AST]) -> None:
        for statement in statements:
            self.visit(statement)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.assigned.add(node.id)
        elif isinstance(node.ctx, ast.Del):
            self.assigned.discard(node.id)
        elif node.id not in self.assigned:
            self.lasting.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and _is_whole(target.slice):
                self.assigned.add(target.value.id)
            else:
                self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.visit(ast.Name(node.target.id, ast.Load()))
        self.visit(node.value)
        self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in RESETS:
            self.block([*call.args, *call.keywords])
            if isinstance(call.func.value, ast.Name):
                self.assigned.add(call.func.value.id)
                return
        self.visit(call)

    def visit_For(self, node: ast.For) -> None:
        self.block([node.iter, node.target, *node.body, *node.orelse])

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._branches([node.body, node.orelse])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.generic_visit(node)
        self._bind(node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        self._bind(node.rest)

    def _bind(self, name: str | None) -> None:
        """Note a name that a pattern assigns; None of one that assigns none."""
        if name is not None:
            self.assigned.add(name)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        self._branches([[case] for case in node.cases] + [[]])

    def visit_Try(self, node: ast.Try) -> None:
        self.block(node.body)
        after = set(self.assigned)
        for handler in node.handlers:
            self.assigned = set(after)
            self.visit(handler)
        self.assigned = after
        self.block([*node.orelse, *node.finalbody])

    def _branches(self, branches: Sequence[Sequence[ast.AST]]) -> None:
        before, after = set(self.assigned), None
        for branch in branches:
            self.assigned = set(before)
            self.block(branch)
            if branch and isinstance(branch[-1], ast.Raise):
                continue  # nothing follows it
            after = self.assigned if after is None else after & self.assigned
        self.assigned = before if after is None else after

    def _inner(self, bound: Iterable[str], parts: Iterable[ast.AST]) -> None:
        """Read what has names of its own; what it reads of ours may be read at any time."""
        before = set(self.assigned)
        self.assigned |= set(bound)
        self.block(parts)
        self.assigned = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)
        self.assigned.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.Lambda) -> None:
        self.block([*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)])
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        stored = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        body = node.body if isinstance(node.body, list) else [node.body]
        self._inner(stored | {one.arg for one in arguments if one is not None}, body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inner((), [*node.bases, *node.body])
        self.assigned.add(node.name)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _COMPREHENSIONS):
            stored = {
                name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
            self.visit(node.generators[0].iter)
            self._inner(stored, list(ast.iter_child_nodes(node)))
        else:
            super().generic_visit(node)


def _is_whole(index: ast.expr) -> bool:
    """Whether an index means all items: ``[:]`` or ``[...]``."""
    if isinstance(index, ast.Slice):
        return index.lower is None and index.upper is None and index.step is None
    return isinstance(index, ast.Constant) and index.value is ...
