"""What a notebook's code finds besides Python: `get_ipython()` and `display`, which do nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from .absent import StandIn
from .statements import magic_code


class Shell(StandIn):
    """In the place of IPython's shell: runs the code that `%time` and its like run, and no more."""

    def __init__(self, run: Callable[[str], None]) -> None:
        super().__init__("IPython", lambda: False)
        object.__setattr__(self, "_run", run)

    def run_line_magic(self, name: str, line: str = "", *_: Any) -> None:
        self._magic("run_line_magic", name, line)

    def run_cell_magic(self, name: str, line: str = "", cell: str = "") -> None:
        self._magic("run_cell_magic", name, cell)

    def magic(self, text: str) -> None:
        name, _, line = text.lstrip("%").partition(" ")
        self.run_line_magic(name, line)

    def run_cell(self, text: str, *_: Any, **__: Any) -> None:
        self._run(text)

    def system(self, *_: Any) -> None:
        """No command runs."""

    def getoutput(self, *_: Any, **__: Any) -> list[str]:
        return []

    def _magic(self, method: str, name: str, text: str) -> None:
        shell = ast.Call(ast.Name("get_ipython"), [], [])
        call = ast.Call(ast.Attribute(shell, method), [ast.Constant(name), ast.Constant(text)], [])
        code = magic_code(ast.Expr(call))
        if code is not None:
            self._run(code)


def display(*values: Any, **options: Any) -> None:
    """Show nothing."""
