"""Regrades: behind everything else, apart from every score, until they are applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import undefer

from server.grades import marking
from server.grading import regrades
from server.grading.regrades import RegradeError, Which
from server.storage.models import (
    Assignment,
    AuditEntry,
    ExerciseScore,
    Grade,
    MisconceptionFound,
    Regrade,
    RegradeItem,
    RegradeState,
    State,
    Submission,
    User,
)
from tests.server import engines
from tests.server.conftest import House

REGRADES = "/courses/dl/staff/regrades"
Browser = Callable[[str], FlaskClient]


def graded(house: House, user: str, *scores: float) -> list[str]:
    found = []
    for score in scores:
        found.append(house.accept(user=user))
        house.grade_all(lambda secret, topic, *_, score=score: engines.report(topic, score))
    return found


def grade_anew(house: House, score: float) -> None:
    house.grade_all(lambda secret, topic, *_: engines.report(topic, score))


def everything(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """What a student's score is made of and shown by."""
    tables = (Submission, ExerciseScore, MisconceptionFound, Grade)
    with house.database.read() as session:
        return {
            table.__tablename__: [tuple(row) for row in session.execute(select(table.__table__))]
            for table in tables
        }


def items(house: House) -> list[RegradeItem]:
    with house.database.read() as session:
        query = select(RegradeItem).options(undefer(RegradeItem.replaced)).order_by(RegradeItem.id)
        return list(session.scalars(query))


def apply(house: House, regrade: int) -> int:
    with house.database.write() as session:
        return regrades.apply(
            session,
            session.get_one(Regrade, regrade),
            at=house.clock(),
            actor=session.get_one(User, house.user("instructor").id),
        )


def test_nothing_changes_until_it_is_applied_and_then_the_grade_does(house: House) -> None:
    (public_id,) = graded(house, "student", 15)
    with house.database.write() as session:
        marking.adjust(
            session,
            session.get_one(Assignment, house.assignment().id),
            house.user().id,
            1.0,
            "well explained",
            at=house.clock(),
            actor=session.get_one(User, house.user("instructor").id),
        )
    before = everything(house)
    regrade = house.regrade()
    assert everything(house) == before
    grade_anew(house, 18)
    assert everything(house) == before
    (item,) = items(house)
    assert (item.state, item.score_before, item.score, item.changed) == (State.GRADED, 15, 18, True)
    assert [e["name"] for e in item.exercises or [] if e["before"] != e["after"]] == ["group_norm"]

    assert apply(house, regrade) == 1

    row = house.row(public_id)
    assert (row.state, row.score) == (State.GRADED, 18)
    with house.database.read() as session:
        grade = session.get_one(Grade, (row.assignment_id, row.user_id))
        scores = session.scalars(select(ExerciseScore.score).order_by(ExerciseScore.position)).all()
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
        changed = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "grade.changed")
        ).all()[-1]
    assert (grade.points, grade.adjustment) == (10.0, 1.0)  # 9 of 10, and what was given by hand
    assert scores == [10, 8]
    (item,) = items(house)
    assert item.replaced is not None
    assert item.replaced["score"] == 15
    assert actions[-3:] == ["regrade.started", "grade.changed", "regrade.applied"]
    assert changed.detail["cause"] == f"regrade {regrade}"
    with pytest.raises(RegradeError, match="applied already"):
        apply(house, regrade)


@pytest.mark.parametrize(
    ("which", "wanted"),
    [(Which.ALL, [0, 1, 2, 3]), (Which.COUNTING, [1, 3]), (Which.LATEST, [2, 3])],
)
def test_which_submissions_are_graded_anew(house: House, which: Which, wanted: list[int]) -> None:
    rows = [*graded(house, "student", 12, 18, 15), *graded(house, "classmate", 11)]
    house.accept()  # waits, so there is nothing to grade anew
    house.regrade(which)
    assert [item.submission_id for item in items(house)] == [house.row(rows[i]).id for i in wanted]


