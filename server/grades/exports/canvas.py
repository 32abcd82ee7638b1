"""Grades as a gradebook that Canvas imports, made from the one that Canvas exported.

Canvas knows its students by identifiers of its own, so the instructor uploads Canvas's own export;
its identity columns come back exactly as they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.spreadsheet import Cell, Verbatim, write
from server import sheet
from server.grades.exports.gradebook import Gradebook, Line
from server.grades.exports.matching import Identity, Matched, UploadError, match
from server.sheet import SheetError
from server.storage.models import Assignment

MAX_BYTES = 4 * 2**20
_IDS = ("ID", "SIS User ID", "Integration ID")
_LOGINS = ("SIS Login ID", "SIS User ID", "Email")
# What Canvas writes about a person, in its order; the assignments come after.
_IDENTITY = ("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Email")
_IDENTITY_ENDS = ("Root Account", "Section")
_WORTH = "Points Possible"


def canvas_csv(book: Gradebook, export: bytes) -> tuple[str, Matched]:
    """The file for Canvas, and which lines of its export are in it.

    An assignment goes into the column of its title when the export has one, else into a new one.
    Who has no grade keeps what the export says. Lines that are not matched are left out.

    Args:
        export: what Canvas exported.

    Raises:
        UploadError: it is no such file.
    """
    header, rows = _read(export)
    known = [column for column, title in enumerate(header) if title in _IDENTITY + _IDENTITY_ENDS]
    columns = [_column(header, assignment) for assignment in book.assignments]
    worth = next((row for row in rows if row[0].strip() == _WORTH), None)
    people = {
        number: _identity(header, row)
        for number, row in enumerate(rows)
        if row is not worth and row[0].strip()  # no name: a note of Canvas's to its columns
    }
    matched = match(people, book.lines)

    def line(row: Sequence[str], cells: Sequence[Cell]) -> list[Cell]:
        return [*(Verbatim(row[column]) for column in known), *cells]

    titles: list[Cell] = [
        assignment.title if column is None else Verbatim(header[column])
        for assignment, column in zip(book.assignments, columns, strict=True)
    ]
    blank = [f"    {_WORTH}", *[""] * (len(header) - 1)]
    return write(
        [
            line(header, titles),
            line(worth or blank, [assignment.points for assignment in book.assignments]),
            *(
                line(rows[number], _grades(book, student, rows[number], columns))
                for number, student in matched.lines.items()
            ),
        ]
    ), matched


def _read(export: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        table = sheet.read(export, "The file", MAX_BYTES)
    except SheetError as error:
        raise UploadError(str(error)) from None
    header, rows = table.headings, [row for _, row in table.rows]
    if header[:2] != ["Student", "ID"]:
        raise UploadError(
            "The file does not begin with the columns Student and ID: "
            "upload the gradebook that Canvas exports."
        )
    if not rows:
        raise UploadError("The file has no line below its headings.")
    return header, rows


def _identity(header: Sequence[str], row: Sequence[str]) -> Identity:
    said = dict(zip(header, row, strict=False))
    return Identity(
        label=said["Student"],
        ids=tuple(said.get(title, "").strip() for title in _IDS),
        logins=tuple(said.get(title, "") for title in _LOGINS),
        name=said["Student"],
    )


def _column(header: Sequence[str], assignment: Assignment) -> int | None:
    """That of the assignment: `Title (12345)` with Canvas's number, or the title alone."""
    titles = {assignment.title, assignment.slug}
    for column, title in enumerate(header):
        if title in titles or re.sub(r" \(\d+\)$", "", title) in titles:
            return column
    return None


def _grades(
    book: Gradebook, student: Line, row: Sequence[str], columns: Sequence[int | None]
) -> list[Cell]:
    cells: list[Cell] = []
    for assignment, column in zip(book.assignments, columns, strict=True):
        points = student.points(assignment)
        kept = "" if column is None else Verbatim(row[column])
        cells.append(kept if points is None else points)
    return cells
