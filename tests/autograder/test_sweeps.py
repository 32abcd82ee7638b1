"""Cases that no author wrote: sizes of one, strided targets, zeros, and asking again."""

from functools import cache

import pytest

from autograder.judging.local import LocalSession
from autograder.truth.matching import wrong
from autograder.truth.oracle import Oracle
from tests.catalogues import FIRST, SECOND


@cache
def trials_of(name):
    ((topic, exercise),) = [
        (topic, exercise)
        for course in (FIRST, SECOND)
        for topic, exercise in course["all"].exercises
        if exercise.name == name
    ]
    return topic, Oracle(b"the sweeps' own secret").trials(topic, exercise)


def failing(name, source):
    """The cases that some output fails in, when `source` stands below the solution."""
    topic, trials = trials_of(name)
    namespace = {"__name__": topic.name}
    exec(topic.solution() + source, namespace)
    session = LocalSession(namespace)
    outcomes = [trial.judge(session.run(trial.calls)) for trial in trials]
    return [
        trial.case.name
        for trial, outcome in zip(trials, outcomes, strict=True)
        if wrong([trial], [outcome])
    ]


@pytest.mark.parametrize("name", ["conv2d", "batch_norm", "cross_entropy", "attention_dropout"])
def test_the_solution_is_right_in_every_swept_case(name):
    assert failing(name, "") == []
    _, trials = trials_of(name)
    assert any("one for" in trial.case.name for trial in trials)
    assert any("asked again" in trial.case.name for trial in trials)


SQUEEZED = {
    "conv2d": "conv = conv2d\ndef conv2d(*args, **named): return conv(*args, **named).squeeze(0)\n",
    "cross_entropy": "back = cross_entropy_backward\n"
    "def cross_entropy_backward(*args, **named): return back(*args, **named).squeeze()\n",
}


@pytest.mark.parametrize("name", SQUEEZED)
def test_what_is_squeezed_fails_where_a_size_is_one(name):
    assert any("one for" in case for case in failing(name, SQUEEZED[name]))


REMEMBERS = {
    "a result by its shape": """
kept = {}
relu_once = relu
def relu(x):
    if x.shape not in kept:
        kept[x.shape] = relu_once(x)
    return kept[x.shape].clone()
""",
    "gradients of earlier calls": """
gathered = {}
back = relu_backward
def relu_backward(grad_y, x):
    gathered[x.shape, x.dtype] = gathered.get((x.shape, x.dtype), 0) + back(grad_y, x)
    return gathered[x.shape, x.dtype].clone()
""",
}


@pytest.mark.parametrize("what", REMEMBERS)
def test_what_is_remembered_from_call_to_call_fails_when_it_is_asked_again(what):
    assert any("asked again" in case for case in failing("relu", "\n\n" + REMEMBERS[what]))


NARROW = {
    "conv2d": """
conv = conv2d
def conv2d(x, weight, *args, **named):
    if weight.shape[2] > x.shape[2] or weight.shape[3] > x.shape[3]:
        raise ValueError("the kernel is larger than the image")
    return conv(x, weight, *args, **named)
""",
    "batch_norm": """
norm = batch_norm
def batch_norm(x, *args, **named):
    if x.shape[0] == 1:
        raise ValueError("one image")
    return norm(x, *args, **named)
""",
}


@pytest.mark.parametrize("name", NARROW)
def test_who_refuses_what_is_allowed_fails_where_a_size_is_one(name):
    failed = failing(name, NARROW[name])
    assert len([case for case in failed if "one for" in case]) >= 2


COPIES = {
    "batch_norm": ("running_mean", "running_var"),
    "kaiming_normal_": ("tensor",),
}


@pytest.mark.parametrize("name", COPIES)
def test_who_changes_a_copy_of_a_strided_target_fails(name):
    source = f"""
import inspect
plain = {name}
def {name}(*args, **named):
    given = inspect.signature(plain).bind(*args, **named).arguments
    changed = {{n: v.contiguous() if n in {COPIES[name]} else v for n, v in given.items()}}
    return plain(**changed)
"""
    failed = failing(name, source)
    assert any("strided" in case for case in failed)
    assert all("strides" in case or "strided" in case for case in failed)


