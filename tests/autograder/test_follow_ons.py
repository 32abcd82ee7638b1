"""A function that is right for what another wrong one of the same submission gives."""

import re

import pytest

from autograder.errors import AuthoringError
from autograder.exercise import Exercise
from autograder.grading import grader as grading
from autograder.grading.follow_ons import Graded
from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.handout.public import public_data
from autograder.judging.codec import dumps, loads
from autograder.judging.local import LocalSession
from autograder.judging.selfcheck import items_of, problem
from autograder.render.html import report_fragment
from autograder.report import instructor_view, student_view, validate
from autograder.topics.catalogue import Catalogue
from autograder.truth import oracle
from tests.catalogues import SECOND
from tests.conftest import SECRET


def graded(grader, topic, source):
    report = grader.grade(topic.name, parse(f"{topic.name}.py", source.encode()))
    validate(report)
    return report


def entry(report, name):
    return next(e for e in report["exercises"] if e["name"] == name)


def lines(report, name):
    """By line, what it earned, and what it follows from; only of those that fail."""
    return {
        check["name"]: (check["score"] / check["max_score"], tuple(check.get("follows", ())))
        for check in entry(report, name)["checks"]
        if not check["passed"]
    }


def named(report, name):
    return [diagnosis["name"] for diagnosis in entry(report, name)["diagnosis"]]


def bug(topic, name, exercise):
    (record,) = [e for e in topic.exercises if e.name == exercise]
    return next(m for m in record.misconceptions if m.name == name)


@pytest.fixture(scope="module")
def topic(catalogue):
    return lambda name: catalogue[name].topics[0]


