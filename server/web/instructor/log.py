"""The audit log, to be read."""

from __future__ import annotations

from flask import render_template, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from server.language import _
from server.storage.audit import Action
from server.storage.models import AuditEntry, Role, User
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import number, pages
from server.web.instructor.sentences import NAMES
from server.web.services import services

_ROWS = 100


@pages.get("/log")
@in_course(Role.INSTRUCTOR)
def log(seat: Seat) -> str:
    """The course's entries, the newest first."""
    action = request.args.get("action", "")
    search, before = request.args.get("search", "").strip()[:200], number("before")
    query = (
        select(AuditEntry)
        .where(AuditEntry.course_id == seat.course.id)
        .options(joinedload(AuditEntry.actor))
        .order_by(AuditEntry.id.desc())
        .limit(_ROWS + 1)
    )
    if action in list(Action):
        query = query.where(AuditEntry.action == action)
    if before:
        query = query.where(AuditEntry.id < before)
    with services().database.read() as session:
        if search:  # somebody's address: what was done to them, and by them
            person = session.scalar(select(User.id).where(User.email == search.lower()))
            query = query.where(
                (AuditEntry.subject == (f"user:{person}" if person else search))
                | (AuditEntry.actor_id == (person or -1))
            )
        entries = session.scalars(query).all()
        about = {e.subject for e in entries if e.subject.startswith("user:")}
        people = {
            f"user:{user.id}": user
            for user in session.scalars(
                select(User).where(User.id.in_([int(s.partition(":")[2]) for s in about]))
            )
        }
    return render_template(
        "instructor/log.html",
        entries=entries[:_ROWS],
        older=entries[_ROWS - 1].id if len(entries) > _ROWS else None,
        people=people,
        options=sorted(((a.value, _(words)) for a, words in NAMES.items()), key=lambda o: o[1]),
        action=action,
        search=search,
    )
