"""Parts that people mark: answers, marks, rubrics, and what they make of a grade."""

from __future__ import annotations

import json
import re
import zipfile
from base64 import b64encode
from collections.abc import Callable, Collection
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import select

from autograder.handin.submission import MAX_BYTES
from server import courses
from server.courses.spec import PartSpec
from server.grades import by_hand
from server.grades.attempts import NotAllowed
from server.grading import regrades
from server.parts import answers, marks, queue, rubric, workbook
from server.parts.marks import MarkError
from server.storage.models import (
    Answer,
    Assignment,
    AuditEntry,
    Course,
    Grade,
    Mark,
    Part,
    PartKind,
    Regrade,
    RubricItem,
    User,
)
from server.web.instructor.sentences import sentence
from tests.server import engines
from tests.server.conftest import House, course_spec

Browser = Callable[[str], FlaskClient]
DAY = 24 * 3600
NORM = "/courses/dl/assignments/norm/"
NOTEBOOK = Path(__file__).parents[2] / "assignments" / "normalization.ipynb"
WHY = PartSpec("why", PartKind.TEXT, "Why", "Why is $\\epsilon$ inside the root?", 4.0)
PLOT = PartSpec("plot", PartKind.IMAGE, "Plot", "Plot the curve.", 1.0)


def ask(house: House, *parts: PartSpec, **policy: object) -> None:
    """Let the assignment `norm`, of 10 points, have these parts."""
    spec = course_spec(house.clock())
    first, *rest = spec.assignments
    with house.database.read() as session:
        there = session.get_one(Assignment, house.assignment().id)
    kept = {name: getattr(there, name) for name in ("opens_at", "due_at", "late_until")}
    first = replace(first, parts=parts or (WHY, PLOT), **kept, **policy)  # type: ignore[arg-type]
    rest = [replace(one, **kept | {"late_until": None}) for one in rest]  # type: ignore[arg-type]
    with house.database.write() as session:
        courses.sync(
            session, replace(spec, assignments=(first, *rest)), at=house.clock(), actor=None
        )


def part(house: House, slug: str = "why") -> Part:
    with house.database.read() as session:
        return session.scalars(select(Part).where(Part.slug == slug)).one()


def answer(house: House, text: str = "Because.", user: str = "student", slug: str = "why") -> str:
    """Somebody's answer, which counts now; returns its name."""
    who = house.student(user).id if user not in ("student", "classmate") else house.user(user).id
    with house.database.write() as session:
        row = session.get_one(Part, part(house, slug).id)
        kept = answers.write(session, row, who, text=text, at=house.clock())
        assert kept is not None
        return kept.public_id


def item(house: House, text: str, points: float, slug: str = "why") -> int:
    with house.database.write() as session:
        actor = session.get_one(User, house.user("assistant").id)
        row = session.get_one(Part, part(house, slug).id)
        return rubric.add(session, row, text, points, at=house.clock(), actor=actor).id


def mark(
    house: House,
    public_id: str,
    items: Collection[int] = (),
    extra: float = 0.0,
    by: str = "assistant",
    seen: int | None = None,
) -> Mark:
    with house.database.write() as session:
        row = session.scalars(select(Answer).where(Answer.public_id == public_id)).one()
        marker = session.get_one(User, house.user(by).id)
        assignment = session.get_one(Assignment, row.assignment_id)
        own = marks.view(session, assignment, row, marker.id).own
        return marks.give(
            session,
            row,
            marker,
            items=items,
            extra=extra,
            comment="",
            seen=(own.mark.version if own else 0) if seen is None else seen,
            at=house.clock(),
        )


def grade(house: House, user: str = "student") -> Grade:
    with house.database.read() as session:
        return session.get_one(Grade, (house.assignment().id, house.user(user).id))


def score(house: House, score: float, user: str = "student") -> str:
    """A file of somebody's that gets this score of 20."""
    public_id = house.accept(user=user)
    house.grade_all(lambda secret, topic, *_: engines.report(topic, score))
    return public_id


# One grade of both


def test_a_grade_is_the_automatic_part_and_the_parts_by_hand(house: House) -> None:
    ask(house)
    score(house, 20)
    assert grade(house).points == 5.0  # of 10, of which 4 and 1 are for the parts
    first = answer(house)
    assert (grade(house).points, grade(house).unmarked) == (5.0, 1)
    mark(house, first, [item(house, "Right", 3.0)], extra=0.5)
    assert (grade(house).points, grade(house).by_hand, grade(house).unmarked) == (8.5, 3.5, 0)


