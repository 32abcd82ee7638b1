"""What a submission's state can do, by the clock of the test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.handin.submission import parse
from server.engine import Grade, Progress, ReferenceChanged, Rules
from server.grades.attempts import NotAllowed
from server.grading import accepting
from server.grading.accepting import Accepted
from server.grading.queue import LeaseLost, Patience, Queue
from server.storage.config import ConfigError
from server.storage.models import (
    Assignment,
    Counts,
    Extension,
    Regrade,
    RegradeItem,
    RegradeState,
    SourcePolicy,
    State,
)
from tests.server.conftest import House, new_source
from tests.server.engines import report

PATIENCE = Patience()
REPORT = report("normalization")


def three_wait(house: House) -> list[str]:
    """Of three students, in the order in which they came."""
    names = ("student", "classmate", "assistant")
    return [house.accept(user=name) for name in names]


def test_the_oldest_is_claimed_first_and_each_only_once(house: House) -> None:
    accepted = three_wait(house)
    claims = [house.queue.claim() for _ in range(3)]
    assert [claim.public_id for claim in claims if claim] == accepted
    assert house.queue.claim() is None


def test_positions_count_from_the_next(house: House) -> None:
    rows = [house.row(public_id) for public_id in three_wait(house)]
    assert [house.queue.position(row) for row in rows] == [1, 2, 3]
    claim = house.queue.claim()
    assert claim is not None
    assert [house.queue.position(house.row(row.public_id)) for row in rows] == [None, 1, 2]


def test_a_heartbeat_keeps_the_lease(house: House) -> None:
    house.accept()
    claim = house.queue.claim()
    for _ in range(5):
        house.clock.advance(0.8 * PATIENCE.lease.total_seconds())
        house.queue.heartbeat(claim)
        assert house.queue.release_expired() == 0
    house.queue.finish(claim, REPORT)


def test_a_silent_grader_loses_its_lease_and_its_report_is_refused(house: House) -> None:
    public_id = house.accept()
    stale = house.queue.claim()
    house.clock.advance(PATIENCE.lease.total_seconds() + 1)
    assert house.queue.release_expired() == 1
    house.clock.advance(PATIENCE.retry_after[0].total_seconds())
    fresh = house.queue.claim()
    assert fresh.submission == stale.submission
    assert fresh.lease > stale.lease

    for late in (
        lambda: house.queue.heartbeat(stale),
        lambda: house.queue.progress(stale, "x", 1, 2),
        lambda: house.queue.finish(stale, report("normalization", 20.0)),
        lambda: house.queue.fail(stale, "late"),
        lambda: house.queue.give_back(stale),
    ):
        with pytest.raises(LeaseLost):
            late()

    house.queue.finish(fresh, REPORT)
    row = house.row(public_id)
    assert (row.state, row.score, row.faults) == (State.GRADED, 15.0, 1)
    with pytest.raises(LeaseLost):  # a report is stored once
        house.queue.finish(fresh, report("normalization", 20.0))
    assert house.row(public_id).score == 15.0


def test_a_fault_is_retried_after_a_wait_then_given_up_without_a_score(house: House) -> None:
    public_id = house.accept()
    for wait in PATIENCE.retry_after:
        house.queue.fail(house.queue.claim(), "disk full")
        assert house.row(public_id).state is State.WAITING
        house.clock.advance(wait.total_seconds() - 0.001)
        assert house.queue.claim() is None
        house.clock.advance(0.001)
    house.queue.fail(house.queue.claim(), "disk full")
    row = house.row(public_id)
    assert (row.state, row.score, row.last_fault) == (State.FAILED, None, "disk full")
    house.clock.advance(10**6)
    assert house.queue.claim() is None
    assert house.files.read(public_id)  # kept


def test_what_kills_every_grader_is_not_tried_for_ever(house: House) -> None:
    public_id = house.accept()
    for _ in range(len(PATIENCE.retry_after) + 1):
        assert house.queue.claim() is not None
        house.clock.advance(1000)
        assert house.queue.release_expired() == 1
        house.clock.advance(1000)
    assert house.queue.claim() is None
    assert house.row(public_id).state is State.FAILED


def test_when_the_exercises_have_changed_the_grader_is_opened_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.accept()
    opened = []

    @contextmanager
    def open_grader() -> Iterator[Grade]:
        opened.append(len(opened))
        if len(opened) == 2:  # the author saves in the middle of writing
            raise ConfigError("SyntaxError")

        def grade(rules: Rules, topic: str, *_: object) -> dict[str, Any]:
            if len(opened) == 1:
                raise ReferenceChanged
            return report(topic, reference="1" * 64)

        yield grade

    monkeypatch.setattr("server.grading.grader._SECONDS_BETWEEN_LOOKS", 0.0)
    house.grade_all(open_grader=open_grader)
    (row,) = house.rows()
    assert (row.state, row.reference, row.faults, opened) == (State.GRADED, "1" * 64, 0, [0, 1, 2])


def test_given_back_is_as_if_never_taken(house: House) -> None:
    public_id = house.accept()
    claim = house.queue.claim()
    house.queue.progress(claim, "dropout", 1, 5)
    house.queue.give_back(claim)
    row = house.row(public_id)
    assert (row.state, row.faults, row.exercise, row.total) == (State.WAITING, 0, None, 0)
    assert house.queue.claim().public_id == public_id


def test_row_and_content_are_committed_together_or_not_at_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = new_source()
    assert house.files.read(house.accept(content=content)) == content
    for step in ("turns.queue_up", "meters.accepted", "grades.handed_in"):
        with monkeypatch.context() as patched:
            patched.setattr(f"server.grading.accepting.{step}", Mock(side_effect=OSError(5, step)))
            with pytest.raises(OSError, match=step):
                house.accept()
    assert house.kept() == [row.id for row in house.rows()] == [1]


@pytest.mark.usefixtures("embedded")
def test_the_database_promises_durability(house: House) -> None:
    with house.database.read() as session:
        pragma = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_students_take_turns_and_the_newest_of_each_comes_first(house: House) -> None:
    first = house.accept(user="student", assignment="norm")
    second = house.accept(user="student", assignment="losses")
    other = house.accept(user="classmate")
    order = []
    while (claim := house.queue.claim()) is not None:
        order.append(claim.public_id)
    assert order == [second, other, first]


def test_one_who_came_before_is_not_overtaken_by_who_comes_for_the_first_time(
    house: House,
) -> None:
    for _ in range(3):
        house.accept(user="student")
        house.queue.finish(house.queue.claim(), REPORT)
    returned = house.accept(user="student")
    new = house.accept(user="classmate")
    assert [house.queue.claim().public_id for _ in range(2)] == [returned, new]


def last_counts(house: House) -> None:
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment().id).counts = Counts.LAST


def test_a_newer_one_supersedes_what_waits_and_keeps_its_place(house: House) -> None:
    last_counts(house)
    old = house.accept(user="student")
    house.accept(user="classmate")
    new = house.accept(user="student")
    assert house.row(old).state is State.SUPERSEDED
    assert house.files.read(old)  # kept
    assert house.queue.position(house.row(new)) == 1
    assert house.queue.claim().public_id == new


def test_what_is_being_graded_is_superseded_only_if_it_has_to_wait_again(house: House) -> None:
    last_counts(house)
    old = house.accept()
    claim = house.queue.claim()
    house.accept()
    assert house.row(old).state is State.GRADING
    house.queue.fail(claim, "disk full")
    assert house.row(old).state is State.SUPERSEDED


def test_where_the_best_counts_nothing_is_superseded(house: House) -> None:
    better, worse = house.accept(), house.accept()
    assert {house.row(better).state, house.row(worse).state} == {State.WAITING}
    for score in (5.0, 20.0):  # the newest is graded first
        house.queue.finish(house.queue.claim(), report("normalization", score))
    assert house.row(better).score == 20.0


def test_what_is_in_time_is_not_superseded_by_what_is_late(house: House) -> None:
    with house.database.write() as session:
        counts = Counts.LAST_BEFORE_DUE
        session.get_one(Assignment, house.assignment().id).counts = counts
    in_time = house.accept()
    house.clock.advance(8 * 86400)
    late = house.accept()
    assert {house.row(in_time).state, house.row(late).state} == {State.WAITING}


def test_what_was_superseded_waits_again_when_the_one_after_it_cannot_be_graded(
    house: House,
) -> None:
    last_counts(house)
    old, new = house.accept(), house.accept()
    assert house.row(old).state is State.SUPERSEDED
    for _ in range(len(PATIENCE.retry_after) + 1):
        claim = house.queue.claim()
        assert claim.public_id == new
        house.queue.fail(claim, "disk full")
        house.clock.advance(100)
    assert (house.row(old).state, house.row(new).state) == (State.WAITING, State.FAILED)
    house.queue.finish(house.queue.claim(), REPORT)
    assert house.row(old).state is State.GRADED


def test_a_student_keeps_so_much_and_no_more_superseded_or_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "MOST_KEPT", 2500)
    for at in range(2):
        assert hand_in(house, b"#" * 1000 + b"%d\n" % at) is None
    refused = hand_in(house, b"#" * 1000 + b"2\n")
    assert refused is not None
    assert "more than" in refused
    assert len(house.rows()) == 2
    assert len(house.kept()) == 2
    assert hand_in(house, b"x = 1\n") is None  # which fits


def test_a_double_click_is_one_submission(house: House) -> None:
    content = new_source()
    with ThreadPoolExecutor(4) as pool:
        ids = [pool.submit(house.accept, "a.py", content) for _ in range(4)]
    assert len({one.result() for one in ids}) == 1
    assert len(house.rows()) == 1


def test_the_clock_is_read_when_nobody_else_writes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two at the same time, the second would be held against limits by a clock from before the
    first one came."""
    alone: list[bool] = []
    write = house.database.write

    @contextmanager
    def noted() -> Iterator[Session]:
        with write() as session:
            alone.append(True)
            yield session
            alone.clear()

    def clock() -> datetime:
        assert alone
        return house.clock()

    monkeypatch.setattr(house.database, "write", noted)
    read = parse("a.py", new_source())
    queue = Queue(house.database, clock=clock)
    queue.accept(house.assignment().id, house.user().id, read, b"x")


