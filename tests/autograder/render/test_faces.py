"""A whole report in the terminal and as a page."""

from io import BytesIO, TextIOWrapper

import pytest
from rich.console import Console

from autograder.render.html import report_fragment
from autograder.render.text import MOST_PRINTED, render

from .documents import check, curve, exercise, view, with_curves


def terminal(report, width=80, encoding="utf-8"):
    file = TextIOWrapper(BytesIO(), encoding=encoding)
    render(report, Console(file=file, width=width))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


REPORT = view(
    exercise(
        "group_norm",
        check("forward: y", True),
        check("backward: grad_x", False, "grad_x is wrong in every element"),
        output="line\n" * 40,
        diagnosis=["mean-path-dropped"],
    ),
    exercise("conv2d", *(check(f"forward: {o}", False, "not implemented yet") for o in "abc")),
    *(exercise(f"right_{at}", check("forward: y", True)) for at in range(4)),
)


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_terminal_leads_with_words_and_keeps_its_width(width):
    text = terminal(REPORT, width)
    assert max(map(len, text.splitlines()[1:])) <= min(width, 80)
    said = " ".join(text.split())
    assert "Right: y. Off: grad_x. It looks like mean-path-dropped." in said
    assert said.count("not implemented yet") == 1
    assert said.count("printed: line") == 1
    assert text.count("line\n") <= MOST_PRINTED + 1 or width > 80
    assert f"{40 - MOST_PRINTED} more lines" in said


def test_a_terminal_without_unicode_can_show_every_line():
    assert "x backward: grad_x" in terminal(REPORT, encoding="ascii")
    assert "^" in terminal(with_curves(curve()), encoding="ascii")


def test_what_was_printed_cannot_move_the_cursor():
    text = terminal(view(exercise("f", check("f: y", False, "\x1b[2J"), output="\x1b[31mred\x9b")))
    assert "\x1b" not in text
    assert "\x9b" not in text


def test_the_page_has_a_table_of_contents_where_there_are_many_exercises():
    page = str(report_fragment(REPORT))
    for name in ("group_norm", "conv2d", "right_3"):
        assert f'href="#exercise-{name}"' in page
        assert page.count(f'id="exercise-{name}"') == 1
    assert "<nav" not in str(report_fragment(view(*REPORT["exercises"][:2])))


def test_prints_are_escaped_and_folded_when_long():
    short = view(exercise("f", check("f: y", True), output="<b>hi</b>\n"))
    page = str(report_fragment(short))
    assert "&lt;b&gt;hi&lt;/b&gt;" in page
    assert '<details class="gm-output" open>' in page
    assert '<details class="gm-output">' in str(report_fragment(REPORT))
    assert "40 lines" in str(report_fragment(REPORT))
