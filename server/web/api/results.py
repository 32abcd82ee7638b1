"""Results that were found elsewhere: whose they are, and putting them into the course."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from server.grades import exports
from server.grades.exports.matching import Identity, match
from server.grades.scale import score_in_points
from server.grading import posting
from server.storage.models import Course, Grade, Role, Scope, Submission, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.api import schemas
from server.web.api.blueprint import by_token, pages
from server.web.problems import Problem
from server.web.services import services


@pages.post("/courses/<course>/people/match")
@by_token(Scope.MANAGE, 400, 404, 413, 422)
@in_course(Role.ASSISTANT)
@pages.arguments(schemas.People)
@pages.response(200, schemas.Matched(many=True))
def match_people(seat: Seat, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Which students of the course are these people of another system's?

    Changes nothing. Whoever fits several students, or whose particulars contradict one another, is
    nobody, and it says why.
    """
    people = sent["people"]
    with services().database.read() as session:
        book = exports.gradebook(
            session, session.get_one(Course, seat.course.id), services().clock()
        )
    identities = {
        number: Identity(
            str(number),
            tuple(filter(None, [one["identifier"]])),
            tuple(filter(None, [one["email"], one["login"]])),
            one["name"],
        )
        for number, one in enumerate(people)
    }
    found = match(identities, book.lines)
    problems = {
        **dict.fromkeys(found.by_name_only, "Found by the name alone."),
        **dict.fromkeys(found.ambiguous, "Fits several students, or another's line as well."),
        **dict.fromkeys(found.unmatched, "No student of the course has this name or address."),
    }
    return [
        {
            "key": one["key"],
            "user": found.lines[number].enrolment.user if number in found.lines else None,
            "problem": problems.get(str(number)),
        }
        for number, one in enumerate(people)
    ]


@pages.post("/courses/<course>/assignments/<assignment>/results/<int:user_id>")
@by_token(Scope.MANAGE, 404, 413, 422)
@in_course(Role.INSTRUCTOR)
@pages.arguments(schemas.ResultQuery, location="query")
@pages.arguments(schemas.ResultFiles, location="files")
@pages.alt_response(200, schema=schemas.Posted, description="It was there already")
@pages.response(201, schemas.Posted)
def post_result(
    seat: Seat, wanted: dict[str, Any], sent: dict[str, Any], assignment: str, user_id: int
) -> tuple[dict[str, Any], int]:
    """Put a student's file into the course, with the report that it got elsewhere

    It is as if this server had graded it: it counts by the course's rules, and can be graded anew.
    The same file again changes nothing. The audit log notes who posted it.
    """
    chosen = access.assignment(seat, assignment)
    place = access.student(seat, user_id)
    if place.role is not Role.STUDENT or not place.here:
        raise Problem(422, "Whose result this is, is no student of the course now.")
    here = services()
    now = here.clock()
    # Without a time it is in time, however late it is posted.
    received_at = min(wanted.get("received_at") or min(now, chosen.due_at), now)
    try:
        report = posting.report_of(sent["report"].read(), chosen.topic, here.engine.check)
        with here.database.write() as session:
            posted = posting.post(
                session,
                chosen.id,
                place.user_id,
                sent["file"].filename or "",
                sent["file"].read(),
                report,
                received_at=received_at,
                at=now,
                actor=session.get_one(User, seat.user.id),
            )
    except posting.PostingError as error:
        raise Problem(422, str(error)) from None
    with here.database.read() as session:
        row = session.scalars(
            select(Submission)
            .where(Submission.id == posted.submission.id)
            .options(joinedload(Submission.assignment), joinedload(Submission.user))
        ).one()
        grade = session.get(Grade, (chosen.id, place.user_id))
    said = {
        "submission": row,
        **score_in_points(row.score, row.max_score, row.assignment.automatic_points),
        "scores_shown": True,
        "counts": grade is not None and grade.submission_id == row.id,
    }
    answer = {"submission": said, "again": posted.again, "differs": posted.differs}
    return answer, 200 if posted.again else 201
