"""Handing in, and what becomes of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, url_for
from flask_smorest.pagination import PaginationParameters
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from autograder.handin.submission import SubmissionError
from server.grades import teams
from server.grades.attempts import NotAllowed
from server.grades.release import as_shown
from server.grades.scale import in_points, score_in_points
from server.grading import presence
from server.storage.models import Assignment, Grade, Role, Scope, State, Submission
from server.web import access, upload
from server.web.access import Seat, in_course
from server.web.api import schemas
from server.web.api.blueprint import by_token, page_of, pages
from server.web.auth.sessions import hand_ins
from server.web.problems import Problem
from server.web.services import services
from server.web.student import queries


@pages.post("/courses/<course>/assignments/<assignment>/submissions")
@hand_ins
@by_token(Scope.SUBMIT, 404, 409, 413, 422)
@in_course(Role.STUDENT)
@pages.arguments(schemas.HandIn, location="files")
@pages.alt_response(200, schema=schemas.SubmissionStatus, description="It was there already")
@pages.response(201, schemas.SubmissionStatus, headers={"Location": {"schema": {"type": "string"}}})
def hand_in(seat: Seat, sent: dict[str, Any], assignment: str) -> tuple[Any, int, dict[str, str]]:
    """Hand in a file, or several

    They are on the server's disk before the answer leaves. 200: what was sent is, byte for byte,
    what was handed in before, and that is the answer. 409: the assignment's deadlines or limits
    forbid it, and nothing was accepted.
    """
    chosen = access.assignment(seat, assignment)
    try:
        files = [(file.filename or "", file.read()) for file in sent["file"]]
        accepted, seen = upload.hand_in(seat, chosen, files)
    except SubmissionError as error:
        raise Problem(422, str(error)) from None
    except NotAllowed as error:
        raise Problem(409, str(error)) from None
    where = url_for(".submission", course=seat.course.slug, public_id=accepted.public_id)
    if (new := accepted.submission) is None:
        new = access.submission(seat, accepted.public_id)
    else:
        set_committed_value(new, "user", seat.user)
    found = _status(seat, new)
    found["look"] = seen.sentences
    return found, 200 if accepted.again else 201, {"Location": where}


@pages.post("/courses/<course>/assignments/<assignment>/look")
@hand_ins
@by_token(Scope.SUBMIT, 404, 413, 422)
@in_course(Role.STUDENT)
@pages.arguments(schemas.HandIn, location="files")
@pages.response(200, schemas.Look)
def look(seat: Seat, sent: dict[str, Any], assignment: str) -> dict[str, Any]:
    """Look at a file, or several, before handing in

    Says which functions are found where. Nothing is run, handed in or used up.
    """
    chosen = access.assignment(seat, assignment)
    if not queries.place(seat, chosen).is_open:
        raise Problem(403, "Your time begins when you press Start on the page of the assignment.")
    try:
        seen = upload.look(
            seat, chosen, [(file.filename or "", file.read()) for file in sent["file"]]
        )
    except SubmissionError as error:
        raise Problem(422, str(error)) from None
    found = seen.look.found
    return {
        "functions": [
            {"name": name, **asdict(found[name])} for name in seen.asked if name in found
        ],
        "missing": [n for n in seen.asked if n not in found],
        "problems": seen.look.problems,
        "sentences": seen.sentences,
        "refusal": seen.refusal or None,
        "again": upload.known(seat, chosen, seen),
    }


@pages.get("/courses/<course>/submissions")
@by_token(Scope.READ, 404, 422)
@in_course(Role.STUDENT)
@pages.arguments(schemas.SubmissionQuery, location="query")
@pages.response(200, schemas.Submission(many=True))
@pages.paginate()
def submissions(
    seat: Seat, wanted: dict[str, Any], pagination_parameters: PaginationParameters
) -> list[dict[str, Any]]:
    """Submissions, the newest first: the user's own, or for staff anybody's"""
    query = (
        select(Submission, (func.coalesce(Grade.submission_id, 0) == Submission.id).label("counts"))
        .join(Submission.assignment)
        .outerjoin(
            Grade,
            (Grade.assignment_id == Submission.assignment_id)
            & (Grade.user_id == Submission.user_id),
        )
        .where(Assignment.course_id == seat.course.id)
        .order_by(Submission.id.desc())
        .options(joinedload(Submission.assignment), joinedload(Submission.user))
    )
    if not wanted["everyone"]:
        student = wanted.get("user_id", seat.user.id)
        if student != seat.user.id:
            access.student(seat, student)
        query = query.where(teams.theirs(student))
    elif not seat.is_staff:
        raise Problem(403, "Everyone's submissions are for staff, with a token that may manage.")
    if not seat.is_staff:
        query = query.where(~Assignment.hidden)
    if "assignment" in wanted:
        query = query.where(Assignment.slug == wanted["assignment"])
    if "state" in wanted:
        query = query.where(Submission.state == wanted["state"])
    with services().database.read() as session:
        rows = page_of(session, query, pagination_parameters)
    return [_scored(seat, row.Submission, row.counts) for row in rows]


@pages.get("/courses/<course>/submissions/<public_id>")
@by_token(Scope.READ, 404)
@in_course(Role.STUDENT)
@pages.response(200, schemas.SubmissionStatus)
def submission(seat: Seat, public_id: str) -> dict[str, Any]:
    """A submission and how far it is: ask again until it is final"""
    return _status(seat, access.submission(seat, public_id))


@pages.get("/courses/<course>/submissions/<public_id>/report")
@by_token(Scope.READ, 404, 422)
@in_course(Role.STUDENT)
@pages.arguments(schemas.ReportQuery, location="query")
@pages.response(200, schemas.REPORT)
def report(seat: Seat, wanted: dict[str, Any], public_id: str) -> Response:
    """A submission's report in the assignment's points: the student's view, or for staff the
    instructor's"""
    found = access.submission(seat, public_id, report=True)
    if found.report is None:
        raise Problem(404, f"This submission has no report: it is {found.state.value}.")
    shown = access.shown(seat, found.assignment)
    if not shown.scores:
        raise Problem(403, " ".join(queries.hidden(seat, found.assignment)))
    view = wanted.get("view", "instructor" if seat.is_staff else "student")
    if view == "instructor" and not seat.is_staff:
        raise Problem(403, "The instructor's view is for staff, with a token that may manage.")
    report = services().engine.views[view](as_shown(found.report, shown))
    return jsonify(in_points(report, found.assignment.automatic_points))


def _scored(seat: Seat, found: Submission, counts: bool) -> dict[str, Any]:
    shown = access.shown(seat, found.assignment).scores
    score = found.score if shown else None
    scale = score_in_points(score, found.max_score, found.assignment.automatic_points)
    return {"submission": found, "counts": shown and counts, "scores_shown": shown, **scale}


def _counts(found: Submission) -> bool:
    """Whether it is the grade of who handed it in."""
    if found.state is not State.GRADED:
        return False
    query = select(Grade.submission_id).where(
        Grade.assignment_id == found.assignment_id, Grade.user_id == found.user_id
    )
    with services().database.ask() as session:
        return session.scalar(query) == found.id


def _status(seat: Seat, found: Submission) -> dict[str, Any]:
    with services().database.ask() as session:
        graders = presence.able(session, services().clock(), found.assignment.device)
    return {
        **_scored(seat, found, _counts(found)),
        "position": services().queue.position(found),
        "graders": graders,
        "retrying": found.faults > 0,
        "progress": {"exercise": found.exercise, "done": found.done, "total": found.total},
    }
