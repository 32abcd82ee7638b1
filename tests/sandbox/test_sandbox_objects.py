"""Objects stay in the worker: they are used there, and only plain values come back."""

import pytest
import torch

from autograder.handin.submission import Source
from autograder.judging.call import Call, Foreign, Held
from autograder.judging.local import LocalSession

COUNTER = """
import os
class Counter:
    def __init__(self, start=0):
        self.count = start
    def step(self, by):
        self.count = self.count + by
        return self
    def __add__(self, other):
        return self.count + other
    def fall(self):
        os._exit(3)
    @staticmethod
    def twice(x):
        return 2 * x, [x]
def pair(counter):
    return counter, counter.count
"""


def calls_of(*steps):
    """Each step: (function, arguments); everything is held for as long as the run lasts."""
    return [
        Call(function, dict(enumerate_names(arguments)), len(arguments), held=100)
        for function, arguments in steps
    ]


def enumerate_names(arguments):
    return [(f"argument {at}", value) for at, value in enumerate(arguments)]


PROGRAM = calls_of(
    ("Counter", ()),
    (".step", (Held(1), torch.ones(2))),
    ("@getattr", (Held(2), "count")),
    ("@setattr", (Held(3), "count", torch.full((2,), 5.0))),
    ("@add", (Held(4), 1.0)),
    ("Counter.twice", (3,)),
    ("@unpack", (Held(1), 2, 1)),
    ("@getitem", (Held(1), 0)),
    ("pair", (Held(8),)),
    ("@keep", ([Held(9), {"n": 1}],)),
)


@pytest.fixture
def session(sandbox):
    with sandbox.session([Source("submission", (COUNTER,))]) as session:
        yield session


def local():
    namespace = {}
    exec(COUNTER, namespace)
    return LocalSession(namespace)


def test_the_sandbox_and_the_self_check_do_the_same_with_objects(session):
    for runner in (session, local()):
        values = [answer.value for answer in runner.run(PROGRAM)]
        assert isinstance(values[0], Foreign)
        assert torch.equal(values[2], torch.ones(2))
        assert torch.equal(values[4], torch.full((2,), 6.0))
        assert values[5:8] == [(6, (3,)), (3,), 3]
        assert isinstance(values[8][0], Foreign)
        assert isinstance(values[9][0], Foreign)
        assert values[9][1] == {"n": 1}


def test_an_object_is_let_go_when_nothing_may_ask_for_it_and_when_the_run_ends(session):
    once = [Call("Counter", {}, 0, held=1), Call("pair", {"c": Held(1)}, 1)]
    late = [*once, Call("pair", {"c": Held(2)}, 1)]
    for runner in (session, local()):
        kinds = [a.failure and a.failure.kind for a in runner.run(late)]
        assert kinds == [None, None, "input"]
        assert runner.call(Call("pair", {"c": Held(1)}, 1)).failure.kind == "input"


def test_silent_calls_give_nothing_but_failures(session):
    silent = [
        Call("Counter", {"start": torch.ones(3)}, 0, held=2, silent=True),
        Call(".step", {"self": Held(1), "by": "x"}, 2, silent=True),
    ]
    for runner in (session, local()):
        first, second = runner.run(silent)
        assert first.value is None
        assert first.failure is None
        assert second.failure.exception == "TypeError"


def test_what_a_dead_worker_held_is_gone_and_the_next_run_begins_anew(session):
    dying = calls_of(("Counter", ()), (".fall", (Held(1),)), ("pair", (Held(2),)))
    kinds = [a.failure and a.failure.kind for a in session.run(dying)]
    assert kinds == [None, "crash", "input"]
    assert torch.equal(list(session.run(PROGRAM))[2].value, torch.ones(2))


LIARS = {
    "__getattr__": "def __getattr__(self, name): return self",
    "__class__": "@property\n    def __class__(self): return __import__('torch').Tensor",
    "a property": "@property\n    def count(self): raise SystemExit(0)",
    "__del__": "def __del__(self): raise SystemExit(0)",
    "__eq__": "def __eq__(self, other): return True\n    __hash__ = None",
    "a descriptor": "count = type('D', (), {'__get__': lambda *a: 1 / 0})()",
    "__getattribute__": "def __getattribute__(self, name): raise KeyboardInterrupt",
    "growing": "def __getattr__(self, name): self.__dict__[name] = [0] * 10**6; return 1",
    "__iter__": "def __iter__(self): return iter(range(10**9))",
}


@pytest.mark.parametrize("how", LIARS)
def test_an_object_that_lies_gains_nothing_and_harms_nobody(sandbox, how):
    code = f"class Liar:\n    {LIARS[how]}\ndef same(x): return x"
    program = calls_of(
        ("Liar", ()),
        ("@getattr", (Held(1), "count")),
        ("@keep", ([Held(2)],)),
        ("@add", (Held(3), 1)),
        ("@unpack", (Held(4), 2, 0)),
        ("same", (torch.arange(3),)),
    )
    with sandbox.session([Source("submission", (code,))]) as session:
        answers = list(session.run(program))
        for answer in answers[1:5]:
            assert answer.failure is not None or not isinstance(answer.value, torch.Tensor)
        assert torch.equal(session.call(Call("same", {"x": torch.ones(2)}, 1)).value, torch.ones(2))
