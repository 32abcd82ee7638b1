"""The demo course: who hands in what, when, and that it is graded once."""

from __future__ import annotations

import ast
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from autograder.handin.submission import parse
from server.demo import course, writing
from server.demo.grading import grade_all
from server.demo.story import HandIn, hand_ins
from server.demo.writing import Solved, Way
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import Course, State, Submission
from tests.catalogues import FIRST as CATALOGUE
from tests.server.conftest import House

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
TOPICS = [
    topic
    for dates in course.dates(CATALOGUE)
    for topic in CATALOGUE[dates.topic].topics
    if all(exercise.functions for exercise in topic.exercises)
]


@pytest.fixture(scope="module")
def told() -> list[HandIn]:
    return hand_ins(CATALOGUE, NOW)


def test_it_is_the_same_story_each_time(told: list[HandIn]) -> None:
    assert hand_ins(CATALOGUE, NOW) == told


def test_it_happens_within_each_assignments_time(told: list[HandIn]) -> None:
    dates = {one.topic: one for one in course.dates(CATALOGUE)}
    assert {one.assignment for one in told} == set(dates)
    for one in told:
        its = dates[one.assignment]
        end = its.due if its.late_until is None else its.late_until
        assert its.opens <= (one.at - NOW) / timedelta(days=1) <= min(end, 0)
    assert told == sorted(told, key=lambda one: one.at)


def test_many_students_try_several_times(told: list[HandIn]) -> None:
    attempts = Counter((one.student, one.assignment) for one in told)
    assert len({student for student, _ in attempts}) > 20
    assert sum(count > 1 for count in attempts.values()) > 30
    assert all(parse(one.filename, one.content).sources for one in told)


@st.composite
def solved(draw: st.DrawFn) -> tuple[int, dict[str, Solved]]:
    number = draw(st.integers(0, len(TOPICS) - 1))
    ways: dict[str, Solved] = {}
    for exercise in TOPICS[number].exercises:
        others = writing.alternatives(TOPICS[number], exercise)
        ways[exercise.name] = draw(st.sampled_from([*Way, *exercise.misconceptions, *others]))
    return number, ways


@settings(max_examples=40, deadline=None)
@given(solved())
def test_a_file_defines_each_function_once_and_is_python(
    chosen: tuple[int, dict[str, Solved]],
) -> None:
    number, ways = chosen
    topic = TOPICS[number]
    source = writing.written(topic, ways)
    defined = Counter(n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    for exercise in topic.exercises:
        assert all(defined[function.__name__] == 1 for function in exercise.functions)
        unwritten = f'NotImplementedError("{exercise.name}")' in source
        assert unwritten == (ways[exercise.name] is Way.UNWRITTEN)
    assert parse("handed_in.ipynb", writing.in_cells(source)).sources


def test_the_course_says_on_its_pages_that_it_is_generated(
    house: House, client: FlaskClient
) -> None:
    assert "generated" not in client.get("/courses/dl/").text
    with house.database.write() as session:
        session.scalars(select(Course).where(Course.slug == "dl")).one().notice = course.NOTICE
    for page in ("/courses/dl/", "/courses/dl/assignments/norm/", "/account"):
        assert course.NOTICE in client.get(page).text


@pytest.mark.slow
def test_everything_is_graded_once_however_often_it_is_run(
    tmp_path: Path, told: list[HandIn]
) -> None:
    config = Config(tmp_path)
    config.prepare()
    database = Database(config.database)
    database.migrate()
    with database.write() as session:
        course.make(session, CATALOGUE, at=NOW)
    some = [one for one in told if one.assignment == TOPICS[0].name][:3]
    seen: list[int] = []
    for _ in range(2):
        with database.write() as session:
            assert course.make(session, CATALOGUE, at=NOW + timedelta(days=1)).created_at == NOW
        grade_all(config, some, 1, seen.append)
        with database.read() as session:
            rows = session.scalars(select(Submission).order_by(Submission.id)).all()
        assert [row.received_at for row in rows] == [one.at for one in some]
        assert all(row.state is State.GRADED for row in rows)
        assert all(row.graded_at and row.graded_at < NOW for row in rows)
    assert seen[-1] == 3
