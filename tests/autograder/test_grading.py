"""From a student's bytes to a report, through the real sandbox."""

import json

import pytest

from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.handout.public import public_data
from autograder.judging.selfcheck import items_of, problem
from autograder.report import student_view, validate
from autograder.truth.oracle import Oracle
from tests.conftest import SECRET


@pytest.fixture
def grade(grader):
    def grade(source, assignment="normalization", filename="normalization.py"):
        content = source if isinstance(source, bytes) else source.encode()
        report = grader.grade(assignment, parse(filename, content))
        validate(report)
        return report

    return grade


@pytest.fixture(scope="session")
def normalization(catalogue):
    return catalogue["normalization"].topics[0]


def exercise(report, name="batch_norm"):
    return next(e for e in report["exercises"] if e["name"] == name)


def messages(report, name="batch_norm"):
    return {c["message"] for c in exercise(report, name)["checks"] if not c["passed"]}


def misconception(topic, name):
    return next(m for e in topic.exercises for m in e.misconceptions if m.name == name)


def test_the_solution_of_every_topic_gets_full_marks_in_one_session(grader, catalogue):
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for topic in catalogue["all"].topics:
            archive.writestr(f"{topic.name}.py", topic.solution())
    report = grader.grade("all", parse("all.zip", buffer.getvalue()))
    validate(report)
    checks = [check for entry in report["exercises"] for check in entry["checks"]]
    assert [c["message"] for c in checks if not c["passed"]] == []
    assert report["score"] == report["max_score"] == catalogue["all"].max_score


def test_a_bug_loses_marks_and_is_named_with_its_hint(grade, normalization):
    bug = misconception(normalization, "eps-outside-root")
    found = exercise(grade(normalization.solution(bug)))
    assert 0 < found["score"] < found["max_score"]
    assert found["diagnosis"] == [{"name": bug.name, "hint": bug.hint}]


def test_two_bugs_in_two_functions_are_both_named(grade, normalization):
    source = normalization.solution(misconception(normalization, "eps-outside-root"))
    second = misconception(normalization, "mean-path-dropped")
    assert second.old in source
    report = grade(source.replace(second.old, second.new))
    assert {d["name"] for d in exercise(report)["diagnosis"]} == {
        "eps-outside-root",
        "mean-path-dropped",
    }


def test_each_gradient_is_credited_on_its_own(grade, normalization):
    bug = misconception(normalization, "mean-path-dropped")
    checks = {
        c["name"]: c["passed"] for c in exercise(grade(normalization.solution(bug)))["checks"]
    }
    assert not checks["training backward: grad_x"]
    assert checks["training backward: grad_weight"]
    assert checks["training backward: grad_bias"]


def function(body, name="batch_norm"):
    arguments = {
        "batch_norm": "x, running_mean, running_var, weight, bias, training, momentum=.1, eps=1e-5",
        "batch_norm_backward": "grad_y, x, running_mean, running_var, weight, training, eps=1e-5",
    }
    return f"import torch\ndef {name}({arguments[name]}):\n    {body}\n"


BROKEN = {
    "def batch_norm(:\n": "SyntaxError",
    "": "not in the submission",
    "x = 1": "not in the submission",
    "batch_norm = 3": "not in the submission",
    "1 / 0\n": "ZeroDivisionError",
    "def batch_norm(x):\n    return x\n": "cannot be called as the exercise says",
    function("raise NotImplementedError"): "not implemented yet",
    function("raise RuntimeError('my own words')"): ": my own words",
    function("return None"): "should be a tensor but is None",
    function("return 'text'"): "should be a tensor but is str",
    function("return x.numpy()"): ", off by ",  # an array is judged by its numbers
    function("return x[:1, :1]"): "has shape",
    function("return x.float()"): "is float32 where the input is float64",
    function("return x, x"): "should be a tensor but is 2 values",
    function("return x * float('nan')"): "expected",
    function("return x.fill_(1.0)"): "wrong",
    function("import os; os._exit(0)"): "ended before it answered",
    function("import ctypes; ctypes.string_at(0)"): "ended before it answered",
    function("return torch.zeros(2**40)"): "ran out of memory",
    function("return [0] * 2**40"): "ran out of memory",
    function("return f(x)"): "NameError",
    function("raise SystemExit"): "SystemExit",
    "raise SystemExit(3)": "SystemExit",
}


