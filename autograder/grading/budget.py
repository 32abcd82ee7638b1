"""How long judging one submission may take, apart from what the submission itself takes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from autograder.judging.call import Answer, Failure
from autograder.judging.compare import failed
from autograder.judging.finding import Finding
from autograder.numerics.outcome import Outcome
from autograder.truth.trial import Trial


class Budget:
    """Judges answers on a clock that stands still while the submission works.

    What a submission gives can make judging it slow, or want more memory than there is. That is
    its own fault, so it ends as a verdict about the case at hand, and as one about every later
    case, and not as a fault that is tried again.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @property
    def used_up(self) -> bool:
        return self._left <= 0

    def charge(self, seconds: float) -> None:
        """Count what was spent on a submission in another way."""
        self._left -= seconds

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count what is done within."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.charge(time.monotonic() - began)

    def judge(self, trial: Trial, answers: Iterable[Answer]) -> Outcome:
        """What the answers to the trial's calls are worth. They need not all be taken."""
        watch = _Watch(self._left, answers)
        try:
            if self.used_up:
                raise _Over
            return trial.judge(watch.told())
        except (_Over, MemoryError, RecursionError):
            return _unjudged(trial, watch.printed)
        except RuntimeError as error:
            if "allocate memory" not in str(error):
                raise
            return _unjudged(trial, watch.printed)
        finally:
            self._left -= watch.judged


FREE = Budget(math.inf)  # for code of one's own


class _Over(Exception):
    pass


class _Watch:
    """Hands answers on, and knows how long was not spent on waiting for them."""

    def __init__(self, left: float, answers: Iterable[Answer]) -> None:
        self._left = left
        self._answers = iter(answers)
        self._began = time.monotonic()
        self._waited = 0.0
        self.printed: list[str] = []  # by each call

    @property
    def judged(self) -> float:
        return time.monotonic() - self._began - self._waited

    def told(self) -> Iterator[Answer]:
        while True:
            began = time.monotonic()
            answer = next(self._answers, None)
            self._waited += time.monotonic() - began
            if answer is None:
                return
            self.printed.append(answer.output)
            if self.judged > self._left:
                raise _Over
            yield answer


def is_unjudged(outcome: Outcome) -> bool:
    """Whether judging was given up."""
    return any(a.failure is not None and a.failure.kind == "unjudged" for a in outcome.answers)


def _unjudged(trial: Trial, printed: list[str]) -> Outcome:
    nothing = Answer(failure=Failure("unjudged"))
    findings = {output: failed(output, nothing) for output in trial.check.points}
    given = [replace(nothing, output=text) for text in printed]
    given += [nothing] * (len(trial.calls) - len(given))
    return Outcome(tuple(given), findings, Finding("unchanged"))
