"""A student's question on a check, from asking to what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from server.grades import questions
from server.mail.letters import compose
from server.people import privacy
from server.storage.models import (
    Adjustment,
    Grade,
    Kind,
    Outgoing,
    Question,
    QuestionState,
    Regrade,
    User,
)
from tests.server.conftest import House, new_source
from tests.server.test_desk import SOURCE, handed_in
from tests.server.test_staff import STAFF, entries, text

Browser = Callable[[str], FlaskClient]
CHECK = {"exercise": "group_norm", "check": "values: y"}


def asked(house: House, browser: Browser, content: bytes = SOURCE) -> tuple[str, int]:
    """A submission of the student's, and the number of a question about it."""
    public_id = handed_in(house, content=content)
    sent = {**CHECK, "text": "the paper says so"}
    answer = browser("student").post(f"{house.page(public_id)}questions", data=sent)
    assert answer.status_code == 303
    return public_id, int(answer.location.rpartition("-")[2])


def question(house: House, number: int) -> Question:
    with house.database.read() as session:
        return session.get_one(Question, number)


def test_a_check_that_lost_marks_can_be_asked_about_and_no_other(
    house: House, browser: Browser
) -> None:
    public_id = handed_in(house)
    student, address = browser("student"), f"{house.page(public_id)}questions"
    page = student.get(house.page(public_id)).text
    assert page.count("I think this is right, because …") == 1
    for who in ("assistant", "instructor"):  # as the student sees it: they are not the student
        assert "I think this is right" not in browser(who).get(house.page(public_id)).text
        assert browser(who).post(address, data={**CHECK, "text": "x"}).status_code == 403
    for wrong, why in (
        ({"exercise": "batch_norm"}, "has lost no marks"),
        ({"check": "values: <b>"}, "has lost no marks"),
        ({"text": " "}, "Say why"),
        ({"text": "x" * (questions.LONGEST + 1)}, "2000 characters at most"),
    ):
        refused = student.post(address, data={**CHECK, "text": "kept <i>", **wrong})
        assert refused.status_code == 422
        assert why in refused.text
        assert "<b>" not in refused.text.split("</h1>")[0]
    kept = student.post(address, data={**CHECK, "text": "x" * 2001}).text
    assert "x" * 2001 in kept
    assert student.post(address, data={**CHECK, "text": "so <b>"}).status_code == 303
    page = student.get(house.page(public_id)).text
    assert "because so &lt;b&gt;" in page
    assert "I think this is right, because …" not in page
    assert "about this check already" in student.post(address, data={**CHECK, "text": "a"}).text


def test_few_are_open_at_a_time(house: House, browser: Browser) -> None:
    for _ in range(questions.MOST_OPEN):
        asked(house, browser, new_source())
    public_id = handed_in(house)
    refused = browser("student").post(
        f"{house.page(public_id)}questions", data={**CHECK, "text": "one more"}
    )
    assert "wait for an answer" in refused.text


@pytest.mark.parametrize("state", ["answered", "accepted", "declined"])
def test_staff_answer_on_the_desk_and_the_student_is_told(
    house: House, browser: Browser, state: str
) -> None:
    public_id, number = asked(house, browser)
    staff, student = browser("assistant"), browser("student")
    assert "1 open question" in text(staff.get(f"{STAFF}/").text)
    listed = staff.get(f"{STAFF}/questions").text
    assert "the paper says so" in listed
    desk = f"{STAFF}/submissions/{public_id}/?which=asked"
    assert f"{desk}#question-{number}" in unescape(listed)
    assert "because the paper says so" in staff.get(desk).text
    answer = {"state": state, "answer": "Look at eq. 2 <b>"}
    told = staff.post(f"{STAFF}/questions/{number}?which=asked", data=answer)
    assert told.location == f"{desk}#question-{number}"
    assert "open question" not in text(staff.get(f"{STAFF}/").text)
    assert state in text(staff.get(f"{STAFF}/questions?state={state}").text)
    assert "1 new for you" in text(student.get("/courses/dl/").text)
    page = student.get(house.page(public_id)).text
    assert "Look at eq. 2 &lt;b&gt;" in page
    assert '<b class="new">new</b>' in page
    assert "new for you" not in student.get("/courses/dl/").text
    with house.database.write() as session:
        row = session.scalars(select(Outgoing).where(Outgoing.kind == Kind.ANSWER)).one()
        letter = compose(session, row, house.clock())
    assert letter is not None
    assert letter.quote == "Look at eq. 2 <b>"
    assert letter.path.endswith(f"{public_id}/#question-{number}")
    log = text(browser("instructor").get(f"{STAFF}/log").text)
    assert "Asked about values: y of group_norm, attempt 1 for norm." in log
    assert f"attempt 1 for norm was {state}." in log
    assert len(entries(house, "question.answered")) == 1


