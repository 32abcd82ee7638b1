"""What the reference says about the calls of a script, and when two answers to them are alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch

from autograder.case import Arguments, recast
from autograder.judging.call import Answer, Call, Value
from autograder.judging.compare import changed_arguments, compare
from autograder.judging.script import ScriptExpectation, root
from autograder.judging.tree import as_tensor, is_float, leaves, like, mapped
from autograder.numerics.expectation import (
    NUDGE,
    as_truth,
    expect_outputs,
    precision_of,
    refuse_failure,
)
from autograder.numerics.tolerance import PROBES, STEP


class Runner(Protocol):
    def run(self, calls: Sequence[Call]) -> Iterator[Answer]: ...


def expect_script(
    calls: Sequence[Call],
    places: Mapping[str, int],
    arguments: Arguments,
    reference: Runner,
    kinks: Collection[str] = (),
) -> ScriptExpectation:
    """The truth of every output, and the tolerance measured at it.

    Args:
        calls: the script's, with these very arguments in them.
        places: the call that gives each output.
        kinks: the arguments in which an output may have a kink here.

    Raises:
        AuthoringError: the reference fails, or an output cannot travel.
    """

    def given(change: Callable[[Any], Any]) -> dict[str, Value]:
        answers = list(reference.run(_changed(calls, change)))
        for answer in answers:
            refuse_failure(answer)
        return {output: answers[place].value for output, place in places.items()}

    def beside(name: str, by: float) -> dict[str, Value]:
        inside = {id(leaf) for _, leaf in leaves(arguments[name])}
        return given(lambda leaf: _moved(leaf, by) if id(leaf) in inside else _exact(leaf))

    def near(probe: int) -> dict[str, Value]:
        generator = torch.Generator().manual_seed(probe)
        return given(lambda leaf: _jittered(leaf, generator))

    truths = expect_outputs(
        given(lambda leaf: leaf),
        given(_exact),
        [beside(name, by) for name in kinks for by in (-NUDGE, NUDGE)],
        [near(probe) for probe in range(PROBES)],
        precision_of(arguments.values()),
    )
    changes = changed_arguments(calls, list(reference.run(calls)))
    return ScriptExpectation(dict(places), truths, tuple(sorted(changes)))


def alike_scripts(
    expectation: ScriptExpectation, ours: Sequence[Answer], theirs: Sequence[Answer]
) -> dict[str, bool]:
    """Per output, whether two runs agree as closely as a right one must with the truth."""

    def same(name: str) -> bool:
        end = expectation.places[name] + 1
        return _alike(expectation, name, ours[:end], theirs[:end])

    return {
        output: all(same(name) for name in expectation.steps(output))
        for output in expectation.outputs
    }


def _alike(
    expectation: ScriptExpectation, output: str, ours: Sequence[Answer], theirs: Sequence[Answer]
) -> bool:
    a, b = root(ours), root(theirs)
    if a.failure is not None or b.failure is not None:
        kinds = [(f.kind, f.exception) if (f := one.failure) else None for one in (a, b)]
        return kinds[0] == kinds[1]
    wanted = as_truth(b.value, expectation.truths[output])
    return compare(output, wanted, a.value).passed


def _changed(calls: Sequence[Call], change: Callable[[Any], Any]) -> list[Call]:
    """The calls with their numbers changed, and the same way wherever they are the same."""
    made: dict[int, Any] = {}

    def once(leaf: Any) -> Any:
        if not is_float(leaf):
            return leaf
        if id(leaf) not in made:
            made[id(leaf)] = change(leaf)
        return made[id(leaf)]

    return [
        Call(
            call.function,
            {name: mapped(once, value) for name, value in call.arguments.items()},
            call.positional,
            call.seed,
            held=call.held,
            silent=call.silent,
        )
        for call in calls
    ]


def _exact(leaf: Any) -> Any:
    return recast(leaf, torch.float64)


def _moved(leaf: Any, by: float) -> Any:
    exact = as_tensor(_exact(leaf))
    assert exact is not None  # noqa: S101 - `is_float` has seen to it
    return like(leaf, exact + by)


def _jittered(leaf: Any, generator: torch.Generator) -> Any:
    exact = as_tensor(_exact(leaf))
    assert exact is not None  # noqa: S101 - `is_float` has seen to it
    noise = torch.randn(exact.shape, generator=generator, dtype=torch.float64)
    return like(leaf, exact * (1 + STEP * noise))
