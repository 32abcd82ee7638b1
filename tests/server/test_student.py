"""What students see beyond handing in: where they stand, how a grade came about, what changed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from autograder.handin.submission import SubmissionError
from autograder.reading.inside import code
from server.grades.breakdown import breakdown
from server.grades.deadlines import Phase, deadlines
from server.grades.grades import standing
from server.grades.moments import away, spelled
from server.storage.config import ConfigError
from server.storage.models import (
    Adjustment,
    Assignment,
    Comment,
    Counts,
    Extension,
    Grade,
    Submission,
)
from server.web.student.chart import Chart
from server.web.student.comparison import changes
from server.web.upload import one_file
from tests.server import engines
from tests.server.conftest import SOURCE, House, sentence
from tests.server.test_grades import adjustments, assignments, extensions, submissions

NOW = datetime(2027, 1, 10, tzinfo=UTC)
NORM = "/courses/dl/assignments/norm/"
TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')  # another one each second


# Times


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3 * 86_400, "in 3 days"),
        (3 * 86_400 - 1, "in 2 days"),
        (2 * 86_400 - 1, "in 47 hours"),
        (7199, "in 119 minutes"),
        (60, "in 1 minute"),
        (59, "in less than a minute"),
        (0, "just now"),
        (-59, "just now"),
        (-7200, "2 hours ago"),
    ],
)
def test_how_far_away(seconds: int, words: str) -> None:
    assert away(NOW + timedelta(seconds=seconds), NOW) == words


def test_a_moment_is_spelled_in_the_zone_of_the_course() -> None:
    assert spelled(NOW, ZoneInfo("Europe/Berlin")) == "10 Jan 2027, 01:00 CET"


@given(st.integers(-40, 40))
def test_the_phases_follow_one_another(days: int) -> None:
    assignment = Assignment(
        opens_at=NOW - timedelta(days=20), due_at=NOW, late_until=NOW + timedelta(days=9)
    )
    phase = deadlines(assignment, None, UTC).phase(NOW + timedelta(days=days, minutes=1))
    expected = [
        (-20, Phase.COMING),
        (-2, Phase.OPEN),
        (0, Phase.DUE_SOON),
        (9, Phase.LATE),
        (99, Phase.CLOSED),
    ]
    assert phase is next(phase for end, phase in expected if days < end)


def test_the_course_shows_state_deadline_and_grade(client: FlaskClient, house: House) -> None:
    def shown() -> str:
        return re.sub(r"<[^>]+>|\s+", " ", client.get("/courses/dl/").text)

    assert "due in 6 days" in shown()
    house.graded(score=15.0)
    assert "7.5 / 10" in re.sub(" +", " ", shown())
    house.clock.advance(6 * 86_400)
    assert "due soon" in shown()
    house.clock.advance(2 * 86_400 - 6 * 3600)
    assert "10 % less per day" in shown()  # the one
    assert "closed 18 hours ago" in shown()  # the other, which takes nothing late


def test_what_is_not_open_yet_is_announced_and_cannot_be_entered(
    client: FlaskClient, house: House
) -> None:
    house.clock.advance(-2 * 86_400)
    page = client.get("/courses/dl/").text
    assert "not open yet" in page
    assert NORM not in page
    assert client.get(NORM).status_code == 404


# What is asked


def words(page: str) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", page)


def test_the_lesson_is_shown_with_its_formulas_and_exercises(client: FlaskClient) -> None:
    page = client.get(NORM).text
    assert '<span class="math inline">\\mu &lt; 1</span>' in page
    assert "&lt;b&gt;no&lt;/b&gt; tags" in page
    assert "&lt;experiment&gt;" in page
    assert page.count("<h1") == 1
    assert "batch_norm not handed in 5" in words(page)  # of the assignment's points


def test_each_exercise_says_how_far_one_is(client: FlaskClient, house: House) -> None:
    house.graded(score=15.0)
    shown = words(client.get(NORM).text)
    assert "batch_norm right 5 / 5" in shown
    assert "group_norm partly right 2.5 / 5" in shown
    assert "As in attempt 1, which counts" in shown


def test_an_attempt_says_what_it_changed(client: FlaskClient, house: House) -> None:
    for score in (15.0, 18.0, 18.0, 12.0):
        house.graded(score=score)
    page = client.get(NORM).text
    changed = [
        words(found) for found in re.findall('<small class="changed">(.*?)</small>', page, re.S)
    ]
    assert [text.strip() for text in changed] == [
        "-3 group_norm",
        "nothing changed",
        "+1.5 group_norm",
    ]


def test_everything_is_downloaded_as_one_file(client: FlaskClient) -> None:
    answer = client.get(f"{NORM}everything.zip")
    assert answer.headers["Content-Disposition"] == "attachment; filename=norm.zip"
    assert answer.data


def test_a_lesson_that_cannot_be_made_keeps_nobody_from_handing_in(
    app: Flask, client: FlaskClient
) -> None:
    def broken(topic: str) -> NoReturn:
        raise ConfigError("There is no room for it.")

    services = app.extensions["gradmark"]
    engine = replace(services.engine, handout=broken, archive=broken)
    replace(services, engine=engine).install(app)
    assert post(client, ("a.py", SOURCE)).status_code == 303
    assert client.get(NORM).status_code == 200
    assert client.get(f"{NORM}everything.zip").status_code == 503


# Handing in


@pytest.mark.parametrize(
    ("days", "said"), [(6, None), (8, "1 day late and counts 90 %"), (20, None)]
)
def test_what_is_late_now_says_what_it_would_count(
    client: FlaskClient, house: House, days: int, said: str | None
) -> None:
    house.clock.advance(days * 86_400 - 3600)
    shown = words(client.get(NORM).text)
    assert (said or "late and counts") in shown if said else "late and counts" not in shown


def post(client: FlaskClient, *files: tuple[str, bytes], code: str = "") -> TestResponse:
    sent = [(io.BytesIO(content), name) for name, content in files]
    return client.post(NORM, data={"file": sent, "code": code}, content_type="multipart/form-data")


def test_several_files_become_one_zip(client: FlaskClient, house: House) -> None:
    assert post(client, ("a.py", SOURCE), ("folder/b.py", SOURCE)).status_code == 303
    (row,) = house.rows()
    assert row.filename == "normalization.zip"
    with zipfile.ZipFile(io.BytesIO(house.files.read(row.public_id))) as archive:
        assert archive.namelist() == ["a.py", "b.py"]
    house.clock.advance(86_400)
    post(client, ("a.py", SOURCE), ("b.py", SOURCE))
    assert {row.digest for row in house.rows()} == {row.digest}  # the same files, the same bytes


def test_pasted_code_is_kept_as_it_was_pasted(client: FlaskClient, house: House) -> None:
    assert post(client, code="    if x:\r\n        # é\r\n").status_code == 303
    (row,) = house.rows()
    assert row.filename == "normalization.py"
    assert house.files.read(row.public_id).decode() == "    if x:\n        # é\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("a.py", b"x")], "either files or pasted code"),
        ([("a.py", b"x"), ("b.py", b"x")], "either files or pasted code"),
    ],
)
def test_what_was_typed_is_not_lost(
    client: FlaskClient, house: House, files: list[tuple[str, bytes]], said: str
) -> None:
    answer = post(client, *files, code="typed = '</textarea><b>'\n")
    assert answer.status_code == 422
    assert said in sentence(answer)
    assert "typed = &#39;&lt;/textarea&gt;&lt;b&gt;&#39;" in answer.text
    house.clock.advance(15 * 86_400)  # nor when it comes too late
    answer = post(client, code="typed")
    assert "closed" in sentence(answer)
    assert re.search(r"<textarea[^>]*>\s*typed", answer.text)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.zip", "b.py"], "is a zip"),
        (["x/a.py", "a.py"], "two files 'a.py'"),
        (["a.py", "a.ipynb"], None),
        ([], "Choose the file"),
    ],
)
def test_what_fits_together(names: list[str], said: str | None) -> None:
    files = [(name, b"pass") for name in names]
    if said is None:
        assert one_file(files, "norm")[0] == "norm.zip"
        return
    with pytest.raises(SubmissionError, match=said):
        one_file(files, "norm")


@given(
    st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True), st.text()), min_size=2)
    .map(dict)
    .filter(lambda files: len(files) > 1)
)
def test_packing_keeps_every_file(files: dict[str, str]) -> None:
    packed = one_file([(name, f"#{text}".encode()) for name, text in files.items()], "norm")
    with zipfile.ZipFile(io.BytesIO(packed[1])) as archive:
        unpacked = {name: archive.read(name).decode() for name in archive.namelist()}
    assert unpacked == {name: f"#{text}" for name, text in files.items()}


def test_the_limits_are_shown_before(client: FlaskClient, house: House) -> None:
    with house.database.write() as session:
        norm = session.merge(house.assignment())
        norm.attempts, norm.attempts_per_day, norm.cool_down_minutes = 9, 3, 30
    page = client.get(NORM).text
    for words in ("32 MiB", "9 attempts left, 3 left today", "30 minutes until the next"):
        assert words in page
    post(client, ("a.py", SOURCE))
    assert "The next attempt is possible from" in client.get(NORM).text


# The grade, step by step


@given(assignments(st.sampled_from(Counts)), extensions, submissions, adjustments)
def test_the_steps_add_up_to_the_grade(
    assignment: Assignment,
    extension: Extension | None,
    rows: list[Submission],
    by_hand: list[Adjustment],
) -> None:
    for given_points in by_hand:
        given_points.reason = "a reason"
    result = standing(assignment, extension, rows, by_hand, UTC)
    grade = Grade(
        points=result.points,
        late_days=result.late_days,
        free_days=result.free_days,
        adjustment=result.adjustment,
        submission=result.submission,
    )
    steps = breakdown(assignment, grade, by_hand)
    assert sum(step.points for step in steps) == pytest.approx(result.points or 0.0)
    assert bool(steps) == (result.points is not None)


def test_the_report_page_says_how_the_grade_came_about_and_what_staff_wrote(
    client: FlaskClient, house: House
) -> None:
    house.clock.advance(8 * 86_400 - 6 * 3600)  # the first day after the due date
    public_id = house.graded(score=15.0)
    with house.database.write() as session:
        row = session.merge(house.row(public_id))
        teacher = session.merge(house.user("instructor"))
        written = {"author_id": teacher.id, "written_at": house.clock(), "submission_id": row.id}
        session.add(Comment(text="Look at <b>group_norm</b>.", for_staff=False, **written))
        session.add(Comment(text="A secret among staff.", for_staff=True, **written))
    page = client.get(house.page(public_id)).text
    assert "1 day late, 10 % less for each" in page
    assert "-0.75" in page
    assert "<b>6.75</b> of 10" in page
    assert "This attempt counts: of several, the best one does." in page
    assert "Look at &lt;b&gt;group_norm&lt;/b&gt;." in page
    assert "A secret among staff." not in page


def test_the_code_stands_beside_the_report_open_where_it_is_not_right(
    client: FlaskClient, house: House
) -> None:
    source = b"""import torch

