"""Public cases alone, run by a grader: no attempt, and nothing that counts."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, abort, jsonify, render_template
from sqlalchemy.orm import Session

from server.grading import checking, presence
from server.language import _, ngettext
from server.storage.models import Role, SelfCheck, State
from server.web.access import Seat, in_course
from server.web.services import services
from server.web.student.blueprint import pages


@pages.get("/courses/<course>/checks/<check>/")
@in_course(Role.STUDENT)
def checked(seat: Seat, check: str) -> str:
    found, sentence = find(seat, check)
    return render_template(
        "student/check.html",
        check=found,
        result=found.report,
        sentence=sentence,
        hours=checking.KEPT // timedelta(hours=1),
    )


@pages.get("/courses/<course>/checks/<check>/status")
@in_course(Role.STUDENT)
def check_status(seat: Seat, check: str) -> Response:
    found, sentence = find(seat, check)
    return jsonify(
        state=found.state,
        final=found.state.final,
        sentence=sentence,
        retrying=found.faults > 0,
        progress={"exercise": found.exercise, "done": found.done, "total": found.total},
    )


def find(seat: Seat, public_id: str) -> tuple[SelfCheck, str]:
    """One's own, with how far it is, in a sentence; 404 where there is none, or no longer."""
    here = services()
    with here.database.read() as session:
        found = checking.of(session, public_id, seat.user.id, here.clock())
        if found is None or found.assignment.course_id != seat.course.id:
            abort(404)
        return found, _sentence(session, found)


def _sentence(session: Session, found: SelfCheck) -> str:
    if found.state is State.GRADING:
        if not found.exercise:
            return _("Checking has begun.")
        return _("%(exercise)s is checked.", exercise=found.exercise)
    if found.state is not State.WAITING:
        return ""
    if not presence.able(session, services().clock(), found.assignment.device):
        return _("Nothing is being checked at the moment, because no grader is running.")
    ahead = checking.ahead(session, found)
    if not ahead:
        return _("Yours is next. What is handed in always comes first.")
    return ngettext(
        "%(num)s file comes before yours. What is handed in always comes first.",
        "%(num)s files come before yours. What is handed in always comes first.",
        ahead,
    )
