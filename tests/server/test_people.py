"""Who is in a course: rosters as they come, what is proposed of them, leaving and coming back."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.grades import exports
from server.people import accounts, enrolling, roster
from server.people.enrolling import Kind, Proposal
from server.people.roster import Person
from server.storage.models import AuditEntry, Course, Enrolment, Role, User
from server.web.instructor import glance
from tests.server.conftest import House
from tests.server.test_courses import ROSTER

PEOPLE = "/courses/dl/staff/people"
Browser = Callable[[str], FlaskClient]

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Losses (12)
    Points Possible,,,,,10
"Doe, Jane",101,s1,jane@example.org,A,7
"Student, Test",9,,x,A,
"""
GERMAN = "Vorname;Nachname;E-Mail-Adresse;Gruppen\nJörg;Müller;joerg@example.org;A\n"
JOERG = ("joerg@example.org", "Jörg Müller", "A")


def people(content: str | bytes) -> list[Person]:
    read = roster.read(content.encode() if isinstance(content, str) else content)
    assert read.problems == []
    return list(read.people)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (CANVAS, ("jane@example.org", "Jane Doe", "A")),
        (
            "First name,Surname,Email address,Groups\nJane,Doe,jane@example.org,A\n",
            ("jane@example.org", "Jane Doe", "A"),
        ),
        (
            "First Name,Last Name,SID,Email,Role,Sections\nJane,Doe,1,jane@example.org,Student,A\n",
            ("jane@example.org", "Jane Doe", "A"),
        ),
        (GERMAN, JOERG),
        (GERMAN.encode("cp1252"), JOERG),
        (GERMAN.encode("utf-16"), JOERG),
        (GERMAN.encode("utf-8-sig"), JOERG),
        ("sep=;\r\n" + GERMAN.replace("\n", "\r\n"), JOERG),
        ("sep=\t\n" + GERMAN.replace(";", "\t"), JOERG),
        (GERMAN.replace("\n", "\r"), JOERG),
        (
            "email,name\n\u200bjane@exa\u00admple.org,\ufeffJane\u00a0 Doe\u200e\n",
            ("jane@example.org", "Jane Doe", ""),
        ),
        ("email,name\nｊane＠example.org,Jo\u0308rg\n", ("jane@example.org", "Jörg", "")),
        ("email,name\nMailto:jane@example.org,Jane\n", ("jane@example.org", "Jane", "")),
        ("email,name\n<jane@example.org>,Jane\n", ("jane@example.org", "Jane", "")),
        (
            "email,name,section\njane@x.org,Jane,Lecture\nJane@X.org,Jane,Lab 2\n",
            ("jane@x.org", "Jane", "Lecture, Lab 2"),
        ),
    ],
)  # fmt: skip
def test_what_systems_and_spreadsheets_write_is_read(
    content: str | bytes, wanted: tuple[str, str, str]
) -> None:
    (person,) = people(content)
    assert (person.email, person.name, person.section) == wanted


def test_what_is_left_out_is_said() -> None:
    read = roster.read(CANVAS.encode())
    assert [note for note in read.notes if note.startswith("Line")] == [
        "Line 2 is left out: it is Canvas's line of points.",
        "Line 4 is left out: it is Canvas's test student.",
    ]
    assert any("Losses (12)" in note for note in read.notes)
    assert any("Windows-1252" in note for note in roster.read(GERMAN.encode("cp1252")).notes)