@pytest.mark.parametrize("source", BROKEN, ids=lambda source: repr(source)[-40:])
def test_what_is_broken_is_said_on_the_exercise_and_the_rest_is_graded(
    grade, normalization, source
):
    expected = BROKEN[source]
    backward = normalization.solution().split("def batch_norm_backward")[1].split("\n\n\n")[0]
    works = "import torch\ndef batch_norm_backward" + backward
    broken_at_load = "raise SystemExit" in source or "1 / 0" in source or "(:" in source
    text = works + "\n" + source if not broken_at_load else source
    report = grade(text or "# nothing")
    assert any(expected in message for message in messages(report) | set(report["notes"])), (
        messages(report),
        report["notes"],
    )
    for message in messages(report):
        assert "Traceback" not in message
        assert "\n" not in message
    if not broken_at_load:
        checks = {c["name"]: c["passed"] for c in exercise(report)["checks"]}
        assert checks["training backward: grad_x"]


def test_what_stands_before_an_error_is_graded(grade, normalization):
    report = grade(normalization.solution() + "\nprint(undefined)\n")
    assert report["score"] >= 10
    assert "NameError" in report["notes"][0]


def test_an_endless_loop_costs_its_own_marks_only(grade, normalization):
    backward = (
        "def batch_norm_backward" + normalization.solution().split("def batch_norm_backward")[1]
    )
    report = grade("import torch\n" + backward + function("while True: pass"))
    assert any("took too long" in message for message in messages(report))
    checks = {c["name"]: c["passed"] for c in exercise(report)["checks"]}
    assert checks["training backward: grad_x"]


def test_a_changed_argument_loses_its_own_points_only(grade, normalization):
    solution = normalization.solution()
    line = "    axes = [axis for axis in range(x.dim()) if axis != 1]"
    assert line in solution
    start, rest = solution.split("def batch_norm(", 1)
    body, after = rest.split("    x_hat = ", 1)
    tail = after.split("\n\n\n", 1)
    spoiled = tail[0].rstrip() + "\n"
    lines = spoiled.splitlines()
    lines[-1] = "    y = " + lines[-1].strip().removeprefix("return ")
    changed = "\n".join([*lines, "    x.zero_()", "    return y"])
    report = grade(f"{start}def batch_norm({body}    x_hat = {changed}\n\n\n{tail[1]}")
    failed = {c["name"]: c["message"] for c in exercise(report)["checks"] if not c["passed"]}
    assert list(failed) == ["arguments left unchanged"]
    assert "changes its argument x" in failed["arguments left unchanged"]


@pytest.mark.parametrize(
    "source",
    [
        function("return x") + function("return grad_y, x, x", "batch_norm_backward"),
        function("return torch.zeros_like(x)")
        + function("return x * 0, weight * 0, weight * 0", "batch_norm_backward"),
        function("raise ValueError") + function("raise ValueError", "batch_norm_backward"),
        function("return torch.full_like(x, float('nan'))"),
    ],
    ids=["arguments back", "zeros", "always refuses", "NaN as a wildcard"],
)
def test_no_marks_without_an_implementation(grade, source):
    assert exercise(grade(source))["score"] == 0


@pytest.mark.parametrize(
    "noise",
    [
        "print('x' * 10**6)",
        "import sys; sys.stderr.write('no' * 10**6)",
        "import warnings; warnings.warn('careful')",
        "import sys; sys.stdout = sys.stderr = None",
        "import sys; sys.stdout.close()",
        "import os; os.write(1, b'x' * 10**6)",
        "import logging; logging.error('oh')",
    ],
)
def test_noise_never_changes_a_score(grade, normalization, noise):
    solution = normalization.solution()
    head, body = solution.split('"""\n    axes', 1)
    report = grade(f'{head}"""\n    {noise}\n    axes{body}')
    assert exercise(report)["score"] == exercise(report)["max_score"]


