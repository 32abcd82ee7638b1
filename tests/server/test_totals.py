"""A course's total: properties of the rule, and that every face says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from math import isclose
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from server import courses
from server.courses.spec import GroupSpec
from server.grades import marking, totals
from server.grades.totals import Entry, Part, total
from server.storage.models import (
    WHEN_PUBLISHED,
    Assignment,
    Course,
    GradeGroup,
    Rounding,
    Scope,
    User,
)
from tests.server.conftest import House, course_spec

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@st.composite
def classes(draw: st.DrawFn) -> tuple[Course, list[GradeGroup], list[Entry]]:
    """A course, its groups and what a student has."""
    count = draw(st.integers(0, 3))
    groups = [
        GradeGroup(
            id=number,
            position=number,
            title=f"Group {number}",
            weight=draw(st.sampled_from([0.0, 10.0, 37.5, 60.0])),
            drop_lowest=draw(st.integers(0, 3)),
        )
        for number in range(1, count + 1)
    ]
    entries = []
    for position in range(draw(st.integers(0, 7))):
        worth = draw(st.sampled_from([1.0, 5.0, 10.0, 33.3]))
        assignment = Assignment(
            id=position,
            position=position,
            slug=f"a{position}",
            title=f"A{position}",
            points=worth,
            group_id=draw(st.sampled_from([None, *range(1, count + 1)])),
            weight=draw(st.none() | st.sampled_from([1.0, 2.0, 7.0])),
            bonus=draw(st.booleans()),
        )
        share = draw(st.none() | st.integers(0, 21))
        entries.append(
            Entry(
                assignment,
                None if share is None else round(worth * share / 20, 6),
                is_over=draw(st.booleans()),
                is_shown=draw(st.booleans()),
            )
        )
    course = Course(
        round_to=draw(st.none() | st.sampled_from([0.1, 0.5, 1.0, 5.0])),
        rounding=draw(st.sampled_from(Rounding)),
    )
    return course, groups, entries


@given(classes(), st.integers())
def test_the_order_does_not_matter(
    found: tuple[Course, list[GradeGroup], list[Entry]], seed: int
) -> None:
    course, groups, entries = found
    shuffled = list(entries)
    Random(seed).shuffle(shuffled)
    assert total(course, groups, entries) == total(course, groups, shuffled)


@given(classes())
def test_leaving_out_never_lowers_and_is_the_best_choice(
    found: tuple[Course, list[GradeGroup], list[Entry]],
) -> None:
    course, groups, entries = found
    for place, group in enumerate(groups):
        mine = total(course, groups, entries).groups[place]
        drop, group.drop_lowest = group.drop_lowest, 0
        without = total(course, groups, entries).groups[place]
        group.drop_lowest = drop
        assert (mine.share is None) == (without.share is None)
        if mine.share is None or without.share is None:
            continue
        assert mine.share >= without.share
        counted = [
            e for e in entries
            if e.assignment.group_id == group.id and e.counts and not e.assignment.bonus
        ]  # fmt: skip
        bonus = [
            e for e in entries
            if e.assignment.group_id == group.id and e.counts and e.assignment.bonus
        ]  # fmt: skip
        keep = max(1, len(counted) - drop)
        best = max(_share(kept, bonus) for kept in combinations(counted, keep))
        assert isclose(mine.share, best, abs_tol=1e-5)
        assert sum(line.part is Part.LEFT_OUT for line in mine.lines) == len(counted) - keep


def _share(kept: tuple[Entry, ...], bonus: list[Entry]) -> float:
    def weight(entry: Entry) -> float:
        return entry.assignment.weight or entry.assignment.points

    def reached(entry: Entry) -> float:
        return weight(entry) * (entry.points or 0.0) / entry.assignment.points

    return 100 * sum(map(reached, [*kept, *bonus])) / sum(map(weight, kept))


@given(classes(), st.integers(0, 6), st.integers(0, 20))
def test_more_points_and_bonus_never_lower_it(
    found: tuple[Course, list[GradeGroup], list[Entry]], place: int, more: int
) -> None:
    course, groups, entries = found
    graded = [n for n, e in enumerate(entries) if e.points is not None]
    if not graded:
        return
    place = graded[place % len(graded)]
    before = total(course, groups, entries)
    raised = list(entries)
    raised[place] = replace(raised[place], points=(raised[place].points or 0.0) + more)
    after = total(course, groups, raised)
    assert (after.value or 0.0) >= (before.value or 0.0)
    without = [e for e in entries if not e.assignment.bonus]
    assert (before.value or 0.0) >= (total(course, groups, without).value or 0.0)


@given(classes())
def test_what_is_not_shown_or_not_yet_there_tells_nothing(
    found: tuple[Course, list[GradeGroup], list[Entry]],
) -> None:
    course, groups, entries = found
    seen = total(course, groups, entries)
    other = [e if e.is_shown else replace(e, points=0.125) for e in entries]
    assert total(course, groups, other) == seen
    every = [*seen.lines, *(line for group in seen.groups for line in group.lines)]
    assert len(every) == len(entries)
    for line in every:
        if line.part is Part.HIDDEN:
            assert line.points is None


@given(classes())
def test_it_is_rounded_once_to_its_step(
    found: tuple[Course, list[GradeGroup], list[Entry]],
) -> None:
    result = total(*found)
    course = found[0]
    if result.value is None or result.exact is None or not course.round_to:
        assert result.value == result.exact
        return
    assert isclose(result.value / course.round_to, round(result.value / course.round_to))
    assert abs(result.value - result.exact) <= course.round_to + 1e-6
    if course.rounding is Rounding.UP:
        assert result.value >= result.exact - 1e-6
    elif course.rounding is Rounding.DOWN:
        assert result.value <= result.exact + 1e-6
    else:
        assert abs(result.value - result.exact) <= course.round_to / 2 + 1e-6


def test_an_example_by_hand() -> None:
    groups = [
        GradeGroup(id=1, position=0, title="Homework", weight=60.0, drop_lowest=1),
        GradeGroup(id=2, position=1, title="Exam", weight=40.0, drop_lowest=0),
    ]

    def entry(position: int, group: int, points: float | None, bonus: bool = False) -> Entry:
        assignment = Assignment(
            position=position, slug="a", title="A", points=10.0, group_id=group, weight=None,
            bonus=bonus,
        )  # fmt: skip
        return Entry(assignment, points, is_over=True)

    entries = [entry(0, 1, 8.0), entry(1, 1, 3.0), entry(2, 1, None), entry(3, 1, 1.0, bonus=True),
               entry(4, 2, 7.25)]  # fmt: skip
    course = Course(round_to=0.5, rounding=Rounding.HALF_UP)
    found = total(course, groups, entries)
    # Homework: (8 + 3 + 1) / 20, without the one that was not handed in; the exam: 72.5 %.
    assert [group.share for group in found.groups] == [60.0, 72.5]
    assert (found.exact, found.value) == (65.0, 65.0)
    assert totals.equation(found) == "60 % × 60 + 40 % × 72.5 = 65"
    assert "Of Homework, the lowest 1 is left out." in totals.words(course, groups)
    # Until the exam is over, homework alone counts.
    entries[-1] = replace(entries[-1], points=None, is_over=False)
    assert total(course, groups, entries).value == 60.0


@pytest.fixture
def grouped(house: House) -> House:
    """The student has 7.5 of 10 for norm; losses is open."""
    house.graded(score=15.0)
    spec = course_spec(house.clock())
    norm, losses = spec.assignments
    groups = (GroupSpec("home", "Homework", 60.0, 0), GroupSpec("exam", "Exam", 40.0, 0))
    changed = replace(
        spec,
        groups=groups,
        assignments=(replace(norm, group="home"), replace(losses, group="exam")),
        round_to=1.0,
        rounding=Rounding.DOWN,
    )
    with house.database.write() as session:
        courses.sync(session, changed, at=house.clock(), actor=None)
        marking.adjust(
            session, session.get_one(Assignment, house.assignment().id), house.user().id, 0.26,
            "a test", at=house.clock(), actor=session.get_one(User, house.user("instructor").id),
        )  # fmt: skip
    return house


def test_every_face_says_the_same(app: Flask, grouped: House, client: FlaskClient) -> None:
    house = grouped  # 7.76 of 10, and nothing else counts yet: 77.6, rounded down
    page = client.get("/courses/dl/").text
    assert "<b>77 %</b>" in page
    assert "100 % × 77.6 = 77.6, rounded 77" in page
    staff = house.log_in(app.test_client(), "instructor")
    for address in ("gradebook", "gradebook?sort=total", f"students/{house.user().id}/"):
        assert "<b>77 %</b>" in staff.get(f"/courses/dl/staff/{address}").text
    header, *lines = staff.get("/courses/dl/staff/exports/grades.csv").text.splitlines()
    assert header.endswith("total")
    assert sorted(line.rpartition(";")[2].rpartition(",")[2] for line in lines) == ["", "77"]
    document = staff.get("/courses/dl/staff/exports/grades.json").json
    assert document is not None
    assert document["total_in"] == "percent"
    (mine,) = [s for s in document["students"] if s["email"] == "student@example.org"]
    assert (mine["total"], mine["groups"]) == (77.0, {"home": 77.6, "exam": None})
    headers = {"Authorization": f"Bearer {house.token('student', Scope.READ)}"}
    told = app.test_client().get("/api/v1/courses/dl/total", headers=headers).json
    assert told is not None
    assert (told["value"], told["exact"], told["in_percent"]) == (77.0, 77.6, True)
    # Once the exam is over, what was not handed in counts zero.
    house.clock.advance(timedelta(days=30).total_seconds())
    assert "60 % × 77.6 + 40 % × 0 = 46.56, rounded 46" in client.get("/courses/dl/").text


def test_hidden_scores_are_in_no_total_of_students(
    app: Flask, grouped: House, client: FlaskClient
) -> None:
    house = grouped
    with house.database.write() as session:
        row = session.get_one(Assignment, house.assignment().id)
        row.scores_from = WHEN_PUBLISHED
    page = client.get("/courses/dl/").text
    assert "77 %" not in page
    assert "77.6" not in page
    staff = house.log_in(app.test_client(), "instructor")
    assert "<b>77 %</b>" in staff.get("/courses/dl/staff/gradebook").text
