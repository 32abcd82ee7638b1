"""A training submission's report, through the real sandbox."""

import io
import json
import shutil
import zipfile

import pytest

from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.report import student_view, validate
from tests.conftest import SECRET

SHORT = '''
"""A short run of a network of two layers."""

import math

from autograder.checks import curve, signal
from autograder.exercise import Exercise
from autograder.training import Run, batch_norm, conv, cosine, digits, dropout, relu, sgd_momentum

EXERCISES = (
    Exercise(
        name="short",
        checks=(
            curve(
                Run(
                    "two layers",
                    network=(conv(4, 3), batch_norm(), relu(), dropout(0.3), conv(10, 6)),
                    data=digits(hidden=60),
                    optimiser=sgd_momentum(weight_decay=1e-3),
                    schedule=cosine(0.1, warmup_steps=2),
                    batch=16,
                    steps=5,
                ),
                points={"training": 4, "evaluation": 2},
            ),
            signal("kaiming_normal_", digits(), depths=(4,), width=32),
        ),
    ),
)
'''


# The same run in float32, where it is taken from several starts.
SINGLE = SHORT.replace("import math\n", "import torch\n").replace(
    'points={"training": 4, "evaluation": 2},',
    'points={"training": 4, "evaluation": 2}, dtype=torch.float32,',
)


@pytest.fixture(scope="module")
def course(catalogue, tmp_path_factory):
    """Gradmark's own topics, and one experiment that was added in one more file."""
    from autograder.topics.catalogue import DEFAULT, Catalogue

    folder = tmp_path_factory.mktemp("course")
    left_out = shutil.ignore_patterns("_more", "__pycache__", "*.md")
    shutil.copytree(DEFAULT, folder, ignore=left_out, dirs_exist_ok=True)
    (folder / "experiment.py").write_text(SHORT)
    (folder / "single.py").write_text(SINGLE)
    return Catalogue.load(folder)


@pytest.fixture(scope="module")
def grader(course):
    with Grader(course, SECRET) as grader:
        yield grader


def handed_in(files: dict[str, str]):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return parse("all.zip", buffer.getvalue())


def solutions(course, exercise="", name=""):
    """Every topic's solution, one of them with the named misconception of the exercise."""
    (topic,) = course["experiment"].topics
    bugs = {
        other.name: (m,)
        for other in topic.beside
        for e in other.exercises
        for m in e.misconceptions
        if (e.name, m.name) == (exercise, name)
    }
    return {other.name: other.solution(*bugs.get(other.name, ())) for other in topic.beside}


def graded(grader, files, progress=lambda *_: None, assignment="experiment"):
    report = grader.grade(assignment, handed_in(files), progress)
    validate(report)
    validate(student_view(report))
    return report, report["exercises"][0]


def test_an_experiment_finds_the_topics_that_it_needs(course):
    (topic,) = course["experiment"].topics
    assert {other.name for other in topic.beside} == {
        *("activations", "convolution", "initialization", "losses"),
        *("normalization", "regularization", "training"),
    }
    assert course["experiment"].digest != course["training"].digest


def test_a_right_submission_gets_full_marks_and_its_curves(grader, course):
    told = []
    report, exercise = graded(grader, solutions(course), lambda *step: told.append(step))
    assert report["score"] == report["max_score"] == 7
    assert [c["kind"] for c in exercise["checks"]] == ["curve"] * 3
    training, evaluation, spread = exercise["checks"]
    (curve,) = training["curves"]
    assert (curve["title"], curve["x"], curve["y"], curve["log"]) == (
        "two layers",
        "step",
        "loss",
        True,
    )
    assert [s["name"] for s in curve["series"]] == ["reference", "yours"]
    assert all(s["x"] == [0, 1, 2, 3, 4] for s in curve["series"])
    assert curve["series"][0]["y"] == pytest.approx(curve["series"][1]["y"], rel=1e-9)
    assert "curves" not in evaluation
    assert evaluation["cases"][0]["evidence"]["error_rate"] < 1
    assert spread["curves"][0]["x"] == "layer"
    assert len(spread["curves"][0]["band"]["low"]) == 4
    names = [name for name, _, _ in told]
    assert names[0] == "short"
    assert "short, two layers, step 3 of 5" in names
    assert all(done == 0 and total == 1 for _, done, total in told)


