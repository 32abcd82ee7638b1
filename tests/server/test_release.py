"""What students may not see yet, they see nowhere: not on any page, in the API, a picture, a mail,
an export, or the course system."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server import courses, outbox
from server.courses import CourseError
from server.grades import marking, release, withheld
from server.grades.release import Part, Shown, shown
from server.lti.grades import Reporter
from server.mail.letters import compose
from server.people import privacy
from server.storage.models import (
    WHEN_PUBLISHED,
    Assignment,
    AuditEntry,
    Delivery,
    Kind,
    Outgoing,
    Scope,
    Submission,
    User,
)
from server.web.access import declared
from tests.server import engines
from tests.server.conftest import House, course_spec, new_source

# What must not be seen: of 20 in the report and of 10 in the assignment's points.
SIGNS = {
    Part.SCORES: ("8.89", "17.78", "7.78", "3.89", "A GIVEN REASON"),
    Part.HINTS: ("Groups are contiguous.", "interleaved-groups"),
    Part.COMMENTS: ("A WRITTEN COMMENT",),
}
DAY = timedelta(days=1)


def setting(house: House, **changes: Any) -> None:
    """As if course.toml said so of the first assignment."""
    spec = course_spec(house.clock())
    first, *rest = spec.assignments
    wanted = replace(spec, assignments=(replace(first, **changes), *rest))
    with house.database.write() as session:
        courses.sync(session, wanted, at=house.clock(), actor=None)


def hide(house: House, *parts: Part, until: datetime = WHEN_PUBLISHED) -> None:
    setting(house, **{f"{part}_from": until for part in parts})


def publish(house: House, *parts: Part) -> None:
    with house.database.write() as session:
        assignment = session.get_one(Assignment, house.assignment().id)
        actor = session.get_one(User, house.user("instructor").id)
        release.publish(session, assignment, parts, at=house.clock(), actor=actor)


@pytest.fixture
def graded(house: House) -> str:
    """Two attempts with reports, a comment, points by hand."""
    house.graded(score=12.0)
    public_id = house.graded(score=17.78)
    with house.database.write() as session:
        row = session.scalars(select(Submission).where(Submission.public_id == public_id)).one()
        by = session.get_one(User, house.user("instructor").id)
        at = house.clock()
        marking.comment(session, row, "A WRITTEN COMMENT", for_staff=False, at=at, actor=by)
        marking.adjust(session, row.assignment, row.user_id, 0.5, "A GIVEN REASON", at=at, actor=by)
    return public_id


def faces(app: Flask, house: House, public_id: str) -> Iterator[tuple[str, str]]:
    """(address, what is there) of every route that students can get, by a browser and by a
    token."""
    values = {
        "course": "dl",
        "assignment": "norm",
        "assignment_id": str(house.assignment().id),
        "public_id": public_id,
        "user_id": str(house.user().id),
    }
    headers = {"Authorization": f"Bearer {house.token('student', *Scope)}"}
    browser, program = house.log_in(app.test_client(), "student"), app.test_client()
    found = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.arguments & {"course", "assignment_id"}:
            continue
        if not rule.arguments <= set(values) or "/staff" in rule.rule:
            continue
        if rule.endpoint == "student.everything":  # a stand-in's file, the same for all
            continue
        with app.test_request_context():
            address = app.url_map.bind("localhost").build(
                rule.endpoint, {name: values[name] for name in rule.arguments}
            )
        by_token = rule.rule.startswith("/api/")
        client: FlaskClient = program if by_token else browser
        page = client.get(address, headers=headers if by_token else {})
        assert page.status_code < 500, address
        found += page.status_code == 200
        yield address, page.text
    assert found > 10
    place = program.get("/api/v1/courses/dl/assignments/norm", headers=headers).json
    assert place is not None
    yield "badge", program.get(place["badge"]).text


@pytest.mark.parametrize("part", Part)
def test_what_is_hidden_is_nowhere_and_the_rest_is_there(
    app: Flask, house: House, graded: str, part: Part
) -> None:
    hide(house, part)
    texts = dict(faces(app, house, graded))
    for sign in SIGNS[part]:
        assert [address for address, text in texts.items() if sign in text] == []
    for other in set(Part) - {part}:
        assert any(SIGNS[other][0] in text for text in texts.values()), other
    publish(house, part)
    assert any(SIGNS[part][0] in text for _, text in faces(app, house, graded))


def test_all_is_hidden_until_a_date_and_a_sentence_says_so(
    app: Flask, house: House, client: FlaskClient, graded: str
) -> None:
    until = house.clock() + 3 * DAY
    hide(house, *Part, until=until)
    every = [sign for signs in SIGNS.values() for sign in signs]
    for address, text in faces(app, house, graded):
        assert not [sign for sign in every if sign in text], address
    page = client.get(house.page(graded)).text
    assert "Hints, scores and comments are shown from" in page
    house.clock.advance(timedelta(days=3).total_seconds())
    texts = [text for _, text in faces(app, house, graded)]
    assert all(any(signs[0] in text for text in texts) for signs in SIGNS.values())


def test_staff_see_what_students_do_not(app: Flask, house: House, graded: str) -> None:
    hide(house, *Part)
    for name in ("assistant", "instructor"):
        page = house.log_in(app.test_client(), name).get(house.page(graded))
        assert "17.78" in page.text or "8.89" in page.text
    # To a token that may not manage, everybody is a student.
    headers = {"Authorization": f"Bearer {house.token('assistant', Scope.READ)}"}
    own = app.test_client().get("/api/v1/courses/dl/assignments/norm", headers=headers).json
    assert own is not None
    assert own["scores_shown"] is False


def test_what_a_person_is_given_of_themselves_holds_nothing_hidden(
    house: House, graded: str
) -> None:
    def archive() -> str:
        target = BytesIO()
        with house.database.read() as session:
            student = session.get_one(User, house.user().id)
            privacy.export(session, house.files, dict, student, target, house.clock())
        with zipfile.ZipFile(target) as found:
            return "\n".join(found.read(name).decode() for name in found.namelist())

    hide(house, *Part)
    every = [sign for signs in SIGNS.values() for sign in signs]
    assert not [sign for sign in every if sign in archive()]
    publish(house, *Part)
    assert all(sign in archive() for sign in ("17.78", "A GIVEN REASON", "A WRITTEN COMMENT"))
    assert SIGNS[Part.HINTS][0] in archive()


def test_the_mail_about_a_comment_waits(house: House, graded: str) -> None:
    hide(house, Part.COMMENTS)

    def send() -> list[str]:
        sent: list[str] = []

        def sender(row: Outgoing) -> None:
            with house.database.read() as session:
                letter = compose(session, session.get_one(Outgoing, row.id), house.clock())
            if letter is None:
                raise outbox.Gone
            sent.append(letter.quote)

        before = (withheld.Withheld(house.database, house.clock),)
        outbox.Sweep(house.database, {Kind.COMMENT: sender}, before=before, clock=house.clock)()
        return sent

    assert send() == []
    assert states(house, Kind.COMMENT) == [Delivery.HELD]
    assert send() == []
    publish(house, Part.COMMENTS)
    assert send() == ["A WRITTEN COMMENT"]
    assert states(house, Kind.COMMENT) == [Delivery.SENT]


def states(house: House, kind: Kind) -> list[Delivery]:
    with house.database.read() as session:
        return list(session.scalars(select(Outgoing.state).where(Outgoing.kind == kind)))


def test_the_course_system_gets_the_grade_when_students_do(house: House, graded: str) -> None:
    hide(house, Part.SCORES)
    with house.database.write() as session:
        outbox.put(
            session, Kind.GRADE, house.user().id, "1", at=house.clock(),
            assignment=house.assignment().id,
        )  # fmt: skip
    sweep = outbox.Sweep(
        house.database,
        {Kind.GRADE: Reporter(house.database, house.clock)},
        before=(withheld.Withheld(house.database, house.clock),),
        clock=house.clock,
    )
    sweep()
    assert states(house, Kind.GRADE) == [Delivery.HELD]
    publish(house, Part.SCORES)
    house.clock.advance(120)
    sweep()
    assert (
        states(house, Kind.GRADE) == []
    )  # there is no column: the sender was asked, and it says so


def test_publishing_and_taking_back_are_for_instructors_and_on_the_log(
    app: Flask, house: House, client: FlaskClient, graded: str
) -> None:
    hide(house, *Part)
    address = "/courses/dl/staff/assignments/norm/"
    instructor = house.log_in(app.test_client(), "instructor")
    assert "Hidden until you publish them." in instructor.get(address).text
    sent = {"part": ["scores", "hints"], "do": "publish"}
    assert instructor.post(address + "publish", data=sent).status_code == 303
    assert "8.89" in client.get("/courses/dl/assignments/norm/").text
    sent = {"part": ["scores"], "do": "withdraw"}
    assert instructor.post(address + "publish", data=sent).status_code == 303
    assert "8.89" not in client.get("/courses/dl/assignments/norm/").text
    assert instructor.post(address + "publish", data={"do": "publish"}).status_code == 422
    log = instructor.get("/courses/dl/staff/log").text
    assert "For norm students see from now on: hints, scores." in log
    # course.toml says when, the button says that: syncing the same file again takes nothing back.
    hide(house, *Part)
    with house.database.read() as session:
        assert session.scalars(select(Assignment.hints_published_at)).all().count(None) == 3


moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@given(st.none() | st.just(WHEN_PUBLISHED) | moments, st.none() | moments, moments, moments)
def test_what_is_shown_once_stays_shown(
    begins: datetime | None, published: datetime | None, one: datetime, other: datetime
) -> None:
    assignment = Assignment(scores_from=begins, scores_published_at=published)
    first, then = sorted((one, other))
    assert shown(assignment, first).scores <= shown(assignment, then).scores
    assert shown(assignment, first).hints
    if begins is None:
        assert shown(assignment, first) == Shown(True, True, True)
    said = release.sentences(assignment, first, UTC)
    assert len(said) == (not shown(assignment, first).scores)


RELEASE = """
[course]
slug = "r"
title = "R"
timezone = "Europe/Berlin"
[policy]
scores = "when published"
[[assignments]]
slug = "exam"
topic = "losses"
title = "Exam"
points = 10
opens = 2027-04-12 08:00:00
due = 2027-04-12 18:00:00
attempts = 1
window_minutes = 90
hints = 2027-05-01 12:00:00
comments = "at once"
"""


def test_the_file_says_when() -> None:
    (exam,) = courses.read(RELEASE, engines.ENGINE.topics).assignments
    assert exam.scores_from == WHEN_PUBLISHED
    assert exam.hints_from == datetime(2027, 5, 1, 10, tzinfo=UTC)
    assert exam.comments_from is None
    assert (exam.attempts, exam.window_minutes) == (1, 90)
    with pytest.raises(CourseError, match="scores = 'soon' is not allowed"):
        courses.read(RELEASE.replace('"when published"', '"soon"'), engines.ENGINE.topics)


# Exams.


def hand_in(client: FlaskClient) -> int:
    sent = {"file": (BytesIO(new_source()), "normalization.py")}
    page = client.post(
        "/courses/dl/assignments/norm/", data=sent, content_type="multipart/form-data"
    )
    return page.status_code


def test_an_exam_shows_what_is_asked_once_started_and_ends_by_ones_own_clock(
    app: Flask, house: House, client: FlaskClient
) -> None:
    setting(house, window_minutes=90, attempts=1)
    address = "/courses/dl/assignments/norm/"
    page = client.get(address).text
    assert "90 minutes" in page
    assert "raise NotImplementedError" not in page
    assert client.get(address + "everything.zip").status_code == 403
    assert hand_in(client) == 422
    look = {"file": (BytesIO(new_source()), "normalization.py")}
    assert client.post(address + "look", data=look).status_code == 403
    assert client.post(address + "start").status_code == 303
    page = client.get(address).text
    assert "You pressed Start" in page
    assert "raise NotImplementedError" in page
    assert client.get(address + "everything.zip").status_code == 200
    house.clock.advance(89 * 60)
    assert client.post(address + "start").status_code == 303  # it does not begin anew
    house.clock.advance(3 * 60)
    assert hand_in(client) == 422
    classmate = house.log_in(app.test_client(), "classmate")
    assert classmate.post(address + "start").status_code == 303
    assert hand_in(classmate) == 303
    assert hand_in(classmate) == 422  # the one attempt is used
    with house.database.read() as session:
        started = session.scalars(
            select(AuditEntry.subject).where(AuditEntry.action == "assignment.started")
        ).all()
    assert started == [f"user:{house.user(name).id}" for name in ("student", "classmate")]


def test_extra_minutes_and_the_end_bound_the_window(
    app: Flask, house: House, client: FlaskClient
) -> None:
    setting(house, window_minutes=60, late_until=None)
    address = "/courses/dl/assignments/norm/"
    with house.database.write() as session:
        marking.grant(
            session, session.get_one(Assignment, house.assignment().id), house.user().id,
            due_at=None, late_until=None, extra_attempts=0, extra_minutes=30, reason="granted",
            at=house.clock(), actor=session.get_one(User, house.user("instructor").id),
        )  # fmt: skip
    assert "<b>90 minutes</b>" in client.get(address).text
    assert client.post(address + "start").status_code == 303
    house.clock.advance(80 * 60)
    assert hand_in(client) == 303
    classmate = house.log_in(app.test_client(), "classmate")
    due = house.assignment().due_at
    house.clock.now = due - timedelta(minutes=10)
    assert classmate.post(address + "start").status_code == 303
    house.clock.now = due + timedelta(minutes=2)
    assert hand_in(classmate) == 422
    late = house.log_in(app.test_client(), "assistant")
    assert late.post(address + "start").status_code == 422  # it is over


def test_where_there_is_no_window_there_is_no_start(client: FlaskClient) -> None:
    page = client.post("/courses/dl/assignments/norm/start")
    assert page.status_code == 422
    assert "has no Start" in page.text


def test_every_route_walked_is_one_that_says_for_whom_it_is(app: Flask) -> None:
    """`faces` leaves out what is for staff by its address: no student gets in there."""
    for rule in app.url_map.iter_rules():
        if "/staff" in rule.rule:
            assert declared(app.view_functions[rule.endpoint]) in ("assistant", "instructor")
    assert json.dumps(sorted(SIGNS)) == '["comments", "hints", "scores"]'
