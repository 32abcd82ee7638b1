"""A topic's functions as students meet them: signature and docstring, the body left to write."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import TypeGuard

from autograder.errors import AuthoringError
from autograder.topics.catalogue import Topic
from autograder.topics.source import bound, first_line

Asked = ast.FunctionDef | ast.ClassDef  # what students may be asked for
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def stub(topic: Topic) -> str:
    """The topic's source without its solution: module docstring, signatures, docstrings.

    Raises:
        ValueError: a function has no docstring, so students would not know what is asked.
    """
    functions = "".join(f"\n\n\n{cell}" for cell in stub_cells(topic).values())
    return f'"""{topic.docstring}"""\n\n{_libraries(topic)}{functions}\n'


def stub_cells(topic: Topic) -> dict[str, str]:
    """The stub of each function, and of each class, by its name."""
    lines, nodes = _lines_and_nodes(topic)
    return {node.name: _cell(node, lines, topic, _unwritten) for node in filter(_is_public, nodes)}


def solution_cells(topic: Topic, order: Iterable[str]) -> dict[str, str]:
    """The named functions and classes, in that order, with their bodies between nbgrader's marks.

    What else the solution is made of (helpers, constants) stands between the marks of the first
    function that needs it, so the cells run in order and a release removes all of it.
    """
    lines, nodes = _lines_and_nodes(topic)
    public = {node.name: node for node in nodes if _is_public(node)}
    waiting = [node for node in nodes if not _is_public(node) and not _is_import(node)]
    cells = {}
    for name in order:
        needed = _take_needed(public[name], waiting)
        helpers = ["\n".join(lines[first_line(n) - 1 : n.end_lineno]) for n in needed]
        last = _methods(public[name])[-1]

        def marked(
            function: ast.FunctionDef,
            hidden: list[str],
            last: ast.FunctionDef = last,
            helpers: list[str] = helpers,
        ) -> str:
            indent = " " * (function.col_offset + 4)
            body = "\n".join(lines[_docstring_end(function) : function.end_lineno])
            if function is last:
                hidden = [*hidden, *helpers]
            solution = "\n\n\n".join([body, *hidden])
            return f"{indent}{BEGIN}\n{solution}\n{indent}{END}"

        cells[name] = _cell(public[name], lines, topic, marked)
    return cells


def imports(topic: Topic) -> str:
    """The modules that the solution imports, as its source does."""
    found = [ast.unparse(s.node) for s in topic.statements if _is_import(s.node)]
    return "\n".join(found) or "import torch"


def heads(topic: Topic) -> dict[str, str]:
    """Signature and docstring of each public function, and of a class and its methods, in the
    solution's order."""
    lines, nodes = _lines_and_nodes(topic)
    return {
        node.name: _cell(node, lines, topic, lambda function, hidden: "")
        for node in filter(_is_public, nodes)
    }


Body = Callable[[ast.FunctionDef, list[str]], str]


def _cell(node: Asked, lines: list[str], topic: Topic, body: Body) -> str:
    """What students are asked for: heads as they are, and of each function the given body, which is
    also told what private methods stand below it."""
    if isinstance(node, ast.FunctionDef):
        return _with_body(node, lines, topic, body(node, []))
    if not ast.get_docstring(node):
        raise AuthoringError(f"{topic.path.name}: {node.name} has no docstring to give to students")
    parts = ["\n".join(lines[first_line(node) - 1 : _docstring_end(node)])]
    methods = _methods(node)
    for part in node.body[1:]:
        if part in methods:
            after = node.body[node.body.index(part) + 1 :]
            below = takewhile(lambda other: other not in methods, after)
            hidden = [_text(other, lines) for other in below]
            parts.append(_with_body(part, lines, topic, body(part, hidden), of=node.name))
        elif not methods or node.body.index(part) < node.body.index(methods[0]):
            parts.append(_text(part, lines))  # constants of the class
    return "\n\n".join(parts)


def _with_body(
    node: ast.FunctionDef, lines: list[str], topic: Topic, body: str, of: str = ""
) -> str:
    name = f"{of}.{node.name}".lstrip(".")
    if not ast.get_docstring(node):
        raise AuthoringError(f"{topic.path.name}: {name} has no docstring to give to students")
    head = "\n".join(lines[first_line(node) - 1 : _docstring_end(node)])
    return f"{head}\n{body}".rstrip("\n")


def _unwritten(function: ast.FunctionDef, hidden: list[str]) -> str:
    return " " * (function.col_offset + 4) + f'raise NotImplementedError("{function.name}")'


def _methods(node: Asked) -> list[ast.FunctionDef]:
    """The functions to write: the function, or a class's methods but for private ones."""
    if isinstance(node, ast.FunctionDef):
        return [node]
    found = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    return [f for f in found if not f.name.startswith("_") or f.name.startswith("__")]


def _text(node: ast.stmt, lines: list[str]) -> str:
    return "\n".join(lines[first_line(node) - 1 : node.end_lineno])


def _libraries(topic: Topic) -> str:
    """Torch or numpy, as the solution has it, and what the bases of its classes are from."""
    imports = [s.node for s in topic.statements if _is_import(s.node)]
    bases = {
        name.id
        for statement in topic.statements
        if isinstance(statement.node, ast.ClassDef)
        for base in statement.node.bases
        for name in ast.walk(base)
        if isinstance(name, ast.Name)
    }
    wanted = [
        ast.unparse(node)
        for node in imports
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any((a.asname or a.name) in bases or a.name in {"torch", "numpy"} for a in node.names)
    ]
    return "\n".join(wanted) or "import torch"


def _lines_and_nodes(topic: Topic) -> tuple[list[str], list[ast.stmt]]:
    """The solution as one file."""
    solution = topic.solution()
    return solution.split("\n"), ast.parse(solution).body


def _is_public(node: ast.stmt) -> TypeGuard[Asked]:
    return isinstance(node, Asked) and not node.name.startswith("_")


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _docstring_end(node: Asked) -> int:
    return node.body[0].end_lineno or node.lineno


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
