"""What of an exercise is paid for nothing?

A script may yield what was there before anything was done, such as a dict that a function must
update, as it was given. Where that is right in every case, whoever writes nothing has its points.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from autograder.checks.base import FunctionCheck
from autograder.exercise import Exercise
from autograder.judging.local import LocalSession
from autograder.topics.catalogue import Topic
from autograder.truth.trial import Trial


def unearned(topic: Topic, exercise: Exercise, trials: Sequence[Trial]) -> Iterator[str]:
    """One sentence for each output of a script that is right where nothing is written yet."""
    session = LocalSession(_unwritten(topic, exercise))
    for check in exercise.checks:
        if check.gated or not isinstance(check, FunctionCheck) or not check.scripted:
            continue
        outcomes = [t.judge(session.run(t.calls)) for t in trials if t.check is check]
        for output in check.points:
            found = [o.findings[output].passed for o in outcomes if output in o.findings]
            if found and all(found):
                yield (
                    f"{check.name}: {output} is right in every case where nothing is written yet: "
                    "add a case in which it has to change"
                )


def _unwritten(topic: Topic, exercise: Exercise) -> Mapping[str, Any]:
    """The topic's functions, with those of the exercise as students get them."""
    asked = {one.__name__: _stub(one) for one in exercise.functions}
    return {**topic.functions(), **asked}


def _stub(solution: Any) -> Any:
    if not inspect.isclass(solution):
        return _refuses
    methods = {name: _refuses for name, part in vars(solution).items() if inspect.isroutine(part)}
    return type(solution.__name__, solution.__bases__, methods)


def _refuses(*given: Any, **named: Any) -> NoReturn:
    raise NotImplementedError
