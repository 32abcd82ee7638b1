"""Markdown of students on nbgrader's pages: what could run or load anything is shown as text."""

from __future__ import annotations

import bleach
from nbconvert import filters

# fmt: off
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre",
    "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}
# fmt: on
_ATTRIBUTES = {"a": ["href", "title"], "div": ["class"], "pre": ["class"], "span": ["class"]}


def markdown2html(source: str) -> str:
    """Markdown with formulas as HTML that is safe to put on a page.

    It replaces nbconvert's filter of that name, which lets raw HTML through; feedback and
    formgrader put its result on the page as it is.
    """
    html: str = bleach.clean(filters.markdown2html(source), tags=_TAGS, attributes=_ATTRIBUTES)
    return html
