"""Free days: what being late costs nothing, over the assignments of a course."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server import courses
from server.courses import editing
from server.grades import exports, marking
from server.grades.breakdown import breakdown
from server.grades.grades import standing
from server.storage.models import (
    WHEN_PUBLISHED,
    Assignment,
    Counts,
    Course,
    Extension,
    FreeDays,
    Grade,
    Submission,
    User,
)
from tests.server import engines
from tests.server.conftest import House, course_spec
from tests.server.test_grades import assignments, audited, extensions, submissions

DAY = 86_400
NORM, LOSSES = ("/courses/dl/assignments/norm/", "/courses/dl/assignments/losses/")


@given(assignments(st.sampled_from(Counts)), extensions, submissions, st.integers(0, 5))
def test_as_few_are_used_as_give_as_many_points(
    assignment: Assignment, extension: Extension | None, rows: list[Submission], free: int
) -> None:
    result = standing(assignment, extension, rows, [], UTC, free=free)
    points = [standing(assignment, extension, rows, [], UTC, free=n).points for n in range(6)]
    if assignment.counts is Counts.BEST:
        assert points == sorted(points, key=lambda one: one or 0.0)
    assert 0 <= result.free_days <= min(free, result.late_days)
    grade = Grade(
        points=result.points,
        late_days=result.late_days,
        free_days=result.free_days,
        submission=result.submission,
    )
    assert sum(step.points for step in breakdown(assignment, grade, [])) == pytest.approx(
        result.points or 0.0
    )
    if result.submission is None:
        return
    alone = [result.submission]
    fewer = [standing(assignment, extension, alone, [], UTC, free=n) for n in range(free + 1)]
    assert fewer[result.free_days].points == result.points
    assert all(one.points != result.points for one in fewer[: result.free_days])


def with_free_days(
    house: House,
    days: int,
    used: FreeDays = FreeDays.AUTOMATICALLY,
    began: datetime | None = None,
) -> None:
    """Of "norm", due first, and of "losses", due a day later, each day late costs a tenth."""
    spec = course_spec(began or house.clock())
    norm, losses = spec.assignments
    day = timedelta(days=1)
    losses = replace(
        losses, due_at=norm.due_at + day, late_until=norm.late_until, late_penalty=10.0
    )
    with house.database.write() as session:
        wanted = replace(spec, assignments=(norm, losses), free_days=days, free_days_used=used)
        courses.sync(session, wanted, at=house.clock(), actor=None)


def graded(house: House, assignment: str, score: float) -> None:
    house.accept(assignment=assignment)
    house.grade_all(lambda rules, topic, *_: engines.report(topic, score=score))


def stored(house: House) -> list[tuple[float | None, int]]:
    """(points, free days used) for "norm" and for "losses"."""
    with house.database.read() as session:
        rows = session.scalars(
            select(Grade).where(Grade.user_id == house.user().id).order_by(Grade.assignment_id)
        )
        return [(row.points, row.free_days) for row in rows]


@pytest.fixture
def student(app: Flask, house: House) -> FlaskClient:
    return house.log_in(app.test_client(), "student")


def test_they_go_to_what_is_due_first_and_come_back(
    app: Flask, house: House, student: FlaskClient
) -> None:
    began = house.clock()
    with_free_days(house, 3)
    assert "<b>3</b> of 3 free days left" in student.get("/courses/dl/").text
    house.clock.advance(9.5 * DAY)  # norm is three days late, losses two
    graded(house, "losses", 20.0)
    assert stored(house) == [(10.0, 2)]
    page = student.get(NORM).text
    assert "3 days late and counts <b>100 %</b>" in page
    assert "It uses 3 of the 3 free days that it may use." in page
    assert "What is due later then has 2 free days less." in page
    graded(house, "norm", 10.0)
    assert stored(house) == [(5.0, 3), (8.0, 0)]
    assert audited(house, "grade.changed")[-1].detail["cause"] == "free days"
    graded(house, "norm", 9.0)  # a worse one takes nothing
    assert stored(house) == [(5.0, 3), (8.0, 0)]
    assert "<b>0</b> of 3 free days left" in student.get(LOSSES).text
    assert "3 days late, 3 free days used" in student.get(NORM).text
    staff = house.log_in(app.test_client(), "assistant")
    page = staff.get(f"/courses/dl/staff/students/{house.user().id}/").text
    assert "There are <b>0</b> of 3 free days left." in page
    assert "counts (best), with 3 free days." in page
    assert "3 d late, 3 free" in staff.get("/courses/dl/staff/gradebook").text
    with house.database.write() as session:
        assignment = session.get_one(Assignment, house.assignment().id)
        marking.grant(
            session, assignment, house.user().id, due_at=house.clock() - timedelta(days=0.9),
            late_until=None, extra_attempts=0, reason="ill", at=house.clock(),
            actor=session.get_one(User, house.user("instructor").id),
        )  # fmt: skip
    assert stored(house) == [(5.0, 1), (10.0, 2)]
    with house.database.read() as session:
        book = exports.gradebook(session, session.get_one(Course, house.course().id), house.clock())
    told = next(
        one
        for one in exports.grades_json(book)["students"]
        if one["email"] == "student@example.org"
    )
    assert told["free_days_left"] == 0
    assert told["grades"]["losses"]["free_days"] == 2
    assert "student@example.org,Student,,5,10,15,0" in exports.grades_csv(book)
    with_free_days(house, 2, began=began)  # what changes for the course changes in turn
    assert stored(house) == [(5.0, 1), (9.0, 1)]


def test_a_student_says_where(house: House, student: FlaskClient) -> None:
    with_free_days(house, 3, FreeDays.AS_CHOSEN)
    house.clock.advance(8.5 * DAY)
    graded(house, "norm", 20.0)
    assert stored(house) == [(8.0, 0)]
    assert "How many this assignment uses at most" in student.get(NORM).text
    assert student.post(f"{NORM}free-days", data={"days": "1"}).status_code == 303
    assert stored(house) == [(9.0, 1)]
    assert audited(house, "free_days.chosen")[-1].detail["after"] == 1
    user, topics = house.user("instructor").id, engines.ENGINE.topics
    would_be = editing.preview(
        house.database, house.course().id, lambda found: found["course"].pop("free_days"), topics,
        at=house.clock(), actor_id=user,
    )  # fmt: skip
    assert [(one.assignment, one.before, one.after) for one in would_be] == [
        ("norm", 9.0, 8.0),
        ("", 9.0, 8.0),
    ]
    for wrong in ("4", "-1", "many", ""):
        assert student.post(f"{NORM}free-days", data={"days": wrong}).status_code == 422
    house.clock.advance(7 * DAY)
    closed = student.post(f"{NORM}free-days", data={"days": "2"})
    assert "This assignment closed on" in closed.text
    assert stored(house) == [(9.0, 1)]


def test_while_scores_are_hidden_what_is_left_tells_nothing_of_them(
    house: House, student: FlaskClient
) -> None:
    with_free_days(house, 3)
    graded(house, "norm", 20.0)
    house.clock.advance(8.5 * DAY)
    said = []
    for score in (10.0, 20.0):  # the late one counts only if it is better
        with house.database.write() as session:
            session.merge(house.assignment()).scores_from = WHEN_PUBLISHED
        graded(house, "norm", score)
        page = student.get(NORM).text
        said.append("You have at least <b>1</b> of 3 free days left." in page)
        assert "This assignment uses" not in page
    assert said == [True, True]
    assert stored(house) == [(10.0, 0)]