def test_canvas_says_how_scores_are_posted_in_a_line_about_nobody() -> None:
    head, rest = CANVAS.split("\n", 1)
    posted = "," * head.count(",") + "Manual Posting"
    read = roster.read(f"{head}\n{posted}\n{rest}".encode())
    assert "Line 2 is left out: it is Canvas's line of how scores are posted." in read.notes
    assert not read.problems


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("TA", Role.ASSISTANT),
        ("Teaching Assistant", Role.ASSISTANT),
        ("Non-editing teacher", Role.ASSISTANT),
        ("Tutor/in", Role.ASSISTANT),
        ("Studierende/r", Role.STUDENT),
        ("Trainer*in", Role.INSTRUCTOR),
        ("Trainer/in ohne Bearbeitungsrecht", Role.ASSISTANT),
        ("TaEnrollment", Role.ASSISTANT),
        ("Teacher", Role.INSTRUCTOR),
        ("Learner", Role.STUDENT),
        ("Teilnehmer/in", Role.STUDENT),
        ("Dean", None),
    ],
)
def test_roles_have_many_names(word: str, role: Role | None) -> None:
    read = roster.read(f"email,role\na@b.org,{word}\nc@d.org,\n".encode())
    if role is None:
        assert read.problems == [
            f"Line 2: {word!r} is no role; there are: student, assistant, instructor."
        ]
        assert [person.email for person in read.people] == ["c@d.org"]
    else:
        assert read.people[0].role is role


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"name\nx\n", "no column 'email'"),
        (b"email\n", "no line below its headings"),
        (b'email,name\na@b.org,"Jane\nb@b.org,Bob\nc@b.org,Carl\n', "line 2 opens a quote"),
        (b'email,name\na@b.org,"Jane\nb@b.org,"Bob"\n', "line 2"),
        (b'email,name\na@b.org,"Jane\nb@b.org,Bob"\n', "line 2 opens a quote"),
        (b"PK\x03\x04workbook", "is a workbook: save it as CSV"),
        ("email\nä@b.org\n".encode("utf-16")[2:], "not text in UTF-8"),
        (b"email\n" + b"x" * 2**21, "larger than 2 MiB"),
    ],
)
def test_what_would_lose_people_is_refused_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(roster.RosterError) as error:
        roster.read(content)
    assert said in str(error.value)


@given(st.text().map(str.encode) | st.binary())
def test_whatever_a_roster_holds_nobody_is_lost_unsaid(content: bytes) -> None:
    try:
        read = roster.read(b"email\n@" + content)
    except roster.RosterError:
        return
    assert read.problems


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=6))
def test_a_name_comes_through_as_it_is_seen(names: list[str]) -> None:
    lines = [
        f'p{n}@example.org,"{name.replace(chr(34), chr(34) * 2)}"' for n, name in enumerate(names)
    ]
    try:
        read = roster.read("\n".join(["email,name", *lines]).encode())
    except roster.RosterError:
        return
    assert len(read.people) + len(read.problems) >= len(names)


def propose(house: House, content: str, actor: str | None = "instructor") -> Proposal:
    with house.database.write() as session:
        return enrolling.propose(
            session,
            session.get_one(Course, house.course().id),
            roster.read(content.encode()),
            actor=None if actor is None else session.get_one(User, house.user(actor).id),
        )


def test_everything_is_proposed_and_nobody_leaves_unasked(house: House, browser: Browser) -> None:
    instructor = browser("instructor")

    def send(text: str) -> str:
        return instructor.post(
            f"{PEOPLE}/import", data={"roster": (BytesIO(text.encode()), "roster.csv")}
        ).text

    def apply(page: str, *without: str, also: tuple[str, ...] = ()) -> str:
        fields = dict(re.findall(r'name="(roster|fingerprint)" value="([^"]*)"', page))
        checked = re.findall(r'name="change" value="([^"]*)" checked', page)
        chosen = [*(key for key in checked if key not in without), *also]
        answer = instructor.post(
            f"{PEOPLE}/import/apply", data={**fields, "change": chosen}, follow_redirects=True
        )
        return answer.text

    before = everybody(house)
    page = send(ROSTER)
    assert everybody(house) == before
    assert "Added: 2" in page
    assert "name: Student → Known" in page
    assert "Not in the file: 1" in page  # the classmate
    assert "2 added, 1 changed, 0 unchanged." in apply(page)
    assert "0 added, 0 changed, 3 unchanged." in apply(send(ROSTER))
    assert house.user("student").name == "Known"
    stale = send("email\nnew@example.org\n")
    with house.database.write() as session:
        session.get_one(User, house.user("student").id).name = "Other"
        accounts.create(session, "new@example.org", "New", at=house.clock(), actor=None)
    assert "The course has changed since you saw this" in apply(stale)
    left = apply(send(ROSTER), also=("leaves:classmate@example.org",))
    assert "1 left" in left
    assert "has left" in instructor.get(PEOPLE).text
    back = send(ROSTER + "Classmate,classmate@example.org,,\n")
    assert "Back in the course: 1" in back
    assert "1 back" in apply(back)