def test_without_a_submission_marks_alone_are_a_grade(house: House) -> None:
    ask(house)
    mark(house, answer(house), extra=2)
    assert grade(house).points == 2.0
    assert grade(house).submissions == 0


def test_a_regrade_and_another_attempt_leave_what_was_given_by_hand(house: House) -> None:
    ask(house)
    score(house, 10)
    mark(house, answer(house), extra=3)
    assert grade(house).points == 5.5
    regrade = house.regrade()
    house.grade_all(lambda secret, topic, *_: engines.report(topic, 20))
    with house.database.write() as session:
        actor = session.get_one(User, house.user("instructor").id)
        row = session.get_one(Regrade, regrade)
        regrades.apply(session, row, at=house.clock(), actor=actor)
    assert (grade(house).points, grade(house).by_hand) == (8.0, 3.0)


def test_the_last_answer_counts_and_a_late_one_costs_as_a_late_file_does(house: House) -> None:
    ask(house)
    first = answer(house, "First")
    mark(house, first, extra=4)
    house.clock.advance(7 * DAY + 3600)  # a day has begun since it was due
    second = answer(house, "Second")
    assert (grade(house).points, grade(house).unmarked) == (None, 1)
    mark(house, second, extra=4)
    assert grade(house).points == pytest.approx(3.6)
    with pytest.raises(MarkError, match="answered anew"):
        mark(house, first, extra=1)
    house.clock.advance(10 * DAY)
    with pytest.raises(NotAllowed, match="This assignment closed on"):
        answer(house, "Third")


def test_where_the_last_in_time_counts_a_late_answer_does_not(house: House) -> None:
    ask(house, counts="last-before-due")
    first = answer(house, "First")
    mark(house, first, extra=4)
    house.clock.advance(7 * DAY + 3600)
    answer(house, "Second")
    assert (grade(house).points, grade(house).unmarked) == (4.0, 0)


def test_the_same_answer_again_keeps_its_marks(house: House) -> None:
    ask(house)
    mark(house, answer(house), extra=3)
    with house.database.write() as session:
        row = session.get_one(Part, part(house).id)
        again = answers.write(session, row, house.user().id, text="Because.", at=house.clock())
    assert again is None
    assert grade(house).points == 3.0


def test_another_worth_of_a_part_holds_at_once(house: House) -> None:
    ask(house)
    mark(house, answer(house), extra=4)
    ask(house, replace(WHY, points=2.0), PLOT)
    assert grade(house).points == 2.0
    with pytest.raises(courses.CourseError, match="has answers, so it must stay"):
        ask(house, PLOT)
    with pytest.raises(courses.CourseError, match="so its kind stays 'text'"):
        ask(house, replace(WHY, kind=PartKind.IMAGE))


# Rubrics


def test_a_change_of_an_item_holds_for_all_who_have_it(house: House) -> None:
    ask(house)
    right, wrong = item(house, "Right", 3.0), item(house, "Unclear", -1.0)
    mark(house, answer(house), [right, wrong])
    mark(house, answer(house, "Otherwise", "classmate"), [right])
    assert (grade(house).points, grade(house, "classmate").points) == (2.0, 3.0)
    change(house, right, 4.0)
    assert (grade(house).points, grade(house, "classmate").points) == (3.0, 4.0)
    with house.database.write() as session:
        actor = session.get_one(User, house.user("instructor").id)
        row = session.get_one(RubricItem, wrong)
        place = session.get_one(Part, row.part_id)
        assert rubric.remove(session, place, row, at=house.clock(), actor=actor) == 1
    assert (grade(house).points, grade(house, "classmate").points) == (4.0, 4.0)
    with house.database.read() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "rubric.changed")
        ).all()
        told = [sentence_of(entry) for entry in entries]
    assert told[0] == "To the rubric of Why in norm was added: +3 Right."
    assert told[2] == "In the rubric of Why in norm, and in 2 marks, +3 Right is now +4 Right."
    assert told[3].startswith("From the rubric of Why in norm was taken, and from 1 mark")


def sentence_of(entry: AuditEntry) -> str:
    return sentence(entry, ZoneInfo("Europe/Berlin"))


