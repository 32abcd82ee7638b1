"""The course on its page: made, changed, copied, by the rules of `course.toml`."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from server import courses
from server.courses import file, spec
from server.parts import answers, rubric
from server.storage.models import (
    Assignment,
    AuditEntry,
    Course,
    Enrolment,
    Extension,
    GradeGroup,
    Part,
    RubricItem,
    Submission,
)
from tests.server import engines
from tests.server.conftest import House
from tests.server.test_courses import contents

EDIT = "/courses/dl/staff/assignments/norm/edit"


@pytest.fixture
def instructor(app: Flask, house: House) -> FlaskClient:
    return house.log_in(app.test_client(), "instructor")


def typed(house: House, **changes: str) -> dict[str, str]:
    """What the form of the assignment "norm" holds, changed."""
    row, zone = house.assignment(), ZoneInfo("Europe/Berlin")

    def at(moment: datetime | None) -> str:
        return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}"

    return {
        "version": str(row.version),
        "title": row.title,
        "topic": row.topic,
        "points": f"{row.points:g}",
        "opens": at(row.opens_at),
        "due": at(row.due_at),
        "late_until": at(row.late_until),
        "late_penalty": f"{row.late_penalty:g}",
        "counts": "best",
        "source_policy": "warning",
        "device": "cpu",
        "scores": "at once",
        "hints": "at once",
        "comments": "at once",
        **changes,
    }


def test_a_course_is_made_filled_and_copied(
    app: Flask, house: House, instructor: FlaskClient
) -> None:
    made = {"title": "Vision", "slug": "vision", "timezone": "Europe/Berlin"}
    assert instructor.post("/new-course", data=made).status_code == 303
    again = instructor.post("/new-course", data=made)
    assert again.status_code == 422
    assert "There is a course &#39;vision&#39; already" in again.text
    there = "/courses/vision/staff"
    groups = {"group-0-title": "Home work", "group-0-weight": "60", "group-0-drop_lowest": "1",
              "group-1-title": "Exam", "group-1-weight": "40"}  # fmt: skip
    course = {"version": "1", "title": "Vision", "timezone": "Europe/Berlin", "text": "# Hello",
              "round_to": "0.5", "rounding": "up", **groups}  # fmt: skip
    assert instructor.post(f"{there}/course", data=course).status_code == 303
    first = typed(house, slug="layers", version="0", opens="2027-03-20T08:00",
                  due="2027-03-30T23:59", late_until="", group="home-work", hidden="yes",
                  scores="from a date", scores_date="2027-04-10T12:00")  # fmt: skip
    assert instructor.post(f"{there}/new-assignment", data=first).status_code == 303
    page = instructor.get(f"{there}/course").text
    assert "Normalization layers" in page
    assert "hidden" in page
    copied = {"title": "Vision again", "slug": "vision-2", "begins": "2027-10-20"}
    assert instructor.post(f"{there}/copy", data=copied).status_code == 303
    with house.database.read() as session:
        one, two = session.scalars(
            select(Course).where(Course.slug.like("vision%")).order_by(Course.slug)
        ).all()
        (old,), (new,) = (Assignment.of(session, found) for found in (one, two))
        berlin = ZoneInfo("Europe/Berlin")
        # The same times of day, though the clocks are changed in between.
        assert new.opens_at.astimezone(berlin).isoformat() == "2027-10-20T08:00:00+02:00"
        assert new.due_at.astimezone(berlin).isoformat() == "2027-10-30T23:59:00+02:00"
        assert old.opens_at.astimezone(berlin).isoformat() == "2027-03-20T08:00:00+01:00"
        assert (new.scores_from or NEVER).astimezone(berlin).hour == 12
        assert [g.title for g in GradeGroup.of(session, two)] == ["Home work", "Exam"]
        assert new.group_id == GradeGroup.of(session, two)[0].id
        assert (two.text, two.round_to, two.rounding) == ("# Hello", 0.5, "up")
        people = session.scalars(select(Enrolment).where(Enrolment.course_id == two.id)).all()
        assert [(row.user_id, row.role) for row in people] == [
            (house.user("instructor").id, "instructor")
        ]
        secrets = session.scalars(
            select(Course.secret).where(Course.id.in_([one.id, two.id]))
        ).all()
        assert len(set(secrets)) == 2
        said = session.scalars(select(AuditEntry.action)).all()
    assert {"course.synced", "course.copied"} <= set(said)


NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def test_the_file_of_a_course_changes_nothing(house: House, instructor: FlaskClient) -> None:
    changes = typed(
        house,
        text="A $\\mu$\n\n\"quoted\" \\ 'text'",
        window_minutes="90",
        attempts="1",
        scores="when published",
        bonus="yes",
    )
    with house.database.write() as session:
        part = Part(assignment_id=house.assignment().id, slug="why", position=0, title="Why",
                    kind="text", prompt="Because of\n$x$?", points=3.0)  # fmt: skip
        session.add(part)
        session.flush()
        for position, text in ((4, 'Says "why"'), (1, "Names\nit")):  # gaps, as removing leaves
            item = RubricItem(part_id=part.id, position=position, text=text, points=-0.5)
            session.add(item)
        session.get_one(Assignment, part.assignment_id).hand_points = 3.0
    assert instructor.post(EDIT, data=changes).status_code == 303
    answer = instructor.get("/courses/dl/staff/course.toml")
    assert "[[assignments.parts]]" in answer.text
    assert answer.text.count("[[assignments.parts.rubric]]") == 2
    assert "attachment; filename=dl.toml" in answer.headers["Content-Disposition"]
    before = contents(house)
    with house.database.write() as session:
        wanted = courses.read(answer.text, engines.ENGINE.topics)
        assert courses.sync(session, wanted, at=house.clock(), actor=None) == []
    assert contents(house) == before
    other = answer.text.replace("points = -0.5", "points = -1.0", 1)
    with house.database.write() as session:
        wanted = courses.read(other.replace('"Says \\"why\\""', '"Else"'), engines.ENGINE.topics)
        said = courses.sync(session, wanted, at=house.clock(), actor=None)
        assert said == ["assignment norm: rubric of part why changed"]
        (part,) = session.scalars(select(Part)).all()
        now = [(item.text, item.points) for item in rubric.items(session, part)]
    assert now == [("Names\nit", -1.0), ("Else", -0.5)]


PARTS = {
    "parts": "yes",
    "part-0-title": "Why, then?",
    "part-0-kind": "text",
    "part-0-points": "2",
    "part-0-prompt": "Because of $x$?",
    "part-0-place": "2",
    "part-1-title": "A plot",
    "part-1-kind": "image",
    "part-1-points": "1",
    "part-1-prompt": "Plot it.",
    "part-1-place": "1",
}


def kept_parts(house: House) -> list[tuple[str, str, float]]:
    with house.database.read() as session:
        found = Part.of(session, house.assignment())
        return [(part.slug, part.kind.value, part.points) for part in found]


def test_parts_that_people_mark_are_made_put_in_order_and_removed_on_the_page(
    house: House, instructor: FlaskClient
) -> None:
    for wrong, said in (
        ({"part-0-points": "two"}, "Part Why, then?: Points: &#39;two&#39; is no number."),
        ({"part-0-points": "20"}, "its parts are worth 21 points together"),
        ({"part-0-prompt": ""}, "part &#39;why-then&#39; lacks prompt"),
    ):
        page = instructor.post(EDIT, data=typed(house) | PARTS | wrong)
        assert page.status_code == 422
        assert said in page.text
        assert "Plot it." in page.text
    assert instructor.post(EDIT, data=typed(house) | PARTS).status_code == 303
    assert kept_parts(house) == [("a-plot", "image", 1.0), ("why-then", "text", 2.0)]
    assert house.assignment().hand_points == 3.0
    with house.database.write() as session:
        row = house.user("student").id
        (part, _) = Part.of(session, house.assignment())
        rubric.add(session, part, "Axes", 1.0, at=house.clock(), actor=None)
        picture = answers.Picture(b"pixels", "image/png", 1, 1)
        answers.write(session, part, row, picture=picture, at=house.clock())
    stale = typed(house) | PARTS
    mine = PARTS | {"part-0-slug": "why-then", "part-1-slug": "a-plot", "part-0-place": "0"}
    assert instructor.post(EDIT, data=typed(house) | mine).status_code == 303
    assert [slug for slug, *_ in kept_parts(house)] == ["why-then", "a-plot"]
    page = instructor.post(EDIT, data=typed(house) | mine | {"part-1-remove": "yes"})
    assert "The part &#39;a-plot&#39; of &#39;norm&#39; has answers, so it must stay." in page.text
    assert (
        instructor.post(EDIT, data=typed(house) | mine | {"part-0-remove": "yes"}).status_code
        == 303
    )
    assert [slug for slug, *_ in kept_parts(house)] == ["a-plot"]
    conflict = instructor.post(EDIT, data=stale)
    assert conflict.status_code == 409
    assert 'name="part-2-slug" value="a-plot"' in conflict.text  # it is not lost by saving again
    assert instructor.post(EDIT, data=typed(house)).status_code == 303  # a form without any
    assert [slug for slug, *_ in kept_parts(house)] == ["a-plot"]
    with house.database.read() as session:
        (part,) = Part.of(session, house.assignment())
        assert [item.text for item in rubric.items(session, part)] == ["Axes"]


def test_assignments_are_put_in_order(house: House, instructor: FlaskClient) -> None:
    page, order = instructor.get("/courses/dl/staff/course").text, "/courses/dl/staff/order"
    assert 'name="version" value="norm losses"' in page
    sent = {"version": "norm losses", "norm": "2", "losses": "1"}
    assert "is no whole number" in instructor.post(order, data={**sent, "norm": "x"}).text
    assert instructor.post(order, data=sent).status_code == 303
    with house.database.read() as session:
        rows = Assignment.of(session, house.course())
        assert [row.slug for row in rows] == ["losses", "norm"]
    assert instructor.post(order, data=sent).status_code == 409  # made from what is no more


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)


@settings(max_examples=50)
@given(
    texts,
    st.floats(0.01, 1e5),
    st.booleans(),
    st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 30)),
)
def test_what_is_written_is_what_is_read(
    text: str, points: float, flag: bool, moment: datetime
) -> None:
    table = {"text": text, "points": points, "hidden": flag, "opens": moment}
    found = tomllib.loads(file.dump({"course": table, "groups": [], "assignments": [table]}))
    assert found == {"course": table, "assignments": [table]}


def test_a_time_that_clocks_show_twice_is_kept(house: House) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for hour in (0, 1):  # 02:30 twice
        moment = datetime(2027, 10, 31, hour, 30, tzinfo=UTC)
        shown = file.wall(moment, berlin)
        assert shown is not None
        (key,) = [k for k in spec.ASSIGNMENT if k.name == "due"]
        assert spec._moment(berlin)(shown) == moment
        assert key.name == "due"


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    house: House, instructor: FlaskClient
) -> None:
    for changes, said in (
        ({"points": "many"}, "Points: &#39;many&#39; is no number."),
        ({"due": "2020-01-01T00:00"}, "due must be later than opens"),
        ({"scores": "from a date"}, "Scores and reports: from which date on?"),
    ):
        page = instructor.post(EDIT, data=typed(house, title="My own words", **changes))
        assert page.status_code == 422
        assert said in page.text
        assert "My own words" in page.text
    assert house.assignment().title == "Normalization layers"


def test_two_who_edit_at_once_lose_nothing(house: House, instructor: FlaskClient) -> None:
    mine = typed(house, title="Mine", points="12")
    theirs = typed(house, title="Theirs")
    assert instructor.post(EDIT, data=theirs).status_code == 303
    page = instructor.post(EDIT, data=mine)
    assert page.status_code == 409
    assert 'value="Mine"' in page.text
    assert "Saved by now: Theirs" in page.text
    assert house.assignment().title == "Theirs"
    version = str(house.assignment().version)
    assert f'name="version" value="{version}"' in page.text
    assert instructor.post(EDIT, data={**mine, "version": version}).status_code == 303
    row = house.assignment()
    assert (row.title, row.points) == ("Mine", 12.0)


def test_what_it_does_to_grades_is_shown_before_it_is_done(
    house: House, instructor: FlaskClient, client: FlaskClient
) -> None:
    house.graded(score=15.0)
    before = contents(house)
    sent = typed(house, points="20")
    with house.database.write() as session:  # nobody waits for it, nor it for who writes
        session.scalar(select(Course.id))
        page = instructor.post(EDIT, data=sent)
    assert page.status_code == 200
    assert "grades changed 1, totals changed 1" in page.text
    assert contents(house) == before
    (confirmed,) = page.text.split('name="confirmed" value="')[1:]
    sent["confirmed"] = confirmed.partition('"')[0]
    assert instructor.post(EDIT, data={**sent, "points": "30"}).status_code == 200  # another one
    assert instructor.post(EDIT, data=sent).status_code == 303
    assert "<b>15</b> / 20" in client.get("/courses/dl/").text
    # What changes no grade is saved at once.
    assert instructor.post(EDIT, data=typed(house, title="Else")).status_code == 303


def test_an_assignment_with_submissions_stays(house: House, instructor: FlaskClient) -> None:
    house.accept()
    page = instructor.post(EDIT.replace("edit", "remove"), data={"version": "0"})
    assert page.status_code == 422
    assert "has submissions" in page.text
    other = EDIT.replace("norm", "losses").replace("edit", "remove")
    assert instructor.post(other, data={"version": "0"}).status_code == 303
    with house.database.read() as session:
        assert len(Assignment.of(session, house.course())) == 1


def test_a_hidden_assignment_is_nowhere_for_students(
    app: Flask, house: House, instructor: FlaskClient, client: FlaskClient
) -> None:
    public_id = house.graded(score=15.0)
    sent = typed(house, hidden="yes")
    page = instructor.post(EDIT, data=sent)
    sent["confirmed"] = page.text.split('name="confirmed" value="')[1].partition('"')[0]
    assert instructor.post(EDIT, data=sent).status_code == 303
    assert "Normalization layers" not in client.get("/courses/dl/").text
    for address in ("/courses/dl/assignments/norm/", house.page(public_id)):
        assert client.get(address).status_code == 404
    assert instructor.get("/courses/dl/assignments/norm/").status_code == 200


def test_a_section_and_a_list_get_more_time_at_once(house: House, instructor: FlaskClient) -> None:
    section = f"/courses/dl/staff/people/{house.user().id}/section"
    assert instructor.post(section, data={"section": "Tuesday"}).status_code == 303
    sent: dict[str, Any] = {
        "assignment": "norm",
        "section": "Tuesday",
        "addresses": "Classmate@example.org, nobody@example.org",
        "extra_attempts": "1",
        "extension_reason": "the room was closed",
    }
    page = instructor.post("/courses/dl/staff/extensions", data=sent)
    assert page.status_code == 422
    assert "nobody@example.org" in page.text
    sent["addresses"] = "Classmate@example.org"
    assert instructor.post("/courses/dl/staff/extensions", data=sent).status_code == 303
    with house.database.read() as session:
        granted = session.scalars(select(Extension)).all()
        assert {row.user_id for row in granted} == {
            house.user(name).id for name in ("student", "classmate")
        }
    log = instructor.get("/courses/dl/staff/log").text
    assert "Is in section Tuesday now" in log
    assert "the room was closed" in log


def test_nobody_but_instructors_and_administrators_makes_a_course(app: Flask, house: House) -> None:
    made = {"title": "Mine", "slug": "mine", "timezone": "UTC"}
    for name, code in (("student", 403), ("assistant", 403), ("admin", 303)):
        browser = house.log_in(app.test_client(), name)
        assert browser.post("/new-course", data=made).status_code == code
    with house.database.read() as session:
        assert session.scalars(select(Submission)).all() == []
        assert house.clock() - house.course("mine").created_at < timedelta(days=1)
