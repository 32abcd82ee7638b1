"""Regrades: behind everything else, apart from every score, until they are applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import undefer

from server.engine import Rules
from server.grades import marking
from server.grading import regrades
from server.grading.outlook import Outlook, outlook
from server.grading.regrades import RegradeError, Which
from server.people import accounts
from server.storage.models import (
    Assignment,
    AuditEntry,
    Counts,
    Course,
    ExerciseScore,
    Grade,
    LostCheck,
    MisconceptionFound,
    Regrade,
    RegradeItem,
    RegradeState,
    Role,
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


def grade_anew(house: House, *scores: float, reference: str = engines.REFERENCE) -> None:
    """Grade what waits; the scores in the order of grading, the last one for all that follow."""
    left = list(scores)

    def grade(rules: Rules, topic: str, *_: object) -> dict[str, Any]:
        return engines.report(topic, left.pop(0) if len(left) > 1 else left[0], reference)

    house.grade_all(grade)


def everything(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """What a student's score is made of and shown by."""
    tables = (Submission, ExerciseScore, LostCheck, MisconceptionFound, Grade)
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
    [(Which.ALL, [0, 1, 2, 3]), (Which.COULD_COUNT, [0, 1, 2, 3]), (Which.LATEST, [2, 3])],
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
    assert "Student 7.5 6 of 10 lower ▼" in shown
    assert "75 % → 60 % ( group_norm 5 of 10 → 2 of 10)" in shown
    assert "Apply the new results" in shown
    assert (
        "Applied: 1 grade changed." in instructor.post(f"{page}apply", follow_redirects=True).text
    )
    assert "15 of 20" not in instructor.get("/courses/dl/assignments/norm/").text
    assert [item.state for item in items(house)] == [State.GRADED]
    with house.database.read() as session:
        assert session.scalars(select(Regrade)).one().state is RegradeState.APPLIED


def grade_of(house: House, user: str = "student") -> float | None:
    with house.database.read() as session:
        return session.get_one(Grade, (house.assignment().id, house.user(user).id)).points


def look(house: House, regrade: int) -> Outlook:
    with house.database.read() as session:
        return outlook(session, session.get_one(Regrade, regrade))


def test_the_default_ends_with_the_grade_that_grading_everything_would_give(
    house: House, browser: Browser
) -> None:
    graded(house, "student", 12, 20)  # the first is right, the second follows the error
    client = browser("instructor")
    form = client.get(REGRADES).text
    assert re.search(r'<option selected value="could-count">|<option value="could-count">', form)
    page = client.post(
        REGRADES, data={"assignment": "norm", "which": "could-count", "reason": "corrected"}
    ).location
    grade_anew(house, 20, 12, reference="1" * 64)
    shown = client.get(page).text
    assert "attempt 1 counts, not 2" in shown
    assert "Applied: 0 grades changed." in client.post(f"{page}apply", follow_redirects=True).text
    assert grade_of(house) == 10


def test_it_says_for_whom_it_leaves_out_what_could_count(house: House, browser: Browser) -> None:
    graded(house, "student", 12, 20)
    graded(house, "classmate", 14)
    regrade = house.regrade(Which.LATEST)
    grade_anew(house, 12, 14, reference="1" * 64)
    (left_out,) = look(house, regrade).left_out
    assert (left_out.user.name, [one.number for one in left_out.left_out]) == ("Student", [1])
    shown = browser("instructor").get(f"{REGRADES}/{regrade}/").text
    assert "Not all that could count is in this regrade" in shown


def test_it_compares_shares_and_says_what_full_marks_are(house: House, browser: Browser) -> None:
    graded(house, "student", 20)
    regrade = house.regrade()

    def grade(rules: Rules, topic: str, *_: object) -> dict[str, Any]:
        report = engines.report(topic, 19)
        report["exercises"][1]["max_score"] = 9.0
        return report | {"max_score": 19.0}

    house.grade_all(grade)
    view = look(house, regrade)
    assert (view.higher, view.lower, view.maxima) == (0, 0, [("group_norm", 10.0, 9.0)])
    page = browser("instructor").get(f"{REGRADES}/{regrade}/").text
    shown = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))
    assert "Full marks have changed: group_norm gave 10, gives 9." in shown
    assert "Student 10 10 of 10" in shown
    assert apply(house, regrade) == 0
    assert look(house, regrade).maxima == [("group_norm", 10.0, 9.0)]  # also afterwards


