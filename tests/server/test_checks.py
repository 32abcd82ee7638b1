"""Public cases alone, run without handing in."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from server.grading import checking, due
from server.grading.queue import LeaseLost
from server.storage.models import Grade, SelfCheck, SelfCheckContent, State
from tests.server import engines
from tests.server.conftest import SOURCE, House

NORM = "/courses/dl/assignments/norm/"


@pytest.fixture
def student(app: Flask, house: House) -> FlaskClient:
    return house.log_in(app.test_client(), "student")


def kept(house: House) -> tuple[int, int]:
    """How many self-checks there are, and how many contents of theirs."""
    with house.database.read() as session:
        tables = (SelfCheck, SelfCheckContent)
        checks, contents = (session.scalar(select(func.count()).select_from(t)) for t in tables)
        return checks or 0, contents or 0


def send(client: FlaskClient, where: str) -> TestResponse:
    return client.post(where, data={"file": (io.BytesIO(SOURCE), "a.py")})


def test_a_student_has_public_cases_run_and_nothing_counts(
    app: Flask, house: House, student: FlaskClient
) -> None:
    with house.database.write() as session:
        session.merge(house.assignment()).attempts = 1
    house.graded(score=20.0)
    assert "What you have can still be checked." in student.get(NORM).text
    assert send(student, NORM).status_code == 422
    answer = send(student, f"{NORM}check")
    assert answer.status_code == 303
    page = answer.headers["Location"]
    assert "What is handed in always comes first." in student.get(page).text or (
        "no grader is running" in student.get(page).text
    )
    assert student.get(f"{page}status").get_json()["final"] is False
    house.grade_all()
    assert student.get(f"{page}status").get_json()["final"] is True
    text = student.get(page).text
    for words in (
        "1 of 2 things that the public cases look at is not right yet. More cases stay hidden.",
        "y is &lt;off&gt; (case &#39;one&#39;)",
        "A note on the file.",
        "printed",
    ):
        assert words in text
    assert [row.number for row in house.rows()] == [1]
    with house.database.read() as session:
        assert [grade.submissions for grade in session.scalars(select(Grade))] == [1]
    for other in ("classmate", "instructor"):
        assert house.log_in(app.test_client(), other).get(page).status_code == 404
    house.clock.advance(13 * 3600)
    assert student.get(page).status_code == 404
    checking.sweep(house.database, house.clock)
    assert kept(house) == (0, 0)


def test_a_file_without_functions_or_before_start_is_not_checked(
    house: House, student: FlaskClient
) -> None:
    empty = student.post(f"{NORM}check", data={"code": ""}, content_type="multipart/form-data")
    assert empty.status_code == 422
    with house.database.write() as session:
        session.merge(house.assignment()).window_minutes = 60
    assert send(student, f"{NORM}check").status_code == 403
    assert kept(house) == (0, 0)


def test_what_is_handed_in_always_comes_first(house: House) -> None:
    for turn in range(due.REGRADES_SHARE + 1):  # at every place of a regrade's share, too
        first = house.check()
        second = house.accept()
        claims = [house.queue.claim(), house.queue.claim()]
        assert [claim.public_id for claim in claims if claim] == [second, first], turn
        for claim in filter(None, claims):
            assert claim.rules.only_public == (claim.public_id == first)
            found = engines.CHECKED if claim.is_check else engines.report(claim.topic)
            house.queue.finish(claim, found)
    house.regrade()
    last = house.check()
    claim = house.queue.claim()
    assert claim is not None
    assert claim.public_id == last  # and before what staff have graded anew


def test_the_next_one_takes_the_place_of_the_last(house: House) -> None:
    house.check()
    before = house.queue.claim()
    assert before is not None
    again, other = house.check(), house.check(assignment="losses")
    with pytest.raises(LeaseLost):
        house.queue.finish(before, engines.CHECKED)
    assert kept(house) == (2, 2)
    claims = [house.queue.claim(), house.queue.claim()]
    assert [claim.public_id for claim in claims if claim] == [again, other]
    for claim in filter(None, claims):
        house.queue.finish(claim, engines.CHECKED)
    assert kept(house) == (2, 0)


def test_a_fault_of_ours_is_tried_again_and_then_said(house: House, student: FlaskClient) -> None:
    public_id = house.check()

    def broken(*_: object) -> dict[str, object]:
        raise OSError("disk full")

    house.grade_all(broken)
    assert kept(house) == (1, 0)
    page = student.get(f"/courses/dl/checks/{public_id}/").text
    assert "Not checked: our fault, not yours" in page
    with house.database.read() as session:
        assert session.scalars(select(SelfCheck.state)).all() == [State.FAILED]
