"""The courses, their assignments, and handing in."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from autograder.handin.submission import MAX_BYTES, SubmissionError
from server.courses import announcing, teaming
from server.grades import days_chosen, sittings
from server.grades.attempts import NotAllowed
from server.grades.breakdown import WHICH_COUNTS, breakdown
from server.grades.grades import kept_share, needed
from server.language import _, ngettext
from server.storage.database import forgiving
from server.storage.models import Assignment, Role, User
from server.web import access, upload
from server.web.access import Seat, in_course, signed_in, user
from server.web.auth.sessions import checks, hand_ins, joins, looks
from server.web.markdown import markdown
from server.web.services import services
from server.web.student import answers, badge, calendar, lesson, progress, queries
from server.web.student.blueprint import pages
from server.web.student.chart import Chart
from server.web.student.fastest import is_timed


@pages.get("/")
@signed_in
def home() -> str | Response:
    """The courses; straight to the only one, and there to where one works."""
    places = [(_start(seat), seat) for seat in access.seats(user())]
    if len(places) == 1:
        return redirect(places[0][0])
    with services().database.read() as session:
        new = announcing.new(session, user().id)
    return render_template("home.html", places=places, new=new)


def _start(seat: Seat) -> str:
    """The page that somebody begins with in a course."""
    page = "instructor.home" if seat.is_staff else ".course"
    return url_for(page, course=seat.course.slug)


@pages.get("/courses/<course>/")
@in_course(Role.STUDENT)
def course(seat: Seat) -> str:
    news, places = queries.news(seat), queries.places(seat)
    made = render_template(
        "student/course.html",
        news=news,
        places=places,
        calendar=calendar.address(),
        text=markdown(seat.course.text) if seat.course.text else None,
        result=queries.total(seat, places),
    )
    new = [one.row.id for one in news if one.is_new]
    if new and not seat.seen_by:
        # Once the page is made, so that it shows what is new.
        with forgiving("not marked as seen"), services().database.write() as session:
            announcing.see(session, seat.user.id, new, services().clock())
    return made


@pages.get("/courses/<course>/assignments/<assignment>/")
@in_course(Role.STUDENT)
def assignment(seat: Seat, assignment: str) -> str:
    return _assignment(seat, access.assignment(seat, assignment))


@pages.post("/courses/<course>/assignments/<assignment>/")
@hand_ins
@in_course(Role.STUDENT)
def hand_in(seat: Seat, assignment: str) -> Response | tuple[str, int]:
    """Accept files or pasted code. It is on the disk before the answer leaves."""
    chosen = access.assignment(seat, assignment)
    try:
        accepted, seen = upload.hand_in(seat, chosen, _sent(chosen))
    except (SubmissionError, NotAllowed) as error:
        return _assignment(seat, chosen, str(error)), 422
    if accepted.again:
        flash(_("This is, byte for byte, what you have handed in before. It uses no attempt."))
    elif not seen.complete:
        flash(" ".join(seen.sentences))
    where = url_for(".submission", course=seat.course.slug, public_id=accepted.public_id)
    return redirect(where, 303)


@pages.post("/courses/<course>/assignments/<assignment>/look")
@looks
@in_course(Role.STUDENT)
def look(seat: Seat, assignment: str) -> str | tuple[str, int]:
    """Say what is seen in files or pasted code, before anything counts. Nothing of it is kept."""
    chosen = access.assignment(seat, assignment)
    if not queries.place(seat, chosen).is_open:
        abort(403)
    try:
        return _assignment(seat, chosen, seen=upload.look(seat, chosen, _sent(chosen)))
    except SubmissionError as error:
        return _assignment(seat, chosen, str(error)), 422


@pages.post("/courses/<course>/assignments/<assignment>/check")
@checks
@in_course(Role.STUDENT)
def check(seat: Seat, assignment: str) -> Response | tuple[str, int]:
    """Have the public cases alone run on files or pasted code: nothing of it counts."""
    chosen = access.assignment(seat, assignment)
    if not queries.place(seat, chosen).is_open:
        abort(403)
    try:
        public_id = upload.check(seat, chosen, _sent(chosen))
    except SubmissionError as error:
        return _assignment(seat, chosen, str(error)), 422
    where = url_for(".checked", course=seat.course.slug, check=public_id)
    return redirect(where, 303)


@pages.post("/courses/<course>/assignments/<assignment>/start")
@in_course(Role.STUDENT)
def start(seat: Seat, assignment: str) -> Response | tuple[str, int]:
    """One's own time begins."""
    chosen = access.assignment(seat, assignment)
    try:
        with services().database.write() as session:
            sittings.start(
                session,
                session.get_one(Assignment, chosen.id),
                session.get_one(User, seat.user.id),
                at=services().clock(),
            )
    except NotAllowed as error:
        return _assignment(seat, chosen, str(error)), 422
    where = url_for(".assignment", course=seat.course.slug, assignment=chosen.slug)
    return redirect(where, 303)


