"""What staff see and do: the class at a glance, the gradebook, a student, a submission, the log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import Mock

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from sqlalchemy import select

from autograder.handin.submission import MAX_BYTES
from server.grades import marking
from server.grades.grades import without_gain
from server.storage.models import (
    Assignment,
    AuditEntry,
    Comment,
    Counts,
    Enrolment,
    Extension,
    Grade,
    Role,
    State,
    Submission,
    User,
)
from server.web import code
from server.web.app import create_app
from server.web.instructor import glance
from server.web.instructor.charts import Bar, Bars
from tests.server import engines
from tests.server.conftest import House
from tests.server.test_grades import assignments, submissions

STAFF = "/courses/dl/staff"
Browser = Callable[[str], FlaskClient]


def text(page: str) -> str:
    """What a reader sees, the white space made even."""
    page = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def submit(house: House, user: str, score: float, **where: str) -> str:
    """Somebody's submission that gets this score of 20."""
    if user not in ("student", "classmate"):
        house.student(user)
    public_id = house.accept(user=user, **where)
    house.grade_all(lambda secret, topic, *_: engines.report(topic, score))
    return public_id


def entries(house: House, action: str) -> list[AuditEntry]:
    with house.database.read() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


# The class at a glance


def test_the_overview_counts_who_handed_in_and_what_they_misunderstood(
    house: House, browser: Browser
) -> None:
    submit(house, "student", 12)
    submit(house, "student", 15)
    submit(house, "classmate", 20)
    page = text(browser("assistant").get(f"{STAFF}/").text)
    assert "2 of 2 handed in · mean 8.75 of 10" in page
    assert "interleaved-groups Groups are contiguous. group_norm Normalization layers 2" in page
    assert "batch_norm 100 %" in page
    assert "0 waiting" in page


def test_what_a_server_has_worked_out_is_found_by_the_next_until_it_changes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(house, "student", 12)

    def pages() -> list[str]:
        app = create_app(house.config, engines.ENGINE, house.clock)  # that has seen nothing yet
        client = house.log_in(app.test_client(), "assistant")
        where = ("", "assignments/norm/", "assignments/norm/statistics")
        return [text(client.get(f"{STAFF}/{page}").text) for page in where]

    first = pages()
    with monkeypatch.context() as patched:
        for name in ("standings", "exercise_means", "all_misconceptions"):
            patched.setattr(f"server.web.instructor.glance.{name}", Mock(side_effect=OSError))
        patched.setattr("server.web.instructor.items.spreads", Mock(side_effect=OSError))
        assert pages() == first
    submit(house, "classmate", 20)
    assert "1 of 2 handed in" in first[0]
    assert "2 of 2 handed in" in pages()[0]


def test_staff_who_hand_in_are_not_the_class(house: House, browser: Browser) -> None:
    house.accept(user="assistant")
    house.grade_all()
    page = text(browser("assistant").get(f"{STAFF}/").text)
    assert "0 of 2 handed in" in page
    assert "No known misconception" in page


def test_axes_say_where_they_begin_and_end(house: House, browser: Browser) -> None:
    submit(house, "student", 15)
    page = browser("assistant").get(f"{STAFF}/assignments/norm/").text
    assert "<span>1 student</span>" in page
    assert "<span>0 %</span><span>50 %</span><span>full marks</span>" in page
    day = r"\d+ [A-Z][a-z]{2}"
    assert re.search(rf"opens {day}</span><span>(the line: due {day}; )?ends {day}</span>", page)


def test_who_has_not_started_or_is_stuck_is_shown_from_half_time_on(
    house: House, browser: Browser
) -> None:
    for _ in range(4):
        submit(house, "student", 15)
    client = browser("instructor")
    assert "No assignment is open and past half of its time." in client.get(f"{STAFF}/").text
    house.clock.advance(5 * 24 * 3600)
    page = text(client.get(f"{STAFF}/").text)
    assert "Classmate 2 not started" in page
    assert "Student 1 not started, stuck at 1" in page
    stuck = client.get(f"{STAFF}/gradebook?assignment=norm&show=stuck").text
    assert "student@example.org" in stuck
    assert "classmate@example.org" not in stuck
    missing = client.get(f"{STAFF}/gradebook?assignment=norm&show=not-started").text
    assert "classmate@example.org" in missing
    assert "student@example.org" not in missing


