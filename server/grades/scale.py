"""One scale on every page: the assignment's points. A report has a scale of its own, what its
checks add up to; a page that showed both would show two grades."""

from __future__ import annotations

from typing import Any

_DECIMALS = 2


def in_points(report: dict[str, Any], worth: float) -> dict[str, Any]:
    """The report with its scores as points of an assignment that is worth so many."""
    factor = worth / report["max_score"] if report["max_score"] else 0.0
    return _scaled(report, factor) | {
        "exercises": [
            _scaled(exercise, factor)
            | {"checks": [_scaled(check, factor) for check in exercise["checks"]]}
            for exercise in report["exercises"]
        ]
    }


def _scaled(part: dict[str, Any], factor: float) -> dict[str, Any]:
    scores = {key: round(part[key] * factor, _DECIMALS) for key in ("score", "max_score")}
    return {**part, **scores}