def test_what_was_printed_about_hidden_cases_is_not_shown_to_students(grade, normalization):
    head, body = normalization.solution().split('"""\n    axes', 1)
    report = grade(f'{head}"""\n    print("shape", tuple(x.shape))\n    axes{body}')
    public = {c["name"] for k in exercise(report)["checks"] for c in k["cases"] if c["public"]}
    assert public
    everything = "".join(o["text"] for o in exercise(report)["outputs"])
    shown = exercise(student_view(report))["output"]
    assert shown
    assert len(shown) < len(everything)


LEAK = """
    text = ",".join(f"{v:.6g}" for v in x.flatten().tolist()[:6])
    HOW
"""
HOW = {
    "exception": "raise ValueError(text)",
    "exception's class": "raise type(text, (Exception,), {})()",
    "type of the result": "return type(text, (), {})()",
    "shape of the result": "return torch.zeros([abs(int(v * 7)) % 50 for v in x.flatten()[:5]])",
    "text as the result": "return text",
    "exit status": "import os; os._exit(abs(int(x.flatten()[0] * 100)) % 200)",
    "print": "print(text); return x",
}


@pytest.mark.parametrize("how", HOW)
def test_a_hidden_input_cannot_be_carried_into_the_students_view(grade, how):
    report = grade(function(LEAK.replace("HOW", HOW[how]).strip()))
    view = student_view(report)
    validate(view)
    hidden = [
        case for check in exercise(view)["checks"] for case in check["cases"] if not case["public"]
    ]
    assert hidden
    assert all(set(case) == {"name", "public", "passed"} and not case["name"] for case in hidden)
    # A check that has hidden cases only: its message is all that could carry something out.
    errors = next(c for c in exercise(view)["checks"] if c["kind"] == "errors")
    assert not any(
        character.isdigit()
        for character in errors["message"]
        .split("(")[0]
        .replace("in line 5", "")
        .replace("in line 4", "")
    )


WRONG_THERE = """
_right = batch_norm
def batch_norm(x, *arguments, **named):
    y = _right(x, *arguments, **named)
    if (tuple(x.shape) in PUBLIC) == WHEN:
        y[:, 0] = x.flatten()[0]
    return y
"""


@pytest.mark.parametrize("public", [True, False])
def test_students_are_told_of_public_cases_only_where_they_are_wrong(grade, normalization, public):
    """Which elements are wrong is for the submission to choose: of hidden cases it may say none."""
    subject = next(e for e in normalization.exercises if e.name == "batch_norm")
    shapes = {
        tuple(trial.calls[0].arguments["x"].shape)
        for trial in Oracle(SECRET).trials(normalization, subject)
        if trial.case.public
    }
    wrong = WRONG_THERE.replace("PUBLIC", repr(shapes)).replace("WHEN", repr(public))
    report = grade(normalization.solution() + wrong)
    failing = [
        [case for case in check["cases"] if not case["passed"]]
        for check in exercise(report)["checks"]
        if not check["passed"]
    ]
    assert failing
    for first, *others in failing:
        assert first["public"] == public
        assert "where" in first["evidence"]
        assert not any("where" in case["evidence"] for case in others)
    view = student_view(report)
    validate(view)
    assert ('"where"' in json.dumps(exercise(view))) == public
    assert ("only in" in " ".join(messages(view))) == public


def test_the_students_view_tells_no_times_and_whether_it_was_confined(grade, normalization):
    view = student_view(grade(normalization.solution()))
    assert "seconds" not in view
    assert not any("seconds" in e for e in view["exercises"])
    assert view["environment"]["confined"] is True


def test_the_same_submission_gets_the_same_report_from_any_grader(catalogue, grader, grade):
    source = function("return (x - x.mean()) / x.std()")
    first = grade(source)
    grade(function("return x"))
    with Grader(catalogue, SECRET) as other:
        second = other.grade("normalization", parse("normalization.py", source.encode()))

    def without_times(report):
        text = json.dumps(report, sort_keys=True)
        return {k: v for k, v in json.loads(text).items() if k != "seconds"} | {
            "exercises": [
                {k: v for k, v in e.items() if k != "seconds"} for e in report["exercises"]
            ]
        }

    assert without_times(first) == without_times(second)