def test_a_stalled_queue_and_faults_are_told(house: House, browser: Browser) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("no space <left>")

    client = browser("assistant")
    public_id = house.accept()
    house.grade_all(broken)
    house.accept(user="classmate")
    house.clock.advance(600)
    page = client.get(f"{STAFF}/").text
    assert "1 not graded through a fault of ours" in text(page)
    assert "Submissions wait, and no grader is there." in page
    assert public_id in client.get(f"{STAFF}/submissions?state=failed").text
    shown = client.get(f"{STAFF}/submissions/{public_id}/").text
    assert "no space &lt;left&gt;" in shown
    client.post(f"{STAFF}/submissions/{public_id}/again")
    assert (house.row(public_id).state, house.row(public_id).faults) == (State.WAITING, 0)
    house.grade_all()
    assert house.row(public_id).state is State.GRADED
    client.post(f"{STAFF}/submissions/{public_id}/again")
    assert house.row(public_id).state is State.GRADED


def test_an_assignment_shows_every_student_and_exercise(house: House, browser: Browser) -> None:
    submit(house, "student", 13)
    submit(house, "student", 17)
    page = text(browser("assistant").get(f"{STAFF}/assignments/norm/").text)
    assert "interleaved-groups Groups are contiguous. group_norm 1 1" in page
    assert "Student 8.5 2 100 % 70 %" in page  # grade, attempts, and the two exercises
    assert "Classmate – 0" in page


@given(assignments(st.just(Counts.BEST)), submissions)
def test_gain_is_counted_from_the_first_best(assignment: Assignment, rows: list) -> None:
    graded = [row for row in rows if row.state is State.GRADED]
    count = without_gain(rows)
    assert 0 <= count <= max(0, len(graded) - 1)
    if graded and max(row.score for row in graded) < 20:
        later = graded[len(graded) - count :]
        best = max(row.score for row in graded)
        assert all(row.score <= best for row in later)
        assert graded[len(graded) - count - 1].score == best
        assert best > max((r.score for r in graded[: len(graded) - count - 1]), default=-1)


@given(st.lists(st.integers(0, 500), max_size=40))
def test_bars_stay_in_their_field_and_what_is_there_is_seen(values: list[int]) -> None:
    chart = Bars([Bar(str(at), value) for at, value in enumerate(values)])
    for bar, x, y, width, height in chart.rectangles():
        assert 0 <= x < x + width <= 100.1
        assert -0.1 <= y <= 100
        assert (height > 0) == (bar.value > 0)


def test_the_distribution_is_complete(house: House) -> None:
    for name, score in (("a", 10), ("b", 13), ("c", 19.9), ("d", 20), ("e", 20)):
        submit(house, name, score)
    with house.database.read() as session:
        (standing,) = glance.standings(session, house.course(), [house.assignment()])
    counts = [bar.value for bar in standing.distribution.bars]
    assert counts == [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 2]
    assert standing.distribution.total == standing.graded == 5


# The gradebook


def names(page: str) -> list[str]:
    return re.findall(r"<small>([a-z0-9]+)@example\.org</small>", page)


def test_the_gradebook_sorts_filters_and_searches(house: House, browser: Browser) -> None:
    for name, score in (("ada", 12), ("bob", 20), ("cyd", 16)):
        submit(house, name, score)
    client = browser("assistant")
    everybody = ["ada", "bob", "classmate", "cyd", "student"]
    assert sorted(names(client.get(f"{STAFF}/gradebook").text)) == everybody
    falling = names(client.get(f"{STAFF}/gradebook?sort=norm&order=falling").text)
    assert falling[:3] == ["bob", "cyd", "ada"]
    assert names(client.get(f"{STAFF}/gradebook?sort=total").text)[-1] == "bob"
    assert names(client.get(f"{STAFF}/gradebook?search=BO").text) == ["bob"]
    assert names(client.get(f"{STAFF}/gradebook?search=%25").text) == []
    assert "assistant@example.org" not in client.get(f"{STAFF}/gradebook").text


