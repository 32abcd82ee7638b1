"""Submissions that are alike: start a search, its pairs, and two side by side."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, abort, flash, jsonify, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer
from werkzeug.wrappers import Response as BaseResponse

from autograder.handin.submission import SubmissionError
from autograder.reading import reader
from server.grades import similarity
from server.storage.files import FileGone
from server.storage.models import (
    Assignment,
    Judgement,
    PairJudgement,
    Role,
    Search,
    SimilarPair,
    Submission,
    User,
)
from server.web import access, code
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.services import services

_BOTH = [
    joinedload(side).options(
        joinedload(Submission.user),
        joinedload(Submission.assignment).joinedload(Assignment.course),
    )
    for side in (SimilarPair.first, SimilarPair.second)
]


@pages.get("/assignments/<assignment>/similarity")
@in_course(Role.INSTRUCTOR)
def similar(seat: Seat, assignment: str) -> str:
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        search = similarity.latest(session, chosen)
        pairs = session.scalars(
            select(SimilarPair)
            .where(SimilarPair.search_id == (search.id if search else None))
            .options(*_BOTH)
            .order_by(SimilarPair.score.desc(), SimilarPair.id)
        ).all()
        judged = {
            (row.first_id, row.second_id): row
            for row in session.scalars(
                select(PairJudgement)
                .where(
                    PairJudgement.first_id.in_(
                        [min(pair.first_id, pair.second_id) for pair in pairs]
                    )
                )
                .options(joinedload(PairJudgement.judged_by))
            )
        }
    return render_template(
        "instructor/similarity.html",
        assignment=chosen,
        search=search,
        alive=search is not None and similarity.alive(search, services().clock()),
        pairs=[
            (pair, judged.get((min(both), max(both))))
            for pair in pairs
            for both in [(pair.first_id, pair.second_id)]
        ],
        may_see=_may_see(seat),
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
                earlier=request.form.get("earlier") == "y",
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


@dataclass(frozen=True)
class Side:
    submission: Submission
    share: float
    html: Markup | str
    lines: list[tuple[int, int]]  # of each range, from 1 on


@pages.get("/similarity/<int:pair_id>/")
@in_course(Role.INSTRUCTOR)
def similar_pair(seat: Seat, pair_id: int) -> str:
    with services().database.read() as session:
        pair = _pair(session, seat, pair_id)
        judged = similarity.judgement(session, pair)
    links = pair.links or []
    colours = {"first": {}, "second": {}}  # type: dict[str, dict[int, int]]
    for number, (one, other) in enumerate(links):
        colours["first"].setdefault(one, number)
        colours["second"].setdefault(other, number)
    may_see = _may_see(seat)
    sides = [
        Side(submission, share, *_marked(submission, ranges, place, colours[place]))
        if may_see(submission)
        else Side(submission, share, "You do not lead the course that this one is from.", [])
        for place, submission, share, ranges in (
            ("first", pair.first, pair.first_share, pair.first_ranges),
            ("second", pair.second, pair.second_share, pair.second_ranges),
        )
    ]
    matches = [
        (one, other, sides[0].lines[one], sides[1].lines[other], number % code.COLOURS)
        for number, (one, other) in enumerate(links)
        if one < len(sides[0].lines) and other < len(sides[1].lines)
    ]
    return render_template(
        "instructor/pair.html",
        pair=pair,
        assignment=pair.search.assignment,
        sides=sides,
        matches=matches,
        judged=judged,
        may_see=may_see,
        judgements=list(Judgement),
    )


@pages.post("/similarity/<int:pair_id>/")
@in_course(Role.INSTRUCTOR)
def judge_pair(seat: Seat, pair_id: int) -> BaseResponse:
    """Mark the two as seen, dismissed or confirmed, or take that back."""
    said = request.form.get("judgement", "")
    with services().database.write() as session:
        pair = _pair(session, seat, pair_id)
        if said not in [*Judgement, ""]:
            abort(422)
        similarity.judge(
            session,
            pair,
            Judgement(said) if said else None,
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    return redirect(url_for(".similar_pair", course=seat.course.slug, pair_id=pair_id), 303)


def _pair(session: Session, seat: Seat, pair_id: int) -> SimilarPair:
    pair = session.scalar(
        select(SimilarPair)
        .join(SimilarPair.search)
        .join(Search.assignment)
        .where(SimilarPair.id == pair_id, Assignment.course_id == seat.course.id)
        .options(
            *_BOTH,
            joinedload(SimilarPair.search).joinedload(Search.assignment),
            undefer(SimilarPair.first_ranges),
            undefer(SimilarPair.second_ranges),
            undefer(SimilarPair.links),
        )
    )
    return pair or abort(404)


def _may_see(seat: Seat) -> Callable[[Submission], bool]:
    """Whether a submission of a pair is of a course that whoever looks leads, too."""
    led = {one.course.id for one in access.seats(seat.user) if one.is_instructor}
    return lambda submission: submission.assignment.course_id in led


def _marked(
    submission: Submission, ranges: list[list[int]], place: str, colours: dict[int, int]
) -> tuple[Markup | str, list[tuple[int, int]]]:
    """Its code, and the lines of each range."""
    try:
        content = services().files.read(submission.public_id)
        text = reader().run("whole", (submission.filename, content))
    except FileGone:
        return "The stored file is missing: restore it from a backup.", []
    except SubmissionError as error:
        return str(error), []
    ends = [at for at, character in enumerate(text) if character == "\n"]
    lines = [
        (bisect_left(ends, begin) + 1, bisect_left(ends, max(begin, end - 1)) + 1)
        for begin, end in ranges
    ]
    return code.marked(text, ranges, place, colours), lines