def everybody(house: House) -> list[tuple[object, ...]]:
    with house.database.read() as session:
        return [
            tuple(row)
            for table in (User, Enrolment, AuditEntry)
            for row in session.execute(select(table.__table__))
        ]


def test_an_identifier_proves_a_new_address(house: House) -> None:
    with house.database.write() as session:
        course = session.get_one(Course, house.course().id)
        listed = roster.read(b"email,canvas_id\nfirst@example.org,s1\n")
        enrolling.apply(session, course, listed, at=house.clock(), actor=None)
    (change,) = propose(house, "email,canvas_id\nsecond@example.org,s1\n").of(Kind.CHANGED)
    assert change.differences == (("e-mail", "first@example.org", "second@example.org"),)
    with house.database.write() as session:
        session.get_one(User, house.user("first").id).password = "set"
    proposal = propose(house, "email,canvas_id\nsecond@example.org,s1\n")
    assert proposal.of(Kind.ADDED) == []
    assert "only an administrator can change the address" in proposal.ambiguous[0]


def test_only_who_leads_all_their_courses_renames_somebody(house: House) -> None:
    with house.database.write() as session:
        other = session.scalars(select(Course).where(Course.slug == "other")).one()
        student = session.get_one(User, house.user("student").id)
        accounts.enrol(session, other, student, Role.STUDENT, at=house.clock(), actor=None)
    content = "email,name\nstudent@example.org,Another Name\n"
    proposal = propose(house, content)
    assert proposal.of(Kind.CHANGED) == []
    assert "only an administrator can change it" in proposal.ambiguous[0]
    assert len(propose(house, content, "admin").of(Kind.CHANGED)) == 1


def test_who_left_is_counted_nowhere_and_has_everything_again_on_coming_back(
    house: House, browser: Browser
) -> None:
    house.graded(score=20.0)
    student, instructor = house.user().id, browser("instructor")

    def counted() -> tuple[int, int, list[str]]:
        with house.database.read() as session:
            course = session.get_one(Course, house.course().id)
            (standing,) = glance.standings(session, course, [house.assignment()])
            book = exports.gradebook(session, course, house.clock())
            addresses = [line.enrolment.user.email for line in book.lines]
            return standing.students, standing.graded, addresses

    before = counted()
    assert before[:2] == (2, 1)
    assert instructor.post(f"{PEOPLE}/{student}/leave").status_code == 303
    assert counted() == (1, 0, ["classmate@example.org"])
    assert "student@example.org" not in instructor.get("/courses/dl/staff/gradebook").text
    assert browser("student").get("/courses/dl/").status_code == 404
    assert "has left the course" in instructor.get(f"/courses/dl/staff/students/{student}/").text
    instructor.post(f"{PEOPLE}/{student}/return")
    assert counted() == before
    assert browser("student").get("/courses/dl/").status_code == 200
    with house.database.read() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert list(actions[-2:]) == ["enrolment.left", "enrolment.returned"]
    me = house.user("instructor").id
    instructor.post(f"{PEOPLE}/{me}/leave")
    assert instructor.get(PEOPLE).status_code == 200


def test_accounts_are_disabled_and_addresses_changed(house: House, browser: Browser) -> None:
    admin, student = browser("admin"), browser("student")
    page = f"/admin/users/{house.user().id}"
    admin.post(f"{page}/disable")
    assert student.get("/account").status_code == 302  # logged out
    admin.post(f"{page}/enable")
    assert student.get("/account").status_code == 200
    taken = {"name": "Student", "email": "classmate@example.org"}
    answer = admin.post(f"{page}/account", data=taken)
    assert (answer.status_code, "There is a user classmate" in answer.text) == (422, True)
    admin.post(f"{page}/account", data={"name": "S. Tudent", "email": "New@Example.org"})
    assert house.user("new").name == "S. Tudent"
    own = f"/admin/users/{house.user('admin').id}"
    assert admin.post(f"{own}/disable").status_code == 422


def test_a_file_that_is_none_is_not_applied(browser: Browser) -> None:
    for content in ("###", base64.b64encode(b"name\nx\n").decode()):
        answer = browser("instructor").post(f"{PEOPLE}/import/apply", data={"roster": content})
        assert answer.status_code == 422
