"""A topic's functions as students meet them: signature and docstring, the body left to write."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeGuard

from autograder.topics.catalogue import Topic, solution_nodes

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def stub(topic: Topic) -> str:
    """The topic's file without its solution: module docstring, signatures, docstrings.

    Raises:
        ValueError: a function has no docstring, so students would not know what is asked.
    """
    docstring = ast.get_docstring(ast.parse(topic.source), clean=False) or topic.name
    functions = "".join(f"\n\n\n{cell}" for cell in stub_cells(topic).values())
    return f'"""{docstring}"""\n\nimport torch{functions}\n'


def stub_cells(topic: Topic) -> dict[str, str]:
    """The stub of each function by its name."""
    return {
        name: f'{head}\n    raise NotImplementedError("{name}")'
        for name, head in heads(topic).items()
    }


def solution_cells(topic: Topic, order: Iterable[str]) -> dict[str, str]:
    """The named functions, in that order, with their bodies between nbgrader's marks.

    What else the solution is made of (helpers, constants) stands between the marks of the first
    function that needs it, so the cells run in order and a release removes all of it.
    """
    lines = topic.source.splitlines()
    nodes = list(solution_nodes(ast.parse(topic.source)))
    public = {node.name: node for node in nodes if _is_public(node)}
    waiting = [node for node in nodes if not _is_public(node) and not _is_import(node)]
    written, cells = heads(topic), {}
    for name in order:
        needed = _take_needed(public[name], waiting)
        helpers = ["\n".join(lines[_first(node) - 1 : node.end_lineno]) for node in needed]
        body = "\n".join(lines[_docstring_end(public[name]) : public[name].end_lineno])
        solution = "\n\n\n".join([body, *helpers])
        cells[name] = f"{written[name]}\n    {BEGIN}\n{solution}\n    {END}"
    return cells


def imports(topic: Topic) -> str:
    """The modules that the solution imports, as its file does."""
    nodes = [node for node in solution_nodes(ast.parse(topic.source)) if _is_import(node)]
    return "\n".join(ast.unparse(node) for node in nodes) or "import torch"


def heads(topic: Topic) -> dict[str, str]:
    """Signature and docstring of each public function, in the file's order."""
    lines = topic.source.splitlines()
    found = {}
    for node in ast.parse(topic.source).body:
        if _is_public(node):
            if not ast.get_docstring(node):
                raise ValueError(
                    f"{topic.path.name}: {node.name} has no docstring to give to students"
                )
            found[node.name] = "\n".join(lines[node.lineno - 1 : _docstring_end(node)])
    return found


def _is_public(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and not node.name.startswith("_")


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _docstring_end(node: ast.FunctionDef) -> int:
    return node.body[0].end_lineno or node.lineno


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _take_needed(node: ast.stmt, waiting: list[ast.stmt]) -> list[ast.stmt]:
    """Remove from `waiting` what the node needs, directly or not; return it in the file's order."""
    needed: list[ast.stmt] = []
    frontier = [node]
    while frontier:
        used = {n.id for n in ast.walk(frontier.pop()) if isinstance(n, ast.Name)}
        found = [other for other in waiting if _bound(other) & used]
        waiting[:] = [other for other in waiting if other not in found]
        needed += found
        frontier += found
    return sorted(needed, key=lambda other: other.lineno)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {n.id for n in stored}
