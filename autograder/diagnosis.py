"""Which misconception is this? Compare a failed submission with those that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.judging.call import Answer
from autograder.judging.compare import unchanged
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
    failing = {place for place, wrong in _wrong(trials, seen).items() if wrong}
    explained: dict[int, set[Place]] = {}
    whole: dict[int, bool] = {}
    for at, suspect in enumerate(suspects):
        shows = {place for place, wrong in _wrong(trials, suspect.answers).items() if wrong}
        if not shows & failing:
            continue
        alike = _alike(trials, suspect.answers, seen)
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


def _wrong(trials: Sequence[Trial], answers: Sequence[Sequence[Answer]]) -> Mapping[Place, bool]:
    """For each place, whether the answers are wrong there in some case."""
    wrong: dict[Place, bool] = {}
    for trial, given in zip(trials, answers, strict=True):
        findings = trial.expectation.judge(trial.calls, given)
        findings.append(unchanged(trial.calls, given, trial.check.updates))
        for finding in findings:
            if finding.output == "unchanged" and finding.problem != "changed":
                continue
            place = (trial.check.function.__name__, finding.output)
            wrong[place] = wrong.get(place, False) or not finding.passed
    return wrong


def _alike(
    trials: Sequence[Trial],
    suspect: Sequence[Sequence[Answer]],
    seen: Sequence[Sequence[Answer]],
) -> Mapping[Place, bool]:
    """For each place, whether the answers seen are the suspect's in every case."""
    alike: dict[Place, bool] = {}
    for trial, theirs, ours in zip(trials, suspect, seen, strict=True):
        same = dict(trial.check.resembles(trial.calls, trial.expectation, ours, theirs))
        mutations = [unchanged(trial.calls, a, trial.check.updates).problem for a in (ours, theirs)]
        same["unchanged"] = mutations[0] == mutations[1]
        for output, is_same in same.items():
            place = (trial.check.function.__name__, output)
            alike[place] = alike.get(place, True) and is_same
    return alike
