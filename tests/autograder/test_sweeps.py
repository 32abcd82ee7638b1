"""Cases that no author wrote: sizes of one, and the same shapes again with other numbers."""

from functools import cache

import pytest

from autograder.judging.local import LocalSession
from autograder.topics.catalogue import Catalogue
from autograder.truth.matching import wrong
from autograder.truth.oracle import Oracle

CATALOGUE = Catalogue.load()


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
