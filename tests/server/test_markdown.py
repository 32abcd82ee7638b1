"""Markdown on pages: text, structure and formulas, whoever wrote it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.web.markdown import markdown, without_title

LESSONS = sorted((Path(__file__).parents[2] / "reference").rglob("*.md"))
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>)",
    "![x](https://example.org/pixel.png)",
    "$</span><script>alert(1)</script>$",
    "$$</div><iframe src=//example.org>$$",
    "`<b onclick=x>`",
    "<style>*{}</style>",
    "| a |\n|---|\n| <svg onload=x> |",
    '[x](https://example.org "\\" onmouseover=alert(1)")',
]


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def check(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag not in {"script", "img", "iframe", "style", "svg", "form", "input", "object"}
        assert attributes.keys() <= {"href", "title", "rel", "class", "start", "align"}
        assert re.match(r"https?:|mailto:|[/#]|$", attributes.get("href") or "")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_it_runs(text: str) -> None:
    check(markdown(text))


@given(st.lists(st.sampled_from([*HOSTILE, "\n", "\n\n", "> ", "- ", "a", "$", "`"]), max_size=8))
def test_nothing_in_any_mixture_runs(parts: list[str]) -> None:
    check(markdown("".join(parts)))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_formula_of_a_lesson_is_found(path: Path) -> None:
    html = re.sub(r"<(pre|code)>.*?</\1>", "", markdown(path.read_text("utf-8")), flags=re.S)
    assert "$" not in re.sub(r'<(span|div) class="math.*?</\1>', "", html, flags=re.S)


def test_headings_stand_below_the_page_s() -> None:
    assert "<h3>a</h3>" in markdown("# a", below=2)
    assert "<h6>a</h6>" in markdown("##### a", below=3)
    assert without_title("# a\n\nb\n# c").strip() == "b\n# c"
    assert without_title("b\n\n# c") == "b\n\n# c"