def test_another_secret_means_other_hidden_cases(catalogue, grade):
    source = function("return x + 1")
    with Grader(catalogue, b"another secret, as long as needed") as other:
        theirs = other.grade("normalization", parse("normalization.py", source.encode()))
    ours = grade(source)

    def errors(report, public):
        return [
            case["evidence"]["error"]
            for check in exercise(report)["checks"]
            for case in check["cases"]
            if case["public"] == public
            and case["evidence"].get("error", 0) > 0
            # What is made from a public case has its numbers, which depend on no secret.
            and not any(
                case["name"].startswith(f"{whole['name']}, ")
                for whole in check["cases"]
                if whole["public"]
            )
        ]

    assert errors(ours, True) == errors(theirs, True)
    assert errors(ours, False)
    assert set(errors(ours, False)).isdisjoint(errors(theirs, False))


def test_a_broken_notebook_is_graded_cell_by_cell(grade, normalization):
    cells = [
        "%matplotlib inline\n!ls",
        normalization.solution(),
        "%%bash\nrm -rf /",
        "import no_such_module",
        "def broken(:",
        "%%time\nextra = 1",
    ]
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {},
        "cells": [{"cell_type": "code", "source": cell} for cell in cells],
    }
    report = grade(json.dumps(notebook), filename="normalization.ipynb")
    assert exercise(report)["score"] == exercise(report)["max_score"]
    # An absent module that nothing uses is no problem.
    (note,) = report["notes"]
    assert "cell 5, line 1: SyntaxError" in note


def test_progress_is_told_for_every_exercise(grader, catalogue, normalization):
    steps = []
    submission = parse("normalization.py", normalization.solution().encode())
    grader.grade("normalization", submission, lambda *step: steps.append(step))
    names = [e.name for e in normalization.exercises]
    assert steps == [(name, at, len(names)) for at, name in enumerate(names)]


def test_another_courses_secret_draws_other_hidden_cases_in_the_same_sandbox(grader, normalization):
    source = normalization.solution(normalization.exercises[0].misconceptions[0])
    bug = parse("normalization.py", source.encode())
    own = grader.grade("normalization", bug)
    other = grader.drawing_from(b"the secret of another course").grade("normalization", bug)
    again = grader.grade("normalization", bug)

    def evidence(report, *, public):
        return [
            case["evidence"]
            for check in report["exercises"][0]["checks"]
            for case in check["cases"]
            if case["public"] is public and not case["passed"]
        ]

    assert evidence(own, public=True) == evidence(other, public=True)
    assert evidence(own, public=False) != evidence(other, public=False)
    assert evidence(own, public=False) == evidence(again, public=False)


def test_checking_says_what_the_self_check_does_and_knows_nothing_hidden(grader, normalization):
    bugs = [misconception(normalization, n) for n in ("eps-outside-root", "mean-path-dropped")]
    source = normalization.solution(bugs[0]).replace(bugs[1].old, bugs[1].new)
    functions = {}
    exec(source, functions)
    items = items_of(public_data(normalization))
    wanted = {
        (item.exercise, item.row): problem(item, functions)
        for item in items
        if "your own forward" not in item.check
    }
    tells = source.replace("def batch_norm(", "def batch_norm(*a, **k):\n"
                           "    print(a[0].sum())\n    return _batch_norm(*a, **k)\n\n"
                           "def _batch_norm(")  # fmt: skip
    submission = parse("normalization.py", tells.encode())
    found = grader.check("normalization", submission)
    said = {
        (one["name"], check["name"]): check["message"]
        for one in found["exercises"]
        for check in one["checks"]
    }
    assert {place: said.get(place) for place, message in wanted.items() if message} == {
        place: message for place, message in wanted.items() if message
    }
    assert set(wanted) <= set(said)
    assert found["unseen"] == "Grading uses the same checks with more cases, which stay hidden."
    printed = exercise(found)["output"]
    assert printed
    # Another course's hidden cases are others: of what depends on them nothing would be the same.
    assert grader.drawing_from(b"another course's").check("normalization", submission) == found
    report = grader.grade("normalization", submission)
    texts = exercise(report)["outputs"]
    public = {text["text"] for text in texts if text["public"]}  # some is asked again in others
    hidden = [text for text in texts if not text["public"] and text["text"] not in public]
    assert hidden
    assert not any(text["text"] in printed for text in hidden)
