"""What an assignment asks: its lesson as a page shows it, and all that students get as one file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from flask import abort, current_app, send_file
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from server.parts import workbook
from server.storage import models
from server.storage.config import ConfigError
from server.storage.models import Assignment, Role
from server.web import access
from server.web.access import Seat, in_course
from server.web.markdown import markdown, without_title
from server.web.services import Services, services
from server.web.student import queries
from server.web.student.blueprint import pages


@dataclass(frozen=True)
class Exercise:
    """What is asked, worth so many of the assignment's points, and the code to start from."""

    name: str
    points: float
    code: str


@dataclass(frozen=True)
class Part:
    """A piece of the lesson: `text`, the code of an `experiment`, or an exercise."""

    text: Markup | None = None
    experiment: str = ""
    exercise: Exercise | None = None


@dataclass(frozen=True)
class Lesson:
    parts: tuple[Part, ...]
    exercises: tuple[Exercise, ...]


def lesson(assignment: Assignment) -> Lesson | None:
    """None where there is none, or it is not made yet, or cannot be, which operators are told: what
    can be handed in does not depend on it."""
    try:
        handout = services().engine.handout(assignment.topic)
    except ConfigError as error:
        current_app.logger.error("The lesson of %s is missing: %s", assignment.topic, error)
        return None
    if handout is None:
        return None
    factor = assignment.automatic_points / (
        sum(e.points for e in handout.exercises.values()) or 1.0
    )
    exercises = {
        name: Exercise(name, round(one.points * factor, 2), one.code)
        for name, one in handout.exercises.items()
    }
    parts = []
    for number, part in enumerate(handout.lesson):
        if part.kind == "exercise":
            parts.append(Part(exercise=exercises[part.content]))
        elif part.kind == "experiment":
            parts.append(Part(experiment=part.content))
        else:
            text = part.content if number else without_title(part.content)
            parts.append(Part(markdown(text, below=2)))
    return Lesson(tuple(parts), tuple(exercises.values()))


@pages.get("/courses/<course>/assignments/<assignment>/everything.zip")
@in_course(Role.STUDENT)
def everything(seat: Seat, assignment: str) -> Response:
    """Stubs, notebook, self-check and README, as one zip."""
    chosen = access.assignment(seat, assignment)
    if not queries.place(seat, chosen).is_open:
        abort(403)
    try:
        path = services().engine.archive(chosen.topic)
    except ConfigError as error:
        current_app.logger.error("Nothing can be handed out for %s: %s", chosen.topic, error)
        abort(503)
    if path is None:
        abort(404)
    with services().database.read() as session:
        parts = models.Part.of(session, chosen)
    return send_file(
        workbook.with_answers(path, parts) if parts else path,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"{chosen.slug}.zip",
        max_age=0,
    )


def make_ahead(here: Services) -> None:
    """Have the lessons of all courses made before somebody asks for them."""
    with here.database.read() as session:
        topics = session.scalars(select(Assignment.topic).distinct()).all()
    for topic in topics:
        with suppress(ConfigError):  # whoever asks for it is told
            here.engine.handout(topic)
