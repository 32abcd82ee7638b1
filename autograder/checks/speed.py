"""Speed: how long right answers take, against the reference's own on the same device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from autograder.case import Arguments, Case, draw
from autograder.checks.base import Expectation, FunctionCheck, Keep, SeedSource
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Session
from autograder.judging.compare import ValueExpectation, unchanged
from autograder.judging.finding import Finding
from autograder.judging.local import LocalSession
from autograder.numerics.expectation import Outputs, expect_values
from autograder.numerics.outcome import Outcome

TIME = "time"  # the one output that such a check has
# What a machine's other work may add to the least of several times. A step is reached with as much.
MARGIN = 1.1
EASIEST = 1.5  # or the solution itself might miss the best step
STEPS = {1.5: 1.0, 3.0: 0.5}


@dataclass(frozen=True)
class Round:
    """One call to be timed, and what is right there; the reference has numbers of its own, so that
    nothing that is expected of a submission is ever on the device."""

    call: Call
    expected: ValueExpectation
    own: Call


def _as_it_is(expected: ValueExpectation) -> ValueExpectation:
    return expected


@dataclass(frozen=True)
class Rounds:
    """As many rounds of a case as are asked for, each with other numbers; what a round takes is
    worked out once."""

    make: Callable[[int], Round]
    widen: Callable[[ValueExpectation], ValueExpectation] = _as_it_is
    _made: dict[int, Round] = field(default_factory=dict)

    def __getitem__(self, number: int) -> Round:
        if number not in self._made:
            self._made[number] = self.make(number)
        made = self._made[number]
        return replace(made, expected=self.widen(made.expected))

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        return [self.followed(answers)[1]]

    def followed(self, answers: Iterable[Answer]) -> tuple[list[Answer], Finding]:
        """The answers, one per round and without their values, as far as the first that is wrong;
        and what was found. Each is judged before the next one is asked for."""
        given: list[Answer] = []
        excess = 0.0
        for number, answer in enumerate(answers):
            one = self[number]
            given.append(replace(answer, value=None, arguments={}))
            found = [*one.expected.judge([one.call], [answer]), unchanged([one.call], [answer], ())]
            wrong = next((finding for finding in found if not finding.passed), None)
            if wrong is not None:
                return given, wrong
            excess = max([excess, *(f.evidence.get("excess", 0.0) for f in found)])
        return given, Finding(TIME, "", {"excess": excess})


@dataclass(frozen=True)
class SpeedCheck(FunctionCheck):
    """Right answers, and no more than so many times the reference's own time."""

    kind: ClassVar[str] = "speed"
    named: ClassVar[bool] = False
    timed: ClassVar[bool] = True

    dtype: torch.dtype = torch.float32
    steps: Mapping[float, float] = field(default_factory=lambda: STEPS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scripted:
            raise AuthoringError(f"{self.name}: a function's time is taken, and no script's")
        if any(case.public for case in self.cases):
            raise AuthoringError(f"{self.name}: the grader alone takes times: no case is public")
        limits, shares = list(self.steps), list(self.steps.values())
        falling = shares == sorted(set(shares), reverse=True) and limits == sorted(limits)
        if not falling or shares[0] != 1 or shares[-1] <= 0:
            raise AuthoringError(
                f"{self.name}: steps go from the fastest, which has all points (1), to slower ones "
                "with smaller shares, as {1.5: 1, 3: 0.5} does"
            )
        if limits[0] < EASIEST:
            raise AuthoringError(
                f"{self.name}: all points at {limits[0]:g} times the solution's time is too close: "
                f"the solution itself is sure to have them from {EASIEST:g} on"
            )

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Rounds]:
        outputs = Outputs(self._returned(reference, self.call(arguments, seeds("call"))))

        def drawn(purpose: str) -> Call:
            def generator(name: str) -> torch.Generator:
                return torch.Generator().manual_seed(seeds(f"argument {name}, {purpose}"))

            return self.call(draw(case, generator), seeds(f"call, {purpose}"))

        def make(number: int) -> Round:
            call = drawn(f"round {number}")
            expected = expect_values(call, outputs, reference, case.kinks)
            return Round(call, expected, drawn(f"the reference's round {number}"))

        rounds = Rounds(make)
        return [rounds[0].call], rounds

    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        return [self.call(arguments, seeds("call"))]

    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> ValueExpectation:
        (call,) = calls
        return expect_values(call, Outputs(self._returned(reference, call)), reference, case.kinks)

    def _returned(self, reference: Session, call: Call) -> tuple[str, ...]:
        """Names for what is returned."""
        answer = reference.call(call)
        if answer.failure is not None:
            failure = answer.failure
            raise AuthoringError(f"the solution fails: {failure.exception}: {failure.message}")
        if not unchanged([call], [answer], ()).passed:
            raise AuthoringError(f"{self.name}: only what leaves its arguments alone is timed")
        count = len(answer.value) if isinstance(answer.value, tuple) else 1
        return ("the result",) if count == 1 else tuple(f"result {n + 1}" for n in range(count))

    def judge(
        self, expectation: Expectation, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        """Whether they are right: no time is worth anything beside a wrong answer."""
        assert isinstance(expectation, Rounds)  # noqa: S101 - what `prepare` returns
        given, finding = expectation.followed(answers)
        return Outcome(tuple(given), {TIME: finding}, Finding("unchanged"))

    def rated(self, mine: float, reference: float) -> Finding:
        """What right answers are worth that took so many seconds."""
        ratio = mine / reference
        within, share = self.reached(ratio)
        best = next(iter(self.steps))
        evidence = {
            "ratio": float(f"{ratio:.3g}"),
            "within": within,
            "share": share,
            "best": best,
            "seconds": float(f"{mine:.3g}"),
            "reference": float(f"{reference:.3g}"),
        }
        return Finding(TIME, "" if share == 1 else "slow", evidence)

    def reached(self, ratio: float) -> tuple[float | None, float]:
        """The step that a ratio of times reaches, if any, and its share of the points."""
        for limit, share in self.steps.items():
            if ratio <= limit * MARGIN:
                return limit, share
        return None, 0.0

    def next_better(self, ratio: float) -> float | None:
        """The ratio at which the next better step would be reached; None at the best one."""
        better = [limit * MARGIN for limit in self.steps if limit * MARGIN < ratio]
        return max(better, default=None)


def speed(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: float,
    *,
    steps: Mapping[float, float] = STEPS,
    name: str = "",
    dtype: torch.dtype = torch.float32,
) -> SpeedCheck:
    """Time right answers against the solution's own, on the same device in the same minute.

    Args:
        cases: none of them public, each with enough to do that the work takes longer than the way
            there and back: some ten milliseconds.
        steps: from how many times the solution's time to the share of the points, the fastest
            first: all of them up to 1.5 times, half up to 3 times.
        dtype: the precision in which the function is called.
    """
    name = name or f"speed of {function.__name__}"
    return SpeedCheck(function, tuple(cases), {TIME: points}, name, dtype, dict(steps))
