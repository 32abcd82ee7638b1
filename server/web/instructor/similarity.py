"""Submissions that are alike: start a search, its pairs, and two side by side."""

from __future__ import annotations

from flask import Response, abort, flash, jsonify, redirect, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer
from werkzeug.wrappers import Response as BaseResponse

from autograder.handin.submission import SubmissionError
from autograder.reading import reader
from server.grades import similarity
from server.storage.files import FileGone
from server.storage.models import Assignment, Role, Search, SimilarPair, Submission, User
from server.web import access, code
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.services import services


@pages.get("/assignments/<assignment>/similarity")
@in_course(Role.INSTRUCTOR)
def similar(seat: Seat, assignment: str) -> str:
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        search = similarity.latest(session, chosen)
        pairs = session.scalars(
            select(SimilarPair)
            .where(SimilarPair.search_id == (search.id if search else None))
            .options(
                joinedload(SimilarPair.first).joinedload(Submission.user),
                joinedload(SimilarPair.second).joinedload(Submission.user),
            )
            .order_by(SimilarPair.score.desc(), SimilarPair.id)
        ).all()
    return render_template(
        "instructor/similarity.html",
        assignment=chosen,
        search=search,
        alive=search is not None and similarity.alive(search, services().clock()),
        pairs=pairs,
    )


@pages.post("/assignments/<assignment>/similarity")
@in_course(Role.INSTRUCTOR)
def search_similar(seat: Seat, assignment: str) -> BaseResponse:
    chosen = access.assignment(seat, assignment)
    try:
        with services().database.write() as session:
            search = similarity.start(
                session,
                session.get_one(Assignment, chosen.id),
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
            )
        similarity.launch(services().background, search)
    except similarity.SimilarityError as error:
        flash(str(error))
    return redirect(url_for(".similar", course=seat.course.slug, assignment=chosen.slug), 303)


@pages.get("/assignments/<assignment>/similarity/status")
@in_course(Role.INSTRUCTOR)
def similar_status(seat: Seat, assignment: str) -> Response:
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        search = similarity.latest(session, chosen)
    if search is None:
        abort(404)
    final = not similarity.alive(search, services().clock())
    return jsonify(done=search.done, total=search.total, final=final)


@pages.get("/similarity/<int:pair_id>/")
@in_course(Role.INSTRUCTOR)
def similar_pair(seat: Seat, pair_id: int) -> str:
    with services().database.read() as session:
        pair = session.scalar(
            select(SimilarPair)
            .join(SimilarPair.search)
            .join(Search.assignment)
            .where(SimilarPair.id == pair_id, Assignment.course_id == seat.course.id)
            .options(
                joinedload(SimilarPair.search).joinedload(Search.assignment),
                joinedload(SimilarPair.first).joinedload(Submission.user),
                joinedload(SimilarPair.second).joinedload(Submission.user),
                undefer(SimilarPair.first_ranges),
                undefer(SimilarPair.second_ranges),
            )
        )
    if pair is None:
        abort(404)
    sides = [
        (submission, share, _marked(submission, ranges))
        for submission, share, ranges in (
            (pair.first, pair.first_share, pair.first_ranges),
            (pair.second, pair.second_share, pair.second_ranges),
        )
    ]
    return render_template(
        "instructor/pair.html", pair=pair, assignment=pair.search.assignment, sides=sides
    )


def _marked(submission: Submission, ranges: list[list[int]]) -> object:
    try:
        content = services().files.read(submission.public_id)
        text = reader().run("whole", (submission.filename, content))
    except FileGone:
        return "The stored file is missing: restore it from a backup."
    except SubmissionError as error:
        return str(error)
    return code.marked(text, ranges)
