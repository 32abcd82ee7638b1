"""Explain a wrong answer by an earlier call: what was asked then is answered now.

Whatever is kept from call to call by the shape of an argument, in a global, a default or an
attribute, answers the second question of a shape with the first one's numbers; what a forward
leaves for its backward answers with the last one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from torch import Tensor

from autograder.judging.call import Call
from autograder.judging.compare import same_values
from autograder.truth.questions import Question
from autograder.truth.trial import Trial

Key: TypeAlias = Callable[[str, Call], object]


def _by_shape(name: str, call: Call) -> object:
    value = call.arguments[name]
    return value.shape if isinstance(value, Tensor) else None


def _by_shapes(_: str, call: Call) -> object:
    given = call.arguments.items()
    return frozenset((n, v.shape) for n, v in given if isinstance(v, Tensor) and n != "grad_y")


def _by_settings(name: str, call: Call) -> object:
    given = call.arguments.items()
    rest = frozenset((n, repr(v)) for n, v in given if not isinstance(v, Tensor))
    return _by_shape(name, call), rest


_KEYS: Sequence[Key] = (_by_shape, _by_shapes, _by_settings)


def stale(function: str, trials: Sequence[Trial]) -> Iterator[Question]:
    """The questions that a function answers if it keeps one of its tensors from an earlier call of
    its exercise, which is told apart by shapes or by settings, too."""
    asked_first = sorted(trials, key=lambda trial: not trial.case.public)
    calls = [call for trial in asked_first for call in trial.calls]
    names = {
        n
        for c in calls
        if c.function == function
        for n, v in c.arguments.items()
        if isinstance(v, Tensor) and not n.startswith("grad_")
    }
    for name in sorted(names):
        asked = [call for call in calls if isinstance(call.arguments.get(name), Tensor)]
        seen: list[dict[int, Any]] = []
        for key in _KEYS:
            for last in (False, True):
                earlier = _earlier(function, name, asked, key, last)
                if earlier and not any(same_values(earlier, other) for other in seen):
                    seen.append(earlier)
                    yield _question(name, earlier, last)


def _earlier(
    function: str, name: str, calls: Sequence[Call], key: Key, last: bool
) -> dict[int, Any]:
    """By call, what an earlier one had: the first of all, or the last one of another function."""
    kept: dict[object, Any] = {}
    found: dict[int, Any] = {}
    for call in calls:
        place, value = key(name, call), call.arguments[name]
        if call.function == function and place in kept and not same_values(kept[place], value):
            found[id(call)] = kept[place]
        if not last:
            kept.setdefault(place, value)
        elif call.function != function:
            kept[place] = value
    return found


def _question(name: str, earlier: dict[int, Any], last: bool) -> Question:
    def ask(call: Call) -> Call | None:
        if id(call) not in earlier:
            return None
        given = {**call.arguments, name: earlier[id(call)]}
        return Call(call.function, given, call.positional, call.seed)

    when = "the last call of the other function" if last else "an earlier call"
    what = f"for the `{name}` of {when}, of the same shape: is anything kept from call to call?"
    return Question(f"{name}-of-an-earlier-call", what, ask)
