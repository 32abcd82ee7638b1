"""The course as a student sees it, for staff: the same pages, and nothing is changed by looking."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import inspect, select

from server.grades import marking
from server.storage.models import Base, Comment, Enrolment, Role, Submission, User
from tests.server.conftest import House, post_file, sentence

Browser = Callable[[str], FlaskClient]
STUDENTS = "/courses/dl/staff/students"
ONES_OWN = re.compile(r"/(calendar|badges)/[^\"<]*")  # addresses of whoever looks
TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


@pytest.fixture
def graded(house: House) -> str:
    """A graded submission of the student's, with a comment that is not read."""
    public_id = house.graded()
    with house.database.write() as session:
        submission = session.get_one(Submission, house.row(public_id).id)
        actor = session.get_one(User, house.user("assistant").id)
        marking.comment(
            session, submission, "Well done", for_staff=False, at=house.clock(), actor=actor
        )
    return public_id


def see(client: FlaskClient, house: House, name: str = "student") -> Any:
    return client.post(f"{STUDENTS}/{house.user(name).id}/see")


def main(page: str) -> str:
    """What the page is about, without what is its visitor's."""
    found = re.search(r"<main.*</main>", page, re.S)
    assert found
    return TOKEN.sub("", ONES_OWN.sub("", found[0]))


def tables(house: House) -> dict[str, list[Any]]:
    with house.database.read() as session:
        names = set(inspect(session.connection()).get_table_names())
        return {
            table.name: sorted(map(repr, session.execute(select(table))))
            for table in Base.metadata.sorted_tables
            if table.name in names and table.name not in {"hits", "logins"}
        }


@pytest.mark.parametrize("who", ["assistant", "instructor", "admin"])
def test_pages_are_those_of_the_student(
    house: House, browser: Browser, graded: str, who: str
) -> None:
    staff, student = browser(who), browser("student")
    assert see(staff, house).status_code == 303
    before = tables(house)
    for page in ("/courses/dl/", "/courses/dl/assignments/norm/", house.page(graded)):
        seen = staff.get(page)
        assert f"You see the course as {house.user('student').name} does." in seen.text
        assert tables(house) == before  # read by the student's own visit alone
        assert main(seen.text) == main(student.get(page).text)
        before = tables(house)
    staff.post("/courses/dl/staff/unsee")
    assert "You see the course as" not in staff.get("/courses/dl/").text


def test_what_is_not_read_stays_so(house: House, browser: Browser, graded: str) -> None:
    staff = browser("instructor")
    see(staff, house)
    staff.get(house.page(graded))
    with house.database.read() as session:
        assert session.scalars(select(Comment)).one().read_at is None


def test_nothing_can_be_changed_meanwhile(house: House, browser: Browser) -> None:
    staff = browser("instructor")
    see(staff, house)
    before = tables(house)
    refused = post_file(staff)
    assert refused.status_code == 409
    assert "end that first" in sentence(refused)
    assert tables(house) == before


def test_a_classmates_work_is_as_hidden_as_it_is_from_the_student(
    house: House, browser: Browser
) -> None:
    others = house.accept(user="classmate")
    staff = browser("instructor")
    assert staff.get(house.page(others)).status_code == 200
    see(staff, house)
    assert staff.get(house.page(others)).status_code == 404


def test_staffs_own_pages_and_other_courses_are_as_before(house: House, browser: Browser) -> None:
    staff = browser("admin")
    see(staff, house)
    assert staff.get("/courses/dl/staff/").status_code == 200
    assert "You see the course as" not in staff.get("/courses/other/").text


@pytest.mark.parametrize("name", ["assistant", "instructor"])
def test_only_students_are_seen_as(house: House, browser: Browser, name: str) -> None:
    assert see(browser("instructor"), house, name).status_code == 409


def test_who_is_not_in_the_course_is_not_found(house: House, browser: Browser) -> None:
    assert see(browser("instructor"), house, "outsider").status_code == 404
    assert see(browser("outsider"), house).status_code == 404
    assert see(browser("student"), house, "classmate").status_code == 403


def test_it_ends_with_the_role(house: House, browser: Browser, graded: str) -> None:
    """Who is staff no more sees what is their own."""
    staff = browser("assistant")
    see(staff, house)
    with house.database.write() as session:
        query = select(Enrolment).where(Enrolment.user_id == house.user("assistant").id)
        session.scalars(query).one().role = Role.STUDENT
    assert staff.get(house.page(graded)).status_code == 404
    assert "You see the course as" not in staff.get("/courses/dl/").text
