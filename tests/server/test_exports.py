"""Grades for other systems: what is in the files, whose line is whose, and that nothing in them is
a formula."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from autograder import spreadsheet as table
from autograder.cli import main
from server.grades import exports
from server.grades.exports import Gradebook, UploadError
from server.people import enrolling, roster
from server.storage import audit
from server.storage.models import AuditEntry, Comment, Course, Enrolment, User
from tests.server.conftest import House

Browser = Callable[[str], FlaskClient]

ROSTER = """\
name,email,canvas_id,moodle_id
Ada L,Ada.L@Example.org,101,m1
Ada L,ada.l2@example.org,,m2
Grace H,grace@example.org,103,
"=cmd|' /C calc'!A0",evil@example.org,,
"""
# As Canvas writes it: a note line, indented points, two sections, an assignment that is ours.
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Normalization layers (77),Essay (78),Current Score
,,,,,Manual Posting,,(read only)
    Points Possible,,,,,20.00,5.00,(read only)
"L, Ada",101,x1,ada.l,"A, ""B"" ",1.5,3,50
"L, Ada",102,x2,ada.l2@example.org,A,,,
"H, Grace",103,x3,somebody.else,A,2,,
"Student, Test",999,,,A,,,
"Classmate",,,,A,4,,
"""


@pytest.fixture
def book_of(house: House) -> Callable[[], Gradebook]:
    def book() -> Gradebook:
        with house.database.read() as session:
            return exports.gradebook(
                session, session.get_one(Course, house.course().id), house.clock()
            )

    return book


def import_roster(house: House, text: str = ROSTER) -> enrolling.Imported:
    with house.database.write() as session:
        course = session.get_one(Course, house.course().id)
        listed = roster.read(text.encode())
        return enrolling.apply(session, course, listed, at=house.clock(), actor=None)


def grade(house: House, email: str) -> None:
    """15 of 20, so 7.5 of the assignment's 10 points."""
    house.accept(user=email.partition("@")[0])
    house.grade_all()


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(st.text() | st.floats(-1e9, 1e9) | st.sampled_from(["\t=1", " =1", "\r\n-1", "＝1"]))
def test_no_text_is_a_formula_and_every_number_is_a_number(value: str | float) -> None:
    ((cell,),) = rows(
        table.write(
            [
                [
                    value,
                ]
            ]
        )
    ) or [[""]]
    if isinstance(value, str):
        assert cell.replace("'", "") == value.replace("'", "")
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    else:
        assert float(cell) == pytest.approx(value, abs=1e-6)


_FORMULAS = st.sampled_from([*",;\t|\n\r\"' =+-@＝a"])


@given(
    rows_=st.lists(st.lists(st.text(_FORMULAS, max_size=8), min_size=1, max_size=3), max_size=3),
    dialect=st.sampled_from([exports.EXCEL, exports.EXCEL_WITH_COMMAS, exports.LMS]),
    separator=st.sampled_from(",;\t|"),
)
def test_no_part_of_a_text_is_a_formula_to_whom_expects_another_separator(
    rows_: list[list[str]], dialect: table.Dialect, separator: str
) -> None:
    text = table.write(rows_, dialect).removeprefix("\ufeff")
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        for cell in row:
            assert not cell.strip().startswith(tuple("=+-@＝")), cell


def test_grades_as_csv_and_json(house: House, book_of: Callable[[], Gradebook]) -> None:
    import_roster(house)
    grade(house, "grace@example.org")
    book = book_of()
    header, *lines = rows(exports.grades_csv(book, exports.LMS))
    assert header == ["email", "name", "section", "norm", "losses", "total"]
    cells = {line[0]: line[1:] for line in lines}
    assert set(cells) == {line.enrolment.user.email for line in book.lines}
    assert cells["grace@example.org"] == ["Grace H", "", "7.5", "", "7.5"]
    assert cells["evil@example.org"][0] == "'=cmd|' /C calc'!A0"
    assert "instructor@example.org" not in cells
    document = json.loads(json.dumps(exports.grades_json(book)))
    (grace,) = (s for s in document["students"] if s["email"] == "grace@example.org")
    (row,) = house.rows()
    assert grace["grades"] == {
        "norm": {
            "points": 7.5,
            "submission": row.public_id,
            "late_days": 0,
            "free_days": 0,
            "adjustment": 0.0,
            "by_hand": None,
            "unmarked": 0,
            "submissions": 1,
        }
    }


