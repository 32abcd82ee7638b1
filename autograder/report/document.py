"""The report: everything one grading run found, as one JSON document, and its two views."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, TypeAlias

SCHEMA = "gradmark-report/1"
_ENVIRONMENT = ("gradmark", "confined", "sandbox")  # of it, what the student's view keeps
YOURS = "yours"  # the series of a curve that the submission gave

Report: TypeAlias = dict[str, Any]


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    text = resources.files("autograder.report").joinpath("report-1.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def copied(value: Any) -> Any:
    """A copy of a JSON value that shares nothing that could be changed: a fifth of what it costs to
    look for objects that are in it twice, or are none of JSON's."""
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, list):
        return [copied(part) for part in value]
    return value


def validate(report: Report) -> None:
    """Check a document against the schema.

    Raises:
        jsonschema.ValidationError: it does not fit; the message says where.
    """
    import jsonschema  # here, because importing it may take seconds

    jsonschema.validate(report, schema())


def student_view(report: Report) -> Report:
    """What the student may see: no hidden input, no expected value of a hidden case, nothing that
    the submission said while it held a hidden input, no time that a call took (the submission could
    spend it to say something), no digest or device of the grader.

    Public cases keep their evidence and their wording; a hidden case keeps only the sentence that
    `wording.hint_at` made of it. Curves, the reference's among them, keep three digits: enough to
    look at, too few to be given back as one's own, and within six decades around the reference's
    little to carry a hidden input out with.
    """
    view: Report = copied(report | {"exercises": [*map(_without_hidden, report["exercises"])]})
    view["view"] = "student"
    environment = report["environment"]
    view["environment"] = {key: environment[key] for key in _ENVIRONMENT if key in environment}
    del view["seconds"]
    if view.get("policy") == "report":  # what was found is between the instructor and the grader
        for part in (view, *view["exercises"]):
            del part["policy"]
    for exercise in view["exercises"]:
        del exercise["seconds"]
        for check in exercise["checks"]:
            check["message"] = check.pop("student_message")
            for curve in check.get("curves", ()):
                _coarsen(curve)
        exercise["output"] = "".join(
            text["text"] for text in exercise.pop("outputs") if text["public"]
        )
    return view


def _without_hidden(exercise: dict[str, Any]) -> dict[str, Any]:
    """The exercise with nothing of its hidden cases but whether they passed. Before it is copied,
    for they are most of it."""
    return exercise | {
        "checks": [
            check
            | {
                "cases": [
                    case
                    if case["public"]
                    else {"name": "", "public": False, "passed": case["passed"]}
                    for case in check["cases"]
                ]
            }
            for check in exercise["checks"]
        ]
    }


def _coarsen(curve: dict[str, Any]) -> None:
    """Leave of all numbers what a plot needs."""
    known = [y for s in curve["series"] if s["name"] != YOURS for y in s["y"] if _finite(y)]
    top = 1e3 * max(map(abs, known), default=1.0)
    bottom = 1e-3 * min((abs(y) for y in known if y), default=1.0)
    for series in curve["series"]:
        if series["name"] == YOURS:
            series["y"] = [max(bottom, min(y, top)) if _finite(y) else y for y in series["y"]]
        series["y"] = _few(series["y"])
    band = curve.get("band")
    if band:
        curve["band"] = {name: _few(part) if name != "x" else part for name, part in band.items()}


def _few(numbers: list[Any]) -> list[Any]:
    return [float(f"{number:.3g}") if _finite(number) else "nan" for number in numbers]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float)


def instructor_view(report: Report) -> Report:
    """Everything, in the form that the renderers take."""
    view: Report = copied(report)
    view["view"] = "instructor"
    for exercise in view["exercises"]:
        for check in exercise["checks"]:
            del check["student_message"]
        exercise["output"] = "".join(text["text"] for text in exercise.pop("outputs"))
    return view
