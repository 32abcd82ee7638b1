"""What course systems take back: grades and feedback in the form that each of them reads.

- everybody: `grades.csv`, a line per student with the points per exercise
- Canvas (*Grades, Import*): `canvas.csv`, its own export filled in, or a table with its ids
- Moodle: `moodle-grades.csv` (*Upload grading worksheet*) and `moodle-feedback.zip` (*Upload
  multiple feedback files in a zip*)
- Gradescope: `gradescope/<submission>/results.json` and `gradescope.csv`
- nbgrader: `feedback/<student>/<assignment>/` and `nbgrader.csv`
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.collection.results import Result
from autograder.collection.tree import CollectionError
from autograder.render.html import report_page
from autograder.render.lines import lines
from autograder.report import student_view
from autograder.spreadsheet import Cell, Verbatim, write

_WORTH = "Points Possible"
_ALWAYS = (1980, 1, 1, 0, 0, 0)


def grades_csv(results: Sequence[Result], exercises: Mapping[str, float]) -> str:
    """One line per hand-in: who, points, points per exercise, what to know.

    Args:
        exercises: their names, and how many points each is worth.
    """
    head = ["student", "name", "id", "login", "email", "file", "handed in"]
    rows: list[Sequence[Cell]] = [[*head, "points", "of", *exercises, "misconceptions", "remarks"]]
    for result in results:
        owner, hand_in = result.owner, result.hand_in
        scores = _by_exercise(result)
        rows.append(
            [
                *(owner.key, owner.name, owner.identifier, owner.login, owner.email),
                result.filename,
                hand_in.at.isoformat(sep=" ") if hand_in.at else "",
                result.score,
                sum(exercises.values()),
                *(scores.get(name) for name in exercises),
                ", ".join(f"{exercise}: {name}" for exercise, name in result.misconceptions),
                "; ".join(result.remarks),
            ]
        )
    return write(rows)


def canvas_csv(
    results: Sequence[Result], title: str, worth: float, export: bytes | None = None
) -> str:
    """Canvas's own export with a column filled in, or a table of its ids where none was given.

    A student without a result, or whose result a fault left open, keeps what the export says.

    Args:
        export: the gradebook as Canvas exported it.

    Raises:
        CollectionError: it is no such file.
    """
    by_id = {result.owner.identifier: result for result in results}
    if export is None:
        head: list[Cell] = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
        points: list[Cell] = [f"    {_WORTH}", "", "", "", "", worth]
        rows: list[Sequence[Cell]] = [
            [result.owner.name or result.owner.key, Verbatim(number), "", "", "", result.score]
            for number, result in by_id.items()
            if result.score is not None
        ]
        return write([head, points, *rows])
    header, lines_ = _read_csv(export, "the gradebook", ("Student", "ID"))
    known = [title, *(name for name in header if name.rpartition(" (")[0] == title)]
    column = next((header.index(name) for name in known if name in header), len(header))
    header = [*header, title] if column == len(header) else header
    identity = [i for i, name in enumerate(header) if name in _CANVAS_IDENTITY]
    rows = []
    for line in lines_:
        row = line + [""] * (len(header) - len(line))
        value: Cell = Verbatim(row[column])
        if row[0].strip() == _WORTH:
            value = worth
        elif (found := by_id.get(row[header.index("ID")].strip())) and found.score is not None:
            value = found.score
        rows.append([*(Verbatim(row[i]) for i in identity), value])
    return write([[*(Verbatim(header[i]) for i in identity), Verbatim(header[column])], *rows])


_CANVAS_IDENTITY = {
    *("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account"),
    "Section",
}


_ENGLISH = " Have Moodle speak English when you download it: headings follow the language."


def moodle_worksheet(
    results: Sequence[Result], worth: float, worksheet: bytes | None = None
) -> str:
    """Moodle's grading worksheet with grades and a word of feedback, or one with the columns that
    it needs where none was given.

    Raises:
        CollectionError: it is no such file.
    """
    by_id = {result.owner.identifier: result for result in results}
    if worksheet is None:
        header = ["Identifier", "Full name", "Grade", "Maximum Grade"]
        header += ["Last modified (grade)", "Feedback comments"]
        made: list[Sequence[Cell]] = [
            [Verbatim(f"Participant {number}"), r.owner.name, r.score, worth, "-", _in_words(r)]
            for number, r in by_id.items()
            if r.score is not None
        ]
        return write([header, *made])
    header, rows = _read_csv(worksheet, "the grading worksheet", ("Identifier", "Grade"), _ENGLISH)
    feedback = header.index("Feedback comments") if "Feedback comments" in header else None
    filled: list[Sequence[Cell]] = []
    for short in rows:
        line = short + [""] * (len(header) - len(short))
        cells: list[Cell] = [Verbatim(value) for value in line]
        # "Participant 2001", in whatever language.
        number = re.sub(r"^\D+", "", line[header.index("Identifier")].strip())
        found = by_id.get(number)
        if found is not None and found.score is not None:
            most = _number(line, header, "Maximum Grade") or worth
            cells[header.index("Grade")] = found.score * most / worth
            if feedback is not None:
                cells[feedback] = _in_words(found)
        filled.append(cells)
    return write([[Verbatim(name) for name in header], *filled])


def moodle_feedback(results: Sequence[Result]) -> bytes:
    """A zip of reports, each in the folder by which Moodle knows whose it is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for result in results:
            if result.report is not None and result.owner.folder:
                member = zipfile.ZipInfo(f"{result.owner.folder}/report.html", _ALWAYS)
                archive.writestr(member, page(result), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def gradescope_results(result: Result) -> dict[str, Any] | None:
    """The student's view as Gradescope's `results.json`: one test per check; None without a report.

    Where a file could not be read the result says so and is worth nothing; a fault of ours has no
    result, since Gradescope would take it for one.
    """
    if result.report is not None:
        return gradescope_document(result.report)
    if result.refused:
        return {"score": 0, "output": result.refused, "stdout_visibility": "hidden", "tests": []}
    return None


def gradescope_document(report: dict[str, Any]) -> dict[str, Any]:
    """A full report as Gradescope's `results.json`, of what a student may see."""
    view = student_view(report)
    tests = []
    for number, exercise in enumerate(view["exercises"], 1):
        for line_number, line in enumerate(lines(exercise), 1):
            tests.append(
                {
                    "name": f"{exercise['name']}: {line.name}",
                    "number": f"{number}.{line_number}",
                    "score": line.score,
                    "max_score": line.max_score,
                    "status": "passed" if line.passed else "failed",
                    "output": line.message,
                    "output_format": "text",
                    "visibility": "visible",
                }
            )
    hints = [
        f"{exercise['name']}: {found['hint']}"
        for exercise in view["exercises"]
        for found in exercise["diagnosis"]
    ]
    return {
        "score": view["score"],
        "output": "\n".join([*view["notes"], *hints]),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def write_canvas(
    folder: Path, results: Sequence[Result], title: str, worth: float, gradebook: bytes | None
) -> list[Path]:
    return [_write(folder / "canvas.csv", canvas_csv(results, title, worth, gradebook))]


def write_moodle(
    folder: Path, results: Sequence[Result], title: str, worth: float, gradebook: bytes | None
) -> list[Path]:
    sheet = _write(folder / "moodle-grades.csv", moodle_worksheet(results, worth, gradebook))
    feedback = folder / "moodle-feedback.zip"
    feedback.write_bytes(moodle_feedback(results))
    return [sheet, feedback]


def write_gradescope(
    folder: Path, results: Sequence[Result], title: str, worth: float, gradebook: bytes | None
) -> list[Path]:
    rows: list[Sequence[Cell]] = [("Name", "SID", "Email", "Total Score", "Max Points")]
    for result in results:
        owner = result.owner
        rows.append((owner.name, Verbatim(owner.identifier), owner.email, result.score, worth))
        document = gradescope_results(result)
        if document is not None and owner.folder:
            place = folder / "gradescope" / result.slug
            place.mkdir(parents=True, exist_ok=True)
            _write(place / "results.json", json.dumps(document, indent=2) + "\n")
    return [_write(folder / "gradescope.csv", write(rows)), folder / "gradescope"]


def write_nbgrader(
    folder: Path, results: Sequence[Result], title: str, worth: float, gradebook: bytes | None
) -> list[Path]:
    rows: list[Sequence[Cell]] = [("assignment", "student_id", "score", "max_score")]
    for result in results:
        rows.append((title, Verbatim(result.owner.login), result.score, worth))
        if result.report is not None:
            place = folder / "feedback" / result.slug / result.report["assignment"]
            place.mkdir(parents=True, exist_ok=True)
            _write(place / f"{Path(result.filename).stem}.html", page(result))
    return [_write(folder / "nbgrader.csv", write(rows)), folder / "feedback"]


Writer = Callable[[Path, Sequence[Result], str, float, bytes | None], list[Path]]
WRITERS: Mapping[str, Writer] = {
    "canvas": write_canvas,
    "moodle": write_moodle,
    "gradescope": write_gradescope,
    "nbgrader": write_nbgrader,
}


def page(result: Result) -> str:
    """The student's report as a page that stands alone."""
    if result.report is None:
        raise ValueError(f"{result.owner.label} has no report")
    return report_page(student_view(result.report))


def _in_words(result: Result) -> str:
    """A sentence or two for a field of text."""
    if result.report is None:
        return result.refused
    short = [
        f"{exercise['name']} {exercise['score']:g} of {exercise['max_score']:g}"
        for exercise in result.report["exercises"]
        if exercise["score"] < exercise["max_score"]
    ]
    hints = [f"{exercise}: {hint}" for (exercise, _), hint in result.misconceptions.items()]
    return "\n".join(["; ".join(short) or "All exercises are right.", *hints, *result.notes])


def _by_exercise(result: Result) -> dict[str, float]:
    if result.report is None:
        return {}
    return {exercise["name"]: exercise["score"] for exercise in result.report["exercises"]}


def _read_csv(
    content: bytes, what: str, needed: Sequence[str], hint: str = ""
) -> tuple[list[str], list[list[str]]]:
    try:
        text = content.decode("utf-8-sig")
        dialect = csv.excel if text.partition("\n")[0].count(";") < 3 else _Semicolons
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), dialect) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CollectionError(f"The file with {what} is no CSV in UTF-8: {error}.") from None
    header = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in needed if name not in header]
    if missing:
        raise CollectionError(
            f"The file with {what} has no column {' and no '.join(missing)}.{hint}"
        )
    return header, rows[1:]


class _Semicolons(csv.excel):
    delimiter = ";"


def _number(line: Sequence[str], header: Sequence[str], column: str) -> float | None:
    try:
        return float(line[header.index(column)].replace(",", "."))
    except (ValueError, IndexError):
        return None


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8", newline="")
    return path
