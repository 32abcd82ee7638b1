"""Markdown as pieces of pages: whoever wrote it, nothing in it but text, structure and formulas."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape
from mdit_py_plugins.dollarmath import dollarmath_plugin

_LOWEST = 6  # heading
_CLASSES = {"span": {"math", "inline"}, "div": {"math", "block"}}
_TAGS = nh3.ALLOWED_TAGS - {"img"}

_parser = MarkdownIt("js-default").use(
    dollarmath_plugin,
    allow_labels=False,
    double_inline=True,  # a formula on lines of its own may stand within a paragraph
    renderer=lambda tex, options: str(escape(tex)),
)


@lru_cache(maxsize=256)  # a course's texts are few, and in nearly every page
def markdown(text: str, below: int = 1) -> Markup:
    """As HTML. Formulas between `$` or `$$` stay TeX, in elements of the class `math`, which
    `formulas.js` sets.

    Args:
        below: the level of the heading that it stands under: its own begin at the next.
    """
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_LOWEST, int(token.tag[1]) + below)}"
    html = _parser.renderer.render(tokens, _parser.options, {})
    return Markup(nh3.clean(html, tags=_TAGS, allowed_classes=_CLASSES))  # noqa: S704


@lru_cache(maxsize=64)
def without_title(text: str) -> str:
    """The text without the heading of the first level that it may begin with: the page has one."""
    tokens: list[Token] = _parser.parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1" and tokens[0].map:
        return "\n".join(text.splitlines()[tokens[0].map[1] :])
    return text