def test_what_an_older_version_graded_is_said_and_graded_anew_with_one_button(
    house: House, browser: Browser
) -> None:
    (old,) = graded(house, "student", 12)
    with house.database.write() as session:
        session.execute(update(Submission).values(reference="1" * 64))
    graded(house, "classmate", 20)
    client = browser("instructor")
    page = client.get("/courses/dl/staff/").text
    assert "1 submission was graded by an older version of the exercises" in page
    assert "11111111" in client.get(f"/courses/dl/staff/submissions/{old}/").text
    fields = {"assignment": "norm", "which": "older", "reason": "The exercises have changed"}
    assert all(f'value="{value}"' in page for value in fields.values())
    regrade = client.post(REGRADES, data=fields).location
    assert [item.submission_id for item in items(house)] == [house.row(old).id]
    grade_anew(house, 15)
    client.post(f"{regrade}apply")
    assert house.row(old).reference == engines.REFERENCE
    assert "older version" not in client.get("/courses/dl/staff/").text


def test_results_of_two_versions_are_not_applied_together(house: House) -> None:
    graded(house, "student", 12)
    graded(house, "classmate", 12)
    regrade = house.regrade()
    for reference in "12":
        claim = house.queue.claim()
        assert claim is not None
        house.queue.finish(claim, engines.report(claim.topic, 20, reference * 64))
    assert len(look(house, regrade).references) == 2
    with pytest.raises(RegradeError, match="graded by different versions"):
        apply(house, regrade)
    assert grade_of(house) == 6


def test_a_superseded_file_is_graded_by_a_regrade_of_every_file(house: House) -> None:
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment().id).counts = Counts.LAST
    first = house.accept()
    graded(house, "student", 12)
    assert house.row(first).state is State.SUPERSEDED
    regrade = house.regrade()
    grade_anew(house, 20, 12)
    assert look(house, regrade).prospects[0].before.points == 6
    assert apply(house, regrade) == 0  # the last one counts
    assert (house.row(first).state, house.row(first).score) == (State.GRADED, 20)


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
        apply(house, regrade)
        assert house.row(public_id).score == result
    assert house.row(public_id).score == score


def test_a_regrade_ends_when_who_started_it_may_do_so_no_more(house: House) -> None:
    graded(house, "student", 12.0)
    graded(house, "classmate", 12.0)
    started = house.regrade()
    with house.database.write() as session:
        course = session.get_one(Course, house.course().id)
        instructor = session.get_one(User, house.user("instructor").id)
        accounts.enrol(session, course, instructor, Role.STUDENT, at=house.clock(), actor=None)
    grade_anew(house, 20.0)
    with house.database.read() as session:
        regrade = session.get_one(Regrade, started)
        assert (regrade.state, regrade.ended_by_id) == (RegradeState.DISCARDED, None)
        assert session.scalars(select(RegradeItem)).all() == []
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert last is not None
        assert (last.action, last.actor_id) == ("regrade.discarded", None)
        assert {row.score for row in session.scalars(select(Submission))} == {12.0}


@pytest.mark.parametrize("how", ["leave", "disabled", "assistant"])
def test_a_regrade_goes_on_while_who_started_it_may_start_it(house: House, how: str) -> None:
    graded(house, "student", 12.0)
    started = house.regrade()
    with house.database.write() as session:
        course = session.get_one(Course, house.course().id)
        instructor = session.get_one(User, house.user("instructor").id)
        at = house.clock()
        if how == "leave":
            accounts.leave(session, course, instructor, at=at, actor=None)
        elif how == "disabled":
            accounts.set_disabled(session, instructor, True, at=at, actor=None)
        else:
            accounts.enrol(session, course, instructor, Role.ASSISTANT, at=at, actor=None)
    grade_anew(house, 20.0)
    with house.database.read() as session:
        ended = session.get_one(Regrade, started).state is RegradeState.DISCARDED
        assert ended == (how != "assistant")
