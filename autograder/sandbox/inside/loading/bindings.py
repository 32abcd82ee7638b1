"""What the statements of a file bind names to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from .outline import Defined, Worth

COMPOUND = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
    *(ast.Try, ast.TryStar, ast.Match),
)


@dataclass(frozen=True)
class Binding:
    """What a name was bound to by a statement of a file."""

    value: Any
    worth: Worth
    named: bool  # in nbgrader's cell for it
    file: str
    place: str
    line: int


class Watched(MutableMapping[str, Any]):
    """A module's names, in which a compound statement runs. The last own callable of each is noted:
    a line further down in the statement may bind its name to something else."""

    def __init__(
        self, space: dict[str, Any], noted: dict[str, Any], own: Callable[[Any], bool]
    ) -> None:
        self._space = space
        self._noted = noted
        self._own = own

    def __getitem__(self, name: str) -> Any:
        return self._space[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._space[name] = value
        if callable(value) and self._own(value):
            self._noted[name] = value

    def __delitem__(self, name: str) -> None:
        del self._space[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._space)

    def __len__(self) -> int:
        return len(self._space)


def how_bound(name: str, value: Any, names: Sequence[Defined], file: str) -> Defined | None:
    """Which of the bindings of a statement has bound this value."""
    mine = [one for one in names if one.name == name]
    code = value.__code__ if isinstance(value, FunctionType) else None
    if code is not None and (code.co_filename, code.co_name) == (file, name):
        lines = {one.line: one for one in reversed(mine) if one.line >= code.co_firstlineno}
        if lines:
            return lines[min(lines)]  # its decorators may stand above
    written = [one for one in mine if one.worth is not Worth.STUB]
    return next(reversed(written or mine), None)
