"""Training code of the students' own, measured on data that they do not see."""

from pathlib import Path

import pytest

from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.report import student_view, validate
from autograder.topics.catalogue import Catalogue
from tests.conftest import SECRET

NEAREST = """
import torch

def fit(points, classes):
    return torch.cat([points, classes[:, None].to(points.dtype)], 1)

def predict(weights, hidden_points):
    far = torch.cdist(hidden_points, weights[:, :2])
    return weights[far.argmin(1), 2].long()
"""
STRAIGHT = """
import torch

def fit(points, classes):
    ones = torch.ones(len(points), 1)
    return torch.linalg.lstsq(torch.cat([points, ones], 1), classes.float() - 0.5).solution

def predict(weights, hidden_points):
    return (hidden_points @ weights[:2] + weights[2] > 0).long()
"""
HIDDEN = """
def fit(points, classes, hidden_classes=None):
    return points

def predict(weights, hidden_points, hidden_classes=None):
    return hidden_classes
"""


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.load(Path(__file__).parent / "examples")


@pytest.fixture(scope="module")
def check(catalogue):
    with Grader(catalogue, SECRET) as grader:

        def check(source):
            report = grader.grade("moons", parse("moons.py", source.encode()))
            validate(report)
            validate(student_view(report))
            (found,) = report["exercises"][0]["checks"]
            return found

        yield check


def test_the_solution_and_any_other_way_that_is_good_enough_pass(check, catalogue):
    for source in (catalogue["moons"].topics[0].solution(), NEAREST):
        found = check(source)
        assert (found["kind"], found["score"]) == ("metric", 5), found
        assert found["cases"][0]["evidence"]["measured"] >= 0.93


def test_what_is_not_good_enough_is_told_how_good_it_is(check):
    found = check(STRAIGHT)
    assert found["score"] == 0
    assert "where at least 0.93 is asked for" in found["student_message"]
    assert 0.5 < found["cases"][0]["evidence"]["measured"] < 0.93


@pytest.mark.parametrize(
    "result", ["None", "'all'", "hidden_points[:1]", "torch.zeros(7)", "float('nan')"]
)
def test_what_cannot_be_measured_earns_nothing(check, result):
    source = NEAREST.replace("return weights[far.argmin(1), 2].long()", f"return {result}")
    assert check(source)["score"] == 0


def test_the_right_answers_stay_with_the_grader(check):
    assert check(HIDDEN)["score"] == 0