def change(house: House, number: int, points: float) -> None:
    with house.database.write() as session:
        actor = session.get_one(User, house.user("assistant").id)
        row = session.get_one(RubricItem, number)
        place = session.get_one(Part, row.part_id)
        rubric.change(session, place, row, row.text, points, at=house.clock(), actor=actor)


def test_marking_may_begin_with_all_points(house: House) -> None:
    ask(house, replace(WHY, deducts=True))
    wrong = item(house, "No reason", -1.5)
    mark(house, answer(house), [wrong])
    assert grade(house).points == 2.5


@given(
    worth=st.floats(0.01, 100),
    deducts=st.booleans(),
    items=st.lists(st.floats(-100, 100), max_size=8),
    extra=st.floats(-100, 100),
)
def test_no_mark_is_below_nothing_or_above_the_part_and_order_is_nothing(
    worth: float, deducts: bool, items: list[float], extra: float
) -> None:
    row = Part(points=worth, deducts=deducts)
    points = by_hand.points_of(row, items, extra)
    assert 0 <= points <= worth + 1e-6
    assert points == by_hand.points_of(row, items[::-1], extra)


# Two markers


def test_of_two_markers_the_mean_counts_once_both_are_in(house: House) -> None:
    ask(house, double_marking=True, settle_beyond=1.0)
    one = answer(house)
    mark(house, one, extra=3, by="assistant")
    assert (grade(house).points, grade(house).unmarked) == (None, 1)
    mark(house, one, extra=2, by="instructor")
    assert (grade(house).points, grade(house).unmarked) == (2.5, 0)
    with pytest.raises(MarkError, match="Two others have marked"):
        mark(house, one, extra=1, by="admin")


def test_neither_sees_the_others_mark_before_both_are_in(house: House) -> None:
    ask(house, double_marking=True)
    one = answer(house)
    mark(house, one, extra=3, by="assistant")
    seen = view(house, one, "instructor")
    assert (seen.own, seen.others, seen.hidden, seen.points) == (None, (), 1, None)
    assert (seen.round, seen.differ) == (by_hand.SECOND, False)
    mark(house, one, extra=3, by="instructor")
    seen = view(house, one, "instructor")
    assert [other.mark.points for other in seen.others] == [3.0]


def view(house: House, public_id: str, by: str) -> marks.View:
    with house.database.read() as session:
        row = session.scalars(select(Answer).where(Answer.public_id == public_id)).one()
        assignment = session.get_one(Assignment, row.assignment_id)
        return marks.view(session, assignment, row, house.user(by).id)


def test_too_far_apart_is_settled(house: House) -> None:
    ask(house, double_marking=True, settle_beyond=1.0)
    one = answer(house)
    mark(house, one, extra=4, by="assistant")
    mark(house, one, extra=2, by="instructor")
    assert (grade(house).points, grade(house).unmarked) == (None, 1)
    assert view(house, one, "admin").differ
    mark(house, one, extra=3.5, by="instructor")
    assert grade(house).points == 3.5
    with house.database.read() as session:
        kept = session.scalars(select(Mark.points).order_by(Mark.round)).all()
    assert kept == [3.5, 4.0, 2.0]  # what the two gave is kept


# Whose turn


def test_answers_wait_in_an_order_that_tells_no_name(house: House) -> None:
    ask(house)
    names = [answer(house, f"Answer {n}", f"s{n}") for n in range(6)]
    found = waiting(house)
    assert [one.public_id for one in found] == sorted(names)
    first = found[0].public_id
    mark(house, first, extra=1)
    left = waiting(house)
    assistant = house.user("assistant").id
    row = house.assignment()
    assert queue.after(left, first, row, assistant) == found[1].public_id
    assert queue.after(left, found[-1].public_id, row, assistant) == found[1].public_id
    assert queue.beside(left, found[1].public_id, -1) == first
    assert queue.beside(left, first, -1) == ""


def waiting(house: House) -> list[queue.Waiting]:
    with house.database.read() as session:
        return queue.waiting(session, house.assignment(), part(house))


