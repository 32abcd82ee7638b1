"""Marking by hand: how far each part is, and one answer after the other with the part's rubric."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer
from werkzeug.wrappers import Response

from server.grades.by_hand import SETTLED
from server.language import _, ngettext
from server.parts import marks, queue, rubric
from server.parts.marks import MarkError
from server.parts.rubric import RubricError
from server.storage.models import Answer, Assignment, Part, PartKind, Role, RubricItem, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.instructor.forms import MarkForm, RubricForm
from server.web.services import services


@pages.get("/assignments/<assignment>/by-hand/")
@in_course(Role.ASSISTANT)
def by_hand(seat: Seat, assignment: str) -> str:
    """An assignment's parts that people mark: how far each is, and who has marked how many."""
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        found = queue.progress(session, chosen, seat.user.id)
        return render_template(
            "instructor/by_hand.html",
            assignment=chosen,
            found=found,
            markers=queue.markers(session, found),
            differing=[one for one in queue.waiting(session, chosen) if one.differ],
            slugs={one.part.id: one.part for one in found},
        )


@pages.get("/assignments/<assignment>/by-hand/<part>/")
@in_course(Role.ASSISTANT)
def mark_next(seat: Seat, assignment: str, part: str) -> Response:
    """The first answer that waits for who asks."""
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        asked = _part(session, chosen, part)
        found = queue.waiting(session, chosen, asked)
    first = queue.after(found, "", chosen, seat.user.id)
    if not first:
        flash(_("%(part)s: nothing waits for you.", part=asked.title))
        return redirect(_overview(seat, chosen), 303)
    return redirect(_at(seat, chosen, part, first), 303)


@pages.get("/assignments/<assignment>/by-hand/<part>/<answer>")
@in_course(Role.ASSISTANT)
def mark(seat: Seat, assignment: str, part: str, answer: str) -> str | Response:
    """One answer with the rubric. Of one that was given up for a newer one, the newer."""
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        asked = _part(session, chosen, part)
        found = _answer(session, asked, answer)
        newer = None
        if not found.counts:
            newer = session.scalar(
                select(Answer.public_id).where(
                    Answer.part_id == asked.id, Answer.user_id == found.user_id, Answer.counts
                )
            )
    if newer is not None:
        flash(_("The student has answered anew: this is the answer that counts."))
        return redirect(_at(seat, chosen, part, newer), 303)
    return _page(seat, chosen, part, answer)


@pages.post("/assignments/<assignment>/by-hand/<part>/<answer>")
@in_course(Role.ASSISTANT)
def give_mark(
    seat: Seat, assignment: str, part: str, answer: str
) -> Response | str | tuple[str, int]:
    """Keep a mark, with an item that is new to the rubric, and go where `then` says."""
    chosen, form = access.assignment(seat, assignment), MarkForm()
    if not form.validate_on_submit():
        return _page(seat, chosen, part, answer, form), 422
    now = services().clock()
    try:
        with services().database.write() as session:
            asked = _part(session, chosen, part)
            found = _answer(session, asked, answer)
            marker = session.get_one(User, seat.user.id)
            items = set(form.chosen.data)
            if form.new_text.data:
                added = rubric.add(
                    session,
                    asked,
                    form.new_text.data.strip(),
                    float(form.new_points.data or 0),
                    at=now,
                    actor=marker,
                )
                items.add(added.id)
            marks.give(
                session,
                found,
                marker,
                items=items,
                extra=float(form.extra.data or 0),
                comment=(form.comment.data or "").strip(),
                seen=form.seen.data or 0,
                at=now,
            )
    except (MarkError, RubricError) as error:
        form.comment.errors = [*form.comment.errors, str(error)]
        return _page(seat, chosen, part, answer, form), 422
    return redirect(_then(seat, chosen, part, answer), 303)


