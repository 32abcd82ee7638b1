"""Cases that no author wrote: sizes of one, strided targets, zeros, and asking again."""

from functools import cache

import pytest

from autograder.judging.local import LocalSession
from autograder.truth.matching import wrong
from autograder.truth.oracle import Oracle
from tests.catalogues import FIRST as CATALOGUE


@cache
def trials_of(name):
    ((topic, exercise),) = [
        (topic, exercise) for topic, exercise in CATALOGUE["all"].exercises if exercise.name == name
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
