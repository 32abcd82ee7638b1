"""Where the API's views are registered, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask_smorest import Blueprint
from flask_smorest.pagination import PaginationParameters
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from server.storage.models import Scope
from server.web import access
from server.web.auth.sessions import limiter, whoever_asks
from server.web.problems import ROOT

_View = TypeVar("_View", bound=Callable[..., Any])

PREFIX = f"{ROOT}v1"


class _Blueprint(Blueprint):  # type: ignore[misc]
    DEFAULT_PAGINATION_PARAMETERS = {"page": 1, "page_size": 50, "max_page_size": 200}  # noqa: RUF012


pages = _Blueprint(
    "api", __name__, url_prefix=PREFIX, description="Courses, submissions, reports, grades."
)


limiter.limit("600 per minute", key_func=whoever_asks)(pages)


def by_token(scope: Scope, *refusals: int) -> Callable[[_View], _View]:
    """For programs that send an API token with this scope; says so in the API's document, with
    the errors that the view may answer besides those that every view may."""

    def decorate(view: _View) -> _View:
        documented = pages.doc(security=[{"token": [scope.value]}])(view)
        documented = refusing(401, 403, 429, *refusals)(documented)
        marked: _View = access.by_token(scope)(documented)
        return marked

    return decorate


def refusing(*codes: int) -> Callable[[_View], _View]:
    """Says in the API's document which errors the view may answer."""

    def decorate(view: _View) -> _View:
        for code in sorted(set(codes)):
            view = pages.alt_response(code, HTTPStatus(code).name)(view)
        return view

    return decorate


_FURTHEST = 2**31


def page_of(
    session: Session, query: Select[*tuple[Any, ...]], wanted: PaginationParameters
) -> list[Row[Any]]:
    """The wanted page of the rows."""
    wanted.item_count = session.scalar(select(func.count()).select_from(query.subquery()))
    first = min(wanted.first_item, _FURTHEST)
    return list(session.execute(query.offset(first).limit(wanted.page_size)))