def test_what_is_handed_in_meanwhile_is_graded_first(house: House) -> None:
    graded(house, "student", 15)
    house.regrade()
    late = house.accept(user="classmate")
    first, second = house.queue.claim(), house.queue.claim()
    assert first is not None
    assert second is not None
    assert (first.submission, first.regrade_item) == (house.row(late).id, None)
    assert second.regrade_item is not None


def test_it_can_be_discarded_at_any_time(house: House, browser: Callable[[str], Any]) -> None:
    graded(house, "student", 15)
    graded(house, "classmate", 15)
    before = everything(house)
    regrade = house.regrade()
    claim = house.queue.claim()
    assert claim is not None
    client = browser("instructor")
    with pytest.raises(RegradeError, match="still running"):
        apply(house, regrade)
    assert client.post(f"{REGRADES}/{regrade}/discard").status_code == 303
    grade_anew(house, 20)  # nothing waits any more
    assert house.queue.claim() is None
    assert everything(house) == before
    assert "It was discarded" in client.get(f"{REGRADES}/{regrade}/").text
    client.post(f"{REGRADES}/{regrade}/apply")
    assert everything(house) == before


def test_one_at_a_time_for_an_assignment(house: House) -> None:
    graded(house, "student", 15)
    with pytest.raises(RegradeError, match="None of the chosen"):
        house.regrade(assignment="losses")
    house.regrade()
    with pytest.raises(RegradeError, match="An earlier regrade"):
        house.regrade()


def test_what_fails_stays_as_it_is(house: House) -> None:
    (public_id,) = graded(house, "student", 15)
    graded(house, "classmate", 15)
    regrade = house.regrade()
    first = house.row(public_id).digest

    def broken(secret: bytes, topic: str, *_: Any) -> dict[str, Any]:
        raise RuntimeError("no sandbox")

    house.grade_all(broken)
    assert first
    assert {item.state for item in items(house)} == {State.FAILED}
    assert apply(house, regrade) == 0
    assert house.row(public_id).score == 15


def test_the_pages_from_the_start_to_the_end(house: House, browser: Browser) -> None:
    graded(house, "student", 15)
    graded(house, "classmate", 20)
    student = house.user()
    assistant, instructor = browser("assistant"), browser("instructor")
    form = {"assignment": "norm", "which": "all", "reason": "", "students": [str(student.id)]}
    assert assistant.post(REGRADES, data=form).status_code == 422
    page = assistant.post(REGRADES, data=form | {"reason": "a better <case>"}).location
    assert assistant.get(f"{page}status").json == {"done": 0, "total": 1, "final": False}
    running = assistant.get(page).text
    assert "a better &lt;case&gt;" in running
    assert "Apply" not in running
    assert assistant.post(REGRADES, data=form | {"reason": "again"}).status_code == 422
    grade_anew(house, 12)
    assert assistant.get(f"{page}status").json == {"done": 1, "total": 1, "final": True}
    shown = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", instructor.get(page).text))
    assert "Student, attempt 1 15 12 lower ▼ group_norm: 5 → 2" in shown
    assert "Apply the new results" in shown
    assert (
        "Applied: 1 score changed." in instructor.post(f"{page}apply", follow_redirects=True).text
    )
    assert "15 of 20" not in instructor.get("/courses/dl/assignments/norm/").text
    assert [item.state for item in items(house)] == [State.GRADED]
    with house.database.read() as session:
        assert session.scalars(select(Regrade)).one().state is RegradeState.APPLIED


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(score=st.integers(10, 20), again=st.integers(10, 20))
def test_applying_what_was_replaced_restores_the_score(
    house: House, score: int, again: int
) -> None:
    (public_id,) = graded(house, "student", float(score))
    for result in (again, score):
        regrade = house.regrade(Which.LATEST)
        grade_anew(house, float(result))
        assert apply(house, regrade) == (score != again)
    assert house.row(public_id).score == score
