"""A topic's functions as students meet them: signature and docstring, the body left to write."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeGuard

from autograder.topics.catalogue import Topic
from autograder.topics.source import bound

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def stub(topic: Topic) -> str:
    """The topic's source without its solution: module docstring, signatures, docstrings.

    Raises:
        ValueError: a function has no docstring, so students would not know what is asked.
    """
    functions = "".join(f"\n\n\n{cell}" for cell in stub_cells(topic).values())
    return f'"""{topic.docstring}"""\n\nimport torch{functions}\n'


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
    lines, nodes = _lines_and_nodes(topic)
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
    """The modules that the solution imports, as its source does."""
    found = [ast.unparse(s.node) for s in topic.statements if _is_import(s.node)]
    return "\n".join(found) or "import torch"


def heads(topic: Topic) -> dict[str, str]:
    """Signature and docstring of each public function, in the solution's order."""
    lines, nodes = _lines_and_nodes(topic)
    found = {}
    for node in nodes:
        if _is_public(node):
            if not ast.get_docstring(node):
                raise ValueError(
                    f"{topic.path.name}: {node.name} has no docstring to give to students"
                )
            found[node.name] = "\n".join(lines[node.lineno - 1 : _docstring_end(node)])
    return found


def _lines_and_nodes(topic: Topic) -> tuple[list[str], list[ast.stmt]]:
    """The solution as one file."""
    solution = topic.solution()
    return solution.split("\n"), ast.parse(solution).body


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
    """Remove from `waiting` what the node needs, directly or not, in the source's order."""
    needed: list[ast.stmt] = []
    frontier = [node]
    while frontier:
        used = {n.id for n in ast.walk(frontier.pop()) if isinstance(n, ast.Name)}
        found = [other for other in waiting if bound(other) & used]
        waiting[:] = [other for other in waiting if other not in found]
        needed += found
        frontier += found
    return sorted(needed, key=lambda other: other.lineno)
