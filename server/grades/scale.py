"""One scale on every page and in the API: the assignment's points. A report has a scale of its own,
what its checks add up to; who met both would meet two grades."""

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


def score_in_points(
    score: float | None, max_score: float | None, worth: float
) -> dict[str, float | None]:
    """A submission's score and its maximum as points; None for both where it has none."""
    if score is None:
        return {"score": None, "max_score": None}
    share = score / max_score if max_score else 0.0
    return {"score": round(share * worth, _DECIMALS), "max_score": worth}


def _scaled(part: dict[str, Any], factor: float) -> dict[str, Any]:
    scores = {key: round(part[key] * factor, _DECIMALS) for key in ("score", "max_score")}
    return {**part, **scores}
