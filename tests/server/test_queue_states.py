"""Any order of events: no submission is lost, none is graded twice, no stale report counts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from server.grading.queue import Claim, LeaseLost, Patience
from server.storage.models import Assignment, Counts, State
from tests.server.conftest import make_house
from tests.server.engines import report

PATIENCE = Patience()


class QueueMachine(RuleBasedStateMachine):
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp()
        self.house = make_house(Path(self.directory) / "data")
        self.queue = self.house.queue
        with self.house.database.write() as session:  # of the one the best counts, of the other
            row = session.get_one(Assignment, self.house.assignment("losses").id)  # the last
            row.counts = Counts.LAST
        self.accepted: list[str] = []
        self.holder: dict[int, int] = {}  # submission -> the lease that counts
        self.scores: dict[int, float] = {}

    def teardown(self) -> None:
        self.house.database.close()
        shutil.rmtree(self.directory)

    @rule(
        user=st.sampled_from(["student", "classmate"]),
        assignment=st.sampled_from(["norm", "losses"]),
    )
    def accept(self, user: str, assignment: str) -> None:
        self.accepted.append(self.house.accept(user=user, assignment=assignment))

    @rule(seconds=st.sampled_from([1, 5, 20, 100]))
    def wait(self, seconds: int) -> None:
        self.house.clock.advance(seconds)

    @rule(target=claims)
    def claim(self) -> object:
        claim = self.queue.claim()
        if claim is None:
            return multiple()
        assert claim.lease > self.holder.get(claim.submission, 0)
        assert claim.submission not in self.scores
        self.holder[claim.submission] = claim.lease
        return claim

    @rule(claim=claims)
    def heartbeat(self, claim: Claim) -> None:
        self.attempt(claim, lambda: self.queue.heartbeat(claim))

    @rule(claim=consumes(claims))
    def fail(self, claim: Claim) -> None:
        self.attempt(claim, lambda: self.queue.fail(claim, "fault"))

    @rule(claim=consumes(claims))
    def give_back(self, claim: Claim) -> None:
        self.attempt(claim, lambda: self.queue.give_back(claim))

    @rule(claim=claims, score=st.integers(0, 20))
    def finish(self, claim: Claim, score: int) -> None:
        if self.attempt(claim, lambda: self.queue.finish(claim, report("a", score))):
            assert claim.submission not in self.scores
            self.scores[claim.submission] = score

    def attempt(self, claim: Claim, action) -> bool:  # type: ignore[no-untyped-def]
        """Do it as the holder; anyone else must be refused."""
        row = next(row for row in self.house.rows() if row.id == claim.submission)
        if row.state is State.GRADING and self.holder[claim.submission] == claim.lease:
            action()
            return True
        with pytest.raises(LeaseLost):
            action()
        return False

    @invariant()
    def nothing_is_lost_and_scores_stand(self) -> None:
        rows = self.house.rows()
        assert [row.public_id for row in rows] == self.accepted
        for row in rows:
            assert row.score == self.scores.get(row.id)
            assert (row.state is State.GRADED) == (row.id in self.scores)
            assert (row.state is State.FAILED) == (row.faults > len(PATIENCE.retry_after))
            assert (row.lease_until is not None) == (row.state is State.GRADING)
        waiting = [row for row in rows if row.state is State.WAITING]
        assert len({(row.turn, row.place) for row in waiting}) == len(waiting)
        for row in rows:
            if row.state is State.SUPERSEDED:
                kind = row.user_id, row.assignment_id
                assert any(
                    (other.user_id, other.assignment_id) == kind
                    and other.id > row.id
                    and other.state is not State.FAILED
                    for other in rows
                )
                assert row.assignment_id == self.house.assignment("losses").id


QueueMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, phases=[Phase.generate]
)
TestQueueStates = QueueMachine.TestCase
