"""Tables as CSV text that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = str | float | None

# With what a spreadsheet begins a formula, in Latin and in full width.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Where a cell begins for a spreadsheet that expects another separator: it also takes quotes for
# text there, and lines for rows.
_WITHIN = re.compile(rf"""([,;\t|\r\n]["'\s]*)(?=[{re.escape("".join(_FORMULA))}])""")
_DECIMALS = 6


class Verbatim(str):
    """A text that another system must get back exactly as it wrote it."""


@dataclass(frozen=True)
class Dialect:
    """How a spreadsheet expects a table."""

    separator: str = ","
    decimal: str = "."
    mark: str = ""  # at the beginning of the file


LMS = Dialect()
# Excel takes a file without this mark for one in the encoding of the machine, and mangles names.
EXCEL = Dialect(mark="\ufeff")
# Where numbers have a decimal comma it expects semicolons between cells.
EXCEL_WITH_COMMAS = Dialect(";", ",", "\ufeff")


def write(rows: Iterable[Sequence[Cell]], dialect: Dialect = LMS) -> str:
    text = io.StringIO(newline="")
    text.write(dialect.mark)
    csv.writer(text, delimiter=dialect.separator).writerows(
        [_cell(value, dialect) for value in row] for row in rows
    )
    return text.getvalue()


def _cell(value: Cell, dialect: Dialect) -> str:
    """Numbers stay numbers, negative ones too; a text that a spreadsheet would take for a formula,
    or a part of which it would, is marked as text by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, Verbatim):
        return value
    if isinstance(value, str):
        text = f"'{value}" if _looks_like_a_formula(value) else value
        return _WITHIN.sub(lambda at: _marked(at[1], dialect.separator), text)
    exact = round(value, _DECIMALS) + 0.0  # + 0.0: no minus before zero
    return f"{exact:.{_DECIMALS}f}".rstrip("0").rstrip(".").replace(".", dialect.decimal)


def _marked(start: str, separator: str) -> str:
    return f"{start}'" if (set(",;\t|\r\n") - {separator}) & set(start) else start


def _looks_like_a_formula(text: str) -> bool:
    return text[:1] in ("\t", "\r", "\n") or text.lstrip().startswith(_FORMULA)