@pytest.mark.parametrize(
    "query",
    [
        "page=99999999",
        "page=-1",
        "page=x",
        "sort=nothing",
        "show=nothing&assignment=nothing",
        "show=late",
        "search='; DROP TABLE users; --",
        "section=<b>",
        "before=99999999999999999999",
    ],
)
@pytest.mark.parametrize("page", ["gradebook", "submissions", "log", "assignments/norm/"])
def test_whatever_is_asked_for_has_an_answer(browser: Browser, page: str, query: str) -> None:
    assert browser("instructor").get(f"{STAFF}/{page}?{query}").status_code == 200


def test_the_gradebook_has_pages(house: House, browser: Browser) -> None:
    for number in range(60):
        house.student(f"s{number:02}")
    client = browser("assistant")
    first, second = (names(client.get(f"{STAFF}/gradebook?page={n}").text) for n in (1, 2))
    assert (len(first), len(second)) == (50, 12)
    assert len({*first, *second}) == 62


# A student


def test_an_extension_is_granted_in_the_course_s_time_and_audited(
    house: House, browser: Browser
) -> None:
    student, norm = house.user(), house.assignment()
    house.clock.advance(16 * 24 * 3600)
    client = browser("instructor")
    due = (house.clock() + timedelta(days=3)).astimezone().replace(microsecond=0)
    form = {
        "due_at": "2099-07-01T12:00",
        "late_until": "",
        "extra_attempts": "2",
        "extension_reason": "ill <for> a week",
    }
    address = f"{STAFF}/students/{student.id}/extensions/norm"
    assert client.post(address, data=form).status_code == 303
    with house.database.read() as session:
        extension = session.scalars(select(Extension)).one()
    assert extension.due_at.isoformat() == "2099-07-01T10:00:00+00:00"  # Berlin, in summer
    assert (extension.extra_attempts, extension.late_until) == (2, None)
    (entry,) = entries(house, "extension.granted")
    assert entry.detail["before"] is None
    assert entry.detail["after"]["extra_attempts"] == 2
    page = client.get(f"{STAFF}/students/{student.id}/").text
    assert "ill &lt;for&gt; a week" in page
    assert 'value="2099-07-01T12:00"' in page
    wrong = client.post(address, data=form | {"late_until": "2098-01-01T00:00"})
    assert wrong.status_code == 422
    assert "It must not be before the due date." in wrong.text
    assert client.post(address, data=form | {"extension_reason": ""}).status_code == 422
    assert due > norm.due_at
    assert len(entries(house, "extension.granted")) == 1


def test_an_adjustment_is_added_explained_and_audited(house: House, browser: Browser) -> None:
    submit(house, "student", 15)
    student, client = house.user(), browser("instructor")
    address = f"{STAFF}/students/{student.id}/adjustments/norm"
    form = {"points": "-0.5", "adjustment_reason": "copied a line"}
    assert client.post(address, data=form).status_code == 303
    with house.database.read() as session:
        grade = session.get_one(Grade, (house.assignment().id, student.id))
    assert (grade.points, grade.adjustment) == (7.0, -0.5)
    assert entries(house, "grade.adjusted")[0].detail["reason"] == "copied a line"
    page = text(client.get(f"{STAFF}/students/{student.id}/").text)
    assert ("Attempt 1, of 10 points 7.5 copied a line -0.5 Grade 7 of 10") in page
    assert "-0.5 by hand: copied a line (Instructor" in page
    for wrong in ({"points": "0"}, {"points": "nan"}, {"points": "1e9"}, {"adjustment_reason": ""}):
        assert client.post(address, data=form | wrong).status_code == 422, wrong
    assert len(entries(house, "grade.adjusted")) == 1


