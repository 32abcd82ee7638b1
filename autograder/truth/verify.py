"""Can a class be graded by this solution?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograder.errors import AuthoringError, located
from autograder.exercise import Exercise
from autograder.topics.catalogue import Topic
from autograder.truth.gradients import unproven
from autograder.truth.trial import Trial
from autograder.truth.unearned import unearned
from autograder.truth.unsteady import unsteady


def faults(topic: Topic, exercise: Exercise, trials: Sequence[Trial]) -> Iterator[str]:
    """One sentence for each gradient of the solution's that is wrong, or not shown right, and for
    each output that whoever writes nothing is paid for, or that is not the same each time."""
    yield from unproven(topic, exercise, trials)
    yield from unearned(topic, exercise, trials)
    yield from unsteady(topic, exercise, trials)


def verify(topic: Topic, exercise: Exercise, trials: Sequence[Trial]) -> None:
    """Raises AuthoringError for the first of its faults."""
    where = f"{topic.path.name}: {exercise.name}"
    with located(where, topic.path):
        wrong = next(faults(topic, exercise, trials), None)
    if wrong is not None:
        raise AuthoringError(f"{where}, {wrong}")
