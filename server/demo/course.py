"""The generated course and who is in it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.topics.catalogue import Catalogue
from server import courses
from server.people import accounts, enrolling
from server.people.roster import Person, Roster
from server.storage.models import Course, Role, User

SLUG = "demo"
STUDENTS, MOST_STUDENTS = 30, 99
INSTRUCTOR = "instructor@generated.invalid"
NOTICE = "This course is generated: no student in it is real. Every submission was really graded."


@dataclass(frozen=True)
class Dates:
    """An assignment's, in days from the course's now."""

    topic: str
    opens: float
    due: float
    late_until: float | None = None


# Some are closed, one takes late submissions, the others are open. Topics that the catalogue does
# not have are left out.
DATES = (
    Dates("activations", -21, -13),
    Dates("initialization", -17, -7, -5),
    Dates("normalization", -11, -0.6, 3),
    Dates("losses", -6, 1.5, 4),
    Dates("regularization", -4, 3, 9),
    Dates("training", -1, 11),
)


def email(student: int) -> str:
    return f"student{student:02}@generated.invalid"


def dates(catalogue: Catalogue) -> list[Dates]:
    return [one for one in DATES if one.topic in catalogue.assignments]


def make(
    session: Session, catalogue: Catalogue, *, at: datetime, students: int = STUDENTS
) -> Course:
    """Make the course and enrol everybody in it; what is there already stays as it is."""
    course = session.scalar(select(Course).where(Course.slug == SLUG))
    now = course.created_at if course is not None else at
    spec = courses.read(_toml(catalogue, now), catalogue.assignments)
    courses.sync(session, spec, at=now, actor=None)
    course = session.scalars(select(Course).where(Course.slug == SLUG)).one()
    people = [
        Person(0, INSTRUCTOR, "Instructor (generated)", Role.INSTRUCTOR),
        Person(0, "assistant@generated.invalid", "Assistant (generated)", Role.ASSISTANT),
    ]
    for number in range(1, students + 1):
        group = f"Group {'ABC'[number % 3]}"
        people.append(Person(0, email(number), f"Student {number:02}", section=group))
    enrolling.apply(session, course, Roster(people), at=now, actor=None)
    return course


def let_in(session: Session, *addresses: str, at: datetime) -> str:
    """Give these people one new password; return it."""
    password = secrets.token_urlsafe(9)
    for address in addresses:
        user = session.scalars(select(User).where(User.email == address)).one()
        accounts.set_password(session, user, password, at=at)
    return password


def _toml(catalogue: Catalogue, now: datetime) -> str:
    text = f"""
[course]
slug = "{SLUG}"
title = "Demo course (generated)"
timezone = "UTC"
notice = {json.dumps(NOTICE)}

[policy]
attempts_per_day = 10
late_penalty = 10
"""
    for one in dates(catalogue):
        topic = catalogue[one.topic]
        moments = {"opens": one.opens, "due": one.due, "late_until": one.late_until}
        text += f"""
[[assignments]]
slug = "{one.topic}"
topic = "{one.topic}"
title = {json.dumps(topic.title.partition(":")[0])}
points = {topic.max_score:g}
"""
        for key, days in moments.items():
            if days is not None:
                text += f"{key} = {now + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}\n"
    return text