OFF = {
    "a mask read off the result": ("dropout", "y, mask = drop(*args, **named); return y, y != 0"),
    "a rounded probability": (
        "dropout",
        "return drop(args[0], round(named.pop('p', 0.5), 2), **named)",
    ),
    "a standardised sample": (
        "kaiming_normal_",
        "t = drop(*args, **named); s = t.std(); return t.sub_(t.mean()).mul_(s / t.std())",
    ),
}


@pytest.mark.parametrize("what", OFF)
def test_what_no_moment_of_an_ordinary_sample_shows_is_seen(what):
    name, body = OFF[what]
    assert failing(name, f"\ndrop = {name}\ndef {name}(*args, **named): {body}\n")


@pytest.mark.parametrize("most", [6.0, 20.0])
def test_what_is_clipped_loses_the_values(most):
    for name in ("relu", "leaky_relu"):
        topic, trials = trials_of(name)
        namespace = {"__name__": topic.name}
        clipped = (
            f"\nplain = {name}\ndef {name}(x, *a, **n): return plain(x, *a, **n).clamp(max={most})"
        )
        exec(topic.solution() + clipped, namespace)
        session = LocalSession(namespace)
        wrong_checks = {t.check.name for t in trials if wrong([t], [t.judge(session.run(t.calls))])}
        assert "values" in wrong_checks


WRAPPED = "plain = {name}\ndef {name}(*args, **named):\n    {body}\n"
KINDS = {
    "another type of gradients": (
        "conv2d_backward",
        "return tuple(g if g is None else g.double() for g in plain(*args, **named))",
        "images",
    ),
    "memory that is handed out again": (
        "relu",
        "return kept.setdefault(args[0].shape, args[0].clone()).copy_(plain(*args, **named))",
        "looked at again",
    ),
    "a mask that zeros fall out of": (
        "sigmoid",
        "return plain(*args, **named) * args[0].abs() / args[0].abs()",
        "whole numbers",
    ),
    "a slope where there is none": (
        "calculate_gain",
        "return plain(*args, **named) * (1 + (0 if len(args) < 2 else args[1] or 0)) "
        "if args[0] == 'relu' else plain(*args, **named)",
        "without consequence",
    ),
    "a momentum in evaluation": (
        "batch_norm",
        "y = plain(*args, **named)\n"
        "    return y if named.get('training', args[5]) else y + args[6] - 0.1 if len(args) > 6 "
        "else y",
        "without consequence",
    ),
    "a default that is another one when it is given": (
        "conv2d",
        "return plain(*args, **named) + (0.0 if len(args) < 7 or args[6] != 1 else 1.0)",
        "defaults given",
    ),
    "what is kept in float32 on the way": (
        "conv2d",
        "return plain(args[0].float().to(args[0].dtype), *args[1:], **named)",
        "finer than float32",
    ),
    "images only": (
        "l1_loss",
        "assert args[0].dim() < 5; return plain(*args, **named)",
        "of five dimensions",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_case_of_its_own(kind):
    function, body, told = KINDS[kind]
    source = "\n\nkept = {}\n" + WRAPPED.format(name=function, body=body)
    failed = failing(function.removesuffix("_backward"), source)
    assert any(told in case for case in failed), failed


GATHERING = """

class Dense(Dense):
    def backward(self, grad_y):
        grad_x = super().backward(grad_y)
        self.gathered = getattr(self, "gathered", 0) + self.dLdW
        self.dLdW = self.gathered
        return grad_x
"""


def test_gradients_that_gather_in_one_object_are_seen_when_it_is_asked_again():
    failed = failing("Sequential", GATHERING)
    assert any("the same objects again" in case for case in failed), failed


@pytest.mark.parametrize("name", ["conv2d", "Sequential"])  # with a check of it, and without one
def test_every_gradient_is_judged_in_float32(name):
    _, trials = trials_of(name)
    places = {
        kind: {(t.check.subject, o) for t in trials if t.check.kind == kind for o in t.check.points}
        for kind in ("gradients", "precision")
    }
    assert places["gradients"] <= places["precision"]
