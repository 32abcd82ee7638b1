"""Input that must be refused."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from autograder.case import Arguments, Case
from autograder.checks.base import FunctionCheck, Keep, SeedSource, listed
from autograder.checks.script import record
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Session
from autograder.judging.local import LocalSession
from autograder.judging.refusal import RefusalExpectation

REFUSAL = "refusal"  # the one output that such a check has


@dataclass(frozen=True)
class ErrorCheck(FunctionCheck):
    """The function must raise what the reference raises."""

    kind: ClassVar[str] = "errors"
    gated: ClassVar[bool] = True
    named: ClassVar[bool] = False

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], RefusalExpectation]:
        if not self.scripted:
            calls = self.calls(arguments, seeds)
            return calls, self.expect(case, calls, reference)
        program = record(self.function, arguments, reference, seeds)
        return program.calls, self._refusal(program.failed)

    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        return [self.call(arguments, seeds("call"))]

    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> RefusalExpectation:
        (call,) = calls
        return self._refusal(reference.call(call))

    def _refusal(self, answer: Answer | None) -> RefusalExpectation:
        failure = answer.failure if answer is not None else None
        if failure is None or not isinstance(getattr(builtins, failure.exception, None), type):
            raise AuthoringError("the solution accepts what it should refuse")
        (output,) = self.points
        return RefusalExpectation(output, failure.exception)


def errors(
    function: Callable[..., Any], cases: Iterable[Case], points: float = 1.0, name: str = ""
) -> ErrorCheck:
    """Check that bad input raises the exception that the solution raises, or a subclass of it."""
    name = name or f"{function.__name__} refuses bad input"
    return ErrorCheck(function, listed(cases, name), {REFUSAL: points}, name)
