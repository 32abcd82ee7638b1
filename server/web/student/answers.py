"""Parts that people mark, as their student sees them: what is asked, the answer, its marks."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, abort, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import undefer

from autograder.handin.submission import SubmissionError
from autograder.reading import reader
from server.grades.attempts import NotAllowed
from server.grades.deadlines import Deadlines
from server.language import _
from server.parts import answers, marks
from server.parts.answers import Picture
from server.parts.marks import Given
from server.storage.models import Answer, AnswerImage, Assignment, Part, PartKind, Role
from server.web import access
from server.web.access import Seat, in_course
from server.web.markdown import markdown
from server.web.reading import on_behalf_of
from server.web.services import services
from server.web.student.blueprint import pages

MOST_IMAGE = 16 * 2**20  # bytes, of a file that is sent


@dataclass(frozen=True)
class Asked:
    """A part with its answer, and what it was given where that is shown."""

    part: Part
    prompt: Markup
    answer: Answer | None
    answer_text: Markup | None
    late_days: int
    points: float | None
    given: tuple[Given, ...]
    comments: bool  # whether what markers wrote is shown

    @property
    def is_text(self) -> bool:
        return self.part.kind is PartKind.TEXT


@dataclass(frozen=True)
class Refused:
    """An answer that was not taken, and why."""

    part: str
    text: str
    sentence: str


def asked(seat: Seat, assignment: Assignment, limits: Deadlines) -> list[Asked]:
    """An assignment's parts, as this student has answered them."""
    shown, user_id = access.shown(seat, assignment), seat.user.id
    if not assignment.hand_points:
        return []
    with services().database.read() as session:
        parts = Part.of(session, assignment)
        rows = session.scalars(
            select(Answer)
            .where(Answer.assignment_id == assignment.id, Answer.user_id == user_id)
            .order_by(Answer.number)
            .options(undefer(Answer.text))
        ).all()
        # What is shown is what counts; before anything does, the last one.
        mine = {row.part_id: row for row in rows} | {row.part_id: row for row in rows if row.counts}
        complete = {}
        if shown.scores:
            complete = marks.complete(session, assignment, mine.values())
    found = []
    for part in parts:
        answer = mine.get(part.id)
        points, given = complete.get(answer.id, (None, ())) if answer else (None, ())
        found.append(
            Asked(
                part,
                markdown(part.prompt, below=3),
                answer,
                markdown(answer.text, below=3) if answer and answer.text else None,
                limits.late_days(answer.received_at) if answer else 0,
                points,
                given,
                shown.comments,
            )
        )
    return found


def refusal(seat: Seat, assignment: Assignment) -> str | None:
    """Why nothing can be answered from this seat now; None: it can."""
    if seat.is_staff or not assignment.hand_points:
        return None
    with services().database.read() as session:
        return answers.refusal(session, assignment, seat.user.id, services().clock())


def take(seat: Seat, assignment: Assignment, slug: str) -> Refused | None:
    """Keep what was sent as the answer to a part; what is refused comes back."""
    with services().database.read() as session:
        part = session.scalar(
            select(Part).where(Part.assignment_id == assignment.id, Part.slug == slug)
        )
    if part is None:
        abort(404)
    text = request.form.get("text", "").replace("\r\n", "\n").replace("\0", "\ufffd")
    try:
        picture = _picture(seat) if part.kind is PartKind.IMAGE else None
        with services().database.write() as session:
            answers.write(
                session,
                session.get_one(Part, part.id),
                seat.user.id,
                text="" if picture else text.strip(),
                picture=picture,
                at=services().clock(),
                unlimited=seat.is_staff,
            )
    except (NotAllowed, SubmissionError) as error:
        return Refused(slug, text, str(error))
    return None


def _picture(seat: Seat) -> Picture:
    """What was sent as an image, made anew by the reading process.

    Raises:
        SubmissionError: it is no image, or too large.
    """
    sent = request.files.get("image")
    if sent is None or not sent.filename:
        raise SubmissionError(_("Choose the image that you want to hand in."))
    content = sent.read(MOST_IMAGE + 1)
    if len(content) > MOST_IMAGE:
        raise SubmissionError(
            _("The image is larger than %(size)s MiB: make it smaller.", size=MOST_IMAGE // 2**20)
        )
    with on_behalf_of(seat.user):
        found = reader().run("image", (sent.filename[-120:], content))
    return Picture(found.content, found.media_type, found.width, found.height)


@pages.get("/courses/<course>/answers/<answer>/image")
@in_course(Role.STUDENT)
def image(seat: Seat, answer: str) -> Response:
    """One's own, or for staff anybody's: pixels that the reading process wrote."""
    query = (
        select(AnswerImage)
        .join(Answer, Answer.id == AnswerImage.answer_id)
        .join(Assignment, Assignment.id == Answer.assignment_id)
        .where(Answer.public_id == answer, Assignment.course_id == seat.course.id)
    )
    if not seat.is_staff:
        query = query.where(Answer.user_id == seat.user.id)
    with services().database.read() as session:
        found = session.scalar(query)
    if found is None:
        abort(404)
    response = Response(found.content, mimetype=_TYPES[found.media_type])
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = _NOTHING
    return response


_NOTHING = "default-src 'none'; frame-ancestors 'none'; sandbox"
_TYPES = {one: one for one in ("image/png", "image/jpeg")}  # and nothing else, whatever is stored