def test_staff_can_have_any_stored_file_graded(house: House) -> None:
    last_counts(house)
    old, new = house.accept(), house.accept()
    assert house.queue.try_again(house.row(old).id)
    assert {house.row(old).state, house.row(new).state} == {State.WAITING}
    house.grade_all()
    assert {house.row(old).state, house.row(new).state} == {State.GRADED}
    assert not house.queue.try_again(house.row(old).id)


def test_the_same_bytes_again_are_the_submission_that_they_are(house: House) -> None:
    limited(house, attempts=1)
    assignment, user = house.assignment().id, house.user().id
    content = new_source()
    first = house.queue.accept(assignment, user, parse("a.py", content), content)
    house.grade_all()
    again = house.queue.accept(assignment, user, parse("b.py", content), content)
    assert not first.again
    assert again == Accepted(first.public_id, again=True)
    assert [row.number for row in house.rows()] == [1]
    assert house.kept() == [house.row(first.public_id).id]


@pytest.mark.parametrize(("by_policy", "anew"), [("best", False), ("last", True)])
def test_an_older_file_again_counts_anew_only_where_the_last_one_counts(
    house: House, by_policy: str, anew: bool
) -> None:
    limited(house, counts=Counts(by_policy))
    content = new_source()
    first, second = house.accept(content=content), house.accept()
    house.grade_all()
    again = house.accept(content=content)
    assert (again not in (first, second)) == anew
    assert (again == first) != anew