@pages.post("/assignments/<assignment>/by-hand/<part>/rubric/<int:item_id>")
@in_course(Role.ASSISTANT)
def change_item(
    seat: Seat, assignment: str, part: str, item_id: int
) -> Response | str | tuple[str, int]:
    """Change an item of the rubric, or remove it, for all answers that have it."""
    chosen, form = access.assignment(seat, assignment), RubricForm()
    now, answer = services().clock(), request.form.get("answer", "")
    with services().database.write() as session:
        asked = _part(session, chosen, part)
        item = session.get(RubricItem, item_id)
        if item is None or item.part_id != asked.id:
            abort(404)
        actor = session.get_one(User, seat.user.id)
        if "remove" in request.form:
            count = rubric.remove(session, asked, item, at=now, actor=actor)
            said = _("Removed from the rubric, and from %(marks)s.", marks=_many(count))
        elif not form.validate_on_submit():
            said = " ".join(error for found in form.errors.values() for error in found)
            said = _("The rubric is as it was: %(said)s", said=said)
        else:
            points = float(form.points.data)
            text = form.text.data.strip()
            count = rubric.change(session, asked, item, text, points, at=now, actor=actor)
            said = _("The rubric is changed, and with it %(marks)s.", marks=_many(count))
    flash(said)
    where = _at(seat, chosen, part, answer) if answer else _overview(seat, chosen)
    return redirect(where, 303)


def _page(
    seat: Seat, chosen: Assignment, part: str, answer: str, form: MarkForm | None = None
) -> str:
    with services().database.read() as session:
        asked = _part(session, chosen, part)
        found = _answer(session, asked, answer)
        view = marks.view(session, chosen, found, seat.user.id)
        waiting = queue.waiting(session, chosen, asked)
        items = rubric.items(session, asked)
    ids = [one.public_id for one in waiting]
    if form is None:
        form = MarkForm(formdata=None)
        form.seen.data = view.own.mark.version if view.own else 0
        if view.own is not None:
            form.chosen.data = [item.id for item in view.own.items]
            form.extra.data = view.own.mark.extra or None
            form.comment.data = view.own.mark.comment
    return render_template(
        "instructor/mark.html",
        assignment=chosen,
        part=asked,
        answer=found,
        is_text=asked.kind is PartKind.TEXT,
        view=view,
        settles=view.round == SETTLED and chosen.double_marking,
        own_answer=found.user_id == seat.user.id,
        items=items,
        form=form,
        number=ids.index(answer) + 1 if answer in ids else 0,
        count=len(ids),
        left=sum(one.waits_for(chosen, seat.user.id) for one in waiting),
        next=queue.after(waiting, answer, chosen, seat.user.id),
        following=queue.beside(waiting, answer, 1),
        previous=queue.beside(waiting, answer, -1),
    )


def _then(seat: Seat, chosen: Assignment, part: str, answer: str) -> str:
    """Where to go once an answer is marked."""
    wanted = request.form.get("then", "next")
    if wanted == "stay":
        return _at(seat, chosen, part, answer)
    with services().database.read() as session:
        asked = _part(session, chosen, part)
        waiting = queue.waiting(session, chosen, asked)
    if wanted == "previous":
        to = queue.beside(waiting, answer, -1) or answer
    else:
        to = queue.after(waiting, answer, chosen, seat.user.id)
    if to:
        return _at(seat, chosen, part, to)
    flash(_("%(part)s: nothing waits for you any more.", part=asked.title))
    return _overview(seat, chosen)


def _part(session: Session, assignment: Assignment, slug: str) -> Part:
    query = select(Part).where(Part.assignment_id == assignment.id, Part.slug == slug)
    return session.scalar(query) or abort(404)


def _answer(session: Session, part: Part, public_id: str) -> Answer:
    query = select(Answer).where(Answer.part_id == part.id, Answer.public_id == public_id)
    options = undefer(Answer.text), joinedload(Answer.user)
    return session.scalar(query.options(*options)) or abort(404)


def _overview(seat: Seat, assignment: Assignment) -> str:
    return url_for(".by_hand", course=seat.course.slug, assignment=assignment.slug)


def _at(seat: Seat, assignment: Assignment, part: str, answer: str) -> str:
    return url_for(
        ".mark", course=seat.course.slug, assignment=assignment.slug, part=part, answer=answer
    )


def _many(count: int) -> str:
    return ngettext("%(num)s mark", "%(num)s marks", count)