def test_for_moodle_addresses_keep_their_case_and_no_feedback_is_without_a_grade(
    house: House, book_of: Callable[[], Gradebook]
) -> None:
    import_roster(house)
    grade(house, "ada.l@example.org")
    house.accept(user="grace")  # not graded
    house.clock.advance(7.5 * 86400)
    house.accept(user="ada.l2")
    house.grade_all()
    with house.database.write() as session:
        author = session.get_one(User, house.user("assistant").id)
        for submission in house.rows():
            for text, for_staff in (("=Well done", False), ("suspicious", True)):
                session.add(
                    Comment(
                        submission_id=submission.id,
                        author_id=author.id,
                        text=text,
                        for_staff=for_staff,
                        written_at=house.clock(),
                    )
                )
    header, *lines = rows(exports.moodle_csv(book_of()))
    assert header[:5] == [
        *("Full name", "Email address", "ID number"),
        *("Normalization layers (points)", "Normalization layers feedback"),
    ]
    cells = {line[1]: line for line in lines}
    assert cells["Ada.L@Example.org"][2:5] == ["m1", "7.5", "'=Well done"]
    assert cells["ada.l2@example.org"][3:5] == ["6.75", "1 day late.\n\n'=Well done"]
    for line in lines:
        for points, feedback in zip(line[3::2], line[4::2], strict=True):
            assert points or not feedback
    assert "suspicious" not in str(lines)


def test_for_canvas_identities_come_back_exactly_and_only_sure_lines(
    house: House, book_of: Callable[[], Gradebook]
) -> None:
    import_roster(house)
    for name in ("ada.l", "grace", "classmate"):
        grade(house, name)
    text, matched = exports.canvas_csv(book_of(), b"\xef\xbb\xbf" + CANVAS.encode())
    header, worth, *lines = rows(text)
    identity = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert header == [*identity, "Normalization layers (77)", "Losses"]
    assert worth == ["    Points Possible", "", "", "", "", "10", "10"]
    assert lines == [
        ["L, Ada", "101", "x1", "ada.l", 'A, "B" ', "7.5", ""],
        ["L, Ada", "102", "x2", "ada.l2@example.org", "A", "", ""],
        ["H, Grace", "103", "x3", "somebody.else", "A", "7.5", ""],
        ["Classmate", "", "", "", "A", "7.5", ""],
    ]
    assert matched.unmatched == ["Student, Test"]
    assert matched.ambiguous == []
    assert matched.by_name_only == ["Classmate"]
    assert [line.enrolment.user.email for line in matched.missing] == [
        "evil@example.org",
        "student@example.org",
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('"L, Ada",,,', "two students of that name"),
        ('"L, Ada",103,,ada.l', "the ID is another student's than the login"),
        ('"H, Grace",103,,\n"H, Grace",,,grace', "two lines for one student"),
        ('"H, Grace",,,ada.l', "the login is another student's than the name"),
    ],
)
def test_what_is_not_sure_is_left_out(
    house: House, book_of: Callable[[], Gradebook], line: str, why: str
) -> None:
    import_roster(house)
    export = f"Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n{line}\n"
    text, matched = exports.canvas_csv(book_of(), export.encode())
    assert len(rows(text)) == 2, why
    assert len(matched.ambiguous) == line.count("\n") + 1


def test_who_has_no_grade_keeps_what_canvas_has(
    house: House, book_of: Callable[[], Gradebook]
) -> None:
    text, _ = exports.canvas_csv(book_of(), CANVAS.encode())
    assert rows(text)[2:] == [["Classmate", "", "", "", "A", "4", ""]]


@given(st.binary() | st.text().map(lambda text: f"Student,ID\n{text}".encode()))
def test_whatever_is_uploaded_the_error_is_ours(export: bytes) -> None:
    book = Gradebook(Course(), [], [], [], {})
    with contextlib.suppress(UploadError):
        exports.canvas_csv(book, export)


def post_canvas(client: FlaskClient, content: bytes) -> TestResponse:
    return client.post(
        "/courses/dl/staff/exports/canvas", data={"gradebook": (io.BytesIO(content), "c.csv")}
    )