def test_what_failed_is_tried_anew_by_handing_it_in_again(house: House) -> None:
    content = new_source()
    first = house.accept(content=content)
    for _ in range(len(PATIENCE.retry_after) + 1):
        house.queue.fail(house.queue.claim(), "disk full")
        house.clock.advance(120)
    assert house.row(first).state is State.FAILED
    assert house.accept(content=content) != first


def limited(house: House, **limits: Any) -> None:
    with house.database.write() as session:
        assignment = session.get_one(Assignment, house.assignment().id)
        for name, value in limits.items():
            setattr(assignment, name, value)


def hand_in(house: House, content: bytes = b"") -> str | None:
    """Why it was refused; None when it was accepted."""
    content = content or new_source()
    try:
        house.queue.accept(house.assignment().id, house.user().id, parse("s.py", content), content)
    except NotAllowed as refusal:
        return str(refusal)
    return None


def test_attempts_count_when_they_are_graded_and_a_fault_gives_them_back(house: House) -> None:
    limited(house, attempts=2)
    last_counts(house)
    assert hand_in(house) is None
    assert hand_in(house) is None  # supersedes the first, which then costs nothing
    for _ in range(len(PATIENCE.retry_after) + 1):
        house.queue.fail(house.queue.claim(), "disk full")
        house.clock.advance(100)
    assert hand_in(house) is None  # supersedes the first, which was to be graded in its place
    assert {row.state for row in house.rows()} == {State.SUPERSEDED, State.FAILED, State.WAITING}
    house.queue.finish(house.queue.claim(), REPORT)
    assert hand_in(house) is None
    house.queue.finish(house.queue.claim(), REPORT)
    assert hand_in(house) == "All 2 attempts are used."
    assert len(house.kept()) == 4  # the refused file is gone


