"""What a text defines at its top level, found without running it."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

_OF_IMPORTS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_BINDERS = ("globals", "exec", "setattr", "vars")
_UNSEEN = re.compile(rf"\b(?:{'|'.join(_BINDERS)})\s*\(")
_INSIDE = re.compile(r":=|(?:^|[;:])\s*global\b")  # docstrings speak of "the global one"
_ENDS = re.compile(r"\r\n?|\n")


class Worth(IntEnum):
    """How much a binding says about which function its name stands for: of two, the greater one
    counts, and of equal ones the last."""

    OTHER = 0  # something callable of somebody else's, or a variable
    STUB = 1  # as it was handed out, still to be written
    IMPORTED = 2  # the submission's own, from a file beside
    OWN = 3  # a def, a class, a lambda; one's own function wrapped or bound again


@dataclass(frozen=True)
class Defined:
    """A name that a top-level statement binds. "*" stands for names that cannot be told."""

    name: str
    worth: Worth
    line: int


def defined(statement: ast.stmt, inside: Sequence[int]) -> Iterator[Defined]:
    """What a top-level statement binds, in order; also inside `if`, `for`, `while`, `with`, `try`
    and `match`.

    Args:
        inside: the lines where expressions and functions may bind as well, see `binds_inside`.
    """
    yield from _bound(statement)
    decorators = getattr(statement, "decorator_list", [])
    first = min(node.lineno for node in (statement, *decorators))
    at = bisect_left(inside, first)
    if at < len(inside) and inside[at] <= (statement.end_lineno or first):
        yield from _from_inside(statement)


def _bound(statement: ast.stmt) -> Iterator[Defined]:
    line = getattr(statement, "lineno", 0)
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            worth = Worth.STUB if is_stub(statement) else Worth.OWN
            yield Defined(statement.name, worth, line)
        case ast.ClassDef():
            methods = [part for part in statement.body if isinstance(part, ast.FunctionDef)]
            unwritten = bool(methods) and all(is_stub(method) for method in methods)
            yield Defined(statement.name, Worth.STUB if unwritten else Worth.OWN, line)
        case ast.Import():
            for name in statement.names:
                yield Defined(name.asname or name.name.partition(".")[0], Worth.OTHER, line)
        case ast.ImportFrom():
            for name in statement.names:
                yield Defined(name.asname or name.name, Worth.IMPORTED, line)
        case ast.Assign():
            for target in statement.targets:
                yield from _targets(target, statement.value, line)
        case ast.AnnAssign(value=ast.expr() as value):
            yield from _targets(statement.target, value, line)
        case ast.For() | ast.AsyncFor():
            yield from _targets(statement.target, None, line)
    for block in _blocks(statement):
        for inner in block:
            yield from _bound(inner)


def _from_inside(statement: ast.stmt) -> Iterator[Defined]:
    """What expressions bind by `:=`, and functions by `global`."""
    function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
    for node in ast.walk(statement):
        if isinstance(node, ast.NamedExpr) and not function:
            yield from _targets(node.target, node.value, node.lineno)
        elif isinstance(node, ast.Global):
            yield from (Defined(name, Worth.OTHER, node.lineno) for name in node.names)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        for inner in [getattr(statement, field, [])]:
            if field in ("handlers", "cases"):
                yield from (part.body for part in inner)
            else:
                yield inner


def _targets(target: ast.expr, value: ast.expr | None, line: int) -> Iterator[Defined]:
    if isinstance(target, ast.Name):
        own = isinstance(value, ast.Lambda)
        yield Defined(target.id, Worth.OWN if own else Worth.OTHER, line)
    elif isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        fits = len(values) == len(target.elts)
        for at, inner in enumerate(target.elts):
            yield from _targets(inner, values[at] if fits else None, line)


def is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether nothing stands in it but what a hand-out writes: `raise NotImplementedError`, or
    nothing at all."""
    body = function.body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    match body:
        case [] | [ast.Pass()] | [ast.Expr(ast.Constant())]:
            return True
        case [
            ast.Raise(ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError")))
        ]:
            return True
    return False


def binds_inside(text: str) -> list[int]:
    """The lines, from 1, where an expression or a function may bind a name at the top level."""
    if ":=" not in text and "global" not in text:  # looked for in a tenth of the time
        return []
    return [at for at, line in enumerate(_ENDS.split(text), 1) if _INSIDE.search(line)]


def binds_unseen(text: str) -> bool:
    """Whether the text may bind names in ways that cannot be seen without running it."""
    return any(name in text for name in _BINDERS) and _UNSEEN.search(text) is not None


def guarded(body: Sequence[ast.stmt]) -> list[tuple[int, int]]:
    """The lines where the file itself provides for an import that fails."""
    lines = []
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Try | ast.TryStar):
                provided = any(_catches_imports(handler.type) for handler in node.handlers)
            elif isinstance(node, ast.With):
                provided = any("suppress" in ast.dump(item.context_expr) for item in node.items)
            else:
                continue
            if provided:
                last = node.body[-1]
                lines.append((node.body[0].lineno, last.end_lineno or last.lineno))
    return lines


def _catches_imports(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or ast.unparse(one) in _OF_IMPORTS for one in kinds)
