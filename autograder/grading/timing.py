"""Times of right answers, taken against the reference's own.

Both work on the same device in the same minute, by turns, each in a confined process of its own,
and each answer's time is taken here: from the moment when a call is sent until its answer has
arrived as bytes. On a CPU it is the processor time that the kernel counts for the worker, which
other work of the machine does not add to; where a device works beside its process, it is the time
on the clock. Nothing that a submission does to clocks, to streams or to its answers'
insides is on that way. Every round has numbers that were in no process before, of the same shapes;
the reference has others again, so that it leaves nothing to be found.

What else a machine does can only lengthen a time. So the least of several is taken of both, rounds
go on, some time apart, while a better step is within reach, and the reference's counts those from
before a submission was there as well, which nothing that this does can lengthen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from autograder.checks.speed import TIME, Rounds, SpeedCheck
from autograder.grading.budget import Budget
from autograder.judging.call import Answer
from autograder.numerics.outcome import Outcome
from autograder.sandbox import Sandbox, SandboxFault, Session
from autograder.sandbox.inside.loading.source import Source
from autograder.truth.trial import Trial

ALONE = 3  # rounds of the reference before there is a submission, the first of which warms it up
LEAST, MOST = 3, 15  # rounds of a submission that are timed
PAUSE = 0.3  # seconds before each that is one more: a busy moment of the machine passes
SECONDS = 20.0  # after which no further round of a case begins
HOPELESS = 2.0  # times a step's limit: nobody's noise


def times(
    trials: Sequence[Trial],
    sandbox: Sandbox,
    reference: Sequence[Source],
    submission: Callable[[], AbstractContextManager[Session]],
    budget: Budget,
    tell: Callable[[Trial], None],
) -> list[Outcome]:
    """What the cases of checks of speed come to.

    Args:
        reference: the solution, for a process of its own.
        submission: opens a new session, which has met none of these cases.
        tell: is called with each case before it is timed.

    Raises:
        SandboxFault: the reference itself fails.
    """
    with sandbox.session(reference, ours=True) as pace:
        alone = [_alone(trial, pace) for trial in trials]
        with submission() as session:
            outcomes = []
            for trial, before in zip(trials, alone, strict=True):
                tell(trial)
                sandbox.examine()  # what prepares itself beside the two would be in their way
                outcomes.append(_Race(trial, session, pace, before).outcome(budget))
            return outcomes


def _alone(trial: Trial, pace: Session) -> float:
    """The least time of the reference while no submission is there."""
    rounds: Rounds = trial.expectation
    taken = [_own(trial, rounds, number, pace) for number in range(ALONE)]
    return min(taken[1:])


def _own(trial: Trial, rounds: Rounds, number: int, pace: Session) -> float:
    answer, seconds = pace.timed(rounds[number].own)
    if answer.failure is not None:
        kind, message = answer.failure.kind, answer.failure.message
        raise SandboxFault(f"the reference's own {trial.check.name} fails: {kind} {message}")
    return seconds


class _Race:
    """One case: rounds of a submission and of the reference by turns."""

    def __init__(self, trial: Trial, session: Session, pace: Session, before: float) -> None:
        assert isinstance(trial.check, SpeedCheck)  # noqa: S101 - only these are timed
        self._check = trial.check
        self._trial = trial
        self._session = session
        self._pace = pace
        self._reference = before
        self._mine = math.inf

    def outcome(self, budget: Budget) -> Outcome:
        outcome = budget.judge(self._trial, self._rounds())
        if not outcome.findings[TIME].passed:
            return outcome
        finding = self._check.rated(self._mine, self._reference)
        return replace(outcome, findings={TIME: finding})

    def _rounds(self) -> Iterator[Answer]:
        """Each answer, to be judged before the next round begins. The first is not timed."""
        rounds: Rounds = self._trial.expectation
        until = time.monotonic() + SECONDS
        yield self._session.call(rounds[0].call)
        for number in range(1, MOST + 1):
            if number > LEAST:
                time.sleep(PAUSE)
            one = rounds[number]
            own = _own(self._trial, rounds, number, self._pace)
            answer, seconds = self._session.timed(one.call)
            self._reference = min(self._reference, own)
            self._mine = min(self._mine, seconds)
            yield answer
            if number >= LEAST and (self._settled() or time.monotonic() > until):
                return

    def _settled(self) -> bool:
        """Whether further rounds would change nothing."""
        ratio = self._mine / self._reference
        better = self._check.next_better(ratio)
        return better is None or ratio > HOPELESS * better
