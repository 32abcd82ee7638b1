"""Times in reports: noise may lengthen one, so the better of two measurements holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder.report.document import Report, copied

SPEED = "speed"  # the kind of such a check
_COARSE = 1.25  # from one step of what others see to the next
_MOST = 100.0


@dataclass(frozen=True)
class Pace:
    """How a submission's right answers compare with the reference's: in no more than so many times
    its time."""

    exercise: str
    check: str
    within: float


def paces(report: Report) -> list[Pace]:
    """What a report's checks of speed measured, where all was right: the slowest case of each. The
    steps are coarse, for a submission chooses how long it takes and might say something by it."""
    found = []
    for exercise in report["exercises"]:
        for check in exercise["checks"]:
            if check.get("kind") == SPEED:
                ratios = [case["evidence"].get("ratio") for case in check["cases"]]
                if all(isinstance(ratio, int | float) for ratio in ratios):
                    found.append(Pace(exercise["name"], check["name"], _coarse(max(ratios))))
    return found


def keeping_times(report: Report, earlier: Report | None) -> Report:
    """The report of the same submission graded once more, with those checks of speed of an earlier
    report that were better: as far as nothing but time has changed in them, that is points and best
    step are the same, on the same kind of device, and all answers are right."""
    if earlier is None or _device(earlier) != _device(report):
        return report
    before = {(exercise, name): check for exercise, name, check in _speeds(earlier)}
    kept: Report = copied(report)
    for exercise in kept["exercises"]:
        zeroed = kept.get("policy") == "zero" and exercise["policy"]
        for at, check in enumerate(exercise["checks"]):
            old = before.get((exercise["name"], check["name"]))
            if zeroed or old is None or check.get("kind") != SPEED or not _better(old, check):
                continue
            gained = old["score"] - check["score"]
            exercise["checks"][at] = old
            exercise["score"] = round(exercise["score"] + gained, 6)
            kept["score"] = round(kept["score"] + gained, 6)
    return kept


def _speeds(report: Report) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for exercise in report["exercises"]:
        for check in exercise["checks"]:
            if check.get("kind") == SPEED:
                yield exercise["name"], check["name"], check


def _better(old: dict[str, Any], new: dict[str, Any]) -> bool:
    right = all(case["problem"] in {"", "slow"} for case in new["cases"])
    return right and old["score"] > new["score"] and _scale(old) == _scale(new)


def _scale(check: dict[str, Any]) -> tuple[Any, ...]:
    return check["max_score"], *(case["evidence"].get("best") for case in check["cases"])


def _device(report: Report) -> str:
    return str(report["environment"].get("device", "")).partition(":")[0]


def _coarse(ratio: float) -> float:
    steps = math.ceil(round(math.log(max(ratio, 1 / _MOST)) / math.log(_COARSE), 6))
    return min(float(f"{_COARSE**steps:.2g}"), _MOST)