def test_what_is_accepted_gets_points(house: House, browser: Browser) -> None:
    _, number = asked(house, browser)
    address = f"{STAFF}/questions/{number}"
    sent = {"state": "accepted", "answer": "You are right.", "points": "1.5"}
    assert browser("assistant").post(address, data=sent).status_code == 403
    client = browser("instructor")
    for wrong in ({"points": "nan"}, {"points": "-1"}, {"points": "x"}, {"state": "declined"}):
        refused = client.post(address, data=sent | wrong)
        assert refused.status_code == 422
        assert "You are right." in refused.text
    assert question(house, number).state is QuestionState.OPEN
    assert client.post(address, data=sent).status_code == 303
    with house.database.read() as session:
        adjustment = session.scalars(select(Adjustment)).one()
        assert session.scalars(select(Grade.points)).one() == 9.0
    assert adjustment.reason == "Question on values: y of group_norm"
    assert question(house, number).state is QuestionState.ACCEPTED


def test_what_is_accepted_is_graded_anew(house: House, browser: Browser) -> None:
    _, number = asked(house, browser)
    address, staff = f"{STAFF}/questions/{number}", browser("assistant")
    sent = {"state": "accepted", "regrade": "y"}
    assert staff.post(address, data=sent | {"state": "answered"}).status_code == 422
    assert staff.post(address, data=sent).status_code == 303
    with house.database.read() as session:
        regrade = session.scalars(select(Regrade)).one()
    assert regrade.reason == "Question on values: y of group_norm"
    again = staff.post(address, data=sent)  # one is open: nothing of it is done
    assert again.status_code == 422
    assert "An earlier regrade" in again.text
    assert len(entries(house, "question.answered")) == 1


def test_an_answer_without_words_says_nothing(house: House, browser: Browser) -> None:
    _, number = asked(house, browser)
    address, staff = f"{STAFF}/questions/{number}", browser("assistant")
    for wrong in ({"state": "answered"}, {"state": "declined", "answer": " "}, {"answer": "a"}):
        assert staff.post(address, data=wrong).status_code == 422
    assert staff.post(address, data={"state": "open", "answer": "a"}).status_code == 422
    assert question(house, number).state is QuestionState.OPEN


def test_a_question_stays_when_its_check_is_gone(house: House, browser: Browser) -> None:
    public_id, number = asked(house, browser)
    with house.database.write() as session:
        row = session.get_one(Question, number)
        row.check_name = "a check of another version"
    for page in (
        browser("student").get(house.page(public_id)).text,
        browser("assistant").get(f"{STAFF}/submissions/{public_id}/").text,
    ):
        assert "Questions on an earlier report" in page
        assert "because the paper says so" in page


def test_questions_go_with_the_student(house: House, browser: Browser) -> None:
    asked(house, browser)
    with house.database.write() as session:
        user = session.get_one(User, house.user().id)
        privacy.erase(session, user, at=house.clock(), actor=None)
        assert session.scalar(select(func.count()).select_from(Question)) == 0
