"""Grades for other systems, to be downloaded; each download is noted in the audit log."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from flask import Response, render_template, request

from server.grades import exports
from server.grades.exports import Format, Gradebook
from server.language import _
from server.storage import audit
from server.storage.models import Course, Role, User
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.services import services


@pages.get("/exports")
@in_course(Role.ASSISTANT)
def export(seat: Seat) -> str:
    return render_template("instructor/exports.html")


@pages.get("/exports/grades.csv")
@in_course(Role.ASSISTANT)
def export_csv(seat: Seat) -> Response:
    """`?decimal=comma`: as spreadsheets expect it where numbers have a decimal comma."""
    comma = request.args.get("decimal") == "comma"
    dialect = exports.EXCEL_WITH_COMMAS if comma else exports.EXCEL
    return _download(seat, Format.CSV, lambda book: exports.grades_csv(book, dialect), "grades.csv")


@pages.get("/exports/grades.json")
@in_course(Role.ASSISTANT)
def export_json(seat: Seat) -> Response:
    return _download(
        seat,
        Format.JSON,
        lambda book: json.dumps(exports.grades_json(book), ensure_ascii=False, indent=2),
        "grades.json",
    )


@pages.get("/exports/moodle.csv")
@in_course(Role.ASSISTANT)
def export_moodle(seat: Seat) -> Response:
    return _download(seat, Format.MOODLE, exports.moodle_csv, "moodle.csv")


@pages.post("/exports/canvas")
@in_course(Role.ASSISTANT)
def export_canvas(seat: Seat) -> str | tuple[str, int]:
    """Canvas's own export comes in; the page tells which lines match, and holds the new file."""
    file = request.files.get("gradebook")
    if file is None or not file.filename:
        return render_template(
            "instructor/exports.html", refusal=_("Choose the file that Canvas exported.")
        ), 422
    uploaded = file.read()

    def fill(book: Gradebook) -> tuple[str, exports.Matched]:
        return exports.canvas_csv(book, uploaded)

    try:
        text, matched = _exported(seat, Format.CANVAS, fill)
    except exports.UploadError as error:
        return render_template("instructor/exports.html", refusal=str(error)), 422
    # In the page itself: the server keeps no grades in files.
    content = base64.b64encode(text.encode()).decode()
    return render_template(
        "instructor/canvas.html",
        matched=matched,
        href=f"data:text/csv;charset=utf-8;base64,{content}",
        filename=_filename(seat, "canvas.csv"),
    )


def _download(
    seat: Seat, format: Format, write: Callable[[Gradebook], str], filename: str
) -> Response:
    response = Response(
        _exported(seat, format, write),
        mimetype="application/json" if format is Format.JSON else "text/csv",
    )
    response.headers.set("Content-Disposition", "attachment", filename=_filename(seat, filename))
    return response


def _exported(seat: Seat, format: Format, write: Callable[[Gradebook], Any]) -> Any:
    """What `write` makes of the course's gradebook, noted in the audit log."""
    with services().database.read() as session:
        book = exports.gradebook(
            session, session.get_one(Course, seat.course.id), services().clock()
        )
    result = write(book)
    with audit.noting(services().database, seat.user.id) as session:
        exports.record(
            session,
            book,
            format,
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    return result


def _filename(seat: Seat, name: str) -> str:
    return f"{seat.course.slug}-{name}"
