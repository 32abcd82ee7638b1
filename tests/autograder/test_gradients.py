"""A backward that is not the gradient of its forward is found before anybody is graded by it."""

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.topics.catalogue import Catalogue
from autograder.truth.gradients import unproven
from autograder.truth.oracle import Oracle

TOPIC = '''
"""Products."""

import torch

from autograder.checks import gradients, values
from autograder.exercise import Exercise, case, normal, upstream


def scaled(x, weight, training=True):
    """x * weight, and x in evaluation."""
    return x * weight if training else x.clone()


def scaled_backward(grad_y, x, weight, training=True):
    """Its gradients.

    Returns:
        grad_x, grad_weight: of the shapes of x and weight.
    """
    grad_x = grad_y * weight if training else grad_y
    grad_weight = (grad_y * x).sum(0) if training else torch.zeros_like(weight)
    return grad_x, grad_weight


CASES = (
    case("training", public=True, x=normal(5, 3), weight=normal(3)),
    case("evaluation", x=normal(5, 3), weight=normal(3), training=False),
    case("huge", x=normal(5, 3, std=1e9), weight=normal(3)),
)
EXERCISES = (
    Exercise(
        functions=(scaled, scaled_backward),
        checks=(
            values(scaled, CASES, points={"y": 1}),
            gradients(
                scaled_backward,
                upstream(scaled, scaled_backward, CASES),
                points={"grad_x": 1, "grad_weight": 1},
            ),
        ),
    ),
)
'''


def found(folder, text):
    (folder / "products.py").write_text(text)
    topic = Catalogue.load(folder)["products"].topics[0]
    (exercise,) = topic.exercises
    return list(unproven(topic, exercise, Oracle(b"a secret").trials(topic, exercise)))


def test_right_gradients_are_shown_right_among_huge_numbers_too(tmp_path):
    assert found(tmp_path, TOPIC) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("(grad_y * x).sum(0)", "(grad_y * x).mean(0)", "case 'training': grad_weight is not the"),
        ("else grad_y\n", "else 2 * grad_y\n", "case 'evaluation': grad_x is not the gradient of"),
        ("grad_y * weight if", "grad_y * weight.abs() if", "case 'training': grad_x is not the"),
    ],
)
def test_a_wrong_gradient_is_named_with_its_case(tmp_path, old, new, said):
    assert TOPIC.count(old) == 1
    first, *_ = found(tmp_path, TOPIC.replace(old, new))
    assert said in first


def test_a_default_that_is_built_into_the_backward_is_seen_though_no_case_gives_it(tmp_path):
    right = TOPIC.replace("training=True", "training=True, slope=0.5")
    right = right.replace("x * weight if", "slope * x * weight if")
    right = right.replace("= grad_y * weight if", "= slope * grad_y * weight if")
    right = right.replace("(grad_y * x)", "slope * (grad_y * x)")
    assert found(tmp_path, right) == []
    (said,) = found(tmp_path, right.replace("slope * grad_y", "0.5 * grad_y"))
    assert "with slope=0.75, grad_x is not the gradient of scaled in x, and no case gives" in said


def test_what_no_case_can_show_needs_a_reason(tmp_path):
    without = TOPIC.replace("values(scaled, CASES", "values(scaled, CASES[:1]").replace(
        "def scaled_backward(grad_y, x, weight, training=True)",
        "def scaled_backward(grad_y, x, weight, training=True, more=0)",
    )
    cases = "upstream(scaled, scaled_backward, CASES)"
    opaque = without.replace(cases, f"[replace_more(c) for c in {cases}]").replace(
        "CASES = (",
        "from dataclasses import replace\n\n\ndef replace_more(c):\n"
        "    return replace(c, arguments={**c.arguments, 'more': 1})\n\n\nCASES = (",
    )
    (said,) = found(tmp_path, opaque)
    assert "no case shows that grad_x, grad_weight" in said
    reason = 'unverified="more is for the backward alone",\n                points={"grad_x"'
    assert found(tmp_path, opaque.replace('points={"grad_x"', reason)) == []


@pytest.mark.parametrize("command", [("exercises",), ("release", "products", "out")])
def test_no_command_goes_through_with_a_wrong_gradient(tmp_path, monkeypatch, command):
    reference = tmp_path / "reference"
    reference.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADMARK_SECRET_FILE", str(tmp_path / "secret"))

    def run(text):
        (reference / "products.py").write_text(text)
        return CliRunner().invoke(main, [*command, "--reference", str(reference)])

    result = run(TOPIC.replace("(grad_y * x).sum(0)", "(grad_y * x).mean(0)"))
    assert result.exit_code == 2
    said = " ".join(result.output.replace("│", " ").split())
    assert "products.py: scaled, scaled_backward, case 'training': grad_weight is not the" in said
    assert run(TOPIC).exit_code == 0
