"""A report as a piece of a page, and as a page of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.judging.summary import say_flag
from autograder.render.curve import Curve, in_words, rows
from autograder.render.lines import Line, all_of, all_right, hints, lines, summary
from autograder.render.picture import Picture
from autograder.render.plot import Plot
from autograder.report import Report

if TYPE_CHECKING:
    from autograder.grading.audit import ExerciseAudit

AtLine: TypeAlias = Callable[[str, Line], Markup]

_static = resources.files("autograder").joinpath("render/static")


def _joined(*names: str) -> str:
    return "\n".join(_static.joinpath(name).read_text("utf-8") for name in names)


# What a fragment needs; the script only where it holds curves, and pictures and numbers are there
# without it.
STYLESHEET = _joined("vendor/uplot/uPlot.min.css", "report.css")
SCRIPT = _joined("vendor/uplot/uPlot.iife.min.js", "curves.js")

templates = Environment(
    loader=PackageLoader("autograder", "render/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def report_fragment(view: Report) -> Markup:
    """The view as HTML, everything in it escaped; it needs `STYLESHEET`, and `SCRIPT` where
    `has_curves`, and holds neither style nor script of its own."""
    return Markup(templates.get_template("report.html").render(report=view, nothing=_nothing))  # noqa: S704


@dataclass(frozen=True)
class Parts:
    """A view in pieces, for a page that puts something beside each exercise."""

    head: Markup
    exercises: Mapping[str, Markup]  # what was found, by the exercise's name


def report_parts(view: Report, at_line: AtLine) -> Parts:
    """The same as `report_fragment` in pieces, each to stand inside an element of the class
    `gm-report`.

    Args:
        at_line: what else is to stand at a line, by the exercise's name and the line.
    """
    head: Any = templates.get_template("head.html").module
    exercise: Any = templates.get_template("exercise.html").module
    found = {e["name"]: exercise.found(view, e, at_line) for e in view["exercises"]}
    return Parts(head.head(view), found)


def has_curves(view: Report) -> bool:
    return any("curves" in check for e in view["exercises"] for check in e["checks"])


def _nothing(exercise: str, line: Line) -> Markup:
    return Markup("")


def curve_svg(curve: Curve) -> Markup:
    """The picture of a curve: part of a page, or a file."""
    return Markup(templates.get_template("curve.svg.j2").render(plot=Plot(curve)))  # noqa: S704


def _by_rightness(exercises: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], ...]:
    """Those that are all right, and the others."""
    right = [exercise for exercise in exercises if all_right(exercise)]
    return right, [exercise for exercise in exercises if exercise not in right]


templates.filters |= {
    "all_of": all_of,
    "all_right": all_right,
    "by_rightness": _by_rightness,
    "hints": hints,
    "in_words": in_words,
    "json": partial(json.dumps, separators=(",", ":")),
    "lines": lines,
    "picture": Picture,
    "points": lambda value: f"{value:g}",
    "rows": rows,
    "say_flag": say_flag,
    "summary": summary,
    "svg": curve_svg,
}


def heatmap_page(results: Sequence[ExerciseAudit]) -> str:
    """An audit as an HTML document: misconceptions by cases, how far each is over the line."""
    template = templates.get_template("heatmap.html")
    return template.render(results=results, stylesheet=Markup(STYLESHEET))  # noqa: S704 - our own


def device_page(check: dict[str, Any]) -> str:
    """The check of a device as an HTML document."""
    template = templates.get_template("device.html")
    return template.render(check=check, stylesheet=Markup(STYLESHEET))  # noqa: S704 - our own


def report_page(view: Report) -> str:
    """The view as an HTML document that stands alone."""
    template = templates.get_template("page.html")
    return template.render(
        report=view,
        fragment=report_fragment(view),
        stylesheet=Markup(STYLESHEET),  # noqa: S704 - our own file
        script=Markup(SCRIPT) if has_curves(view) else "",  # noqa: S704 - and this
    )
