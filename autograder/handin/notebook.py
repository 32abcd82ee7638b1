"""A notebook that somebody handed in, reduced to what grading needs.

A `Cell` has neither outputs nor attachments, nor metadata but nbgrader's name of the cell, so
nothing that takes cells can render them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# How a cell begins that Gradmark gave to look at: it is no part of the solution.
SELF_CHECK, EXPERIMENT = "# self-check", "# experiment"


@dataclass(frozen=True)
class Cell:
    """`kind` is "code", "markdown" or "raw"; `grade_id` is nbgrader's name of the cell, or ""."""

    kind: str
    source: str
    grade_id: str = ""
    test: bool = False  # nbgrader's cell that holds points and no solution

    @property
    def solution(self) -> bool:
        """Whether it is code that the student answers for."""
        given = self.source.lstrip().startswith((SELF_CHECK, EXPERIMENT))
        return self.kind == "code" and not given and not self.test


def read_cells(text: str) -> list[Cell]:
    """The cells of a notebook of any format; what is broken beyond reading is left out.

    Raises:
        ValueError: it is no notebook.
    """
    return [_cell(cell) for cell in raw_cells(text)]


def raw_cells(text: str) -> list[dict[str, Any]]:
    """The same as they are written, with whatever stands in them.

    Raises:
        ValueError: it is no notebook.
    """
    try:
        notebook: Any = json.loads(text)
        # Formats before the fourth have sheets of cells, the first a list under either name.
        sheets = [notebook] if "cells" in notebook else notebook["worksheets"]
        return [cell for sheet in sheets for cell in sheet["cells"] if isinstance(cell, dict)]
    except Exception as error:  # of many kinds, RecursionError among them
        raise ValueError("not a readable notebook") from error


def last_named(cells: Sequence[Cell]) -> dict[str, int]:
    """Where each `grade_id` stands. Of copies the last one counts, as nbgrader has it."""
    return {cell.grade_id: at for at, cell in enumerate(cells) if cell.grade_id}


def _cell(cell: dict[str, Any]) -> Cell:
    source = next((cell[key] for key in ("source", "input", "code") if key in cell), "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        source = ""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marks = marks if isinstance(marks, dict) else {}
    name = marks.get("grade_id")
    name = name if isinstance(name, str) and re.fullmatch(r"[\w-]+", name, re.ASCII) else ""
    # A solution stays code when the student has turned its cell into text.
    kind = marks.get("cell_type") if name else None
    if kind not in ("code", "markdown", "raw"):  # tuples: what stands there may be unhashable
        kind = cell.get("cell_type")
    kind = kind if kind in ("code", "markdown") else "raw"
    test = bool(name) and marks.get("grade") is True and marks.get("solution") is not True
    return Cell(kind, source.replace("\0", ""), name, test)
