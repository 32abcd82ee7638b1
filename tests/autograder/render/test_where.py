"""Where a tensor is wrong: as data, in words, as a picture."""

import jsonschema
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.judging.finding import Finding
from autograder.judging.where import DIMENSIONS, LONGEST, SIDE, located
from autograder.judging.wording import explain, hint_at, places
from autograder.render.picture import Picture
from autograder.report import schema


def where(excess):
    return located(Finding("y", "value", {}, excess)).evidence["where"]


@st.composite
def excesses(draw):
    """Tensors of any shape with a pattern of wrong elements, small and huge."""
    shape = draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    while torch.Size(shape).numel() < 2:
        shape.append(2)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    excess = 10 ** (20 * torch.rand(shape, generator=generator, dtype=torch.float64) - 10)
    right = torch.rand(shape, generator=generator) < draw(st.floats(0, 1))
    excess[right] = 0.0
    excess.view(-1)[draw(st.integers(0, excess.numel() - 1))] = draw(
        st.sampled_from([1.5, 1e6, float("inf")])
    )
    return excess


@given(excesses())
def test_the_evidence_is_small_fits_the_schema_and_tells_the_truth(excess):
    found = where(excess)
    jsonschema.validate(found, {"$ref": "#/$defs/where", "$defs": schema()["$defs"]})
    numbers = sum(map(len, found["shares"])) + sum(map(len, found["map"]))
    assert numbers <= LONGEST * (DIMENSIONS + SIDE)
    wrong = excess > 1
    for axis, (size, shares) in enumerate(zip(excess.shape, found["shares"], strict=True)):
        if size <= LONGEST:
            for index, share in enumerate(shares):
                here = wrong.select(axis, index)
                assert (share > 0) == bool(here.any())
                assert share == pytest.approx(float(here.double().mean()), abs=1e-3)
    assert max(level for row in found["map"] for level in row) > 0
    Picture(found).map, Picture(found).strips, places(found)


def pattern(shape, *wrong):
    excess = torch.zeros(shape, dtype=torch.float64)
    for index in wrong:
        excess[index] = 1e9
    return places(where(excess))


ALL = slice(None)


@pytest.mark.parametrize(
    ("shape", "wrong", "said"),
    [
        ((2, 4, 6, 6), [(ALL, [1, 3])], "in channels 1 and 3 of 0–3"),
        ((2, 4, 6, 6), [(ALL, ALL, [0, 5])], "in the first and the last row"),
        ((2, 4, 6, 6), [(ALL, ALL, [0, 5]), (ALL, ALL, ALL, [0, 5])], "on the border of the image"),
        ((2, 2, 7, 7), [(ALL, ALL, slice(1, None, 2))], "in the odd rows"),
        ((6, 3), [(slice(2, 5),)], "in rows 2 to 4 of 0–5"),
        ((6, 3), [(slice(1, None), 0)], "in every row but 0 of 0–5, in the first column"),
        ((5,), [(3,)], "in element 3 of 0–4"),
        ((2, 3, 4), [(ALL, ALL, [0, 2])], "in indices of dim 2 0 and 2 of 0–3"),
        ((3, 3), [(0, 0), (1, 1), (2, 2)], ""),
        ((3, 3), [(ALL,)], ""),
        ((1, 1), [], None),
    ],
)
def test_patterns_are_said_in_words(shape, wrong, said):
    if said is None:
        assert "where" not in located(Finding("y", "value", {}, torch.ones(shape))).evidence
    else:
        assert pattern(shape, *wrong) == said


def test_only_who_may_see_the_case_is_told_where():
    excess = torch.zeros(2, 4, 5, 5)
    excess[:, 1] = 1e9
    evidence = {"wrong": 50, "total": 200, "index": [0, 1, 0, 0], "got": 1.0, "expected": 2.0}
    measured = {"error": 1.0, "tolerance": 1e-9, "relative": 0.5}
    finding = located(Finding("y", "value", evidence | measured, excess))
    assert "wrong only in channel 1 of 0–3" in explain(finding)
    assert "channel" not in hint_at(finding)


def test_a_picture_is_drawn_only_where_something_is_right():
    assert not Picture(where(torch.full((3, 4), 5.0))).telling
    partly = torch.full((3, 4), 5.0)
    partly[0] = 0
    picture = Picture(where(partly))
    assert picture.telling
    assert picture.words == "Wrong only in rows 1 and 2 of 0–2."
    assert (picture.map.rows, picture.map.columns) == (3, 4)
    assert [strip.label for strip in picture.strips] == ["rows", "columns"]


def test_what_differs_from_ones_own_forward_looks_different():
    evidence = {"function": "batch_norm", "change": -10.70001, "promise": -10.70002}
    said = explain(Finding("grad_x", "difference", evidence))
    told = "changes by -10.7, while the gradient says nearly -10.7, but not as nearly as it can"
    assert said.endswith(told)
