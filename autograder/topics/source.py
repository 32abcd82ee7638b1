"""A topic's solution as one source, whether its author wrote it in one file or in several."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from autograder.errors import AuthoringError


@dataclass(frozen=True)
class Statement:
    """One statement of a solution: a function, which has a name, an import or a constant."""

    node: ast.stmt
    text: str
    module: ModuleType

    @property
    def name(self) -> str:
        return self.node.name if isinstance(self.node, ast.FunctionDef | ast.ClassDef) else ""


def edited(text: str, owner: str, old: str, new: str) -> str:
    """The source with `new` for `old` in what has that name: a function, or a class's method.

    Args:
        text: of one statement.
        owner: "relu", or "Linear.forward".
    """
    first, _, method = owner.partition(".")
    (node,) = ast.parse(text).body
    if first not in bound(node):
        return text
    if not isinstance(node, ast.ClassDef) or not method:
        return text.replace(old, new)
    lines = text.split("\n")
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == method:
            start, end = first_line(part) - 1, part.end_lineno
            changed = "\n".join(lines[start:end]).replace(old, new)
            return "\n".join([*lines[:start], changed, *lines[end:]])
    return text


def statements(modules: Iterable[ModuleType]) -> tuple[Statement, ...]:
    """What these files say of the solution, as if they were one file: every import once and first,
    then functions and constants in the files' order; no records, no imports of each other.

    Raises:
        AuthoringError: two files give one name to different things.
    """
    imports: dict[str, Statement] = {}
    rest: list[Statement] = []
    homes: dict[str, ModuleType] = {}
    for module in modules:
        for statement in _of_one(module):
            if isinstance(statement.node, ast.Import | ast.ImportFrom):
                imports.setdefault(ast.unparse(statement.node), statement)
                continue
            for name in bound(statement.node):
                if homes.setdefault(name, module) is not module:
                    raise AuthoringError(
                        f"{_file(module)} and {_file(homes[name])} both define {name}, but a "
                        "topic's solution is one file: keep one, and import it from there"
                    )
            rest.append(statement)
    ordered = sorted(imports.values(), key=lambda one: _import_order(one.node))
    return (*ordered, *rest)


def bound(node: ast.stmt) -> set[str]:
    """The names that a function's or a class's definition or an assignment binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {n.id for n in stored}


def _of_one(module: ModuleType) -> Iterator[Statement]:
    source = inspect.getsource(module)
    lines = source.split("\n")
    for node in ast.parse(source).body:
        if _is_solution(node) and not _is_script(node, module):
            text = "\n".join(lines[first_line(node) - 1 : node.end_lineno])
            yield Statement(node, text, module)


def first_line(node: ast.stmt) -> int:
    """The line of its first decorator, or its own."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _is_script(node: ast.stmt, module: ModuleType) -> bool:
    """Whether it is a check's script, which is no part of the solution."""
    function = vars(module).get(node.name) if isinstance(node, ast.FunctionDef) else None
    return getattr(function, "is_script", False)


def _file(module: ModuleType) -> str:
    return "/".join(Path(module.__file__ or "").parts[-2:])


def _is_solution(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        of_ours = isinstance(node, ast.ImportFrom) and node.level > 0
        name = (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        return not of_ours and name.split(".")[0] not in {"autograder", "reference"}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def _import_order(node: ast.stmt) -> tuple[bool, bool, str]:
    """`from __future__` must come first; then as linters have it."""
    future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
    return not future, isinstance(node, ast.ImportFrom), ast.unparse(node)