def test_in_float32_it_trains_from_every_start(grader, course):
    told = []
    report, exercise = graded(
        grader, solutions(course), lambda name, *_: told.append(name), "single"
    )
    assert report["score"] == report["max_score"]
    assert "short, two layers, start 5 of 5, step 2 of 5" in told
    (curve,) = exercise["checks"][0]["curves"]
    assert len(curve["band"]["low"]) == 5
    files = solutions(course, "batch_norm", "mean-path-dropped")
    _, exercise = graded(grader, files, assignment="single")
    assert [d["name"] for d in exercise["diagnosis"]] == ["mean-path-dropped"]


def test_a_bug_is_named_with_its_place_and_its_hint(grader, course):
    files = solutions(course, "batch_norm", "mean-path-dropped")
    _, exercise = graded(grader, files)
    training, evaluation, _ = exercise["checks"]
    assert not training["passed"]
    assert evaluation["student_message"].startswith(
        "counts once the rest of this exercise is right"
    )
    for shown in (training["message"], training["student_message"]):
        assert shown.startswith("step 0, batch_norm: batch_norm_backward: grad_x is")
    assert [d["name"] for d in exercise["diagnosis"]] == ["mean-path-dropped"]
    assert training["curves"][0]["marks"] == [{"x": 0, "label": "batch_norm: batch_norm_backward"}]


def test_a_bug_that_only_evaluation_shows_costs_only_that(grader, course):
    files = solutions(course, "batch_norm", "biased-running-variance")
    _, exercise = graded(grader, files)
    training, evaluation, _ = exercise["checks"]
    assert (training["passed"], evaluation["passed"]) == (True, False)
    assert "running_var" in evaluation["student_message"]
    assert "no loss shows it" in evaluation["student_message"]
    assert [d["name"] for d in exercise["diagnosis"]] == ["biased-running-variance"]


def test_an_initialisation_is_judged_by_the_signal_it_leaves(grader, course):
    files = solutions(course, "kaiming_normal_", "variance-for-deviation")
    _, exercise = graded(grader, files)
    *_, spread = exercise["checks"]
    assert not spread["passed"]
    assert "the signal's standard deviation is" in spread["student_message"]
    assert spread["curves"][0]["marks"]


def test_a_signal_that_is_made_up_earns_nothing(grader, course):
    files = solutions(course)
    files["convolution"] += (
        "\n_right = conv2d\n"
        "def conv2d(*given):\n"
        "    y = _right(*given)\n"
        "    return torch.randn(y.shape, dtype=y.dtype)\n"
    )
    _, exercise = graded(grader, files)
    assert exercise["score"] == 0
    assert "layer 0: conv2d: y is wrong" in exercise["checks"][2]["student_message"]


@pytest.mark.parametrize("name", ["convolution", "losses", "training"])
def test_a_file_that_is_not_there_is_asked_for_by_its_name(grader, course, name):
    files = solutions(course)
    del files[name]
    _, exercise = graded(grader, files)
    message = exercise["checks"][0]["student_message"]
    assert f"the function is not in the submission: hand in {name}.py with the others" in message
    assert message.startswith("step 0, ")


def test_what_a_submission_does_while_it_trains_stays_in_bounds(grader, course):
    files = solutions(course)
    files["losses"] += (
        "\n_right = cross_entropy\n"
        "def cross_entropy(logits, target, *rest):\n"
        "    return _right(logits, target, *rest) * 1e30 + float(logits.sum()) * 123456.789\n"
    )
    report, _ = graded(grader, files)
    shown = student_view(report)["exercises"][0]["checks"][0]["curves"][0]
    reference, yours = (series["y"] for series in shown["series"])
    for value in yours:
        assert abs(value) <= 1e3 * max(reference)
        assert float(f"{value:.3g}") == value
    assert "logits" not in json.dumps(shown)


@pytest.mark.parametrize(
    "ending",
    ["import os; os._exit(0)", "raise RuntimeError('no')", "return None", "return logits"],
)
def test_a_run_that_cannot_go_on_says_where_it_ended(grader, course, ending):
    files = solutions(course)
    files["losses"] += f"\ndef cross_entropy(logits, target, *rest):\n    {ending}\n"
    _, exercise = graded(grader, files)
    training, _, spread = exercise["checks"]
    assert not training["passed"]
    assert training["student_message"].startswith("step 0, the loss: cross_entropy: ")
    assert spread["passed"]  # a crash ends the run, not the rest


def test_functions_that_nobody_defines_are_refused_when_the_course_is_loaded(tmp_path):
    from autograder.errors import AuthoringError
    from autograder.topics.catalogue import Catalogue

    (tmp_path / "experiment.py").write_text(SHORT)
    with pytest.raises(AuthoringError, match=r"experiment\.py: no topic beside it defines"):
        Catalogue.load(tmp_path)
