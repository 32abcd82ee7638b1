"""Cases that call again: on what was handed out before, and on the same objects.

*Handed out*: what a function gave first is looked at again once it was called with other numbers;
who hands out memory that is used again has changed it. *The same objects*: what a script does with
the objects that it makes is done with them once more; gradients that gather from call to call, and
what is left of the call before, show only there. Truth is what the solution's own objects give.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.case import Arguments
from autograder.checks.base import FunctionCheck
from autograder.checks.script import record
from autograder.judging.call import Answer, Call, Held
from autograder.judging.compare import failed, same_values
from autograder.judging.finding import Finding
from autograder.judging.local import LocalSession
from autograder.numerics.scripts import expect_script
from autograder.truth.trial import Trial


@dataclass(frozen=True)
class Unmoved:
    """Whether the first answer is what it was when it is looked at again, right or wrong."""

    outputs: tuple[str, ...]

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        for answer in answers:
            if answer.failure is not None:
                return [failed(output, answer) for output in self.outputs]
        first, _, later = answers
        moved = not same_values(first.value, later.value)
        return [Finding(output, "reused" if moved else "") for output in self.outputs]


def handed_out(first: Trial, then: Trial) -> Trial | None:
    """The first case, then the other, and then a look at what the first one gave."""
    check, call = first.check, first.calls[0]
    if not isinstance(check, FunctionCheck) or check.scripted:
        return None
    outputs = tuple(name for name in check.points if name not in check.updates)
    if not outputs:
        return None
    look = Call("@keep", {"value": Held(2)}, 1, call.seed)
    calls = (replace(call, held=2), then.calls[0], look)
    case = replace(first.case, name=f"{first.case.name}, looked at again later", public=False)
    return replace(first, case=case, calls=calls, expectation=Unmoved(outputs))


def on_the_same_objects(first: Trial, then: Arguments, reference: LocalSession) -> Trial | None:
    """A script's case, and with the objects that it made the same again with other numbers; None
    where it makes none, or where the solution refuses that."""
    check = first.check
    if not isinstance(check, FunctionCheck) or not check.scripted:
        return None
    made: list[Any] = []

    def twice(new: Any, once: Arguments, again: Arguments) -> Iterator[tuple[str, Any]]:
        yield from check.function(_Makes(new, made, again=False), **once)
        yield from check.function(_Makes(new, made, again=True), **again)

    arguments: dict[str, Any] = {"once": first.arguments, "again": then}
    program = record(twice, arguments, reference, lambda _: first.calls[0].seed)
    if program.failed is not None or not made:
        return None
    expectation = expect_script(program.calls, program.outputs, arguments, reference)
    case = replace(first.case, name=f"{first.case.name}, the same objects again", public=False)
    return replace(
        first, case=case, arguments=arguments, calls=program.calls, expectation=expectation
    )


class _Makes:
    """A script's first argument, which notes what objects it makes, or gives those once more."""

    def __init__(self, new: Any, made: list[Any], *, again: bool) -> None:
        self._new, self._made, self._left = new, made, iter(list(made)) if again else None

    def __call__(self, what: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if not inspect.isclass(what):
            return self._new(what, *args, **named)
        if self._left is not None:
            return next(self._left)
        self._made.append(self._new(what, *args, **named))
        return self._made[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._new, name)
