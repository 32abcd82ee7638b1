"""A class's results as a page that stands alone."""

from __future__ import annotations

from markupsafe import Markup

from autograder.collection.summary import Summary
from autograder.render.html import STYLESHEET, templates


def class_page(summary: Summary) -> str:
    """The page; it links to `<slug>.html` beside it for each student with a report."""
    template = templates.get_template("class.html")
    return template.render(summary=summary, stylesheet=Markup(STYLESHEET))  # noqa: S704 - our own
