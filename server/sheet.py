"""Tables as people export them: CSV from whatever spreadsheet or system, in whatever dialect."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

_SEPARATORS = ",;\t|"
_BOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods; .xls
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_JOINERS = "\u200c\u200d"  # invisible, but letters of some names need them


class SheetError(ValueError):
    """It cannot be read; the message is one sentence."""


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        headings: as they are written.
        rows: (the line that it begins in, its cells, as many as there are headings at least).
        separator: between its cells.
        notes: how it was read, where that is not a matter of course: a sentence each.
    """

    headings: list[str]
    rows: list[tuple[int, list[str]]]
    separator: str
    notes: list[str] = field(default_factory=list)


def read(content: bytes, what: str, most: int) -> Sheet:
    """
    Args:
        what: how to call it in a message: "The roster".
        most: bytes.

    Raises:
        SheetError: it is larger, no text, or no table.
    """
    if len(content) > most:
        raise SheetError(f"{what} is larger than {most // 2**20} MiB.")
    if content.startswith(_BOOKS):
        raise SheetError(f"{what} is a workbook: save it as CSV (UTF-8) in your spreadsheet.")
    text, notes = _decoded(content, what)
    first, _, rest = text.partition("\n")
    separator, line = "", 1
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # Excel's own
        separator, text, line = first.strip()[4], rest, 2
        first = text.partition("\n")[0]
    elif first.strip().lower() == "sep=":  # a tab, stripped
        separator, text, line = "\t", rest, 2
        first = text.partition("\n")[0]
    separator = separator or max(_SEPARATORS, key=_outside_quotes(first).count)
    rows = list(_rows(text, separator, line, what))
    _, headings = rows[0] if rows else (0, [])
    return Sheet(
        headings,
        [(at, row + [""] * (len(headings) - len(row))) for at, row in rows[1:]],
        separator,
        notes,
    )


def clean(text: str) -> str:
    """As a reader sees it: characters composed, white space made even, what is invisible left out,
    but for the joiners within a word."""
    text = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace()
        or character in _JOINERS
        or unicodedata.category(character) not in ("Cf", "Cc", "Cs", "Co", "Cn")
    )
    return " ".join(word.strip(_JOINERS) for word in visible.split()).strip()


def _decoded(content: bytes, what: str) -> tuple[str, list[str]]:
    marked = (encoding for mark, encoding in _MARKS if content.startswith(mark))
    encoding = next(marked, "utf-8")
    try:
        text, notes = content.decode(encoding), []
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise SheetError(f"{what} is not text in {encoding.upper()}.") from None
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise SheetError(f"{what} is not text in UTF-8: export it as CSV (UTF-8).") from None
        notes = [
            "The file is not in UTF-8; it was read as Windows-1252, as Excel saves it: see whether "
            "the names are right."
        ]
    if "\0" in text:
        raise SheetError(f"{what} is not text in UTF-8: export it as CSV (UTF-8).")
    return text, notes


def _rows(text: str, separator: str, first: int, what: str) -> Iterator[tuple[int, list[str]]]:
    """With the line that each begins in; empty lines are none.

    A cell that goes on in the next line is a quote that nobody closed: it would swallow people.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = first
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise SheetError(
                    f"{what}: line {line} opens a quote that is never closed."
                ) from None
            raise SheetError(f"{what} is no CSV file: line {line}: {error}.") from None
        if any("\n" in cell or "\r" in cell for cell in row):
            raise SheetError(
                f"{what}: line {line} opens a quote that is not closed in the same line."
            )
        if any(cell.strip() for cell in row):
            yield line, row
        line = first + reader.line_num


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])