def test_the_pages_give_files_and_the_audit_log_knows(
    house: House, browser: Browser, book_of: Callable[[], Gradebook]
) -> None:
    import_roster(house)
    assistant = browser("assistant")
    page = assistant.get("/courses/dl/staff/exports").text
    for name in ("grades.csv", "grades.json", "moodle.csv"):
        address = f"/courses/dl/staff/exports/{name}"
        assert address in page
        response = assistant.get(address)
        assert response.headers["Content-Disposition"] == f"attachment; filename=dl-{name}"
    assert "does not begin with the columns" in post_canvas(assistant, b"no,export\n").text
    page = post_canvas(assistant, CANVAS.encode()).text
    found = re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', page)
    assert found
    assert b64decode(found[1]).decode() == exports.canvas_csv(book_of(), CANVAS.encode())[0]
    assert "Student, Test" in page
    with house.database.read() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == audit.Action.EXPORTED)
        ).all()
    assert [entry.detail["format"] for entry in entries] == ["csv", "json", "moodle", "canvas"]
    assert {entry.actor_id for entry in entries} == {house.user("assistant").id}


def test_a_roster_that_is_imported_twice_changes_nothing(house: House) -> None:
    def contents() -> list[tuple[object, ...]]:
        with house.database.read() as session:
            return [
                tuple(row)
                for table in (User.__table__, Enrolment.__table__, AuditEntry.__table__)
                for row in session.execute(select(table))
            ]

    assert len(import_roster(house).added) == 4
    before = contents()
    assert import_roster(house).unchanged == 4
    assert contents() == before


def test_the_command_line_exports(house: House, tmp_path: Path) -> None:
    import_roster(house)
    (tmp_path / "canvas.csv").write_text(CANVAS, "utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        data = ("--data", str(house.config.data))
        result = CliRunner().invoke(main, ["course", "export", "dl", *arguments, *data])
        return result.exit_code, result.stdout, result.stderr

    assert run()[1].startswith("email,name,section,norm,losses,total\n")
    assert json.loads(run("--format", "json")[1])["course"] == "dl"
    assert run("--format", "moodle")[0] == 0
    canvas = ("--format", "canvas", "--gradebook", str(tmp_path / "canvas.csv"))
    status, text, told = run(*canvas)
    assert status == 0
    assert text.startswith("Student,ID,")
    assert "not in this course, left out: Student, Test" in told
    assert run("--format", "canvas")[0] == 2


@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40),
        min_size=1,
        max_size=5,
    ),
    points=st.floats(0, 100).map(lambda value: round(value, 6)),
    dialect=st.sampled_from([exports.EXCEL, exports.EXCEL_WITH_COMMAS, exports.LMS]),
)
def test_what_a_spreadsheet_reads_is_what_was_written(
    names: list[str], points: float, dialect: table.Dialect
) -> None:
    """Read back as spreadsheets do: by the mark, with their separator and decimal sign."""
    lines = [("name", "points"), *((name, points) for name in names)]
    content = table.write(lines, dialect).encode()
    assert content.startswith(b"\xef\xbb\xbf") == bool(dialect.mark)
    read = list(
        csv.reader(
            io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=dialect.separator
        )
    )
    assert [row[0].replace("'", "") for row in read[1:]] == [n.replace("'", "") for n in names]
    assert [float(row[1].replace(dialect.decimal, ".")) for row in read[1:]] == [points] * len(
        names
    )


def test_a_download_is_for_excel_in_either_language(browser: Browser, house: House) -> None:
    house.graded()
    place = "/courses/dl/staff/exports/grades.csv"
    plain = browser("instructor").get(place).data.decode("utf-8")
    comma = browser("instructor").get(f"{place}?decimal=comma").data.decode("utf-8")
    assert plain.startswith("\ufeffemail,name,section,norm")
    assert "student@example.org,Student,,7.5," in plain
    assert comma.startswith("\ufeffemail;name;section;norm")
    assert "student@example.org;Student;;7,5;" in comma


def test_what_canvas_exported_may_have_been_saved_by_a_spreadsheet(
    house: House, book_of: Callable[[], Gradebook]
) -> None:
    """Excel in German: semicolons, and the machine's own encoding."""
    with house.database.write() as session:
        session.get_one(User, house.user().id).name = "Jörg Müller"
    house.graded()
    content = (
        "Student;ID;SIS User ID;SIS Login ID;Section;Normalization layers (5)\r\n"
        "    Points Possible;;;;;10\r\nMüller, Jörg;7;s7;student@example.org;A;\r\n"
    )
    for encoding in ("cp1252", "utf-8-sig", "utf-16"):
        text, matched = exports.canvas_csv(book_of(), content.encode(encoding))
        assert matched.ambiguous == matched.unmatched == []
        assert rows(text)[2][:6] == ["Müller, Jörg", "7", "s7", "student@example.org", "A", "7.5"]