def test_progress_says_who_marked_how_many(house: House) -> None:
    ask(house)
    for n in range(3):
        answer(house, f"Answer {n}", f"s{n}")
    answer(house, "Staff's own", "assistant")
    for one in waiting(house)[:2]:
        mark(house, one.public_id, extra=1)
    with house.database.read() as session:
        why, plot = queue.progress(session, house.assignment(), house.user("instructor").id)
        names = queue.markers(session, [why, plot])
    assert (why.answers, why.marked, why.mine, plot.answers) == (3, 2, 1, 0)
    assert {names[who]: count for who, count in why.by_marker.items()} == {"Assistant": 2}


def test_two_who_mark_the_same_answer_lose_nothing(house: House) -> None:
    ask(house)
    one = answer(house)
    mark(house, one, extra=3)
    with pytest.raises(MarkError, match="Somebody else has marked this answer meanwhile"):
        mark(house, one, extra=1, by="instructor", seen=0)
    assert grade(house).points == 3.0


def test_the_log_says_who_marked_what_and_not_whose(house: House) -> None:
    ask(house)
    mark(house, answer(house), [item(house, "Right", 3.0)])
    with house.database.read() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "answer.marked"))
        assert entry.actor_id == house.user("assistant").id
        assert sentence_of(entry) == "The mark for Why in norm is 3 (+3 Right) of 4."
        assert entry.subject.startswith("answer:")


# Answers by hand and in notebooks


def notebook(
    text: str, code: str = "def batch_norm(x):\n    return x\n", shown: tuple[bytes, ...] = ()
) -> bytes:
    """
    Args:
        shown: what its cell `plot` shows, as images.
    """
    marks = {"nbgrader": {"grade_id": "why", "grade": True, "solution": True, "locked": False}}
    cells = [
        {"cell_type": "code", "metadata": {}, "source": code, "outputs": []},
        {"cell_type": "markdown", "metadata": marks, "source": text},
    ]
    if shown:
        outputs = [
            {"output_type": "display_data", "data": {"image/png": b64encode(one).decode()}}
            for one in shown
        ]
        marks = {"nbgrader": marks["nbgrader"] | {"grade_id": "plot"}}
        cell = {"cell_type": "code", "metadata": marks, "source": "show()", "outputs": outputs}
        cells.append(cell)
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def test_an_answer_is_kept_and_shown_with_its_formulas(house: House, browser: Browser) -> None:
    ask(house)
    client = browser("student")
    sent = client.post(f"{NORM}parts/why/", data={"text": "So $x>0$ <script>alert(1)</script>"})
    assert sent.status_code == 303
    page = client.get(NORM).text
    assert '<span class="math inline">x&gt;0</span>' in page
    assert "<script>alert" not in page
    assert "not marked yet" in page
    blank = client.post(f"{NORM}parts/why/", data={"text": "  "})
    assert blank.status_code == 422
    assert "There is nothing in the answer." in blank.text


def test_a_notebooks_cell_is_an_answer_and_overwrites_no_later_one(
    house: House, browser: Browser
) -> None:
    ask(house)
    client = browser("student")

    def hand_in(content: bytes) -> None:
        sent = client.post(NORM, data={"file": (BytesIO(content), "normalization.ipynb")})
        assert sent.status_code == 303

    hand_in(notebook(answers.PLACEHOLDERS[0]))
    assert texts(house) == []
    hand_in(notebook("From the notebook"))
    assert texts(house) == ["From the notebook"]
    client.post(f"{NORM}parts/why/", data={"text": "Better"})
    hand_in(notebook("From the notebook", code="def batch_norm(x):\n    return 2 * x\n"))
    assert texts(house) == ["From the notebook", "Better"]
    hand_in(notebook("Best", code="def batch_norm(x):\n    return 3 * x\n"))
    assert texts(house)[-1] == "Best"


def test_what_a_notebooks_cell_shows_is_an_answer_made_anew(house: House, browser: Browser) -> None:
    ask(house, PLOT)
    client, staff = browser("student"), browser("assistant")

    def hand_in(*shown: bytes) -> list[str]:
        code = f"def batch_norm(x):\n    return {len(shown)} * x\n"
        sent = {"file": (BytesIO(notebook("", code, shown)), "normalization.ipynb")}
        assert client.post(NORM, data=sent).status_code == 303
        with house.database.read() as session:
            return list(session.scalars(select(Answer.public_id).order_by(Answer.number)))

    assert hand_in() == []
    assert hand_in(b"no image") == []
    large, small = picture("PNG", (60, 50)), picture("PNG")
    (name,) = hand_in(large, small + b"<script>appended</script>")
    response = client.get(f"/courses/dl/answers/{name}/image")
    assert Image.open(BytesIO(response.data)).size == (40, 30)  # the last one
    assert b"appended" not in response.data
    assert "from your notebook" in client.get(NORM).text
    queue = staff.get(f"{BY_HAND}plot/", follow_redirects=True).text
    assert f"/answers/{name}/image" in queue
    assert hand_in(large, b"no image", small) == [name]  # as it was
    assert len(hand_in(small, small, small, large)) == 2


