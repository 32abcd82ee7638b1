"""A model of the whole life of grades: whatever happens, in whatever order, a grade is what the
rules say from all that is stored, every change of it has its entry in the audit log, and nobody's
falls through what neither they nor the staff did.

The oracle below is written from the documented rules, over the stored rows; it shares no code with
the server.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from server import courses
from server.grades import exports, marking
from server.grading import regrades
from server.grading.queue import Claim, Patience
from server.grading.regrades import Which
from server.people import accounts
from server.storage.models import (
    Adjustment,
    Assignment,
    AuditEntry,
    Course,
    Extension,
    Grade,
    Regrade,
    RegradeState,
    Role,
    State,
    Submission,
    User,
)
from server.web.instructor.figures import Figures
from server.web.kept import Kept
from tests.server import engines
from tests.server.conftest import make_house, new_source

BERLIN = ZoneInfo("Europe/Berlin")
STUDENTS = ("student", "classmate")
MOST = 20  # what a report can give
COURSE = """
[course]
slug = "dl"
title = "Course dl"
timezone = "Europe/Berlin"
free_days = {free}

[[assignments]]
slug = "norm"
topic = "normalization"
title = "Normalization layers"
points = {points}
opens = 2026-10-01 08:00:00
due = 2026-10-24 23:59:00
late_until = 2026-10-27 23:59:00
late_penalty = {penalty}
counts = "{counts}"