def test_late_days_are_explained(house: House, browser: Browser) -> None:
    house.clock.advance(8.5 * 24 * 3600)
    submit(house, "student", 20)
    page = text(browser("assistant").get(f"{STAFF}/students/{house.user().id}/").text)
    assert ("Attempt 1, of 10 points 10 2 days late, 10 % less for each -2 Grade 8 of 10") in page
    assert "Extension and adjustment" not in page  # an assistant only looks


# A submission

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"


def notebook(*cells: tuple[str, str]) -> bytes:
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 4,
            "metadata": {},
            "cells": [
                {
                    "cell_type": kind,
                    "metadata": {},
                    "source": source,
                    **(
                        {
                            "execution_count": None,
                            "outputs": [
                                {
                                    "output_type": "display_data",
                                    "metadata": {},
                                    "data": {"text/html": HOSTILE},
                                }
                            ],
                        }
                        if kind == "code"
                        else {}
                    ),
                }
                for kind, source in cells
            ],
        }
    ).encode()


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("a.py", f'x = \'{HOSTILE}\'  # {HOSTILE}\n"""{HOSTILE}\n{HOSTILE}"""\n'.encode()),
        ("b.ipynb", notebook(("code", f"x = '{HOSTILE}'"), ("markdown", HOSTILE))),
        ("c.py", f"{HOSTILE}\n".encode() + b"#" * 300_000),
    ],
)
def test_code_is_shown_as_text_and_downloaded_as_it_is(
    house: House, browser: Browser, filename: str, content: bytes
) -> None:
    public_id = house.accept(filename, content)
    client = browser("assistant")
    page = client.get(f"{STAFF}/submissions/{public_id}/").text
    assert "alert(1)" in text(page.replace("</span>", "").replace("<span", "<"))
    assert "<script>alert" not in page
    assert "<img" not in page
    response = client.get(f"/courses/dl/submissions/{public_id}/file")
    assert response.data == content
    assert response.headers["Content-Disposition"] == f"attachment; filename={filename}"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.mimetype == "application/octet-stream"


@given(st.text(max_size=300), st.lists(st.tuples(st.integers(0, 320), st.integers(0, 40))))
def test_marks_change_no_character(source: str, found: list[tuple[int, int]]) -> None:
    at, ranges = 0, []
    for begin, length in sorted(found):
        if begin >= at:
            ranges.append([begin, begin + length])
            at = begin + length
    html = re.sub(r"<mark [^>]*>", "<mark>", str(code.marked(source, ranges, "first")))
    lines = re.findall(r'<span class="line">(.*?)</span>(?:\n|$)', html, re.S)
    assert "\n".join(lines).replace("<mark>", "").replace("</mark>", "") == str(escape(source))


def test_a_comment_is_shown_as_text(house: House, browser: Browser) -> None:
    public_id = submit(house, "student", 15)
    client = browser("assistant")
    address = f"{STAFF}/submissions/{public_id}"
    assert client.post(f"{address}/comments", data={"text": HOSTILE}).status_code == 303
    client.post(f"{address}/comments", data={"text": "among us", "for_staff": "y"})
    page = client.get(f"{address}/").text
    assert "&lt;/pre&gt;&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert page.count("only for staff") == 1
    for wrong in ("", "  \n", "x" * 10_001):
        assert client.post(f"{address}/comments", data={"text": wrong}).status_code == 422
    with house.database.read() as session:
        assert [c.for_staff for c in session.scalars(select(Comment))] == [False, True]


def test_submissions_are_found_by_misconception_and_by_what_counts(
    house: House, browser: Browser
) -> None:
    first = submit(house, "student", 12)
    second = submit(house, "student", 15)
    client = browser("assistant")
    query = "misconception=interleaved-groups&exercise=group_norm"
    every = client.get(f"{STAFF}/submissions?{query}").text
    assert first in every
    assert second in every
    assert "Groups are contiguous." in every
    counting = client.get(f"{STAFF}/submissions?{query}&which=counting").text
    assert first not in counting
    assert second in counting
    assert "No submission fits." in client.get(f"{STAFF}/submissions?misconception=other").text


