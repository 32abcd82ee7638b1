"""What a grade is: properties of the rule, and that the stored grades follow it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server import courses
from server.grades import grades, moments
from server.grades.deadlines import Deadlines, deadlines
from server.grades.grades import standing
from server.storage.models import (
    Adjustment,
    Assignment,
    AuditEntry,
    Counts,
    ExerciseScore,
    Extension,
    Grade,
    MisconceptionFound,
    SourcePolicy,
    State,
    Submission,
)
from tests.server.conftest import House, course_spec
from tests.server.engines import report

DUE = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def assignments(counts: st.SearchStrategy[Counts]) -> st.SearchStrategy[Assignment]:
    return st.builds(
        Assignment,
        points=st.sampled_from([1.0, 10.0, 37.5]),
        opens_at=st.just(DUE - 30 * DAY),
        due_at=st.just(DUE),
        late_until=st.none() | st.sampled_from([DUE, DUE + 3 * DAY, DUE + 10 * DAY]),
        late_penalty=st.sampled_from([0.0, 10.0, 60.0, 100.0]),
        counts=counts,
        source_policy=st.just(SourcePolicy.WARNING),
    )


times = st.integers(-72 * 12, 72 * 12).map(lambda twenties: DUE + timedelta(minutes=20) * twenties)
extensions = st.none() | st.builds(
    Extension,
    due_at=st.none() | times.filter(lambda at: at > DUE),
    late_until=st.none(),
    extra_attempts=st.just(0),
)
submissions = st.lists(
    st.builds(
        Submission,
        received_at=times,
        state=st.sampled_from(State),
        score=st.integers(0, 20).map(float),
        max_score=st.just(20.0),
    ),
    max_size=6,
).map(
    lambda rows: [
        _numbered(row, number)
        for number, row in enumerate(sorted(rows, key=lambda row: row.received_at), 1)
    ]
)
adjustments = st.lists(
    st.builds(Adjustment, points=st.sampled_from([-2.5, -0.5, 1.0, 4.0])), max_size=3
)


def _numbered(row: Submission, number: int) -> Submission:
    row.id = row.number = number
    return row


@given(assignments(st.sampled_from(Counts)), extensions, submissions, adjustments)
def test_what_counts_is_graded_in_time_and_what_the_policy_says(
    assignment: Assignment,
    extension: Extension | None,
    rows: list[Submission],
    given_by_hand: list[Adjustment],
) -> None:
    limits = deadlines(assignment, extension, UTC)
    result = standing(assignment, extension, rows, given_by_hand, UTC)
    graded = [r for r in rows if r.state is State.GRADED and r.received_at <= limits.late_until]
    in_time = [row for row in graded if row.received_at <= limits.due_at]
    wanted = in_time if assignment.counts is Counts.LAST_BEFORE_DUE else graded
    if assignment.counts is not Counts.BEST:
        assert result.submission is (wanted[-1] if wanted else None)
    elif result.submission is not None:
        for row in graded:
            alone = standing(assignment, extension, [row], given_by_hand, UTC)
            assert alone.points is not None
            assert result.points is not None
            assert alone.points <= result.points
    if result.submission is None:
        assert not wanted
        assert (result.points is None) == (not given_by_hand)
    else:
        assert result.submission in wanted
        assert (result.late_days == 0) == (result.submission.received_at <= limits.due_at)
        assert 0 <= result.points <= assignment.points + max(0.0, result.adjustment)
    assert result.points is None or result.points >= 0


@given(assignments(st.sampled_from(Counts)), submissions)
def test_the_order_of_the_rows_does_not_matter(
    assignment: Assignment, rows: list[Submission]
) -> None:
    assert standing(assignment, None, rows, [], UTC) == standing(
        assignment, None, rows[::-1], [], UTC
    )


@given(assignments(st.just(Counts.BEST)), submissions, times.filter(lambda at: at > DUE))
def test_an_extension_never_costs_points(
    assignment: Assignment, rows: list[Submission], due: datetime
) -> None:
    extension = Extension(due_at=due, late_until=None, extra_attempts=0)
    without = standing(assignment, None, rows, [], UTC).points or 0.0
    assert (standing(assignment, extension, rows, [], UTC).points or 0.0) >= without


@given(st.integers(1, 10 * 24 * 60))
def test_each_day_begun_is_a_day_late(minutes: int) -> None:
    limits = deadlines(Assignment(due_at=DUE, late_until=DUE + 20 * DAY), None, UTC)
    late = limits.late_days(DUE + timedelta(minutes=minutes))
    assert late == -(-minutes // (24 * 60))
    assert limits.late_days(DUE) == 0


BERLIN = ZoneInfo("Europe/Berlin")


def berlin(*wall: int) -> datetime:
    return moments.at(datetime(*wall), BERLIN)


@pytest.mark.parametrize(
    ("due", "received", "days"),
    [
        ((2026, 10, 24, 23, 59), (2026, 10, 25, 23, 30), 1),  # a day of 25 hours
        ((2026, 10, 17, 23, 59), (2026, 10, 18, 23, 30), 1),
        ((2026, 10, 24, 23, 59), (2026, 10, 26, 0, 0), 2),
        ((2027, 3, 27, 23, 59), (2027, 3, 29, 0, 30), 2),  # over a day of 23 hours
        ((2027, 3, 20, 23, 59), (2027, 3, 22, 0, 30), 2),
        ((2026, 10, 17, 23, 59), (2026, 10, 17, 23, 59, 59), 0),  # its minute is part of it
        ((2026, 10, 17, 23, 59), (2026, 10, 18, 0, 0), 1),
        ((2026, 3, 29, 1, 30), (2027, 3, 29, 1, 30), 365),
    ],
)
def test_days_are_those_of_the_calendar(
    due: tuple[int, ...], received: tuple[int, ...], days: int
) -> None:
    limits = Deadlines(berlin(*due), berlin(*due), berlin(*due), BERLIN)
    assert limits.late_days(berlin(*received)) == days


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_days_late_are_the_fewest_that_a_deadline_moved_by_would_be_met(
    due: datetime, late: timedelta, name: str
) -> None:
    zone = ZoneInfo(name)
    limits = Deadlines(due, due, due, zone)
    days = limits.late_days(due + late)

    def met(moved: int) -> bool:
        return due + late < moments.end_of_minute(moments.days_later(due, moved, zone))

    assert met(days)
    assert days == 0 or not met(days - 1)


def test_the_time_for_late_ones_moves_by_the_calendar_too() -> None:
    assignment = Assignment(
        opens_at=berlin(2026, 10, 1, 8),
        due_at=berlin(2026, 10, 20, 23, 59),
        late_until=berlin(2026, 10, 24, 23, 59),
    )
    for day, end in ((22, (2026, 10, 26, 23, 59)), (27, (2026, 10, 31, 23, 59))):
        extension = Extension(due_at=berlin(2026, 10, day, 23, 59), late_until=None)
        assert deadlines(assignment, extension, BERLIN).late_until == berlin(*end)


@pytest.mark.parametrize(
    ("wall", "words"),
    [((2026, 10, 25, 2, 30), "comes twice"), ((2027, 3, 28, 2, 30), "does not exist")],
)
def test_what_a_clock_shows_twice_or_never_is_refused(wall: tuple[int, ...], words: str) -> None:
    with pytest.raises(moments.NoSuchTime, match=words):
        berlin(*wall)


def grade(house: House, user: str = "student") -> Grade | None:
    with house.database.read() as session:
        return session.get(Grade, (house.assignment().id, house.user(user).id))


def audited(house: House, action: str) -> list[AuditEntry]:
    with house.database.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
        return list(session.scalars(query))


def test_grading_stores_the_grade_and_leaves_an_entry(house: House) -> None:
    house.graded(score=15.0)
    stored = grade(house)
    assert stored is not None
    assert (stored.points, stored.submissions, stored.late_days) == (7.5, 1, 0)
    (entry,) = audited(house, "grade.changed")
    assert entry.detail == {"assignment": "norm", "before": None, "after": 7.5, "cause": "graded"}
    assert entry.subject == f"user:{house.user().id}"
    house.graded(score=12.0)  # the best one counts: nothing changes
    assert len(audited(house, "grade.changed")) == 1


def test_a_changed_course_changes_the_grades_at_once(house: House) -> None:
    house.graded(score=20.0)
    spec = course_spec(house.clock())
    doubled = [courses.AssignmentSpec(**{**vars(a), "points": 20.0}) for a in spec.assignments]
    with house.database.write() as session:
        courses.sync(
            session,
            courses.CourseSpec(spec.slug, spec.title, spec.timezone, tuple(doubled)),
            at=house.clock(),
            actor=None,
        )
    stored = grade(house)
    assert stored is not None
    assert stored.points == 20.0
    assert audited(house, "grade.changed")[-1].detail["cause"] == "course changed"


def test_an_adjustment_needs_no_submission(house: House) -> None:
    with house.database.write() as session:
        assignment = session.merge(house.assignment())
        instructor = session.merge(house.user("instructor"))
        student = house.user()
        session.add(
            Adjustment(
                assignment_id=assignment.id,
                user_id=student.id,
                points=2.0,
                reason="an oral exam",
                adjusted_by_id=instructor.id,
                adjusted_at=house.clock(),
            )
        )
        changed = grades.refresh(
            session, assignment, {student.id}, at=house.clock(), actor=instructor, cause="adjusted"
        )
    assert changed == 1
    stored = grade(house)
    assert stored is not None
    assert (stored.points, stored.adjustment, stored.submission_id) == (2.0, 2.0, None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET at = at",
        "DELETE FROM audit_entries",
        "INSERT INTO audit_entries SELECT * FROM audit_entries WHERE true "
        "ON CONFLICT (id) DO UPDATE SET at = excluded.at",
    ],
)
def test_the_audit_log_can_only_grow(house: House, statement: str) -> None:
    only_grows(house, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries",
        "REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE id = 1",
    ],
)
@pytest.mark.usefixtures("embedded")
def test_no_audit_entry_is_replaced(house: House, statement: str) -> None:
    only_grows(house, statement)
    with closing(sqlite3.connect(house.config.file)) as foreign:
        before = foreign.execute("SELECT * FROM audit_entries").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            foreign.execute(statement)
        assert foreign.execute("SELECT * FROM audit_entries").fetchall() == before


def test_the_audit_log_of_a_postgresql_is_not_emptied(house: House) -> None:
    if house.database.is_embedded:
        pytest.skip("SQLite knows no TRUNCATE")
    only_grows(house, "TRUNCATE audit_entries")


def only_grows(house: House, statement: str) -> None:
    before = len(audited(house, "user.created"))
    assert before > 0
    with pytest.raises(DBAPIError, match="append-only"), house.database.write() as session:
        session.execute(text(statement))
    assert len(audited(house, "user.created")) == before


def test_a_report_is_indexed_by_exercise_and_misconception(house: House) -> None:
    public_id = house.graded(score=13.0)
    row = house.row(public_id)
    with house.database.read() as session:
        scores = session.scalars(select(ExerciseScore).order_by(ExerciseScore.position)).all()
        found = session.scalars(select(MisconceptionFound)).all()
    assert [(s.submission_id, s.exercise, s.score, s.max_score) for s in scores] == [
        (row.id, "batch_norm", 10.0, 10.0),
        (row.id, "group_norm", 3.0, 10.0),
    ]
    assert [(f.submission_id, f.exercise, f.name) for f in found] == [
        (row.id, "group_norm", "interleaved-groups")
    ]
    assert report("x")["exercises"][1]["diagnosis"][0]["hint"] == found[0].hint