def test_limits_per_day_follow_the_courses_calendar_and_attempts_cool_down(house: House) -> None:
    limited(house, attempts_per_day=1, cool_down_minutes=30)
    house.clock.now = house.clock.now.replace(hour=22, minute=50)  # 23:50 or 0:50 in Berlin
    assert hand_in(house) is None
    house.queue.finish(house.queue.claim(), REPORT)
    refused = hand_in(house)
    assert refused is not None
    assert refused.startswith("All attempts of today are used")
    house.clock.advance(24 * 3600)
    assert hand_in(house) is None
    limited(house, attempts_per_day=9)
    house.queue.finish(house.queue.claim(), REPORT)
    refused = hand_in(house)
    assert refused is not None
    assert refused.startswith("The next attempt is possible from")
    house.clock.advance(30 * 60)
    assert hand_in(house) is None


def test_an_extension_moves_the_end_and_adds_attempts(house: House) -> None:
    limited(house, attempts=1)
    assert hand_in(house) is None
    house.queue.finish(house.queue.claim(), REPORT)
    house.clock.advance(20 * 86400)
    assert (hand_in(house) or "").startswith("This assignment closed on")
    with house.database.write() as session:
        session.add(
            Extension(
                assignment_id=house.assignment().id,
                user_id=house.user().id,
                due_at=house.clock() + timedelta(days=1),
                extra_attempts=1,
                reason="illness",
                granted_by_id=house.user("instructor").id,
                granted_at=house.clock(),
            )
        )
    assert hand_in(house) is None
    house.queue.finish(house.queue.claim(), REPORT)
    assert hand_in(house) == "All 2 attempts are used."


def test_a_regrade_waits_for_live_submissions_and_leaves_the_score_alone(house: House) -> None:
    graded = house.graded(score=12.0)
    with house.database.write() as session:
        regrade = Regrade(
            assignment_id=house.assignment().id,
            reason="a better tolerance",
            state=RegradeState.RUNNING,
            started_by_id=house.user("instructor").id,
            started_at=house.clock(),
        )
        session.add(regrade)
        session.flush()
        session.add(
            RegradeItem(
                regrade_id=regrade.id,
                submission_id=house.row(graded).id,
                state=State.WAITING,
                not_before=house.clock(),
            )
        )
    live = house.accept(user="classmate")
    assert house.queue.claim().public_id == live
    claim = house.queue.claim()
    assert claim.public_id == graded
    assert claim.regrade_item is not None
    house.queue.finish(claim, report("normalization", 20.0))
    assert house.row(graded).score == 12.0
    with house.database.read() as session:
        (item,) = session.scalars(select(RegradeItem)).all()
    assert (item.state, item.score) == (State.GRADED, 20.0)


def test_a_claim_carries_its_courses_secret_and_shows_it_nowhere(house: House) -> None:
    house.accept()
    house.accept(user="outsider", assignment="elsewhere", course="other")
    claims = [house.queue.claim() for _ in range(2)]
    assert len({claim.rules.secret for claim in claims}) == 2
    assert all(len(claim.rules.secret) == 32 for claim in claims)
    assert "secret" not in repr(claims)


@pytest.mark.parametrize("policy", SourcePolicy)
def test_a_submission_is_graded_by_its_assignments_source_policy(
    house: House, policy: SourcePolicy
) -> None:
    with house.database.write() as session:
        session.merge(house.assignment()).source_policy = policy
    house.accept()
    seen: list[SourcePolicy] = []

    def grade(rules: Rules, topic: str, *_: object) -> dict[str, Any]:
        seen.append(rules.source_policy)
        return report(topic)

    house.grade_all(grade)
    assert seen == [policy]


@pytest.mark.parametrize(("pause", "last_noted"), [(0.0, "step 2"), (math.inf, "step 0")])
def test_steps_within_an_exercise_are_noted_as_often_as_somebody_could_read(
    house: House, monkeypatch: pytest.MonkeyPatch, pause: float, last_noted: str
) -> None:
    monkeypatch.setattr("server.grading.grader._SECONDS_PER_STEP", pause)
    house.accept()
    noted: list[tuple[str | None, int]] = []

    def grade(rules: Rules, topic: str, submission: object, progress: Progress) -> dict[str, Any]:
        for done in range(2):
            for step in range(3):
                progress(f"step {step}", done, 2)
            (row,) = house.rows()
            noted.append((row.exercise, row.done))
        return report(topic)

    house.grade_all(grade)
    assert noted == [(last_noted, 0), (last_noted, 1)]