def texts(house: House) -> list[str]:
    with house.database.read() as session:
        return list(session.scalars(select(Answer.text).order_by(Answer.number)))


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    buffer = BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [("a.png", "PNG", "RGBA"), ("a.jpg", "JPEG", "RGB"), ("a.gif", "GIF", "P")],
)
def test_an_image_is_written_anew(
    house: House, browser: Browser, name: str, kind: str, mode: str
) -> None:
    ask(house)
    content = picture(kind, mode=mode) + b"<script>appended</script>"
    client = browser("student")
    sent = client.post(f"{NORM}parts/plot/", data={"image": (BytesIO(content), name)})
    assert sent.status_code == 303
    with house.database.read() as session:
        name = session.scalars(select(Answer.public_id)).one()
    response = client.get(f"/courses/dl/answers/{name}/image")
    assert response.mimetype in ("image/png", "image/jpeg")
    assert b"appended" not in response.data
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert Image.open(BytesIO(response.data)).size == (40, 30)
    assert browser("classmate").get(f"/courses/dl/answers/{name}/image").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "is no image that"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "is no image that can be read"),
        ("a.png", b"", "Choose the image|is no image that"),
    ],
)
def test_what_is_no_image_is_refused(
    house: House, browser: Browser, name: str, content: bytes, said: str
) -> None:
    ask(house)
    sent = browser("student").post(f"{NORM}parts/plot/", data={"image": (BytesIO(content), name)})
    assert sent.status_code == 422
    assert any(one in sent.text for one in said.split("|"))


def test_a_bomb_of_pixels_is_refused(house: House, browser: Browser) -> None:
    ask(house)
    buffer = BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < MAX_BYTES / 100
    sent = browser("student").post(
        f"{NORM}parts/plot/", data={"image": (BytesIO(buffer.getvalue()), "bomb.png")}
    )
    assert sent.status_code == 422
    assert "has more than 40 million pixels" in sent.text


def test_a_course_without_parts_is_as_it_was(house: House, browser: Browser) -> None:
    assert "Marked by hand" not in browser("student").get(NORM).text
    assert browser("student").post(f"{NORM}parts/why/", data={"text": "x"}).status_code == 404
    with house.database.read() as session:
        assert session.scalars(select(Course)).first() is not None


def test_what_was_given_is_shown_and_the_markers_name_is_not(
    house: House, browser: Browser
) -> None:
    ask(house)
    score(house, 20)
    mark(house, answer(house), [item(house, "Names the axis", 3.0)], extra=0.5)
    page = browser("student").get(NORM).text
    assert "Names the axis" in page
    assert "<b>3.5</b> of 4" in page
    assert "Assistant" not in page
    assert "Marked by hand, of 5 points" in page


# Marking on the pages

BY_HAND = "/courses/dl/staff/assignments/norm/by-hand/"


def test_marking_goes_from_one_answer_to_the_next(house: House, browser: Browser) -> None:
    ask(house, anonymous_marking=True)
    for n in range(2):
        answer(house, f"Answer {n}", f"s{n}")
    client = browser("assistant")
    assert "0 of 2" in client.get(BY_HAND).text
    first = client.get(f"{BY_HAND}why/").headers["Location"]
    page = client.get(first).text
    assert not re.search(r"\bs[01]\b", re.sub(r"<meta [^>]*>|value=\"[^\"]*\"", "", page))
    sent = {"seen": "0", "new_text": "Right", "new_points": "3", "extra": "0.5", "then": "next"}
    second = client.post(first, data=sent)
    assert second.status_code == 303
    assert second.headers["Location"] != first
    again = client.get(second.headers["Location"]).text
    assert "Right" in again  # the new item is there for every answer
    last = client.post(second.headers["Location"], data={"seen": "0", "chosen": "1"})
    assert last.headers["Location"].endswith("/by-hand/")
    done = client.get(BY_HAND).text
    assert "2 of 2" in done
    assert "Assistant 2" in done
    with house.database.read() as session:
        assert sorted(session.scalars(select(Mark.points))) == [3.0, 3.5]


