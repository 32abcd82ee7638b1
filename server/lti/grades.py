"""Grades on their way to the course systems: by the outbox, the latest one wins."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from server.clock import Clock, utc_now
from server.grades.release import Part, is_shown
from server.lti import LtiError, http
from server.lti.services import Client
from server.outbox import Gone, Held, Later, Never
from server.storage.database import Database
from server.storage.models import (
    Assignment,
    Enrolment,
    Grade,
    Identity,
    LtiContext,
    LtiLink,
    Outgoing,
    Role,
)


class Reporter:
    """Sends one student's grade for one assignment to every column that stands for it."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, row: Outgoing) -> None:
        """
        Raises:
            Gone, Held, Later, Never: see `server.outbox`.
        """
        number, user = row.about["assignment"], row.user_id
        with self._database.read() as session:
            assignment = session.get(Assignment, number)
            grade = session.get(Grade, (number, user))
            if assignment is None or grade is None:
                raise Gone
            if not is_shown(assignment, Part.SCORES, self._clock()):
                raise Held
            place = session.get(Enrolment, (assignment.course_id, user))
            # Platforms refuse grades of staff.
            if place is None or not place.here or place.role is not Role.STUDENT:
                raise Gone
            links = session.scalars(
                select(LtiLink)
                .where(LtiLink.assignment_id == number, LtiLink.lineitem_url.is_not(None))
                .options(joinedload(LtiLink.context).joinedload(LtiContext.platform))
            ).all()
            identities = session.scalars(select(Identity).where(Identity.user_id == user)).all()
        subjects = {identity.issuer: identity.subject for identity in identities}
        told = [link for link in links if link.context.platform.key in subjects]
        if not told:
            raise Gone  # put in again when they come by the course system
        refused: list[str] = []
        later: list[str] = []
        for link in told:  # one that refuses keeps the grade from no other
            platform = link.context.platform
            client = Client(self._database, platform, self._clock)
            try:
                client.score(
                    link.lineitem_url or "",
                    subjects[platform.key],
                    grade.points,
                    assignment.points,
                    self._clock(),
                )
            except http.Refusal as refusal:
                passes = refusal.throttled or refusal.status in (401, 409)
                (later if passes else refused).append(f"{platform.title}: {refusal}")
            except LtiError as error:
                later.append(f"{platform.title}: {error}")
        if later:
            raise Later("; ".join(later + refused))
        if refused:
            raise Never("; ".join(refused))
