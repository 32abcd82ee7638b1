"""Curves: the picture, the numbers and the line of blocks show what the report holds."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autograder.render.curve import rows
from autograder.render.export import NoPictures, curves_of, write_plots
from autograder.render.html import curve_svg, has_curves, report_fragment, report_page
from autograder.render.sparkline import ARROW, BLOCKS, LOST, Sparklines

from .documents import curve, view, with_curves

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["nan", "inf", "-inf"])
)


@st.composite
def curves(draw):
    """Anything that the schema allows, kind or not."""

    def line(*names):
        length = draw(st.integers(0, 6))
        return {name: draw(st.lists(NUMBERS, min_size=length, max_size=length)) for name in names}

    text = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12)
    return {
        "title": draw(text),
        "x": draw(text),
        "y": draw(text),
        "log": draw(st.booleans()),
        "series": [{"name": draw(text), **line("x", "y")} for _ in range(draw(st.integers(0, 8)))],
        "band": draw(st.none()) or (line("x", "low", "high") if draw(st.booleans()) else None),
        "marks": [
            {"x": draw(st.floats(allow_nan=False, allow_infinity=False)), "label": draw(text)}
            for _ in range(draw(st.integers(0, 2)))
        ],
    }


def blocks(drawn, width=80, encoding="utf-8"):
    console = Console(width=width, file=None, record=True, force_terminal=False)
    options = console.options.update(width=width)
    options.encoding = encoding
    return [text.plain for text in Sparklines(drawn).__rich_console__(console, options)]


@given(curves())
def test_whatever_a_curve_holds_it_is_drawn(drawn):
    svg = ET.fromstring(str(curve_svg(drawn)))  # noqa: S314 - our own
    for element in svg.iter():
        for name in ("points", "d", "x", "y"):
            assert not re.search(r"nan|inf", element.get(name, ""))
    blocks(drawn)
    rows(drawn)


def test_the_picture_is_one_that_a_strict_policy_allows():
    svg = str(curve_svg(curve()))
    assert "style" not in svg
    assert "<script" not in svg
    assert "running_var drifts" in svg
    assert svg.count("<polyline") == 2
    assert svg.count("<polygon") == 1


def test_a_curve_that_breaks_off_is_drawn_in_pieces():
    y = [1.0, 2.0, "nan", 3.0, 4.0]
    broken = curve(series=[{"name": "yours", "x": list(range(5)), "y": y}], band=None)
    assert str(curve_svg(broken)).count("<polyline") == 2


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.data = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if "data-curve" in attributes:
            self.data.append(json.loads(attributes["data-curve"]))


def test_the_fragment_holds_data_picture_and_numbers_and_no_style_or_script():
    hostile = curve(title='<script>alert("x")</script>', y="' onload='x")
    page = Page(report_fragment(with_curves(hostile)))
    assert page.data == [hostile]
    assert {"svg", "table", "figure"} <= set(page.tags)
    assert not {"script", "style", "link"} & set(page.tags)


def test_the_page_alone_brings_its_script_only_where_there_are_curves():
    assert "uPlot" in report_page(with_curves(curve()))
    assert "<script" not in report_page(view())
    assert not has_curves(view())


def test_a_table_has_the_ends_and_the_marks():
    steps = [x for x, _ in rows(curve())]
    assert steps[0] == "0"
    assert steps[-1] == "59"
    assert "41" in steps
    assert len(steps) < 25


@pytest.mark.parametrize("width", [30, 50, 80])
def test_blocks_fit_the_terminal_and_the_mark_stands_at_its_step(width):
    title, yours, reference, *marks = blocks(curve(), width)
    assert title == "Convolutional classifier: loss by step"
    assert max(map(len, (yours, reference, *marks))) <= width
    found = re.search(f"[{BLOCKS}]+", yours)
    bars = found.group()
    at = marks[0].index(ARROW) - found.start()
    assert at / len(bars) == pytest.approx(41 / 59, abs=1 / len(bars))
    assert "step 41: running_var drifts" in "".join(marks)
    assert bars[0] == max(bars) > min(bars)


def test_what_is_no_number_is_marked():
    y = [1.0, 0.5, "nan", "nan"]
    lost = curve(series=[{"name": "yours", "x": [0, 1, 2, 3], "y": y}], band=None, marks=[])
    assert LOST in blocks(lost)[1]


def test_a_terminal_without_unicode_gets_plain_characters():
    assert all(line.isascii() for line in blocks(curve(), encoding="ascii"))


def test_plots_are_written_as_svg_and_png(tmp_path):
    written = write_plots(curves_of(with_curves(curve(), curve(log=False))), tmp_path / "plots")
    assert [path.name for path in written] == [
        "classifier-1.png",
        "classifier-1.svg",
        "classifier-2.png",
        "classifier-2.svg",
    ]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert written[1].read_text() == str(curve_svg(curve()))


def test_without_the_package_there_are_svg_files_and_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(NoPictures, match=r"gradmark\[plots\]"):
        write_plots(curves_of(with_curves(curve())), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["classifier-1.svg"]
