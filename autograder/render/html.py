"""A report as a piece of a page, and as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.audit import ExerciseAudit
from autograder.render.text import say_flag, with_message_once
from autograder.report import Report

STYLESHEET = resources.files("autograder").joinpath("render/static/report.css").read_text("utf-8")

_templates = Environment(
    loader=PackageLoader("autograder", "render/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["with_message_once"] = with_message_once
_templates.filters["say_flag"] = say_flag
_templates.filters["points"] = lambda value: f"{value:g}"


def report_fragment(view: Report) -> Markup:
    """The view as HTML, everything in it escaped; it needs `STYLESHEET` and no script."""
    return Markup(_templates.get_template("report.html").render(report=view))  # noqa: S704


def heatmap_page(results: Sequence[ExerciseAudit]) -> str:
    """An audit as an HTML document: misconceptions by cases, how far each is over the line."""
    template = _templates.get_template("heatmap.html")
    return template.render(results=results, stylesheet=Markup(STYLESHEET))  # noqa: S704 - our own


def report_page(view: Report) -> str:
    """The view as an HTML document that stands alone."""
    template = _templates.get_template("page.html")
    return template.render(
        report=view,
        fragment=report_fragment(view),
        stylesheet=Markup(STYLESHEET),  # noqa: S704 - our own file
    )