def group_norm(x: "<b>"):
    return x

def batch_norm(x):
    return x

def helper(x):
    return x
"""
    public_id = house.accept("mine.py", source)
    house.grade_all()
    page = client.get(house.page(public_id)).text
    report = page.partition("All that was handed in")[0]
    right, wrong = re.split('<details class="part" id="exercise-.*?"', report)[1:]
    assert right.startswith(">")
    assert "batch_norm: mine.py, line 6" in right
    assert 'href="#code-batch_norm-batch_norm"' in right  # from its checks
    assert 'href="#found-batch_norm"' in right  # and back
    assert wrong.startswith(" open data-wrong>")
    assert 'data-n="4"' in wrong
    assert 'data-n="5"' not in wrong
    assert "&lt;b&gt;" in wrong
    assert "helper" not in right + wrong
    broken = house.accept("mine.py", b"def batch_norm(x):\n    return (\n\n" + source)
    house.grade_all()
    assert "group_norm: mine.py, line 6" in client.get(house.page(broken)).text


# The history


@given(submissions)
def test_every_graded_attempt_has_a_dot_inside_the_picture(rows: list[Submission]) -> None:
    chart = Chart(rows)
    assert [dot.submission.number for dot in chart.dots] == [
        row.number for row in rows if row.state.value == "graded"
    ]
    for dot in chart.dots:
        assert chart.left <= dot.x <= chart.right
        assert chart.top <= dot.y <= chart.bottom


def test_the_attempt_that_counts_is_marked(client: FlaskClient, house: House) -> None:
    better = house.graded(score=18.0)
    house.graded(score=11.0)
    page = client.get(NORM).text
    assert page.count('class="counts">counts') == 1
    assert page.index(better) < page.index('class="counts">counts')
    assert page.count("<circle") == 2


def test_one_s_own_file_comes_back_as_a_download(client: FlaskClient, house: House) -> None:
    content = b"# <script>alert(1)</script>\n"
    public_id = house.accept('na"me\xe9.py', content)
    answer = client.get(f"{house.page(public_id)}file")
    assert answer.data == content
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]


# Two attempts


def compare(client: FlaskClient, **chosen: str) -> TestResponse:
    return client.get(f"{NORM}compare", query_string=chosen)


def test_two_attempts_are_compared_by_check_and_by_line(client: FlaskClient, house: House) -> None:
    assert "no two attempts" in compare(client).text
    pair = []
    for score, line in ((12.0, b"    return x  # <b>\n"), (20.0, b"    return x / 2\n")):
        pair.append(house.accept("s.py", b"def batch_norm(x):\n" + line))
        house.grade_all(lambda *_, score=score: engines.report("normalization", score))
    page = compare(client).text
    assert "From 6 to 10 of 10" in page
    assert "↑" in page
    assert "    return x  # &lt;b&gt;" in page
    assert page.count('<tr class="added">') == page.count('<tr class="removed">') == 1
    same = [compare(client, before=pair[0], after=pair[1]), compare(client, after=pair[1])]
    assert {TOKEN.sub("", answer.text) for answer in same} == {TOKEN.sub("", page)}
    swapped = compare(client, before=pair[1], after=pair[0]).text
    assert "↓" in swapped
    assert "Every check has the same result." in compare(client, before=pair[0], after=pair[0]).text
    # Both have the misconception: it neither came nor went.
    assert "Settled" not in page


def test_one_without_a_report_is_compared_by_its_code(client: FlaskClient, house: House) -> None:
    house.graded()
    house.accept(content=b"x = 1\n")
    page = compare(client).text
    assert "One of the two has no report" in page
    assert "x = 1" in page


def test_only_one_s_own_are_compared(browser: Callable[[str], FlaskClient], house: House) -> None:
    mine, theirs = house.accept(), house.accept(user="classmate")
    elsewhere = house.accept(assignment="losses")
    student = browser("student")
    assert compare(student, before=theirs, after=mine).status_code == 404
    assert compare(student, before=elsewhere, after=mine).status_code == 404
    assert compare(browser("assistant"), before=theirs, after=mine).status_code == 404
    assert compare(browser("assistant"), after=mine).status_code == 200


texts = st.lists(st.sampled_from(["a", "b = 1", "-- c", "++ d", "@@ e", ""]), max_size=12).map(
    "\n".join
)


def module(text: str) -> tuple[str, bytes]:
    return "m.py", (text or " ").encode()


@given(texts, texts)
def test_the_diff_leads_from_one_text_to_the_other(before: str, after: str) -> None:
    old, new = module(before), module(after)
    found = code.changes(old, new)
    assert found is not None
    if not found:  # of a file that is no Python, an empty line at its end is no change
        assert old[1].rstrip(b"\n") == new[1].rstrip(b"\n")
        return
    assert old != new
    for mine, sign, source in (("removed", "-", old), ("added", "+", new)):
        text = f"{source[1].decode()}\n".split("\n")
        place = 0
        for line in found["m"]:
            if line.kind == "place":
                header = re.search(rf"\{sign}(\d+)", line.text)
                assert header
                place = int(header[1])
            elif line.kind in (mine, "same"):
                assert text[place - 1] == line.text
                place += 1


def test_too_much_is_not_compared() -> None:
    assert code.changes(module("x\n" * code.MOST_COMPARED), module("y")) is None


def test_a_report_differs_from_itself_in_nothing() -> None:
    report = engines.report("normalization")
    assert changes(report, report) == []


# Where one begins


@pytest.mark.parametrize(
    ("who", "page"),
    [
        ("student", "/courses/dl/"),
        ("assistant", "/courses/dl/staff/"),
        ("instructor", "/courses/dl/staff/"),
        ("outsider", "/courses/other/staff/"),
    ],
)
def test_who_is_in_one_course_begins_where_they_work(
    browser: Callable[[str], FlaskClient], who: str, page: str
) -> None:
    assert browser(who).get("/").headers["Location"] == page


def test_who_is_in_several_chooses(browser: Callable[[str], FlaskClient]) -> None:
    page = browser("admin").get("/").text
    assert 'href="/courses/dl/staff/"' in page
    assert 'href="/courses/other/staff/"' in page
