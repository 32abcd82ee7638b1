"""Course systems, and what is on its way: for staff of a course, and for administrators."""

from __future__ import annotations

from typing import Any

from flask_smorest.pagination import PaginationParameters
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from server import outbox
from server.lti import platforms
from server.storage.models import Assignment, Outgoing, Role, Scope
from server.web.access import Seat, admins_only, in_course
from server.web.api import schemas
from server.web.api.blueprint import by_token, page_of, pages
from server.web.services import services


@pages.get("/courses/<course>/course-systems")
@by_token(Scope.MANAGE, 404)
@in_course(Role.ASSISTANT)
@pages.response(200, schemas.CourseSystem(many=True))
def course_systems(seat: Seat) -> list[dict[str, Any]]:
    """The courses of course systems (LTI) that this one is connected with"""
    with services().database.read() as session:
        contexts, links = platforms.connected(session, seat.course)
    return [
        {
            "platform": context.platform.title,
            "issuer": context.platform.issuer,
            "title": context.title,
            "roster": context.memberships_url is not None,
            "links": [
                {"assignment": link.assignment.slug, "grades": link.lineitem_url is not None}
                for link in links
                if link.context_id == context.id
            ],
        }
        for context in contexts
    ]


@pages.get("/courses/<course>/course-systems/grades")
@by_token(Scope.MANAGE, 404, 422)
@in_course(Role.ASSISTANT)
@pages.arguments(schemas.DeliveredQuery, location="query")
@pages.response(200, schemas.Delivered(many=True))
@pages.paginate()
def delivered(
    seat: Seat, wanted: dict[str, Any], pagination_parameters: PaginationParameters
) -> list[dict[str, Any]]:
    """Grades that went to course systems, are on their way, or were not taken"""
    query = (
        outbox.grades_of(seat.course.id)
        .with_only_columns(Outgoing, Assignment.slug)
        .options(joinedload(Outgoing.user))
        .order_by(Outgoing.id)
    )
    if "state" in wanted:
        query = query.where(Outgoing.state == wanted["state"])
    with services().database.read() as session:
        rows = page_of(session, query, pagination_parameters)
    return [
        {
            "user": row.Outgoing.user,
            "assignment": row.slug,
            "fault": row.Outgoing.last_fault,
            **{
                name: getattr(row.Outgoing, name)
                for name in ("state", "attempts", "created_at", "not_before", "sent_at")
            },
        }
        for row in rows
    ]


@pages.get("/outbox")
@by_token(Scope.MANAGE, 422)
@admins_only
@pages.arguments(schemas.DeliveredQuery, location="query")
@pages.response(200, schemas.Outgoing(many=True))
@pages.paginate()
def outgoing(wanted: dict[str, Any], pagination_parameters: PaginationParameters) -> list[Outgoing]:
    """For administrators: all that the server sends by itself, mail and grades, the newest first

    What a mail says is never kept.
    """
    query = select(Outgoing).options(joinedload(Outgoing.user)).order_by(Outgoing.id.desc())
    if "state" in wanted:
        query = query.where(Outgoing.state == wanted["state"])
    with services().database.read() as session:
        return [row.Outgoing for row in page_of(session, query, pagination_parameters)]