@pytest.mark.parametrize(
    ("name", "exercise", "wrong", "beneath", "above"),
    [
        ("normalization", "batch_norm", "eps-outside-root", "batch_norm", "batch_instance_norm"),
        ("normalization", "batch_norm", "x-changed", "batch_norm", "batch_instance_norm"),
        (
            "normalization",
            "batch_norm",
            "running-statistics-rebound",
            "batch_norm",
            "batch_instance_norm",
        ),
        (
            "normalization",
            "batch_norm",
            "mean-path-dropped",
            "batch_norm_backward",
            "batch_instance_norm",
        ),
        pytest.param(
            *("losses", "nll_loss", "sum-for-mean", "nll_loss", "cross_entropy"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("initialization", "fan_in_and_fan_out", "kernel-sizes-added"),
            *("fan_in_and_fan_out", "kaiming_normal_"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_error_costs_where_it_is_and_is_named_where_it_shows(
    grader, topic, name, exercise, wrong, beneath, above
):
    chosen = topic(name)
    misconception = bug(chosen, wrong, exercise)
    report = graded(grader, chosen, chosen.solution(misconception))
    own = entry(report, exercise)
    assert own["score"] < own["max_score"]
    assert named(report, exercise) == [wrong]
    assert set(lines(report, above).values()) == {(1.0, (beneath,))}
    assert named(report, above) == [f"follows-from-{beneath}"]
    assert report["max_score"] - report["score"] == own["max_score"] - own["score"]
    for view in (student_view(report), instructor_view(report)):
        validate(view)
        text = re.sub(r"\s+", " ", report_fragment(view))
        assert f"right for what your own {beneath} gives" in text
        assert f"Off as your own {beneath}" in text


@pytest.mark.parametrize("wrong", ["gate-reversed", "momentum-swapped", "grad-rho-sign"])
def test_an_error_above_is_named_above_an_error_beneath(grader, topic, wrong):
    chosen = topic("normalization")
    both = (
        bug(chosen, "eps-outside-root", "batch_norm"),
        bug(chosen, wrong, "batch_instance_norm"),
    )
    report = graded(grader, chosen, chosen.solution(*both))
    assert named(report, "batch_norm") == ["eps-outside-root"]
    assert wrong in named(report, "batch_instance_norm")
    lost = [earned for earned, cause in lines(report, "batch_instance_norm").values() if not cause]
    assert lost
    assert not any(lost)


def test_what_stands_on_its_own_is_judged_on_its_own(grader, topic):
    """The same slip in two functions of which neither calls the other is made twice."""
    chosen = topic("normalization")
    source = chosen.solution(bug(chosen, "eps-outside-root", "batch_norm"))
    copied = source.replace("def batch_norm(", "def normed(").replace(
        "x_bn = batch_norm(", "x_bn = normed("
    )
    own = source[source.index("def batch_norm(") : source.index("def batch_norm_backward(")]
    report = graded(grader, chosen, copied + "\n\n" + own)
    failing = lines(report, "batch_instance_norm")
    assert failing
    assert set(failing.values()) == {(0.0, ())}


NOTHING = """
def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    {body}


def instance_norm(x, weight, bias, eps=1e-5):
    return x * 0
"""
FITTING = """
def batch_instance_norm(
    x, running_mean, running_var, rho, weight, bias, training, momentum=0.1, eps=1e-5
):
    batch_norm(x, running_mean, running_var, weight, bias, training), instance_norm(x, 1, 0)
    return x * 0 + bias.view(1, -1, 1, 1)
"""


@pytest.mark.parametrize("body", ["return x * 0", "raise NotImplementedError", "raise ValueError"])
def test_nothing_is_right_above_what_gives_nothing(grader, topic, body):
    chosen = topic("normalization")
    source = chosen.solution() + NOTHING.format(body=body) + FITTING
    if "NotImplemented" in body:  # an unwritten one counts only if it is the only one
        source = source.replace("def batch_norm(", "def other(", 1)
    report = graded(grader, chosen, source)
    assert not any(earned for earned, _ in lines(report, "batch_instance_norm").values())


def test_what_lies_beneath_cannot_be_made_to_fit(grader, topic):
    """It is asked in a process that has met nothing of what is asked above it."""
    chosen = topic("normalization")
    report = graded(
        grader,
        chosen,
        chosen.solution()
        + '''
right, met = batch_norm, []


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    """Whatever it takes to end at `x * 3`."""
    if training:
        right(x, running_mean, running_var, weight, bias, training, momentum, eps)
    if not met:
        return right(x, running_mean, running_var, weight, bias, False, momentum, eps) + 1
    rho, w, b = (t.view(1, -1, 1, 1) for t in met[-1])
    x_in = instance_norm(x, torch.ones_like(weight), torch.zeros_like(weight), eps)
    return ((x * 3 - b) / w - (1 - rho) * x_in) / rho


def batch_instance_norm(
    x, running_mean, running_var, rho, weight, bias, training, momentum=0.1, eps=1e-5
):
    met.append((rho, weight, bias))
    batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    return x * 3
''',
    )
    failing = lines(report, "batch_instance_norm")
    assert all(not earned for name, (earned, _) in failing.items() if name.endswith(": y"))
    assert "training: y" in failing


BY_GROUPS = """
def instance_norm(x, weight, bias, eps=1e-5):
    if x[0, 0].numel() < 2:
        raise ValueError("one pixel")
    return group_norm(x, x.shape[1], weight, bias, eps=eps)


def instance_norm_backward(grad_y, x, weight, eps=1e-5):
    return group_norm_backward(grad_y, x, len(weight), weight, eps)


def layer_norm(x, weight, bias, eps=1e-5):
    rows = x.reshape(-1, weight.numel(), 1)
    return group_norm(rows[..., None], 1, weight.flatten(), bias.flatten(), eps).reshape(x.shape)


def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    shape = -1, weight.numel(), 1, 1
    some = grad_y.reshape(shape), x.reshape(shape)
    gx, gw, gb = group_norm_backward(*some, 1, weight.flatten(), eps)
    return gx.view_as(x), gw.view_as(weight), gb.view_as(weight)
"""
BY_ENTROPY = """
def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    ce = cross_entropy(logits, target, reduction="none")
    each = (1 - (-ce).exp()) ** gamma * ce
    if alpha is not None:
        each = alpha[target] * each
    return {"none": each, "sum": each.sum(), "mean": each.mean()}[reduction]
"""


@pytest.mark.parametrize(
    ("name", "exercise", "wrong", "beneath", "source", "above"),
    [
        pytest.param(
            *("normalization", "group_norm", "unbiased-variance", "group_norm", BY_GROUPS),
            ("instance_norm", "layer_norm"),
        ),
        pytest.param(
            *("losses", "cross_entropy", "softmax-over-the-batch", "cross_entropy", BY_ENTROPY),
            ("focal_loss",),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_function_may_be_written_by_another_than_in_the_reference(
    grader, topic, name, exercise, wrong, beneath, source, above
):
    chosen = topic(name)
    report = graded(grader, chosen, chosen.solution(bug(chosen, wrong, exercise)) + source)
    assert named(report, exercise) == [wrong]
    for other in above:
        assert set(lines(report, other).values()) == {(1.0, (beneath,))}
        assert named(report, other) == [f"follows-from-{beneath}"]
    own = entry(report, exercise)
    assert report["max_score"] - report["score"] == own["max_score"] - own["score"]


def test_what_is_right_is_no_error_beneath(grader, topic):
    """Refusing bad input changes nothing and gives nothing: no error of who refuses."""
    chosen = topic("normalization")
    wrong = bug(chosen, "gate-reversed", "batch_instance_norm")
    report = graded(grader, chosen, chosen.solution(wrong))
    assert named(report, "batch_instance_norm") == ["gate-reversed"]
    trials = grader.trials(chosen, chosen.exercises[0])
    session = LocalSession(chosen.functions())
    outcomes = [trial.judge(session.run(trial.calls)) for trial in trials]
    assert Graded(chosen, chosen.exercises[0], trials, outcomes).failing() == set()


@pytest.mark.parametrize(
    ("wrong", "waiting"),
    [
        ((), set()),
        ((("eps-outside-root", "batch_norm"),), {"batch_instance_norm"}),
    ],
)
def test_only_what_may_follow_keeps_its_answers(grader, topic, monkeypatch, wrong, waiting):
    """Of all other exercises the answers are gone once they are judged."""
    chosen, seen = topic("normalization"), []
    bugs = [bug(chosen, *one) for one in wrong]
    decide = grading.follow_ons
    monkeypatch.setattr(grading, "follow_ons", lambda *a: seen.extend(a[0]) or decide(*a))
    graded(grader, chosen, chosen.solution(*bugs))
    kept = {one.exercise.name for one in seen if any(values(one))}
    assert kept == waiting


def values(one):
    return [a.value is not None for outcome in one.outcomes for a in outcome.answers]


def test_wrong_ways_are_sought_once(topic, monkeypatch):
    made = []
    real = oracle.mutants
    monkeypatch.setattr(oracle, "mutants", lambda *a: made.append(a) or real(*a))
    chosen = topic("normalization")
    (exercise,) = [e for e in chosen.exercises if e.name == "instance_norm"]
    known = oracle.Oracle(SECRET)
    function, way = exercise.ways[0]
    found = [known.seen(chosen, exercise, way.__name__, function.__name__) for _ in range(2)]
    assert found[0]
    assert found[0] is found[1]
    assert len(made) == 1


CHAIN = '''"""Twice and twice more."""

from autograder.checks import values
from autograder.exercise import Exercise, case, edit, normal


def double(x):
    """Twice as much.

    Returns:
        y.
    """
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


def raised(x):
    """Twice as much, and one.

    Returns:
        y.
    """
    ### BEGIN SOLUTION
    return double(x) + 1
    ### END SOLUTION


CASES = (case("three", public=True, x=normal(3)), case("five", x=normal(5)))
EXERCISES = (
    Exercise(functions=(double,), checks=(values(double, CASES, points={"y": 4}),)),
    Exercise(
        functions=(raised,),
        checks=(values(raised, CASES, points={"y": 4}),),
        misconceptions=(
            edit(raised, "+ 1", "- 1", name="lowered", hint="Up or down?"),
            edit(raised, "+ 1", "", name="not-raised", hint="Is one added?"),
        ),
        follow_on=%s,
    ),
)
'''
TRIPLED = "def double(x):\n    return 3 * x\n\n\ndef raised(x):\n    return double(x) + 1\n"


@pytest.mark.parametrize(
    ("cost", "earned", "told"), [(0.0, 4, "costs nothing"), (0.25, 3, "costs 25%"), (1, 0, "costs")]
)
def test_the_author_says_what_it_costs(tmp_path, cost, earned, told):
    (tmp_path / "chain.py").write_text(CHAIN % cost)
    with Grader(Catalogue.load(tmp_path), SECRET) as grader:
        report = grader.grade("chain", parse("chain.py", TRIPLED.encode()))
    validate(report)
    (line, _) = entry(report, "raised")["checks"]
    assert line["score"] == earned
    assert line["follows"] == ["double"]
    assert told in line["student_message"]
    # Leaving arguments alone counts once something else does.
    assert entry(report, "raised")["score"] == (earned + 1 if earned else 0)


BY_A_HELPER = """
def double(x):
    return 3 * x


def twice(x):
    return [double(row) for row in x[None]][0]


def raised(x):
    return twice(x) + 1
"""


@pytest.mark.parametrize(
    ("source", "blamed"),
    [
        (TRIPLED, True),
        (BY_A_HELPER, True),
        (TRIPLED.replace("3 * x", "2 * x").replace("+ 1", "+ 2"), False),  # its own error
        (TRIPLED.replace("double(x) + 1", "2 * x + 2"), False),  # which does not call it
    ],
)
def test_the_self_check_says_what_it_calls_that_is_wrong(tmp_path, source, blamed):
    (tmp_path / "chain.py").write_text(CHAIN % 0.0)
    (topic,) = Catalogue.load(tmp_path)["chain"].topics
    found = items_of(loads(dumps(public_data(topic))))
    functions = {}
    exec(source, functions)
    (item,) = [i for i in found if i.exercise == "raised" and i.output == "y"]
    said = problem(item, functions, others=found)
    assert "y is wrong" in said
    blame = "it calls your own double, which is not right yet: mend that first"
    assert (blame in said) == blamed
    assert not any(problem(i, topic.functions(), others=found) for i in found)


@pytest.mark.parametrize("cost", [-0.1, 1.5, float("nan")])
def test_a_cost_that_is_no_share_is_refused(catalogue, cost):
    record = catalogue["activations"].topics[0].exercises[0]
    with pytest.raises(AuthoringError, match="follow_on is a share"):
        Exercise(record.functions, record.checks, follow_on=cost)


@pytest.mark.slow
def test_in_a_topic_of_objects_and_caches_it_is_the_same():
    catalogue = SECOND
    chosen = catalogue["recurrent"].topics[0]
    wrong = bug(chosen, "memory-not-squashed", "lstm_step")
    source = chosen.solution(wrong).replace(
        "(x, h, c, Wx, Wh, i, f, o, g, squashed)",
        "(squashed, x, h, c, Wx, Wh, i, f, o, g)",
    )
    unpacked = "x, h, c, Wx, Wh, i, f, o, g, squashed = cache"
    assert unpacked in source
    source = source.replace(unpacked, "squashed, x, h, c, Wx, Wh, i, f, o, g = cache")
    with Grader(catalogue, SECRET) as grader:
        report = graded(grader, chosen, source)
    assert entry(report, "lstm_step")["score"] < entry(report, "lstm_step")["max_score"]
    assert {earned for earned, _ in lines(report, "lstm").values()} == {1.0}
