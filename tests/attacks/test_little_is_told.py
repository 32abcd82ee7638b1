"""How much of a hidden case the student's view can carry, number by number."""

import copy
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.judging.crashes import _KINDS
from autograder.judging.finding import Finding
from autograder.judging.wording import hint_at
from autograder.report import student_view
from autograder.report.document import YOURS
from autograder.sandbox.codec import _EXCEPTIONS, MAX_LINE
from autograder.truth.oracle import Oracle
from tests.attacks.test_leaks import as_student
from tests.catalogues import FIRST

LOSSES = [2.302585092994046 * 0.97**step for step in range(40)]
PLACE = {"step": 3, "evaluation": False, "layer": "fc", "function": "linear", "also": []}
TOLD = {  # findings of hidden cases that say a number which the submission chose
    "spread": {"test": "spread"},
    "mean": {"test": "mean"},
    "band": {"place": "step 3", "what": "the loss", "low": 0.9, "high": 1.1},
    "metric": {"at_least": 0.9},
    "difference": {"function": "f"},
    "parted": {**PLACE, "output": "y", "cause": "value", "wrong": 1, "total": 4},
}
PROBLEMS = {"spread": "law", "mean": "law"}
HELD = {"band": "times", "difference": "change", "parted": "ratio"}  # where the number stands
BARE = {
    "name": "run: training",
    "kind": "curve",
    "score": 0.0,
    "max_score": 1.0,
    "passed": False,
    "message": "",
    "student_message": "",
    "cases": [],
}


def exercise(check: dict) -> dict:
    return {
        "name": "classifier",
        "score": 0.0,
        "max_score": 1.0,
        "checks": [{**BARE, **check}],
        "diagnosis": [],
        "outputs": [],
        "seconds": 0.0,
    }


def curve(yours: list[float]) -> dict:
    steps = list(range(len(LOSSES)))
    return {
        "title": "run",
        "x": "step",
        "y": "loss",
        "log": True,
        "series": [
            {"name": "reference", "x": steps, "y": LOSSES},
            {"name": YOURS, "x": steps[: len(yours)], "y": yours},
        ],
        "band": {"x": steps, "low": [y * 0.99 for y in LOSSES], "high": LOSSES},
        "marks": [],
    }


def test_every_number_of_a_curve_is_coarse_the_references_too():
    view = as_student(exercise({"curves": [curve([math.pi * y for y in LOSSES])]}))
    (shown,) = view["exercises"][0]["checks"][0]["curves"]
    numbers = [y for series in shown["series"] for y in series["y"]]
    numbers += [*shown["band"]["low"], *shown["band"]["high"]]
    assert all(number == float(f"{number:.3g}") for number in numbers)
    reference = shown["series"][0]["y"]
    assert reference == pytest.approx(LOSSES, rel=0.01)
    assert not {*reference} & {*LOSSES}


def test_the_report_itself_keeps_every_digit():
    report = {"exercises": [exercise({"curves": [curve(LOSSES)]})]}
    report |= {"environment": {}, "seconds": 0.0}
    kept = copy.deepcopy(report)
    student_view(report)
    assert report == kept


@pytest.mark.parametrize("what", TOLD)
def test_a_sentence_about_a_hidden_case_tells_little_of_a_number(what):
    """Three digits within six decades, a sign, and words for what is beyond: some 15 bits."""
    at = HELD.get(what, "measured")
    finding = Finding("y", PROBLEMS.get(what, what), {"promise": 1.0, **TOLD[what]})

    def said(number: float) -> str:
        return hint_at(replace(finding, evidence={**finding.evidence, at: number}))

    for number in (1.23456789, 12345.6789, 1e300, 1e-300, -0.0123456):
        tokens = re.findall(r"-?\d[\d.]*(?:e[+-]?\d+)?", said(number))
        assert tokens, said(number)
        assert all(float(t.rstrip(".")) == float(f"{float(t.rstrip('.')):.3g}") for t in tokens)
    assert said(1e300) == said(5e3)
    assert said(1e-300) == said(5e-5)
    assert said(math.nan)
    assert said(math.inf)


def test_the_threat_model_counts_the_bits_that_a_students_view_carries():
    """Per exercise and attempt: whether each output of each hidden case passed and, for each line
    of the report, a sentence. The longest alphabet of sentences is that of exceptions: their
    classes, lines and kinds; what tells a number tells fewer."""
    sentences = len(_EXCEPTIONS) * MAX_LINE * (1 + len(_KINDS))
    assert sentences > 2 * 6 * 900 * 2  # a sign, decades, three digits, words for what is beyond
    line, oracle = math.log2(sentences), Oracle(b"of this test", None)
    bits = {}
    for topic, exercise in FIRST["all"].exercises:
        if exercise.functions:
            trials = [trial for trial in oracle.trials(topic, exercise) if not trial.case.public]
            bits[exercise.name] = line * bool(exercise.unchanged) + sum(
                len(check.points) * (line + sum(trial.check.name == check.name for trial in trials))
                for check in exercise.checks
            )
    least, most = min(bits, key=bits.__getitem__), max(bits, key=bits.__getitem__)
    told = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text("utf-8")
    said = " ".join(told.split())
    assert f"about {line:.0f} bits" in said
    assert (
        f"between {bits[least]:.0f} bits (`{least}`) and {bits[most]:.0f} bits (`{most}`)" in said
    ), f"{least}: {bits[least]:.0f}, {most}: {bits[most]:.0f}, a line: {line:.0f}"
