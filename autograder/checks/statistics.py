"""Random answers, judged by distribution, independence and support."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from autograder.case import Arguments, Case
from autograder.checks.base import Expectation, FunctionCheck, Keep, SeedSource, credited, listed
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Seed, Session, Value
from autograder.judging.compare import Expected
from autograder.judging.laws import (
    FillExpectation,
    Law,
    MaskExpectation,
    all_seeds,
    random_calls,
)
from autograder.judging.local import LocalSession
from autograder.judging.script import RandomScript
from autograder.numerics.expectation import call_in_precision, in_precision
from autograder.numerics.outcome import Outcome
from autograder.numerics.tolerance import sensitivity, tolerance

DRAWS = 6


@dataclass(frozen=True)
class RandomCheck(FunctionCheck):
    """Answers are judged over several draws, by features rather than element by element."""

    kind: ClassVar[str] = "statistics"

    dtype: torch.dtype = torch.float32

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Any]:
        if not self.scripted:
            return super().prepare(case, arguments, seeds, reference, keep)
        if "generator" not in self._parameters:
            raise AuthoringError(
                f"{self.function.__name__} draws at random, so it must take a `generator`"
            )
        given = {name: in_precision(value, self.dtype) for name, value in arguments.items()}
        outputs = tuple(name for name in self.points if name != "generator")
        runs = []
        for at, seed in enumerate(all_seeds([seeds(f"draw {draw}") for draw in range(DRAWS)])):

            def own(purpose: str, at: int = at) -> int:
                return seeds(f"{purpose}, run {at}")

            generator = None if seed is None else Seed(seed)
            runs.append(self.program({**given, "generator": generator}, reference, own, outputs))
        places = tuple(runs[0].outputs[name] for name in outputs)
        answers = list(reference.run(runs[0].calls))
        values = tuple(answers[place].value for place in places)
        present = inspect.signature(self.function).bind_partial(**given)
        present.apply_defaults()
        known = {n: v for n, v in present.arguments.items() if n not in {"new", "generator"}}
        expectation = RandomScript(
            self.law_of(known, values, reference),
            tuple(len(program.calls) for program in runs),
            outputs,
            places,
            values[0],
        )
        return [call for program in runs for call in program.calls], expectation

    @abstractmethod
    def law_of(
        self, arguments: Mapping[str, Any], values: tuple[Value, ...], reference: Session
    ) -> FillExpectation | MaskExpectation:
        """What to expect of a script's outputs, of which the solution gave these values."""

    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        generator_seeds = [seeds(f"draw {at}") for at in range(DRAWS)]
        call = self.call({**arguments, "generator": None}, 0)
        return random_calls(call, generator_seeds, seeds("global"))

    def judge(
        self, expectation: Expectation, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        """What there are points for: what draws from torch's own state follows no generator."""
        outcome = super().judge(expectation, calls, answers)
        findings = {name: outcome.findings[name] for name in self.points}
        return replace(outcome, findings=findings)

    def resembles(
        self, expectation: Expectation, seen: Outcome, suspected: Outcome
    ) -> Mapping[str, bool]:
        """Alike are two samplers that go wrong in the same way, by the same amount."""
        return {
            output: a.problem == (b := suspected.findings[output]).problem
            and _alike(a.problem, a.evidence, b.evidence)
            for output, a in seen.findings.items()
        }

    def _bound(self, call: Call) -> dict[str, Any]:
        return {name: v for name, v in self.bound(call).items() if name != "generator"}


_SOURCE = ("repeats", "differs", "global differs")  # where the randomness comes from
_PLAIN = ("kind", "exception", "argument", "expected", "got")


def _alike(problem: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two findings say the same, up to the scatter of a sample: what has nothing to do
    with what is wrong is not compared."""
    if problem == "law":
        return _same_law(a, b)
    if problem in {"value", "nonfinite"}:
        return _near(a.get("scale"), b.get("scale"), 0.02) and _as_scattered(a, b)
    return all(a.get(name) == b.get(name) for name in _PLAIN)


def _same_law(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    if any(a.get(name) != b.get(name) for name in _SOURCE if name in a and name in b):
        return False
    if not a.get("differs", 1.0) and a["test"] != b["test"]:
        return False  # one draw for all: a sample of one
    chances, others = a.get("chances"), b.get("chances")
    if chances is None or others is None:  # no sample was judged: one draw for all, or NaN
        return chances is others and a["test"] == b["test"]
    allowed = a["log10_allowed"]
    for name, chance in chances.items():
        other = others.get(name, 0.0)
        if min(chance, other) >= allowed:
            continue  # both are right there
        if max(chance, other) >= allowed:
            if min(chance, other) < SURELY * allowed:
                return False
        elif not _near(a.get(name), b.get(name), 0.03):
            return False
    return True


def _as_scattered(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether what is kept is off by one factor in both, or by factors as different."""
    less, more = sorted(float(one.get("scatter", 0.0)) for one in (a, b))
    if math.isnan(less) or math.isnan(more):
        return math.isnan(less) and math.isnan(more)
    return more <= ONE_SCALE or less >= more / 2


ONE_SCALE = 1e-5  # so far apart are scales that rounding alone makes differ
SURELY = 4  # so many times the logarithm that is allowed is no scatter


def _near(x: object, y: object, slack: float) -> bool:
    if not (isinstance(x, float) and isinstance(y, float)):
        return x == y
    return (math.isnan(x) and math.isnan(y)) or abs(x - y) <= slack + 0.05 * abs(y)


@dataclass(frozen=True)
class FillCheck(RandomCheck):
    """A tensor filled in place with independent numbers of a law."""

    law: Callable[..., Law] = field(kw_only=True)

    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> FillExpectation:
        return self.law_of(self._bound(calls[0]), (), reference)

    def law_of(
        self, arguments: Mapping[str, Any], values: tuple[Value, ...], reference: Session
    ) -> FillExpectation:
        return FillExpectation(next(iter(self.points)), self.law(**arguments))


@dataclass(frozen=True)
class MaskCheck(RandomCheck):
    """An output with parts of it dropped at random, and the mask of what was kept."""

    keep: Callable[..., float] = field(kw_only=True)
    kept: Callable[..., Tensor] = field(kw_only=True)

    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> MaskExpectation:
        answer = reference.call(calls[0])
        values = answer.value if isinstance(answer.value, tuple) else ()
        return self.law_of(self._bound(calls[0]), values, reference)

    def law_of(
        self, arguments: Mapping[str, Any], values: tuple[Value, ...], reference: Session
    ) -> MaskExpectation:
        if len(values) != 2 or not isinstance(values[1], Tensor):
            raise AuthoringError(f"{self.name}: the solution does not give an output and a mask")
        exact = call_in_precision(Call("", arguments, 0), torch.float64)
        truth = self.kept(**arguments)
        precise = self.kept(**exact.arguments)

        def kept(call: Call) -> Answer:
            return Answer(self.kept(**call.arguments))

        def pick(answer: Answer) -> list[Tensor]:
            return [answer.value] if isinstance(answer.value, Tensor) else []

        (measured,) = sensitivity(exact, kept, pick)
        noise = (truth.to(torch.float64) - precise).abs()
        allowed = tolerance(measured, noise, truth.dtype)
        output = next(iter(self.points))
        expected = Expected(truth, precise, precise, allowed)
        return MaskExpectation(output, tuple(values[1].shape), self.keep(**arguments), expected)


def fills(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: Mapping[str, float],
    *,
    law: Callable[..., Law],
    name: str = "",
) -> FillCheck:
    """Check a function that fills its argument with random numbers.

    Args:
        points: for the filled argument, under its name, and for `generator`: that the numbers
            follow the generator that is given; none for what a script makes that takes none.
        law: from the function's arguments (without the generator) to the law of the numbers.
    """
    name = name or f"{function.__name__} by distribution"
    return FillCheck(function, listed(cases, name), credited(points, name), name, law=law)


def drops(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: Mapping[str, float],
    *,
    keep: Callable[..., float],
    kept: Callable[..., Tensor],
    name: str = "",
) -> MaskCheck:
    """Check a function that returns an output with parts dropped, and the mask of what it kept.

    Args:
        points: for the output (any name), for `mask` and for `generator`, in this order.
        keep: from the function's arguments to the probability of keeping an element.
        kept: from the function's arguments to the output if everything were kept.
    """
    name = name or f"{function.__name__} by distribution"
    return MaskCheck(
        function, listed(cases, name), credited(points, name), name, keep=keep, kept=kept
    )