@pages.post("/courses/<course>/assignments/<assignment>/team")
@joins
@in_course(Role.STUDENT)
def team(seat: Seat, assignment: str) -> Response | tuple[str, int]:
    """Make a team, join one by its code, or leave one's own."""
    chosen = access.assignment(seat, assignment)
    do = request.form.get("do", "")
    at = services().clock()
    try:
        with services().database.write() as session:
            row = session.get_one(Assignment, chosen.id)
            whose = session.get_one(User, seat.user.id)
            if do == "make":
                teaming.make(session, row, whose, at=at)
            elif do == "leave":
                teaming.leave(session, row, whose, at=at)
            else:
                teaming.join(session, row, whose, request.form.get("code", ""), at=at)
    except NotAllowed as error:
        return _assignment(seat, chosen, str(error)), 422
    where = url_for(".assignment", course=seat.course.slug, assignment=chosen.slug)
    return redirect(f"{where}#team", 303)


@pages.post("/courses/<course>/assignments/<assignment>/free-days")
@in_course(Role.STUDENT)
def choose_free_days(seat: Seat, assignment: str) -> Response | tuple[str, int]:
    """Say how many free days it uses at most."""
    chosen = access.assignment(seat, assignment)
    said = request.form.get("days", "").strip()
    try:
        if not said.isascii() or not said.isdecimal():
            raise NotAllowed(_("Say a number of days."))
        with services().database.write() as session:
            days_chosen.choose(
                session,
                session.get_one(Assignment, chosen.id),
                session.get_one(User, seat.user.id),
                int(said[:6]),
                at=services().clock(),
            )
    except NotAllowed as error:
        return _assignment(seat, chosen, str(error)), 422
    flash(
        ngettext(
            "%(assignment)s uses %(num)s free day at most.",
            "%(assignment)s uses %(num)s free days at most.",
            int(said[:6]),
            assignment=chosen.title,
        )
    )
    where = url_for(".assignment", course=seat.course.slug, assignment=chosen.slug)
    return redirect(where, 303)


@pages.post("/courses/<course>/assignments/<assignment>/parts/<part>/")
@hand_ins
@in_course(Role.STUDENT)
def answer(seat: Seat, assignment: str, part: str) -> Response | tuple[str, int]:
    """Keep an answer to a part that people mark."""
    chosen = access.assignment(seat, assignment)
    refused = answers.take(seat, chosen, part)
    if refused is not None:
        return _assignment(seat, chosen, refused=refused), 422
    flash(_("Your answer is kept."))
    where = url_for(".assignment", course=seat.course.slug, assignment=chosen.slug)
    return redirect(f"{where}#part-{part}", 303)


def _sent(chosen: Assignment) -> list[tuple[str, bytes]]:
    """
    Raises:
        SubmissionError: there are both files and pasted code.
    """
    if request.mimetype != "multipart/form-data":
        abort(415)
    files = [(f.filename, f.read()) for f in request.files.getlist("file") if f.filename]
    code = _pasted()
    if code.strip() and files:
        raise SubmissionError(_("Hand in either files or pasted code: clear one of the two."))
    pasted = [(f"{chosen.topic}.py", code.encode("utf-8", "replace"))] if code.strip() else []
    return files or pasted


def _pasted() -> str:
    """As it was before the browser sent it."""
    return request.form.get("code", "").replace("\r\n", "\n")


def _assignment(
    seat: Seat,
    chosen: Assignment,
    refusal: str = "",
    seen: upload.Seen | None = None,
    refused: answers.Refused | None = None,
) -> str:
    history = queries.history(chosen, seat.user.id)
    grade, adjustments = queries.standing(seat, chosen, seat.user.id)
    place = queries.place(seat, chosen)
    late_days = place.allowance.deadlines.late_days(services().clock())
    free_days = needed(chosen, late_days, place.free_days)
    marks = progress.marks(chosen, history) if place.shown.scores else {}
    shown = grade.submission_id if grade and grade.submission_id in marks else next(iter(marks), 0)
    limits = place.allowance.deadlines
    asked = answers.asked(seat, chosen, limits) if place.is_open else []
    return render_template(
        "student/assignment.html",
        place=place,
        asked=asked,
        asked_closed=answers.refusal(seat, chosen),
        refused=refused,
        late_days=late_days,
        free_days=free_days,
        kept=kept_share(chosen, late_days - free_days),
        history=history,
        team=queries.team(seat, chosen),
        chart=Chart(history if place.shown.scores else []),
        hidden=queries.hidden(seat, chosen),
        steps=breakdown(chosen, grade, adjustments) if grade else [],
        which_counts=WHICH_COUNTS[chosen.counts],
        text=markdown(chosen.text) if chosen.text and place.is_open else None,
        lesson=lesson.lesson(chosen) if place.is_open else None,
        shown=next((row for row in history if row.id == shown), None),
        marks=marks.get(shown or 0, {}),
        differences=progress.differences(chosen, history, marks),
        refusal=refusal,
        is_timed=place.shown.scores and is_timed(chosen),
        badge=badge.address(chosen),
        seen=seen,
        again=seen is not None and upload.known(seat, chosen, seen),
        code=_pasted() if request.method == "POST" and refused is None else "",
        max_mebibytes=MAX_BYTES // 2**20,
    )
