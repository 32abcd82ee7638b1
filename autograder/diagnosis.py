"""Which misconception is this? Compare a failed submission with those that are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autograder.checks.base import Outcome
from autograder.judging.finding import Finding
from autograder.oracle import Suspect, Trial

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


def _wrong(trials: Sequence[Trial], outcomes: Sequence[Outcome]) -> set[Place]:
    """The places where something is wrong in some case."""
    return {
        (trial.check.function.__name__, output)
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
            place = (trial.check.function.__name__, output)
            alike[place] = alike.get(place, True) and is_same
    return alike
