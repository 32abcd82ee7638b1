"""What staff announce, from writing it to who has seen it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from server.mail import set_wanted
from server.mail.letters import compose
from server.mail.switches import SWITCHABLE, wanted
from server.storage.models import AuditEntry, Enrolment, Kind, Outgoing, Role, User
from tests.server.conftest import House
from tests.server.test_staff import STAFF, text

Browser = Callable[[str], FlaskClient]
PAGE, HERE = "/courses/dl/", f"{STAFF}/announcements"
SAID = {
    "title": "Room <b>",
    "text": "We meet in **B 12** <script>x</script> by $a < b$.",
    "send": "y",
}


@pytest.fixture
def sections(house: House) -> None:
    """The student is in section A, the classmate in B."""
    with house.database.write() as session:
        for name, section in (("student", "A"), ("classmate", "B")):
            key = (house.course().id, house.user(name).id)
            session.get_one(Enrolment, key).section = section


def letters(house: House) -> dict[str, str | None]:
    """What each mail that waits would say, by who gets it."""
    with house.database.write() as session:
        rows = session.scalars(select(Outgoing).where(Outgoing.kind == Kind.ANNOUNCEMENT)).all()
        found = {row: compose(session, row, house.clock()) for row in rows}
        return {r.user.name: letter and letter.quote for r, letter in found.items()}


def test_what_staff_announce_is_on_the_course_s_page_until_it_is_withdrawn(
    house: House, browser: Browser
) -> None:
    staff, student = browser("assistant"), browser("student")
    look = staff.post(HERE, data={**SAID, "send": "", "look": "y"}).text
    assert "<strong>B 12</strong>" in look
    assert "Nobody is told yet" in look
    assert "Announcements" not in student.get(PAGE).text
    assert staff.post(HERE, data=SAID).location == HERE
    page = student.get(PAGE).text
    assert "Room &lt;b&gt;" in page
    assert "<strong>B 12</strong>" in page
    assert "<script>x" not in page
    assert "katex" in page
    assert '<span class="new">new</span>' in page
    assert '<span class="new">' not in student.get(PAGE).text  # it is seen
    assert "1 of 2" in text(staff.get(HERE).text)
    staff.post(f"{HERE}/1/withdraw")
    assert "Room" not in student.get(PAGE).text
    assert "withdrawn" in staff.get(HERE).text
    assert staff.post(f"{HERE}/1", data={**SAID, "version": 1}).status_code == 409
    with house.database.read() as session:
        about = select(AuditEntry).where(AuditEntry.subject == "announcement:1")
        said = [(e.action, e.detail["title"]) for e in session.scalars(about)]
    assert said == [("announcement.made", SAID["title"]), ("announcement.withdrawn", SAID["title"])]


def test_looking_as_a_student_marks_nothing_as_seen(house: House, browser: Browser) -> None:
    house.announcement()
    staff = browser("assistant")
    staff.post(f"{STAFF}/students/{house.user('student').id}/see")
    assert '<span class="new">new</span>' in staff.get(PAGE).text
    assert '<span class="new">new</span>' in browser("student").get(PAGE).text


def test_a_section_hears_what_is_for_it(house: House, browser: Browser, sections: None) -> None:
    assert browser("assistant").post(HERE, data={**SAID, "section": "A"}).status_code == 303
    assert "B 12" in browser("student").get(PAGE).text
    assert "B 12" not in browser("classmate").get(PAGE).text
    assert "section A" in text(browser("instructor").get(PAGE).text)
    assert letters(house) == {"Student": SAID["text"]}
    wrong = {**SAID, "section": "nowhere"}  # whoever typed it themselves
    browser("assistant").post(HERE, data=wrong)
    assert "to everybody" in text(browser("assistant").get(f"{HERE}/2").text)


def test_a_change_is_told_again_where_staff_say_so(house: House, browser: Browser) -> None:
    number, staff, student = house.announcement(), browser("assistant"), browser("student")
    student.get(PAGE)
    changed = {**SAID, "title": "Another", "version": 1}
    assert staff.post(f"{HERE}/{number}", data=changed).status_code == 303
    page = student.get(PAGE).text
    assert "Another" in page
    assert '<span class="new">' not in page
    conflict = staff.post(f"{HERE}/{number}", data={**changed, "text": "kept"})
    assert conflict.status_code == 409
    assert "kept" in conflict.text
    mail = letters(house)
    assert set(mail) == {"Student", "Classmate", "Assistant"}  # and not who wrote it
    again = {**changed, "version": 2, "again": "y"}
    assert staff.post(f"{HERE}/{number}", data=again).status_code == 303
    assert '<span class="new">' in student.get(PAGE).text
    with house.database.read() as session:
        rows = session.scalars(select(Outgoing).order_by(Outgoing.id)).all()
        told = [compose(session, row, house.clock()) is not None for row in rows]
    assert told == [False] * 3 + [True] * 3  # the first is not sent any more


def test_it_can_be_switched_off(house: House) -> None:
    house.announcement()
    with house.database.write() as session:
        user = session.get_one(User, house.user("student").id)
        assert Kind.ANNOUNCEMENT in wanted(session, user)
        set_wanted(session, user, set(SWITCHABLE) - {Kind.ANNOUNCEMENT})
        assert Kind.ANNOUNCEMENT not in wanted(session, user)


def test_who_has_several_courses_sees_where_something_is_new(
    house: House, browser: Browser
) -> None:
    house.announcement("other")
    with house.database.write() as session:
        course, user = house.course("other").id, house.user("student").id
        row = Enrolment(course_id=course, user_id=user, role=Role.STUDENT, created_at=house.clock())
        session.add(row)
    student = browser("student")
    assert "1 new announcement" in text(student.get("/").text)
    student.get("/courses/other/")
    assert "new announcement" not in text(student.get("/").text)
