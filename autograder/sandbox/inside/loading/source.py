"""One file of a submission, as the loader takes it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .statements import Broken, read


@dataclass(frozen=True)
class Source:
    """A `.py` is one chunk; a notebook has one per code cell.

    `named` says in which chunk nbgrader expects the function of that name: what is defined there
    counts, whatever a cell for trying things out defines again later. `path` is where the file lies
    in the submission, `modified` when it was changed last (year, month, ...), as far as is known.
    """

    module: str
    chunks: tuple[str, ...]
    notebook: bool = False
    named: Mapping[str, int] = field(default_factory=dict)
    path: str = ""
    modified: tuple[int, ...] = ()

    @cached_property
    def statements(self) -> tuple[tuple[list[ast.stmt], list[Broken]], ...]:
        """Of each chunk its statements, and what of it is no Python."""
        return tuple(read(chunk) for chunk in self.chunks)

    @property
    def where(self) -> str:
        """Its path within what was handed in."""
        return self.path or f"{self.module}.{'ipynb' if self.notebook else 'py'}"

    def place(self, chunk: int, alone: bool) -> str:
        """How to call a chunk, counted from 0.

        Args:
            alone: whether no other notebook was handed in.
        """
        if not self.notebook:
            return self.where
        return f"cell {chunk + 1}" if alone else f"{self.where}, cell {chunk + 1}"
