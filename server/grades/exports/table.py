"""Tables as CSV text that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Cell: TypeAlias = str | float | None

# With what a spreadsheet begins a formula, in Latin and in full width.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_DECIMALS = 6


class Verbatim(str):
    """A text that another system must get back exactly as it wrote it."""


def write(rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> str:
    """Numbers stay numbers, negative ones too; a text that a spreadsheet would take for a formula
    is marked as text by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, Verbatim):
        return value
    if isinstance(value, str):
        return f"'{value}" if _looks_like_a_formula(value) else value
    exact = round(value, _DECIMALS) + 0.0  # + 0.0: no minus before zero
    return f"{exact:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _looks_like_a_formula(text: str) -> bool:
    return text[:1] in ("\t", "\r", "\n") or text.lstrip().startswith(_FORMULA)