[[assignments]]
slug = "losses"
topic = "losses"
title = "Losses"
points = 10
opens = 2026-10-01 08:00:00
due = 2026-10-24 23:59:00
"""
BEGIN = datetime(2026, 10, 24, 21, 50, tzinfo=UTC)  # the clocks are put back on the 25th


def worth_by(digest: str, reference: int) -> float:
    """What a file is worth by a version of the exercises: fixed, and without any order."""
    return float((int(digest[:8], 16) * (reference + 3) + 7 * reference) % (MOST - 9) + 10)


def oracle(
    assignment: Assignment,
    extension: Extension | None,
    submissions: list[tuple[datetime, int, float | None]],
    adjustments: list[float],
    free: int,
) -> float | None:
    """The grade, from (when it came, its number, its share if it is graded)."""

    def wall(moment: datetime) -> datetime:
        return moment.astimezone(BERLIN).replace(tzinfo=None)

    def moment(wall: datetime) -> datetime:
        return max(wall.replace(tzinfo=BERLIN, fold=fold).astimezone(UTC) for fold in (0, 1))

    def minute(at: datetime) -> datetime:
        return at.replace(second=0, microsecond=0)

    due, end = assignment.due_at, assignment.late_until or assignment.due_at
    if extension is not None and extension.due_at is not None:
        end = moment(wall(extension.due_at) + (wall(end) - wall(due)))
        due = extension.due_at
    found = []
    for received, number, share in submissions:
        late = 0
        while minute(received) > minute(moment(wall(due) + timedelta(days=late))):
            late += 1
        in_time = assignment.counts.value != "last-before-due" or late == 0
        if share is not None and minute(received) <= minute(max(due, end)) and in_time:
            kept = max(0.0, 1 - assignment.late_penalty / 100 * max(0, late - free))
            found.append((received, number, share * assignment.points * kept))
    if not found:
        return max(0.0, sum(adjustments)) if adjustments else None
    if assignment.counts.value == "best":
        points = max(points for *_, points in found)
    else:
        points = max(found)[2]
    return max(0.0, points + sum(adjustments))


def everything(figures: Figures, assignments: Sequence[Assignment]) -> list[object]:
    return [
        figures.standings(),
        figures.exercise_means(),
        figures.misconceptions(100),
        figures.all_misconceptions(),
        figures.items(),
        figures.spreads(6),
        [(user.name, one) for user, one in figures.at_risk(assignments, 10)],
        figures.over_time(BEGIN - timedelta(days=1), BEGIN + timedelta(days=29), 30),
    ]


class Forgetful(Kept):
    """It works everything out."""

    def _stored(self, *_: object) -> dict[int, tuple[str, Any]]:
        return {}

    def _store(self, *_: object) -> None:
        pass


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp()
        self.house = make_house(Path(self.directory) / "data")
        self.house.clock.now = BEGIN
        self.queue = self.house.queue
        self.queue.patience = Patience(retry_after=(timedelta(0),))
        self.reference = 0
        self.policy = {"points": 10, "penalty": 10, "counts": "best", "free": 0}
        self.sync()
        self.files: dict[str, list[bytes]] = {who: [] for who in STUDENTS}
        self.grades = self.stored()
        self.may_fall = True
        self.kept = Kept(self.house.database)

    def teardown(self) -> None:
        self.house.database.close()
        shutil.rmtree(self.directory)

    # What happens.

    @initialize(hours=st.sampled_from([0, 1, 20, 25]), handed_in=st.booleans())
    def a_course_under_way(self, hours: int, handed_in: bool) -> None:
        """So that what staff do finds something to do it to."""
        self.house.clock.advance(hours * 3600)
        for who in STUDENTS if handed_in else ():
            self.one_is_handed_in_and_graded(who)

    @rule(who=st.sampled_from(STUDENTS), again=st.sampled_from([None, None, None, -1, -2]))
    def hand_in(self, who: str, again: int | None) -> None:
        before, files = self.submissions(who), self.files[who]
        content = files[again] if again is not None and len(files) >= -again else new_source()
        among = before if self.policy["counts"] == "best" else before[-1:]
        digest = hashlib.sha256(content).hexdigest()
        known = any(row.digest == digest and row.state is not State.FAILED for row in among)
        self.house.accept(content=content, user=who)
        if not known:
            files.append(content)
        assert len(self.submissions(who)) == len(before) + (not known)
        self.nobody_falls()

    @rule(hours=st.sampled_from([1, 5, 12, 25]))
    def time_passes(self, hours: int) -> None:
        self.house.clock.advance(hours * 3600)

    @rule()
    def the_exercises_change(self) -> None:
        self.reference += 1
        self.nobody_falls()

    @rule(who=st.sampled_from(STUDENTS))
    def one_is_handed_in_and_graded(self, who: str) -> None:
        self.hand_in(who, again=None)
        self.drain()
        self.nobody_falls(unless=self.policy["counts"] != "best")

    @rule()
    def one_is_graded(self) -> None:
        claim = self.queue.claim()
        if claim is None:
            return
        self.finish(claim)
        # By their own later attempt, where it counts whatever it is worth.
        self.nobody_falls(unless=self.policy["counts"] != "best")

    @rule(gives_up=st.booleans())
    def a_fault_of_ours(self, gives_up: bool) -> None:
        claim = self.queue.claim()
        if claim is None:
            return
        self.queue.fail(claim, "disk full")
        if gives_up and (claim := self.queue.claim()) is not None:
            self.queue.fail(claim, "disk full")
        self.nobody_falls()

    @rule(pick=st.integers(0, 50))
    def staff_have_one_graded(self, pick: int) -> None:
        rows = self.house.rows()
        if rows:
            self.queue.try_again(rows[pick % len(rows)].id)
            self.nobody_falls()

    @rule(which=st.sampled_from([Which.COULD_COUNT, Which.COULD_COUNT, Which.ALL, Which.LATEST]))
    def a_regrade_begins(self, which: Which) -> None:
        try:
            self.house.regrade(which)
        except regrades.RegradeError:
            return
        self.nobody_falls()

    @precondition(lambda self: self.open_regrade() is not None)
    @rule(applied=st.sampled_from([True, True, False]))
    def a_regrade_ends(self, applied: bool) -> None:
        with self.house.database.write() as session:
            regrade = session.get_one(Regrade, self.open_regrade())
            actor = session.get_one(User, self.house.user("instructor").id)
            end = regrades.apply if applied else regrades.discard
            try:
                end(session, regrade, at=self.house.clock(), actor=actor)
            except regrades.RegradeError:
                return
        self.nobody_falls(unless=applied)

    @rule()
    def everything_is_regraded_by_default(self) -> None:
        """It ends with the grades that grading everything by the present version would give."""
        open_one = self.open_regrade()
        if open_one is not None:
            self.a_regrade_ends(applied=False)
        self.drain()
        try:
            regrade = self.house.regrade(Which.COULD_COUNT)
        except regrades.RegradeError:
            return
        self.drain()
        with self.house.database.write() as session:
            actor = session.get_one(User, self.house.user("instructor").id)
            row = session.get_one(Regrade, regrade)
            regrades.apply(session, row, at=self.house.clock(), actor=actor)
        for who in STUDENTS:
            assert self.stored()[who] == self.expected(who, self.reference), who
        self.may_fall = True

    @rule(who=st.sampled_from(STUDENTS), points=st.sampled_from([-3.0, 0.5, 2.0]))
    def staff_adjust(self, who: str, points: float) -> None:
        with self.house.database.write() as session:
            marking.adjust(
                session, *self.about(session, who), points, "a reason", **self.by(session)
            )
        self.nobody_falls(but=who)

    @rule(who=st.sampled_from(STUDENTS), days=st.sampled_from([1, 2, 4, None]))
    def staff_extend(self, who: str, days: int | None) -> None:
        with self.house.database.write() as session:
            assignment, user = self.about(session, who)
            due = days and datetime(2026, 10, 24 + days, 23, 59, tzinfo=BERLIN)
            marking.grant(
                session, assignment, user, due_at=due or None, late_until=None, extra_attempts=0,
                reason="a reason", **self.by(session),
            )  # fmt: skip
        self.nobody_falls(but=who)

    @rule(
        points=st.sampled_from([10, 12]),
        penalty=st.sampled_from([0, 10, 50]),
        counts=st.sampled_from(["best", "last", "last-before-due"]),
        free=st.sampled_from([0, 0, 1, 2]),
    )
    def the_policy_changes(self, **policy: Any) -> None:
        self.policy = policy
        self.sync()
        self.may_fall = True

    @rule(who=st.sampled_from(STUDENTS))
    def somebody_leaves_or_returns(self, who: str) -> None:
        with self.house.database.write() as session:
            course = session.get_one(Course, self.house.course().id)
            user = session.get_one(User, self.house.user(who).id)
            by = self.by(session)
            listed = {
                line.enrolment.user_id
                for line in exports.gradebook(session, course, self.house.clock()).lines
            }
            if user.id in listed:
                accounts.leave(session, course, user, **by)
            else:
                accounts.enrol(session, course, user, Role.STUDENT, **by)
        self.nobody_falls()

    @rule(who=st.sampled_from(STUDENTS), name=st.sampled_from(["Anna", "Zoe"]))
    def somebody_is_called_otherwise(self, who: str, name: str) -> None:
        with self.house.database.write() as session:
            session.get_one(User, self.house.user(who).id).name = name
        self.nobody_falls()

    # What always holds.

    @invariant()
    def grades_are_what_the_rules_say(self) -> None:
        stored = self.stored()
        for who in STUDENTS:
            assert stored[who] == self.expected(who), who

    @invariant()
    def every_change_has_its_entry(self) -> None:
        with self.house.database.read() as session:
            entries = session.scalars(
                select(AuditEntry)
                .where(AuditEntry.action == "grade.changed")
                .order_by(AuditEntry.id)
            ).all()
        now: dict[str, float | None] = dict.fromkeys(STUDENTS)
        names = {f"user:{self.house.user(who).id}": who for who in STUDENTS}
        for entry in entries:
            who = names[entry.subject]
            assert entry.detail["before"] == now[who]
            assert entry.detail["after"] != now[who]
            cause = entry.detail["cause"]
            assert cause
            by_staff = cause in ("adjusted", "extension") or cause.startswith("regrade")
            assert (entry.actor_id is not None) == by_staff
            now[who] = entry.detail["after"]
        assert now == self.stored()

    @invariant()
    def what_is_kept_for_the_staff_is_what_is_stored(self) -> None:
        database = self.house.database
        with database.read() as session:
            course = session.get_one(Course, self.house.course().id)
            assignments = Assignment.of(session, course)
            kept, by_others, anew = (
                everything(Figures(session, course, assignments, kept), assignments)
                for kept in (self.kept, Kept(database), Forgetful(database))
            )
        assert kept == by_others == anew

    @invariant()
    def nothing_that_could_count_is_lost(self) -> None:
        rows = self.house.rows()
        assert self.house.kept() == [row.id for row in rows]
        for row in rows:
            if row.state is State.GRADED:
                assert row.reference is not None
                assert row.score == worth_by(row.digest, int(row.reference))
            if self.policy["counts"] == "best":
                in_time = self.expected_of([row]) is not None
                assert not (row.state is State.SUPERSEDED and in_time)

    # How it is done, and looked at.

    def nobody_falls(self, *, unless: bool = False, but: str = "") -> None:
        before, self.grades = self.grades, self.stored()
        if not (unless or self.may_fall):
            for who in STUDENTS:
                fell = (self.grades[who] or 0.0) < (before[who] or 0.0)
                assert not fell or who == but, who
        self.may_fall = False

    def finish(self, claim: Claim) -> None:
        score = worth_by(claim.digest, self.reference)
        self.queue.finish(claim, engines.report(claim.topic, score, str(self.reference)))

    def drain(self) -> None:
        while (claim := self.queue.claim()) is not None:
            self.finish(claim)

    def sync(self) -> None:
        spec = courses.read(COURSE.format(**self.policy), engines.ENGINE.topics)
        with self.house.database.write() as session:
            courses.sync(session, spec, at=self.house.clock(), actor=None)

    def about(self, session: Any, who: str) -> tuple[Assignment, int]:
        return session.get_one(Assignment, self.house.assignment().id), self.house.user(who).id

    def by(self, session: Any) -> dict[str, Any]:
        actor = session.get_one(User, self.house.user("instructor").id)
        return {"at": self.house.clock(), "actor": actor}

    def open_regrade(self) -> int | None:
        with self.house.database.read() as session:
            return session.scalar(select(Regrade.id).where(Regrade.state == RegradeState.RUNNING))

    def submissions(self, who: str) -> list[Submission]:
        user = self.house.user(who).id
        return [row for row in self.house.rows() if row.user_id == user]

    def stored(self) -> dict[str, float | None]:
        assignment = self.house.assignment().id
        with self.house.database.read() as session:
            rows = {
                who: session.get(Grade, (assignment, self.house.user(who).id)) for who in STUDENTS
            }
        return {who: None if row is None else row.points for who, row in rows.items()}

    def expected(self, who: str, reference: int | None = None) -> float | None:
        """
        Args:
            reference: by which everything is graded; None: by what it was graded.
        """

        def share(row: Submission) -> float | None:
            if row.state is State.GRADED and reference is None:
                assert row.score is not None
                return row.score / MOST
            again = reference is not None and row.state in (State.GRADED, State.SUPERSEDED)
            return worth_by(row.digest, reference or 0) / MOST if again else None

        with self.house.database.read() as session:
            user = self.house.user(who).id
            extension = session.scalar(select(Extension).where(Extension.user_id == user))
            given = session.scalars(
                select(Adjustment.points).where(Adjustment.user_id == user)
            ).all()
        return self.expected_of(self.submissions(who), extension, list(given), share)

    def expected_of(
        self,
        rows: list[Submission],
        extension: Extension | None = None,
        given: list[float] | None = None,
        share: Callable[[Submission], float | None] = lambda row: 1.0,
    ) -> float | None:
        attempts = [(row.received_at, row.number, share(row)) for row in rows]
        points = oracle(
            self.house.assignment(), extension, attempts, given or [], self.policy["free"]
        )
        return None if points is None else round(points, 6)


Life.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLifeOfAGrade = Life.TestCase
