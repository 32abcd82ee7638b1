"""The course on its page: made, changed, copied to another term; by the model of `course.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response as Answer
from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from server.courses import CourseError, editing
from server.courses.editing import Change, GradeChange, assignment_of
from server.courses.file import Document, document, dump
from server.language import _, ngettext
from server.storage.models import Assignment, Course, Grade, Role, Submission, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor import fields, partrows
from server.web.instructor.blueprint import pages
from server.web.instructor.fields import Field
from server.web.services import services

_LISTED = 50  # changes of grades that a page lists
# Of an assignment, what the next one is likely to have, too.
_LIKE_THE_LAST = (
    "late_penalty",
    "attempts",
    "attempts_per_day",
    "cool_down_minutes",
    "counts",
    "source_policy",
    "device",
    "team_size",
    "teams_by",
)


@dataclass(frozen=True)
class Looked:
    """What a change would do to grades, for who has to confirm it."""

    changes: Sequence[GradeChange]
    names: Mapping[int, str]
    fingerprint: str

    @property
    def listed(self) -> Sequence[GradeChange]:
        return self.changes[:_LISTED]


class _Conflict(Exception):
    """Somebody else has saved since the form was opened."""


@pages.get("/course")
@in_course(Role.INSTRUCTOR)
def course(seat: Seat) -> str:
    return _course(seat)


@pages.post("/course")
@in_course(Role.INSTRUCTOR)
def change_course(seat: Seat) -> Response | str | tuple[str, int]:
    """Its title, zone, texts, and how its total comes about."""
    said, groups = fields.typed(fields.COURSE, request.form), _typed_groups()

    def change(found: Document) -> None:
        slug = found["course"]["slug"]
        found["course"] = {"slug": slug, **fields.table(fields.COURSE, said)}
        found["groups"] = _group_tables(groups)
        kept = {group["slug"] for group in found["groups"]}
        for table in found["assignments"]:
            if table.get("group") not in kept:
                table.pop("group", None)
                table.pop("weight", None)

    def version(session: Session) -> int:
        return session.get_one(Course, seat.course.id).version

    def again(**more: Any) -> str:
        return _course(seat, said=said, groups=groups, **more)

    return _save(seat, change, version, again, _home(seat))


@pages.get("/course.toml")
@in_course(Role.INSTRUCTOR)
def course_file(seat: Seat) -> Answer:
    """What `gradmark course sync` takes, and changes nothing by."""
    with services().database.read() as session:
        text = dump(document(session, session.get_one(Course, seat.course.id)))
    answer = Answer(text, mimetype="application/toml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{seat.course.slug}.toml")
    return answer


@pages.get("/new-assignment")
@in_course(Role.INSTRUCTOR)
def new_assignment(seat: Seat) -> str:
    with services().database.read() as session:
        last = session.scalars(
            select(Assignment)
            .where(Assignment.course_id == seat.course.id)
            .order_by(Assignment.position.desc())
            .limit(1)
        ).first()
    started = {"points": "10", "late_penalty": "0", "cool_down_minutes": "0", "device": "cpu"}
    started |= {"counts": "best", "source_policy": "warning", "settle_beyond": "0"}
    started |= dict.fromkeys(("hints", "scores", "comments"), "at once")
    if last is not None:  # what its neighbour has is what it is likely to have
        usual = [field for field in _fields(seat, last) if field.name in _LIKE_THE_LAST]
        started |= fields.filled(usual, {name: getattr(last, name) for name in _LIKE_THE_LAST})
    return _assignment(seat, None, started)


@pages.post("/new-assignment")
@in_course(Role.INSTRUCTOR)
def add_assignment(seat: Seat) -> Response | str | tuple[str, int]:
    every = _fields(seat, None)
    said, parts = fields.typed(every, request.form), partrows.typed(request.form)

    def change(found: Document) -> None:
        found["assignments"].append(fields.table(every, said) | _parts(parts))

    def again(**more: Any) -> str:
        return _assignment(seat, None, said, parts, **more)

    return _save(seat, change, lambda session: 0, again, _home(seat))


@pages.get("/assignments/<assignment>/edit")
@in_course(Role.INSTRUCTOR)
def edit_assignment(seat: Seat, assignment: str) -> str:
    return _assignment(seat, access.assignment(seat, assignment))


@pages.post("/assignments/<assignment>/edit")
@in_course(Role.INSTRUCTOR)
def change_assignment(seat: Seat, assignment: str) -> Response | str | tuple[str, int]:
    chosen = access.assignment(seat, assignment)
    every = _fields(seat, chosen)
    said, parts = fields.typed(every, request.form), partrows.typed(request.form)

    def change(found: Document) -> None:
        table = assignment_of(found, chosen.slug)
        names = {field.name for field in every}
        kept = {name: value for name, value in table.items() if name not in names}
        table.clear()
        table.update(kept | fields.table(every, said) | _parts(parts))

    def version(session: Session) -> int:
        return session.get_one(Assignment, chosen.id).version

    def again(**more: Any) -> str:
        return _assignment(seat, chosen, said, parts, **more)

    to = url_for(".assignment", course=seat.course.slug, assignment=chosen.slug)
    return _save(seat, change, version, again, to)


def _parts(rows: Sequence[Mapping[str, str]] | None) -> dict[str, Any]:
    return {} if rows is None else {"parts": partrows.tables(rows)}


@pages.post("/order")
@in_course(Role.INSTRUCTOR)
def order_assignments(seat: Seat) -> Response | str | tuple[str, int]:
    """Put the assignments in order, by the numbers that stand beside them."""

    def change(found: Document) -> None:
        found["assignments"].sort(key=lambda table: fields.count(request.form, table["slug"]))

    def version(session: Session) -> str:
        return _order(Assignment.of(session, seat.course))

    return _save(seat, change, version, lambda **more: _course(seat, **more), _home(seat))


def _order(assignments: Sequence[Assignment]) -> str:
    """The one that somebody has seen."""
    return " ".join(assignment.slug for assignment in assignments)


@pages.post("/assignments/<assignment>/remove")
@in_course(Role.INSTRUCTOR)
def remove_assignment(seat: Seat, assignment: str) -> Response | str | tuple[str, int]:
    """One to which nothing was handed in."""
    chosen = access.assignment(seat, assignment)

    def change(found: Document) -> None:
        found["assignments"] = [t for t in found["assignments"] if t["slug"] != chosen.slug]

    def again(**more: Any) -> str:
        return _assignment(seat, chosen, **more)

    return _save(seat, change, lambda session: 0, again, _home(seat))


@pages.get("/copy")
@in_course(Role.INSTRUCTOR)
def copy(seat: Seat) -> str:
    return render_template("instructor/copy.html", said={}, first=_first(seat))


@pages.post("/copy")
@in_course(Role.INSTRUCTOR)
def make_copy(seat: Seat) -> Response | tuple[str, int]:
    """The course for another term: its dates moved, nobody in it but who copies it."""
    names = ("title", "slug", "begins", "days")
    said = {name: request.form.get(name, "").strip() for name in names}
    try:
        days = _days(seat, said)
        with services().database.write() as session:
            made = editing.copy(
                session,
                session.get_one(Course, seat.course.id),
                said["slug"],
                said["title"],
                days,
                services().engine.topics,
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
            )
            slug = made.slug
    except CourseError as error:
        page = render_template(
            "instructor/copy.html", said=said, first=_first(seat), refusal=str(error)
        )
        return page, 422
    later = ngettext(
        "This is the copy. Its dates are %(num)s day later.",
        "This is the copy. Its dates are %(num)s days later.",
        abs(days),
    )
    earlier = ngettext(
        "This is the copy. Its dates are %(num)s day earlier.",
        "This is the copy. Its dates are %(num)s days earlier.",
        abs(days),
    )
    flash(later if days >= 0 else earlier)
    return redirect(url_for(".course", course=slug), 303)


def _days(seat: Seat, said: Mapping[str, str]) -> int:
    first = _first(seat)
    try:
        if said["begins"] and first is not None:
            return editing.days_until(seat.course, date.fromisoformat(said["begins"]), first)
        days = int(said["days"] or "0")
    except ValueError:
        raise CourseError(_("Say when the copy begins, or by how many days it is moved.")) from None
    if abs(days) > 10_000:
        raise CourseError(_("The dates can be moved by 10000 days at most."))
    return days


def _first(seat: Seat) -> Any:
    """When the first of its assignments opens."""
    with services().database.read() as session:
        return session.scalar(
            select(func.min(Assignment.opens_at)).where(Assignment.course_id == seat.course.id)
        )


def _save(
    seat: Seat,
    change: Change,
    version: Callable[[Session], int | str],
    again: Callable[..., str],
    to: str,
) -> Response | str | tuple[str, int]:
    """Save what was typed; or say why not, or what it would do to grades, with all of it still
    there.

    Args:
        version: of what is changed, as it is now: the form says which one it was made from.
        again: the form's page.
        to: where to go when it is saved.
    """
    here, seen = services(), request.form.get("version", "0")
    try:
        with here.database.read() as session:
            if str(version(session)) != seen:
                raise _Conflict
            touches = session.scalar(
                select(Grade.user_id)
                .join(Grade.assignment)
                .where(Assignment.course_id == seat.course.id)
                .limit(1)
            )
        if touches is not None:
            looked = _look(seat, change)
            if looked.changes and request.form.get("confirmed") != looked.fingerprint:
                return again(looked=looked)
        with here.database.write() as session:
            mine = session.get_one(Course, seat.course.id, with_for_update=True)
            if str(version(session)) != seen:
                raise _Conflict
            changes = editing.apply(
                session,
                mine,
                change,
                here.engine.topics,
                at=here.clock(),
                actor=session.get_one(User, seat.user.id),
            )
    except _Conflict:
        return again(conflict=True), 409
    except CourseError as error:
        return again(refusal=str(error), wrong=error.key), 422
    flash(_("Saved.") if changes else _("Nothing was changed."))
    return redirect(to, 303)


def _home(seat: Seat) -> str:
    return url_for(".course", course=seat.course.slug)


def _look(seat: Seat, change: Change) -> Looked:
    here = services()
    changes = editing.preview(
        here.database,
        seat.course.id,
        change,
        here.engine.topics,
        at=here.clock(),
        actor_id=seat.user.id,
    )
    with here.database.read() as session:
        users = session.scalars(
            select(User).where(User.id.in_([one.user_id for one in changes[:_LISTED]]))
        )
        names = {user.id: user.name for user in users}
    return Looked(changes, names, editing.fingerprint(changes))


def _course(
    seat: Seat,
    said: Mapping[str, str] | None = None,
    groups: Sequence[Mapping[str, str]] | None = None,
    **more: Any,
) -> str:
    with services().database.read() as session:
        row = session.get_one(Course, seat.course.id)
        found, version = document(session, row), row.version
        handed_in = set(
            session.scalars(
                select(Assignment.slug)
                .join(Submission, Submission.assignment_id == Assignment.id)
                .where(Assignment.course_id == row.id)
                .distinct()
            )
        )
        assignments = Assignment.of(session, row)
    saved = fields.filled(fields.COURSE, found["course"])
    there = [_typed_group(group) for group in found["groups"]]
    shown = list(there if groups is None else groups)
    return render_template(
        "instructor/course.html",
        fields=fields.COURSE,
        said=said or saved,
        saved=saved,
        version=version,
        groups=[*shown, *[_typed_group({})] * 2],
        saved_groups=there,
        assignments=assignments,
        order=_order(assignments),
        handed_in=handed_in,
        **more,
    )


def _assignment(
    seat: Seat,
    chosen: Assignment | None,
    said: Mapping[str, str] | None = None,
    parts: Sequence[Mapping[str, str]] | None = None,
    **more: Any,
) -> str:
    saved, version, has_submissions, there = None, 0, False, []
    every = _fields(seat, chosen)
    if chosen is not None:
        with services().database.read() as session:
            row = session.get_one(Assignment, chosen.id)
            course = session.get_one(Course, seat.course.id)
            table = assignment_of(document(session, course), row.slug)
            version = row.version
            mine = select(Submission.id).where(Submission.assignment_id == row.id).limit(1)
            has_submissions = session.scalar(mine) is not None
        saved, there = fields.filled(every, _whole(table)), table.get("parts", [])
    return render_template(
        "instructor/edit.html",
        sections=_sections(seat, chosen),
        said=said or saved or {},
        saved=saved,
        parts=partrows.rows(parts, there, conflict=more.get("conflict", False)),
        version=version,
        assignment=chosen,
        has_submissions=has_submissions,
        **more,
    )


def _whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """With what holds where it says nothing, for fields that are never empty."""
    usual = {
        "late_penalty": 0.0,
        "cool_down_minutes": 0,
        "counts": "best",
        "source_policy": "warning",
        "device": "cpu",
        "settle_beyond": 0.0,
    }
    return {**usual, **table}


def _sections(seat: Seat, chosen: Assignment | None) -> dict[str, tuple[Field, ...]]:
    topics = {name: topic.title for name, topic in services().engine.topics.items()}
    if chosen is not None:
        topics.setdefault(chosen.topic, chosen.topic)
    with services().database.read() as session:
        found = document(session, session.get_one(Course, seat.course.id))
    groups = [(group["slug"], group["title"]) for group in found["groups"]]
    return fields.assignment(topics, groups, new=chosen is None)


def _fields(seat: Seat, chosen: Assignment | None) -> list[Field]:
    return [field for section in _sections(seat, chosen).values() for field in section]


# Groups are rows of one form: an empty row is none.

_MOST_GROUPS = 50


def _typed_groups() -> list[dict[str, str]]:
    found = []
    for number in range(_MOST_GROUPS):
        said = {f.name: request.form.get(f"group-{number}-{f.name}", "") for f in fields.GROUP}
        if said["title"].strip():
            found.append(said)
    return found


def _typed_group(table: Mapping[str, Any]) -> dict[str, str]:
    return fields.filled(fields.GROUP, table)


def _group_tables(groups: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    tables = []
    for said in groups:
        table = fields.table(fields.GROUP, said)
        table.setdefault("weight", 0.0)
        table.setdefault("slug", "-".join(str(table.get("title", "")).lower().split()))
        tables.append(table)
    return tables
