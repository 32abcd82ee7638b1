"""The last report's score as a small picture, for the page of a repository."""

from __future__ import annotations

from flask import Response, current_app, render_template, url_for
from sqlalchemy import select

from server.grades import release, teams
from server.grades.scale import score_in_points
from server.language import _
from server.people.links import Links
from server.storage.models import Assignment, Enrolment, State, Submission
from server.web import access
from server.web.access import public
from server.web.auth.sessions import limiter
from server.web.problems import Problem
from server.web.services import services
from server.web.student.blueprint import pages

_WHAT = "badge"
_A_LETTER, _AROUND = 6.6, 12  # pixels: of most fonts, at 11 pixels


def address(assignment: Assignment) -> str:
    """Where the badge of whoever is here is to be had."""
    token = _links().token(access.user(), _WHAT, str(assignment.id))
    return url_for("student.badge", assignment_id=assignment.id, token=token, _external=True)


@pages.get("/badges/<int:assignment_id>/<token>.svg")
@limiter.limit("120 per minute")
@public
def badge(assignment_id: int, token: str) -> Response:
    """The assignment and the points of the last report: nothing says whose they are."""
    with services().database.read() as session:
        whose = _links().open(session, token, _WHAT, str(assignment_id))
        found = session.get(Assignment, assignment_id)
        if whose is None or found is None or found.hidden:
            raise Problem(410, _("This address does not hold any more."))
        place = session.get(Enrolment, (found.course_id, whose.id))
        if place is not None and not place.here:
            raise Problem(410, _("This address does not hold any more."))
        last = session.scalar(
            select(Submission)
            .where(
                Submission.assignment_id == found.id,
                teams.theirs(whose.id),
                Submission.state == State.GRADED,
            )
            .order_by(Submission.number.desc())
            .limit(1)
        )
    said, share = "no report yet", None
    if last is not None and not release.shown(found, services().clock()).scores:
        said = "not shown yet"
    elif last is not None:
        score = score_in_points(last.score, last.max_score, found.automatic_points)["score"] or 0.0
        said, share = (
            f"{round(score, 2):g} of {found.automatic_points:g}",
            score / (found.automatic_points or 1.0),
        )
    widths = [round(len(text) * _A_LETTER + _AROUND) for text in (found.title, said)]
    picture = render_template(
        "student/badge.svg", title=found.title, said=said, share=share, widths=widths
    )
    return Response(picture, mimetype="image/svg+xml")


def _links() -> Links:
    return Links(current_app.config["SECRET_KEY"])
