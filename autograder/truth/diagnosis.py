"""Which misconception is this? Compare a failed submission with those that are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from autograder.exercise import Misconception
from autograder.judging.call import Answer
from autograder.judging.finding import Finding
from autograder.judging.local import LocalSession
from autograder.numerics.expectation import alike
from autograder.numerics.outcome import Fault, Outcome
from autograder.topics.catalogue import Topic
from autograder.truth.oracle import Suspect, Trial

Place = tuple[str, str]  # (function, output): where a bug shows


def diagnose(
    trials: Sequence[Trial], suspects: Sequence[Suspect], seen: Sequence[Outcome]
) -> list[Suspect]:
    """The suspects that explain what was seen, as few as are needed.

    A suspect explains a place when it is wrong there in some case and what was seen is what it
    gives in every case. One that explains every place where it shows is preferred to one that
    explains only some (a submission may hold two bugs); the failing places are covered greedily.
    """
    failing = _wrong(trials, seen)
    explained: dict[int, set[Place]] = {}
    whole: dict[int, bool] = {}
    for at, suspect in enumerate(suspects):
        shows = _wrong(trials, suspect.outcomes)
        if shows & failing:
            alike = _alike(trials, suspect.outcomes, seen)
            explained[at] = {place for place in shows & failing if alike[place]}
            whole[at] = explained[at] == shows
    found: list[Suspect] = []
    left = set(failing)
    while explained:
        best = max(explained, key=lambda at: (whole[at], len(explained[at] & left)))
        covered = explained.pop(best) & left
        if covered:
            found.append(suspects[best])
            left -= covered
        elif not any(places & left for places in explained.values()):
            break
    return found


def recognise(topic: Topic, faults: Iterable[Fault], device: str) -> list[Misconception]:
    """The misconceptions that would have answered a faulty call just as the submission did, one for
    each fault that any explains."""
    found: dict[str, Misconception] = {}
    for fault in faults:
        for home in (topic, *topic.beside):
            for misconception in _of_function(home, fault.call.function):
                session = LocalSession(home.functions(misconception), device)
                theirs = session.call(fault.call)
                if theirs.failure is None and _explains(theirs, fault):
                    found.setdefault(misconception.name, misconception)
                    break
    return list(found.values())


def _of_function(topic: Topic, function: str) -> Iterator[Misconception]:
    for exercise in topic.exercises:
        if any(f.__name__ == function for f in exercise.functions):
            yield from exercise.misconceptions


def _explains(theirs: Answer, fault: Fault) -> bool:
    wrong = any(not f.passed for f in fault.expectation.judge([fault.call], [theirs]))
    return wrong and all(alike(fault.expectation, fault.outputs, fault.answer, theirs).values())


def _wrong(trials: Sequence[Trial], outcomes: Sequence[Outcome]) -> set[Place]:
    """The places where something is wrong in some case."""
    return {
        (trial.check.subject, output)
        for trial, outcome in zip(trials, outcomes, strict=True)
        for output, finding in _found(outcome)
        if not finding.passed
    }


def _found(outcome: Outcome) -> Iterator[tuple[str, Finding]]:
    yield from outcome.findings.items()
    # A call that failed says nothing about whether arguments are left alone.
    if outcome.unchanged.problem == "changed":
        yield "unchanged", outcome.unchanged


def _alike(
    trials: Sequence[Trial], suspected: Sequence[Outcome], seen: Sequence[Outcome]
) -> Mapping[Place, bool]:
    """For each place, whether what was seen is what the suspect gives in every case."""
    alike: dict[Place, bool] = {}
    for trial, theirs, ours in zip(trials, suspected, seen, strict=True):
        same = dict(trial.check.resembles(trial.expectation, ours, theirs))
        same["unchanged"] = ours.unchanged.problem == theirs.unchanged.problem
        for output, is_same in same.items():
            place = (trial.check.subject, output)
            alike[place] = alike.get(place, True) and is_same
    return alike