def test_all_who_have_a_misconception_get_one_comment(house: House, browser: Browser) -> None:
    before = submit(house, "student", 12)
    having = {submit(house, "student", 15), submit(house, "classmate", 12)}
    client = browser("assistant")
    query = "assignment=norm&misconception=interleaved-groups&exercise=group_norm&which=counting"
    address = f"{STAFF}/submissions?{query}"
    assert "Write to all 2 students who have it now" in client.get(address).text
    refused = client.post(address, data={"text": " \n"})
    assert refused.status_code == 422
    assert "There is nothing in it." in refused.text

    def stored() -> dict[str, list[str]]:
        with house.database.read() as session:
            rows = session.execute(
                select(Submission.public_id, Comment.text).join(Comment.submission)
            )
            found: dict[str, list[str]] = {}
            for public_id, written in rows:
                found.setdefault(public_id, []).append(written)
            return found

    for _ in range(2):  # a second click
        page = client.post(address, data={"text": "Look at the order."}, follow_redirects=True)
    assert "0 of 2 students have a new comment" in page.text
    assert stored() == {key: ["Look at the order."] for key in having}
    submit(house, "student", 20)  # has it no more
    client.post(address, data={"text": "One more thing."})
    assert {len(texts) for texts in stored().values()} == {1, 2}
    assert before not in stored()


@pytest.mark.parametrize("name", ["course", "endpoint", "_scheme", "_external", "_anchor"])
def test_an_address_may_have_any_arguments(browser: Browser, name: str) -> None:
    page = browser("assistant").get(f"{STAFF}/submissions?misconception=m&{name}=javascript")
    assert page.status_code == 200
    assert "javascript:" not in page.text


# People and the log


def test_a_role_is_changed_and_audited_but_not_one_s_own(house: House, browser: Browser) -> None:
    client = browser("instructor")

    def change(name: str, role: str) -> int:
        address = f"{STAFF}/people/{house.user(name).id}/role"
        return client.post(address, data={"role": role}).status_code

    def role(name: str) -> Role:
        with house.database.read() as session:
            return session.get_one(Enrolment, (house.course().id, house.user(name).id)).role

    assert change("classmate", "assistant") == 303
    assert role("classmate") is Role.ASSISTANT
    assert entries(house, "role.changed")[0].detail == {"before": "student", "after": "assistant"}
    assert change("instructor", "student") == 303
    assert role("instructor") is Role.INSTRUCTOR
    assert change("classmate", "king") == 422


def test_the_log_shows_the_course_s_entries_filtered_and_paged(
    house: House, browser: Browser
) -> None:
    student = house.user()
    with house.database.write() as session:
        actor = session.get_one(User, house.user("instructor").id)
        for number in range(120):
            marking.adjust(
                session,
                session.get_one(Assignment, house.assignment().id),
                student.id,
                1.0,
                f"reason {number}",
                at=house.clock(),
                actor=actor,
            )
    client = browser("instructor")
    page = client.get(f"{STAFF}/log?action=grade.adjusted").text
    assert page.count("points by hand for norm") == 100
    (older,) = re.findall(r'href="([^"]*before=\d+)"', page)
    assert client.get(older.replace("&amp;", "&")).text.count("points by hand for norm") == 20
    assert "<td>" not in client.get(f"{STAFF}/log?search=nobody@example.org").text
    mine = client.get(f"{STAFF}/log?search=student@example.org&action=grade.adjusted").text
    assert "reason 119" in text(mine)
    other = browser("outsider").get("/courses/other/staff/log").text
    assert "points by hand for norm" not in other


def test_a_file_too_large_to_read_is_still_downloaded(house: House, browser: Browser) -> None:
    """What the limits allowed when it came may be larger than what they allow now."""
    public_id = house.accept()
    house.keep(public_id, b"x" * (MAX_BYTES + 1))
    client = browser("assistant")
    assert "It cannot be shown" in client.get(f"{STAFF}/submissions/{public_id}/").text
    assert len(client.get(f"/courses/dl/submissions/{public_id}/file").data) == MAX_BYTES + 1