def test_a_mark_that_is_no_number_or_that_another_changed_is_not_kept(
    house: House, browser: Browser
) -> None:
    ask(house)
    one = f"{BY_HAND}why/{answer(house)}"
    client = browser("assistant")
    assert client.post(one, data={"seen": "0", "extra": "nan"}).status_code == 422
    assert client.post(one, data={"seen": "0", "extra": "2", "then": "stay"}).status_code == 303
    late = browser("instructor").post(one, data={"seen": "0", "extra": "1", "comment": "Mine"})
    assert late.status_code == 422
    assert "Somebody else has marked this answer meanwhile" in late.text
    assert "Mine" in late.text  # what was written is still there
    assert grade(house).points == 2.0


def test_who_answers_anew_is_marked_anew(house: House, browser: Browser) -> None:
    ask(house)
    first, second = answer(house, "First"), answer(house, "Second")
    client = browser("assistant")
    found = client.get(f"{BY_HAND}why/{first}")
    assert found.headers["Location"].endswith(second)


def test_the_first_marker_is_not_seen_by_the_second(house: House, browser: Browser) -> None:
    ask(house, double_marking=True, settle_beyond=1.0)
    one = f"{BY_HAND}why/{answer(house)}"
    sent = {"seen": "0", "extra": "4", "comment": "Splendid", "then": "stay"}
    assert browser("assistant").post(one, data=sent).status_code == 303
    page = browser("instructor").get(one).text
    assert "Somebody else has marked it" in page
    assert "Splendid" not in page
    browser("instructor").post(one, data={"seen": "0", "extra": "2", "then": "stay"})
    page = browser("instructor").get(one).text
    assert "Splendid" in page
    assert "<b>To settle.</b>" in page
    assert "To settle" in browser("assistant").get(BY_HAND).text
    assert "not marked yet" in browser("student").get(NORM).text
    browser("assistant").post(one, data={"seen": "0", "extra": "3", "then": "stay"})
    assert grade(house).points == 3.0


def test_the_rubric_is_changed_and_an_item_removed(house: House, browser: Browser) -> None:
    ask(house)
    right, one = item(house, "Right", 3.0), answer(house)
    mark(house, one, [right])
    client = browser("assistant")
    change = f"{BY_HAND}why/rubric/{right}"
    sent = client.post(change, data={"text": "Right", "points": "2", "answer": one})
    assert sent.headers["Location"].endswith(one)
    assert grade(house).points == 2.0
    client.post(change, data={"text": "Right", "points": "inf"})
    assert grade(house).points == 2.0
    client.post(change, data={"remove": "1"})
    assert grade(house).points == 0.0


def test_the_notebook_that_is_handed_out_has_a_cell_for_each_part(
    house: House, browser: Browser, tmp_path: Path
) -> None:
    ask(house)
    folder = tmp_path / "everything.zip"
    with zipfile.ZipFile(folder, "w") as archive:
        archive.write(NOTEBOOK, NOTEBOOK.name)
        archive.writestr("README.md", "As it was.")
    both = [part(house, "plot"), part(house)]
    with zipfile.ZipFile(workbook.with_answers(folder, both)) as archive:
        content = archive.read(NOTEBOOK.name)
        assert archive.read("README.md") == b"As it was."
    nbformat.validate(nbformat.reads(content.decode(), as_version=4))
    written = json.loads(content)
    mine = written["cells"][-1]
    assert mine["source"] == answers.PLACEHOLDERS[0]
    assert written["cells"][-2]["source"].startswith("## Why\n\nWhy is $\\epsilon$")
    mine["source"] = "Written in the notebook"
    plot = written["cells"][-3]
    assert plot["cell_type"] == plot["metadata"]["nbgrader"]["cell_type"] == "code"
    shown = {"output_type": "display_data", "metadata": {}}
    plot["outputs"] = [shown | {"data": {"image/png": b64encode(picture("PNG")).decode()}}]
    sent = json.dumps(written).encode()
    handed_in = browser("student").post(NORM, data={"file": (BytesIO(sent), NOTEBOOK.name)})
    assert handed_in.status_code == 303
    assert sorted(texts(house)) == ["", "Written in the notebook"]
