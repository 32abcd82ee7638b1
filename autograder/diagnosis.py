"""Which misconception is this? Compare a failed submission with those that are known."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autograder.checks.base import Judged
from autograder.judging.call import Answer
from autograder.judging.compare import unchanged
from autograder.judging.finding import Finding
from autograder.oracle import Suspect, Trial

Place = tuple[str, str]  # (function, output): where a bug shows


def diagnose(
    trials: Sequence[Trial], suspects: Sequence[Suspect], seen: Sequence[Sequence[Answer]]
) -> list[Suspect]:
    """The suspects that explain the answers seen, fewest first needed.

    A suspect explains a place when it is wrong there in some case and the answers seen are its
    answers in every case. One that explains every place where it shows is preferred to one that
    explains only some (a submission may hold two bugs); the failing places are covered greedily.
    """
    judged = [
        Judged(given, trial.expectation.judge(trial.calls, given))
        for trial, given in zip(trials, seen, strict=True)
    ]
    failing = _wrong(trials, judged)
    explained: dict[int, set[Place]] = {}
    whole: dict[int, bool] = {}
    for at, suspect in enumerate(suspects):
        theirs = [Judged(*both) for both in zip(suspect.answers, suspect.findings, strict=True)]
        shows = _wrong(trials, theirs)
        if not shows & failing:
            continue
        explained[at] = _alike(trials, judged, theirs, shows & failing)
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


def _wrong(trials: Sequence[Trial], judged: Sequence[Judged]) -> set[Place]:
    """The places where the answers are wrong in some case."""
    return {
        (trial.check.function.__name__, finding.output)
        for trial, given in zip(trials, judged, strict=True)
        for finding in (*given.findings, _mutation(trial, given))
        if not (finding.passed or (finding.output == "unchanged" and finding.problem != "changed"))
    }


def _alike(
    trials: Sequence[Trial],
    seen: Sequence[Judged],
    suspect: Sequence[Judged],
    places: Collection[Place],
) -> set[Place]:
    """Those of the places where the answers seen are the suspect's in every case."""
    alike = set(places)
    for trial, ours, theirs in zip(trials, seen, suspect, strict=True):
        function = trial.check.function.__name__
        if not any(name == function for name, _ in alike):
            continue  # nothing left that this case could tell
        same = dict(trial.check.resembles(trial.calls, trial.expectation, ours, theirs))
        same["unchanged"] = _mutation(trial, ours).problem == _mutation(trial, theirs).problem
        alike -= {(function, output) for output, is_same in same.items() if not is_same}
    return alike


def _mutation(trial: Trial, judged: Judged) -> Finding:
    return unchanged(trial.calls, judged.answers, trial.check.updates)
