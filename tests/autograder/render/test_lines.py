"""What every face says of an exercise: first in words, then line by line, nothing twice."""

from hypothesis import given
from hypothesis import strategies as st

from autograder.judging.summary import in_words
from autograder.render.lines import lines, summary

from .documents import check, exercise


def test_a_summary_leads_with_what_is_right_and_names_the_misconception():
    found = exercise(
        "group_norm",
        check("forward: y", True),
        check("backward: grad_x", False, "off"),
        check("backward: grad_weight", True),
        diagnosis=["mean-path-dropped"],
    )
    assert summary(found) == (
        "Right: y, grad_weight. Off: grad_x. It looks like mean-path-dropped."
    )


def test_an_output_that_is_right_in_some_checks_only_says_in_which():
    rows = [("training: y", True), ("float32: y", False), ("training: running_mean", True)]
    assert in_words(rows) == "Right: running_mean, y (training). Off: y (float32)."


def test_an_exercise_that_fails_for_one_reason_is_one_line():
    missing = "the function is not in the submission"
    waiting = check("refuses bad input", False, "counts once the rest of this exercise is right")
    waiting["cases"][0]["passed"] = True
    found = exercise(
        "conv2d",
        waiting,
        check("forward: y", False, missing),
        check("backward: grad_x", False, missing),
    )
    (line,) = lines(found)
    assert (line.name, line.message, line.max_score) == ("all 3 checks", missing, 3)
    assert summary(found) == ""


def test_what_fails_for_one_cause_is_one_line_with_the_message_that_says_most():
    hidden = check("backward with groups: grad_x", False, "grad_x is wrong in every element")
    hidden["cases"][0]["public"] = False
    found = exercise(
        "conv2d",
        hidden | {"cause": "grad_x: value"},
        check("groups: y", True),
        check("backward: grad_x", False, "grad_x is wrong: got 1, expected 2")
        | {"cause": "grad_x: value"},
        check("backward: grad_weight", False, "grad_weight has the wrong shape")
        | {"cause": "grad_weight: shape"},
    )
    assert [(line.name, line.message) for line in lines(found)] == [
        ("grad_x (backward with groups; backward)", "grad_x is wrong: got 1, expected 2"),
        ("groups: y", ""),
        ("backward: grad_weight", "grad_weight has the wrong shape"),
    ]


def test_a_summary_names_what_is_recorded_and_leaves_the_rest_to_the_hints():
    found = exercise(
        "dropout", check("training: mask", False, "off"), diagnosis=["mask-dtype", "fixed-seed"]
    )
    assert summary(found) == "Off: mask. It looks like fixed-seed."


NAMES = st.sampled_from(["forward: y", "forward: mask", "backward: grad_x", "refuses bad input"])
CHECKS = st.lists(
    st.builds(
        lambda name, message: check(name, not message, message),
        NAMES,
        st.sampled_from(["", "not implemented yet", "y is wrong"]),
    ),
    min_size=1,
    max_size=12,
)


@given(CHECKS)
def test_lines_hold_every_check_once_and_every_message(checks):
    found = exercise("any", *checks)
    shown = lines(found)
    assert sorted(id(c) for line in shown for c in line.checks) == sorted(map(id, checks))
    assert sum(line.max_score for line in shown) == found["max_score"]
    assert {line.message for line in shown} == {c["message"] for c in checks}
    for line in shown:
        assert {c["passed"] for c in line.checks} == {line.passed}
