"""Who comes by a launch, and where they sit."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import outbox
from server.lti import LtiError
from server.lti.launch import Launch
from server.people import accounts, identities
from server.people.accounts import AccountError
from server.storage import audit
from server.storage.models import (
    Assignment,
    Course,
    Enrolment,
    Grade,
    LtiContext,
    LtiLink,
    Platform,
    Role,
    User,
)


def known(session: Session, platform: Platform, launch: Launch) -> User | None:
    found = identities.find(session, platform.key, launch.subject)
    return None if found is None else found.user


def person(
    session: Session, platform: Platform, launch: Launch, at: datetime, *, make: bool = True
) -> User | None:
    """The user whom the launch is about, made where there is none; None where there is an account
    with this address that its owner has to link, or none is to be made.

    Raises:
        LtiError: nobody can be let in.
    """
    user = known(session, platform, launch)
    if user is None:
        email = launch.email or _nobodys(platform, launch)
        try:
            email = accounts.normal_email(email)
        except AccountError as error:
            raise LtiError(str(error), "address") from None
        user = accounts.find(session, email)
        if user is None and not make:
            return None
        if user is None:
            user = accounts.create(session, email, launch.name, at=at, actor=None)
        elif not platform.trust_addresses or user.is_admin:
            return None
        identities.link(session, user, platform.key, launch.subject, at=at, actor=None)
    if user.disabled:
        raise LtiError("This account is disabled: ask those who run this server.", "disabled")
    return user


def _nobodys(platform: Platform, launch: Launch) -> str:
    """For who has no address, such as Canvas's student of the teacher's own view."""
    name = hashlib.sha256(f"{platform.key} {launch.subject}".encode()).hexdigest()[:16]
    return f"{name}@lti.invalid"


def context(session: Session, launch: Launch) -> LtiContext | None:
    """The platform's course that it comes from, if it is connected with one of ours."""
    return session.scalar(
        select(LtiContext).where(
            LtiContext.platform_id == launch.platform_id,
            LtiContext.deployment_id == launch.deployment,
            LtiContext.context_id == str(launch.context.get("id", ""))[:255],
        )
    )


def connect(
    session: Session, launch: Launch, slug: str, *, at: datetime, actor: User
) -> LtiContext:
    """The launch's course is this one, from now on."""
    course = session.scalars(select(Course).where(Course.slug == slug)).one()
    found = context(session, launch)
    if found is not None:
        return found
    title = launch.context.get("title") or launch.context.get("label") or ""
    row = LtiContext(
        platform_id=launch.platform_id,
        deployment_id=launch.deployment,
        context_id=str(launch.context.get("id", ""))[:255],
        title=str(title)[:200],
        course_id=course.id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        audit.Action.COURSE_CONNECTED,
        f"course:{course.id}",
        at=at,
        actor=actor,
        course_id=course.id,
        platform=launch.platform_id,
    )
    return row


def sit(
    session: Session, place: LtiContext, user: User, launch: Launch, at: datetime
) -> Assignment | None:
    """Enrol the person as what they are there, and note what the link stands for; the assignment
    that it leads to, if it is one's.

    Raises:
        LtiError: they have no place here.
    """
    enrolment = session.get(Enrolment, (place.course_id, user.id))
    if enrolment is not None and not enrolment.here:
        raise LtiError("You have left this course: ask those who teach it.", "has left")
    role = launch.role
    if role is None and enrolment is None and not user.is_admin:
        raise LtiError("Your role in the course is none that has a place here.", "role")
    if (
        role is not None
        and not user.is_admin
        and (
            enrolment is None or not enrolment.role.covers(role)  # never lowered: staff do that
        )
    ):
        accounts.enrol(session, place.course, user, role, at=at, actor=None)
    if launch.memberships:
        place.memberships_url = launch.memberships
    assignment = _assignment(session, place, launch)
    if assignment is not None and launch.resource_link:
        _note(session, place, launch, assignment, at)
    if role is Role.STUDENT:
        for grade in session.scalars(select(Grade).where(Grade.user_id == user.id)):
            outbox.grade_changed(session, grade.assignment_id, user.id, at=at, first=True)
    return assignment


def _assignment(session: Session, place: LtiContext, launch: Launch) -> Assignment | None:
    """By what the link was made with, or by what it stood for when it was last used."""
    if launch.assignment:
        return session.scalar(
            select(Assignment).where(
                Assignment.course_id == place.course_id, Assignment.slug == launch.assignment
            )
        )
    return session.scalar(
        select(Assignment)
        .join(LtiLink)
        .where(LtiLink.context_id == place.id, LtiLink.resource_link_id == launch.resource_link)
    )


def _note(
    session: Session, place: LtiContext, launch: Launch, assignment: Assignment, at: datetime
) -> None:
    link = session.scalar(
        select(LtiLink).where(
            LtiLink.context_id == place.id, LtiLink.resource_link_id == launch.resource_link
        )
    )
    if link is None:
        link = LtiLink(context_id=place.id, resource_link_id=launch.resource_link)
        session.add(link)
    new = (link.assignment_id, link.lineitem_url) != (assignment.id, launch.lineitem or None)
    link.assignment_id, link.lineitem_url = assignment.id, launch.lineitem or None
    session.flush()
    if new and link.lineitem_url:  # it has a column by now: what there is goes there
        for user in session.scalars(
            select(Grade.user_id).where(Grade.assignment_id == assignment.id)
        ).all():
            outbox.grade_changed(session, assignment.id, user, at=at)
