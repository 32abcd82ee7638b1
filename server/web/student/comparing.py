"""Two attempts of a student side by side."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, render_template, request

from autograder.handin.submission import SubmissionError
from autograder.reading import reader
from autograder.reading.inside.code import MOST_COMPARED, Line
from server.grades.release import Shown, as_shown
from server.grades.scale import in_points
from server.storage.files import FileGone
from server.storage.models import Assignment, Role, Submission
from server.web import access
from server.web.access import Seat, in_course
from server.web.auth.sessions import limiter, whoever_asks
from server.web.reading import on_behalf_of
from server.web.services import services
from server.web.student import comparison, queries
from server.web.student.blueprint import pages


@pages.get("/courses/<course>/assignments/<assignment>/compare")
@limiter.limit("60 per minute", key_func=whoever_asks)
@in_course(Role.STUDENT)
def compare(seat: Seat, assignment: str) -> str:
    """What changed from one attempt to another: by default to the last, from the one before."""
    chosen = access.assignment(seat, assignment)
    before, after = (_chosen(seat, chosen, name) for name in ("before", "after"))
    students = {found.user_id for found in (before, after) if found is not None}
    if len(students) > 1:
        abort(404)
    shown = access.shown(seat, chosen)
    history = queries.history(chosen, students.pop() if students else seat.user.id)
    after = after or _newest(seat, history)
    before = before or (
        _newest(seat, [row for row in history if row.number < after.number]) if after else None
    )
    if before is None or after is None:
        return render_template(
            "student/compare.html", assignment=chosen, history=history, shown=shown
        )
    try:
        code, missing = _code_changes(seat, before, after), False
    except FileGone:  # the reports are there without it
        code, missing = None, True
    return render_template(
        "student/compare.html",
        assignment=chosen,
        history=history,
        before=before,
        after=after,
        code=code,
        missing=missing,
        max_lines=MOST_COMPARED,
        shown=shown,
        hidden=queries.hidden(seat, chosen),
        **_reports(before, after, shown),
    )


def _chosen(seat: Seat, assignment: Assignment, name: str) -> Submission | None:
    """The attempt at the assignment that the address names, if it names one."""
    public_id = request.args.get(name)
    if not public_id:
        return None
    found = access.submission(seat, public_id, report=True)
    return found if found.assignment_id == assignment.id else abort(404)


def _newest(seat: Seat, history: Sequence[Submission]) -> Submission | None:
    """The first, with its report."""
    return access.submission(seat, history[0].public_id, report=True) if history else None


def _reports(before: Submission, after: Submission, shown: Shown) -> dict[str, object]:
    if before.report is None or after.report is None or not shown.scores:
        return {"changes": None}
    worth = after.assignment.automatic_points
    earlier, later = as_shown(before.report, shown), as_shown(after.report, shown)
    was, now = in_points(earlier, worth), in_points(later, worth)
    old, new = comparison.hints(earlier), comparison.hints(later)
    return {
        "changes": comparison.changes(was, now),
        "gone": {place: hint for place, hint in old.items() if place not in new},
        "come": {place: hint for place, hint in new.items() if place not in old},
    }


def _code_changes(
    seat: Seat, before: Submission, after: Submission
) -> dict[str, tuple[Line, ...]] | None:
    """None where there is too much to compare, or no code to be read any more.

    Raises:
        FileGone: one of the two files is missing.
    """
    files = [(one.filename, services().files.read(one.public_id)) for one in (before, after)]
    try:
        with on_behalf_of(seat.user):
            found: dict[str, tuple[Line, ...]] | None = reader().run("changes", *files)
    except SubmissionError:
        return None
    return found
